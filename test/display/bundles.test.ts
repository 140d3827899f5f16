import { beforeEach, describe, expect, test } from 'vitest';
import { display, displaySymbol, table } from '../../display/index.ts';
import { histogram } from '../../display/plot/distributions.ts';
import { mimeBundle } from '../../display/registry.ts';
import { statistics } from '../../display/values/numbers.ts';
import { encodePng, heatRaster } from '../../display/values/png.ts';
import { full, manualSeed, nn, rand, summary, tensor, zeros } from '../../src/index.ts';
import { type Recorder, record } from './recorder.ts';

let host: Recorder;
beforeEach(() => {
  host = record();
});

const bundleOf = (value: unknown): Record<string, string> => mimeBundle(value) as Record<string, string>;

describe('tensors', () => {
  test('a matrix tells shape, dtype and statistics, and has a picture and its values', () => {
    const bundle = bundleOf(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(bundle['text/html']).toContain('(2, 2)');
    expect(bundle['text/html']).toContain('float32');
    // mean of 1..4, and the sample standard deviation sqrt(5/3)
    expect(bundle['text/html']).toContain('min 1, max 4, mean 2.5, std 1.291');
    expect(bundle['text/html']).toContain('data:image/png;base64,');
    expect(bundle['text/plain']).toContain('tensor(');
  });

  test('a vector has a curve, an image-shaped tensor thumbnails', () => {
    expect(bundleOf(tensor([1, 3, 2]))['text/html']).toContain('<img src="data:image/svg+xml;base64,');
    const images = bundleOf(zeros([3, 3, 16, 16]))['text/html'];
    expect(images.match(/<img /g)).toHaveLength(3);
  });

  test('a huge tensor stays below 100 kB', () => {
    for (const shape of [[3000, 3000], [2_000_000], [64, 3, 224, 224]])
      expect(JSON.stringify(bundleOf(zeros(shape))).length).toBeLessThan(100_000);
  });

  test('noise of every dtype, which no picture compresses, stays below 100 kB too', () => {
    manualSeed(1);
    for (const shape of [[1000, 1000], [1_000_000], [64, 3, 224, 224], [16, 4, 96, 96], [2, 1, 2000, 100]])
      for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'bool'] as const) {
        const noise = rand(shape).mul(255).to(dtype);
        const weight = JSON.stringify(bundleOf(noise)).length;
        expect(weight, `${dtype} ${shape}`).toBeLessThan(100_000);
        noise.dispose();
      }
  });

  test('no number, one number, and numbers that are none have a look', () => {
    expect(bundleOf(tensor(3))).toEqual({ 'text/plain': 'tensor(3.)' });
    expect(bundleOf(zeros([0, 3]))['text/plain']).toContain('size=(0, 3)');
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (const shape of [[5], [4, 4], [3, 9, 9]]) {
        const { 'text/html': html, 'text/plain': plain } = bundleOf(full(shape, value));
        expect(html).toMatch(Number.isNaN(value) ? /\d+ nan/ : /\d+ inf/);
        expect(plain).toMatch(Number.isNaN(value) ? /nan/ : /inf/);
        expect(html).not.toContain('NaN');
        expect(html).not.toContain('Infinity');
      }
    // 3 of 4 are true.
    expect(bundleOf(tensor([true, false, true, true], { dtype: 'bool' }))['text/html']).toContain(
      '75 % true',
    );
  });

  test('not-a-number and infinity are counted and do not spoil the statistics', () => {
    const stats = statistics(Float64Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY));
    expect(stats).toMatchObject({ min: 1, max: 3, mean: 2, nan: 1, infinite: 1 });
  });
});

describe('modules', () => {
  test('are trees with shapes and parameter counts', () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(4, 2));
    const html = bundleOf(model)['text/html'];
    // 3*4 + 4 and 4*2 + 2
    expect(html).toContain('26 parameters');
    expect(html).toContain('<details');
    expect(html).toContain('(4, 3)');
    expect(bundleOf(model)['text/plain']).toBe(String(model));
  });
});

describe('texts', () => {
  test('a value that holds itself, a deep one, a long one and a throwing one have a text of bearable length', () => {
    const circle: Record<string, unknown> = { name: 'circle' };
    circle.self = circle;
    expect(bundleOf(circle)['text/plain']).toContain('[Circular *1]');
    expect(bundleOf(new Map([['self', circle]]))['text/html']).toContain('[Circular');
    expect(bundleOf([circle, circle])['text/html']).toContain('[Circular');
    const cube = Array.from({ length: 100 }, () =>
      Array.from({ length: 100 }, () => Array(100).fill('item')),
    );
    for (const long of [
      cube,
      'x'.repeat(1e6),
      new Map([['cube', cube]]),
      new Set([cube]),
      new Error('x'.repeat(1e6)),
      [{ cube }, { cube }],
    ]) {
      const bundle = JSON.stringify(bundleOf(long));
      expect(bundle.length).toBeLessThan(150_000);
    }
    expect(bundleOf(cube)['text/plain']).toMatch(/… \([\d,]+ characters\)$/);
    const throwing = {
      get broken() {
        throw new Error('no');
      },
    };
    expect(bundleOf(throwing)['text/plain']).toContain('broken: [Getter]');
  });

  test('the summary of a model is a table in the common style, its numbers at the right', () => {
    const bundle = bundleOf(summary(new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU()), [2, 3]));
    expect(bundle['text/html']).toMatch(/^<div class="gb"><style>/);
    // 3*4 + 4, and 2 examples of 12 multiplications at most.
    expect(bundle['text/html']).toContain('<td>16</td>');
    expect(bundle['text/html']).toContain('<td class="l">0 (Linear)</td>');
    expect(bundle['text/html']).toContain('parameters: 16 (16 trainable)');
    expect(bundle['text/plain']).toContain('layer');
  });
});

describe('escaping', () => {
  test('what comes from values is escaped in every HTML form', () => {
    const evil = '<script>alert(1)</script>';
    const values = [
      new Map([[evil, evil]]),
      new Set([evil]),
      new Error(evil),
      [{ [evil]: evil }, { [evil]: evil }],
      table([{ a: evil }]),
    ];
    for (const value of values) {
      const html = bundleOf(value)['text/html'];
      expect(html).not.toContain('<script>alert');
      expect(html).toContain('&lt;script&gt;alert(1)');
    }
  });

  test('what is marked as HTML is not', () => {
    display.html('<b>bold</b>');
    expect(host.shown[0].data['text/html']).toBe('<b>bold</b>');
  });
});

describe('tables', () => {
  test('arrays of objects are sortable tables with all their columns', () => {
    const html = bundleOf([{ a: 1 }, { a: 2, b: 'x' }])['text/html'];
    expect(html).toContain('<table>');
    expect(html).toContain('class="sort"');
    expect(html).toContain('2 rows × 2 columns');
  });

  test('long ones are truncated with a count', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ i }));
    const { 'text/html': html, 'text/plain': plain } = bundleOf(table(rows));
    expect(html).toContain('4,976 more rows');
    expect(html).toContain('5,000 rows');
    expect(plain).toContain('4,976 more rows');
  });

  test('numbers of a column have their points below each other', () => {
    const { 'text/html': html, 'text/plain': plain } = bundleOf(
      table([
        { x: 0.5, n: 1 },
        { x: 0.0625, n: 20 },
        { x: 2, n: 300 },
      ]),
    );
    expect(html).toContain('0.5000</td><td>1</td>');
    expect(plain.split('\n').slice(2, 5)).toEqual(['0.5000    1', '0.0625   20', '2.0000  300']);
    // Numbers of very different sizes keep their own exponents.
    expect(bundleOf(table([{ x: 1e-9 }, { x: 12.5 }]))['text/html']).toContain('1.000e-9');
  });

  test('very many columns are counted, not shown', () => {
    const row = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`c${i}`, i]));
    const html = bundleOf([row, row])['text/html'];
    expect(html).toContain('2 rows × 500 columns, the first 40 shown');
    expect(html).not.toContain('>c40<');
  });

  test('columns of different lengths are an error that names the column', () => {
    expect(() => table({ a: [1, 2], b: [1] })).toThrow("column 'b' has 1 values, 'a' has 2");
  });
});

describe('bytes', () => {
  test('PNG, JPEG, GIF and SVG bytes are pictures, other bytes are numbers', () => {
    const png = encodePng(heatRaster([1, 2, 3, 4], 2, 2));
    expect(bundleOf(png)['image/png']).toBe(Buffer.from(png).toString('base64'));
    const jpeg = Buffer.from('ffd8ffe000104a46494600010100', 'hex');
    expect(bundleOf(jpeg)['image/jpeg']).toBe(jpeg.toString('base64'));
    expect(bundleOf(Buffer.from('GIF89a0000000000', 'latin1'))['image/gif']).toBeDefined();
    // As an image an SVG cannot run scripts.
    const svg = bundleOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'));
    expect(svg['text/html']).toMatch(/^<img src="data:image\/svg\+xml;base64,/);
    expect(bundleOf(Uint8Array.of(1, 2, 3))['text/plain']).toContain('Uint8Array(3) [ 1, 2, 3 ]');
  });
});

describe('the registry', () => {
  class Animal {
    constructor(readonly name: string) {}
  }
  class Dog extends Animal {}

  test('a class before its base, the latest registration, null for the next rule', () => {
    display.register(Animal, ({ name }) => ({ 'text/plain': `animal ${name}` }));
    expect(bundleOf(new Dog('Rex'))['text/plain']).toBe('animal Rex');
    display.register(Dog, ({ name }) => (name === 'Rex' ? { 'text/plain': 'the dog' } : null));
    expect(bundleOf(new Dog('Rex'))['text/plain']).toBe('the dog');
    expect(bundleOf(new Dog('Bo'))['text/plain']).toBe('animal Bo');
  });

  test('a registration can be taken back: what was there before counts again', () => {
    class Cat {}
    const plain = () => bundleOf(new Cat())['text/plain'];
    const first = display.register(Cat, () => ({ 'text/plain': 'first' }));
    const second = display.register(Cat, () => ({ 'text/plain': 'second' }));
    expect(plain()).toBe('second');
    second();
    expect(plain()).toBe('first');
    first();
    expect(plain()).toBe('Cat {}');
    const isCat = (value: unknown): value is Cat => value instanceof Cat;
    const rule = display.register(isCat, () => ({ 'text/plain': 'rule' }));
    expect(plain()).toBe('rule');
    rule();
    expect(plain()).toBe('Cat {}');
  });

  test('interfaces by predicate, with text filled in', () => {
    display.register(
      (value): value is { kind: 'shape' } => (value as { kind?: string } | null)?.kind === 'shape',
      () => ({ 'text/html': 'a shape' }),
    );
    const bundle = bundleOf({ kind: 'shape' });
    expect(bundle['text/html']).toBe('a shape');
    expect(bundle['text/plain']).toContain('kind');
  });

  test("a value's own method comes first, also as a promise", async () => {
    const value = { [displaySymbol]: async () => ({ 'text/html': 'later' }) };
    expect(await mimeBundle(value)).toMatchObject({ 'text/html': 'later' });
  });

  test('neither class nor function is an error', () => {
    expect(() => display.register('x' as never, () => null)).toThrow(
      "'x' is neither a class nor a predicate",
    );
  });
});

test('display shows, and its handle updates in place', () => {
  const handle = display('first', { id: 'here' });
  handle.update('second');
  expect(host.shown.map(({ kind, id, data }) => [kind, id, data['text/plain']])).toEqual([
    ['display_data', 'here', "'first'"],
    ['update_display_data', 'here', "'second'"],
  ]);
});

test('histogram counts each value once, the greatest in the last bin', () => {
  expect([...histogram([0, 0.5, 1, 1, 2], 2, 0, 2)]).toEqual([2, 3]);
});
