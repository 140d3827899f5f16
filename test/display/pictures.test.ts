import { beforeEach, describe, expect, test } from 'vitest';
import { show } from '../../display/index.ts';
import { pca, tsne } from '../../display/pictures/projections.ts';
import { mimeBundle } from '../../display/registry.ts';
import { type F, nn, randn, tensor, zeros } from '../../src/index.ts';
import { record } from './recorder.ts';

beforeEach(() => void record());

describe('images', () => {
  test('a picture for each image, with its title escaped', () => {
    const { html } = show.images(zeros([3, 3, 8, 8]), { titles: ['a', '<b>', 'c'] });
    expect(html.match(/<img /g)).toHaveLength(3);
    expect(html).toContain('&lt;b&gt;');
  });

  test('the first are shown, the rest is counted', () => {
    expect(show.images(zeros([100, 1, 8, 8]), { limit: 10 }).html).toContain('and 90 more');
  });

  test('channels that make no image are an error', () => {
    expect(() => show.images(zeros([2, 5, 8, 8]))).toThrow('5 channels');
  });

  test('boxes are drawn where they are, those below the threshold are not', () => {
    const picture = show.boxes(
      zeros([3, 10, 20]),
      tensor([
        [1, 2, 5, 8],
        [0, 0, 1, 1],
      ]),
      { scores: [0.9, 0.1], labels: ['cat', 'dog'], threshold: 0.5 },
    );
    const svg = Buffer.from(/base64,([^"]+)/.exec(picture.html)![1], 'base64').toString();
    expect(svg).toContain('<rect x="1" y="2" width="4" height="6" fill="none"');
    expect(svg).toContain('cat 0.90');
    expect(String(picture)).toBe('image (3, 10, 20) with 1 boxes');
  });
});

describe('networks', () => {
  test('the receptive field is that of the arithmetic of convolutions', () => {
    // Two 3x3 convolutions see 5x5; a stride of 2 before the second makes it 7x7.
    const stack = (stride: number) => {
      const first = new nn.Conv2d(1, 2, 3, { padding: 1, stride });
      const second = new nn.Conv2d(2, 2, 3, { padding: 1 });
      return (x: Parameters<typeof F.relu>[0]) => second(first(x));
    };
    expect(String(show.receptiveField(randn([1, 20, 20]), stack(1), { at: [10, 10] }))).toContain(
      'sees 5 × 5 pixels from (8, 8)',
    );
    expect(String(show.receptiveField(randn([1, 20, 20]), stack(2), { at: [5, 5] }))).toContain(
      'sees 7 × 7 pixels from (7, 7)',
    );
  });

  test('the receptive field leaves the gradients of the parameters alone', () => {
    const layer = new nn.Conv2d(1, 1, 3);
    show.receptiveField(randn([1, 9, 9]), (x) => layer(x));
    expect(layer.weight.grad).toBeNull();
  });

  test('the model graph has the layers in order, with the shapes between them', async () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(4, 2));
    const picture = show.model(model, zeros([5, 3]));
    expect(picture.dot).toContain('0: Linear\\n16 parameters');
    expect(picture.dot).toContain('"in0" -> "m1"');
    expect(picture.dot).toContain('"m1" -> "m2" [label="  (5, 4)"]');
    const bundle = (await mimeBundle(picture)) as Record<string, string>;
    expect(await picture.toSvg()).toMatch(/^<svg /);
    expect(bundle['text/html']).toContain('<img src="data:image/svg+xml;base64,');
  });

  test('branches between layers are followed', () => {
    class Residual extends nn.Module {
      readonly inner = new nn.Linear(3, 3);
      readonly last = new nn.Linear(3, 1);
      override forward(x: ReturnType<typeof zeros>) {
        return this.last(x.add(this.inner(x)));
      }
    }
    const { dot } = show.model(new Residual(), zeros([1, 3]));
    expect(dot).toContain('"in0" -> "m2"');
    expect(dot).toContain('"m1" -> "m2"');
  });

  test('the autograd graph has its leaves by name', () => {
    const weight = tensor([1, 2], { requiresGrad: true });
    const picture = show.graph(weight.mul(2).sum(), { names: { weight } });
    expect(picture.dot).toContain('weight\\n(2)');
    expect(String(picture)).toMatch(/and 1 leaves$/);
    expect(() => show.graph(tensor([1]))).toThrow('no history');
  });

  test('gradients by layer need a backward', () => {
    const model = new nn.Linear(2, 2);
    expect(() => show.gradients(model)).toThrow('call backward() first');
    model(zeros([1, 2]))
      .sum()
      .backward();
    expect(String(show.gradientFlow(model))).toContain("bar 'mean |gradient|'");
    expect(show.gradients(model).data).toHaveLength(4);
  });

  test('activations run the model with hooks and take them away', () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 1));
    expect(show.activations(model, randn([4, 2])).data).toHaveLength(4);
    expect(show.activations(model, randn([4, 2])).data).toHaveLength(4);
  });

  test('the loss surface puts the parameters back exactly', () => {
    const model = new nn.Linear(3, 2);
    const x = randn([4, 3]);
    const before = model.weight.detach().clone().toArray();
    const figure = show.lossSurface(() => model(x).pow(2).mean(), model.parameters(), { steps: 5 });
    expect(model.weight.detach().toArray()).toEqual(before);
    expect((figure.data[0] as { type: string }).type).toBe('surface');
  });

  test('the learning-rate finder stops where the loss explodes', () => {
    const rates: number[] = [];
    const figure = show.learningRate(
      (rate) => {
        rates.push(rate);
        return rate < 0.1 ? 1 - rate : 1000 * rate;
      },
      { from: 1e-4, to: 100, steps: 60 },
    );
    expect(rates.length).toBeLessThan(60);
    expect(figure.suggestion).toBeLessThan(0.1);
  });
});

describe('projections', () => {
  test('principal components of an ellipse are its axes', () => {
    const count = 400;
    const values = new Float64Array(count * 2);
    // x = 3 cos, y = sin, turned by 30 degrees: variances 9/2 and 1/2.
    for (let i = 0; i < count; i++) {
      const [a, b] = [3 * Math.cos((2 * Math.PI * i) / count), Math.sin((2 * Math.PI * i) / count)];
      values[i * 2] = a * Math.cos(Math.PI / 6) - b * Math.sin(Math.PI / 6);
      values[i * 2 + 1] = a * Math.sin(Math.PI / 6) + b * Math.cos(Math.PI / 6);
    }
    const { explained, coordinates } = pca({ values, count, width: 2 }, 2);
    expect(explained[0]).toBeCloseTo(0.9, 6);
    expect(explained[1]).toBeCloseTo(0.1, 6);
    expect(Math.max(...coordinates[0])).toBeCloseTo(3, 3);
  });

  test('t-SNE keeps clusters apart', () => {
    const count = 60;
    const values = new Float64Array(count * 3);
    for (let i = 0; i < count; i++)
      for (let k = 0; k < 3; k++) values[i * 3 + k] = (i % 2) * 10 + Math.sin(i * 7 + k);
    const [x, y] = tsne({ values, count, width: 3 }, 2, 10, 300);
    const center = (parity: number): [number, number] => {
      const mine = Array.from({ length: count }, (_, i) => i).filter((i) => i % 2 === parity);
      return [
        mine.reduce((s, i) => s + x[i], 0) / mine.length,
        mine.reduce((s, i) => s + y[i], 0) / mine.length,
      ];
    };
    const [a, b] = [center(0), center(1)];
    const apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
    const radius = Math.max(
      ...Array.from({ length: count }, (_, i) =>
        Math.hypot(x[i] - (i % 2 ? b : a)[0], y[i] - (i % 2 ? b : a)[1]),
      ),
    );
    expect(apart).toBeGreaterThan(radius);
  });
});
