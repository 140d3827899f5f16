import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import type { MimeBundle } from '../../display/host.ts';
import {
  display,
  Figure,
  interact,
  live,
  plot,
  show,
  subplots,
  table,
  widgets,
} from '../../display/index.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import { mimeBundle } from '../../display/registry.ts';
import { F, nn, randn, summary, tensor, zeros } from '../../src/index.ts';
import { type Recorder, record } from './recorder.ts';

let host: Recorder;
beforeEach(() => {
  host = record();
});

const model = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Flatten(), new nn.Linear(72, 2));
const batch = randn([4, 1, 8, 8]);
const points = randn([20, 3]);
const classes = Array.from({ length: 20 }, (_, i) => i % 2);
const matrix = [
  [1, 2],
  [3, 4],
];

/** One value of each kind, and what its text says. */
const everything: Record<string, [make: () => unknown, text: RegExp]> = {
  tensor: [() => tensor([1, 2]), /^tensor\(\[1\., 2\.\]\)$/],
  'disposed tensor': [
    () => {
      const gone = zeros([2]);
      gone.dispose();
      return gone;
    },
    /disposed/,
  ],
  module: [() => model, /Sequential[\s\S]*Conv2d\(1, 2/],
  summary: [() => summary(model, batch), /Conv2d[\s\S]*166/],
  table: [() => table(classes.map((kind) => ({ kind }))), /kind[\s\S]*20 rows × 1 column/],
  'array of objects': [() => [{ a: 1 }, { a: 2 }], /a: 1/],
  Map: [() => new Map([['rate', 0.1]]), /'rate' => 0\.1/],
  Set: [() => new Set(['cat']), /'cat'/],
  Date: [() => new Date(Date.UTC(2024, 1, 29)), /^2024-02-29T00:00:00\.000Z$/],
  Error: [() => new RangeError('too far'), /^RangeError: too far$/],
  'typed array': [() => Float32Array.of(1, 2, 3), /Float32Array\(3\) \[ 1, 2, 3 \]/],
  SVG: [() => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /^<SVG image, /],
  line: [() => plot.line([1, 2], { title: 'loss' }), /^Figure 'loss': scatter$/],
  scatter: [() => plot.scatter([1, 2], [1, 2]), /^Figure: scatter/],
  bar: [() => plot.bar({ a: 1 }), /^Figure: bar/],
  hist: [() => plot.hist([1, 2, 2]), /^Figure/],
  box: [() => plot.box([1, 2, 3]), /^Figure: box/],
  heatmap: [() => plot.heatmap(matrix), /^Figure: heatmap/],
  contour: [() => plot.contour(matrix), /^Figure: contour/],
  surface: [() => plot.surface(matrix), /^Figure: surface/],
  image: [() => plot.image(zeros([1, 4, 4])), /^Figure: image/],
  confusion: [() => plot.confusion([0, 1], [0, 1]), /^Figure: heatmap/],
  scatter3d: [() => plot.scatter3d([1], [2], [3]), /^Figure: scatter3d/],
  parallel: [() => plot.parallel({ a: [1, 2], b: [2, 1] }), /^Figure: parcoords/],
  roc: [() => plot.roc(classes, classes), /AUC 1\.000/],
  pr: [() => plot.pr(classes, classes), /AP 1\.000/],
  subplots: [() => subplots([plot.line([1]), plot.bar({ a: 1 })]), /^Figure: scatter, bar/],
  figure: [() => new Figure({ data: [{ type: 'violin', y: [1, 2] }] }), /^Figure: violin/],
  images: [() => show.images(batch), /^4 images \(4, 1, 8, 8\)$/],
  'feature maps': [() => show.featureMaps(zeros([3, 8, 8])), /^3 feature maps 8 × 8$/],
  filters: [() => show.filters(zeros([2, 1, 3, 3])), /^2 filters/],
  'receptive field': [
    () => show.receptiveField(batch.select(0, 0), (x) => (model.at(0) as nn.Conv2d)(x)),
    /sees 3 × 3 pixels/,
  ],
  boxes: [() => show.boxes(zeros([3, 8, 8]), [[1, 1, 4, 4]]), /with 1 boxes/],
  activations: [() => show.activations(model, batch), /^Figure/],
  gradients: [
    () => {
      F.crossEntropy(model(batch), tensor([0, 1, 0, 1], { dtype: 'int32' })).backward();
      return show.gradients(model);
    },
    /^Figure/,
  ],
  'gradient flow': [() => show.gradientFlow(model), /mean \|gradient\|/],
  'model graph': [() => show.model(model, batch), /^model of 3 layers: \(4, 1, 8, 8\) to \(4, 2\)$/],
  'autograd graph': [() => show.graph(model(batch)), /^graph of \d+ operations and 4 leaves$/],
  embedding: [() => show.embedding(points, { color: classes }), /^Figure/],
  't-SNE': [() => show.embedding(points, { method: 'tsne', iterations: 10 }), /^Figure/],
  'decision boundary': [
    () => show.decisionBoundary((p) => p.select(1, 0), points.narrow(1, 0, 2), { labels: classes }),
    /^Figure/,
  ],
  'loss surface': [
    () => show.lossSurface(() => F.mseLoss(model(batch), zeros([4, 2])), model.parameters(), { steps: 3 }),
    /^Figure: surface/,
  ],
  'learning-rate finder': [() => show.learningRate((rate) => 1 / rate, { steps: 10 }), /^Figure/],
  'live chart': [
    () => {
      const chart = live({ loss: 'log' });
      chart.add({ loss: 0.5 });
      return chart;
    },
    /^live chart, 1 steps: loss 0\.5$/,
  ],
  slider: [() => new widgets.IntSlider({ value: 3 }), /^IntSlider\(value=3, min=0, max=100\)$/],
  dropdown: [() => new widgets.Dropdown({ options: ['a', 'b'] }), /^Dropdown\(value="a"\)$/],
  interact: [() => interact(() => 1, { n: [1, 3] }), /^VBox\(children=\[IntSlider/],
};

test.each(Object.entries(everything))('%s has a text that reads well', async (_name, [make, text]) => {
  const bundle = (await mimeBundle(make())) as MimeBundle;
  expect(bundle['text/plain']).toMatch(text);
  expect(String(bundle['text/plain']).length).toBeLessThan(5000);
});

test('in a terminal all of it is text, updates and control characters left out', () => {
  const program = `
    import { display, live, plot, progress, show, table, widgets } from ${JSON.stringify(new URL('../../dist/display/index.js', import.meta.url).href)};
    display(plot.line([1, 2, 3], { title: 'loss' })).update('not shown');
    display(table([{ a: 1 }, { a: 2 }]));
    display(new widgets.IntSlider({ value: 3 }));
    const chart = live({ loss: 'log' });
    for (const i of progress(3, { desc: 'steps' })) { chart.add({ loss: i + 1 }); progress.set({ loss: i }); }`;
  const options = { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' } as const;
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', `${program}`], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(text).toContain("Figure 'loss': scatter\n");
  expect(text).toContain('a\n─\n1\n2\n2 rows × 1 column\n');
  expect(text).toContain('IntSlider(value=3, min=0, max=100)\n');
  expect(text).toContain('live chart, 1 steps: loss 1\n');
  expect(text).not.toContain('not shown');
  expect(text).not.toContain('\u001b');
});

test('VS Code gets what its own renderers show: plotly.js without functions or typed arrays, widgets by model id, HTML in its colours', async () => {
  const figure = JSON.parse(
    JSON.stringify(mimeBundle(plot.scatter(tensor([1, 2]), Float64Array.of(3, 4)))),
  ) as Record<string, { data: { x: object; y: object }[]; layout: object }>;
  // What plotly.js reads from 2.28 on, https://plotly.com/javascript/reference: dtype and bdata.
  expect(figure[plotlyMime]).toMatchObject({
    data: [
      {
        type: 'scatter',
        x: { dtype: 'f4', bdata: expect.any(String) },
        y: { dtype: 'f8', bdata: expect.any(String) },
      },
    ],
    layout: expect.any(Object),
  });
  expect(figure['text/html']).toContain('<script>');
  const slider = new widgets.IntSlider();
  expect(mimeBundle(slider)).toMatchObject({
    'application/vnd.jupyter.widget-view+json': {
      model_id: slider.modelId,
      version_major: 2,
      version_minor: 0,
    },
  });
  display(table([{ a: 1 }]));
  expect(host.shown[0].data['text/html']).toContain('--vscode-foreground');
});
