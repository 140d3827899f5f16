import { beforeEach, describe, expect, test } from 'vitest';
import { display, Figure, plot, subplots } from '../../display/index.ts';
import { encode } from '../../display/plot/arrays.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import { mimeBundle } from '../../display/registry.ts';
import { tensor, zeros } from '../../src/index.ts';
import { type Recorder, record } from './recorder.ts';

let host: Recorder;
beforeEach(() => {
  host = record();
});

interface Json {
  data: Record<string, never>[];
  layout: Record<string, never>;
}
const jsonOf = (figure: Figure): Json => JSON.parse(JSON.stringify(figure)) as Json;

describe('arrays', () => {
  test('tensors and typed arrays are base64 of their bytes with dtype and shape', () => {
    const floats = Float32Array.of(1, 2, 3, 4);
    const bdata = Buffer.from(floats.buffer).toString('base64');
    expect(encode(floats)).toEqual({ dtype: 'f4', bdata });
    expect(
      encode(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toEqual({ dtype: 'f4', bdata, shape: '2, 2' });
    expect(
      encode(
        tensor([
          [1, 2],
          [3, 4],
        ])
          .t()
          .t(),
      ),
    ).toEqual({ dtype: 'f4', bdata, shape: '2, 2' });
    // A view is written in its own order: 1 3 2 4.
    const transposed = encode(
      tensor([
        [1, 2],
        [3, 4],
      ]).t(),
    ) as { bdata: string };
    expect([...new Float32Array(Uint8Array.from(Buffer.from(transposed.bdata, 'base64')).buffer)]).toEqual([
      1, 3, 2, 4,
    ]);
  });

  test('each kind of array has the code that plotly.js knows it by', () => {
    // https://plotly.com/javascript/reference: the names of numpy, without the byte order.
    const kinds = {
      f4: Float32Array,
      f8: Float64Array,
      i1: Int8Array,
      i2: Int16Array,
      i4: Int32Array,
      u1: Uint8Array,
      u1c: Uint8ClampedArray,
      u2: Uint16Array,
      u4: Uint32Array,
    };
    for (const [dtype, Kind] of Object.entries(kinds)) {
      const array = Kind.of(1, 2, 3);
      expect(encode(array)).toEqual({ dtype, bdata: Buffer.from(array.buffer).toString('base64') });
    }
    for (const [dtype, code] of [
      ['float32', 'f4'],
      ['float64', 'f8'],
      ['int32', 'i4'],
      ['uint8', 'u1'],
      ['bool', 'u1'],
    ] as const)
      expect(encode(tensor([1, 0], { dtype }))).toMatchObject({ dtype: code });
    // plotly.js has no 64-bit integers: they become numbers.
    expect(encode(BigInt64Array.of(1n, -2n))).toEqual({
      dtype: 'f8',
      bdata: Buffer.from(Float64Array.of(1, -2).buffer).toString('base64'),
    });
  });

  test('rows are one matrix, never encoded one by one', () => {
    const rows = Array.from({ length: 20 }, () => new Float32Array(20));
    expect(encode(rows)).toMatchObject({ dtype: 'f4', shape: '20, 20' });
    expect(
      encode([
        [1, 2],
        [3, 4],
      ]),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('more than three dimensions are an error', () => {
    expect(() => encode(zeros([1, 1, 1, 2]))).toThrow('4 dimensions');
  });

  test('1,000,000 points go by WebGL, in binary, in under a second', () => {
    const values = new Float32Array(1_000_000);
    const started = performance.now();
    display(plot.scatter(values, values));
    const took = performance.now() - started;
    const [{ data }] = host.shown;
    const { data: traces } = data[plotlyMime] as Json;
    expect(traces[0]).toMatchObject({ type: 'scattergl', x: { dtype: 'f4' } });
    // Sent once: the HTML form is left out.
    expect(data['text/html']).toBeUndefined();
    expect(took).toBeLessThan(1000);
  });
});

describe('figures', () => {
  test('update redraws in place under the same id', () => {
    const figure = plot.line([1, 2, 3]);
    const { id } = display(figure);
    figure.update({ data: [{ y: [4, 5] }], layout: { title: { text: 'new' } } });
    expect(host.shown.map(({ kind }) => kind)).toEqual(['display_data', 'update_display_data']);
    expect(host.shown[1].id).toBe(id);
    const { data, layout } = host.shown[1].data[plotlyMime] as Json;
    expect(data[0].y).toEqual([4, 5]);
    expect(layout.title).toMatchObject({ text: 'new' });
  });

  test('the library travels once a notebook, and stays in the output that has it', () => {
    const size = (i: number): number => String(host.shown[i].data['text/html']).length;
    host.cell = 'one';
    const figure = plot.line([1, 2]);
    display(figure);
    figure.update({ layout: { height: 200 } });
    host.endCell();
    host.cell = 'two';
    display(plot.bar({ a: 1 }));
    expect(size(0)).toBeGreaterThan(200_000);
    expect(size(1)).toBeLessThan(10_000);
    // The last state of the cell has it again, since the update took the first one's place.
    expect(size(2)).toBeGreaterThan(200_000);
    expect(size(3)).toBeLessThan(10_000);
  });

  test('a script cannot be closed by data', () => {
    display(plot.line([1, 2], { title: '</script><b>' }));
    const html = String(host.shown[0].data['text/html']);
    expect(html.match(/<\/script>/g)).toHaveLength(1);
  });

  test('raw figures take tensors anywhere', () => {
    const figure = new Figure({ data: [{ type: 'scatter', x: tensor([1, 2]), y: [3, 4] }] });
    expect(jsonOf(figure).data[0]).toMatchObject({ x: { dtype: 'f4' }, y: [3, 4] });
    expect(mimeBundle(figure)).toHaveProperty('text/plain', 'Figure: scatter');
  });
});

describe('charts', () => {
  test('hist counts', () => {
    const { data } = jsonOf(plot.hist([0, 1, 1, 2], { bins: 2 }));
    expect(Buffer.from((data[0].y as { bdata: string }).bdata, 'base64').readDoubleLE(0)).toBe(1);
    expect(Buffer.from((data[0].y as { bdata: string }).bdata, 'base64').readDoubleLE(8)).toBe(3);
  });

  test('box has the quartiles of numpy.percentile', () => {
    const { data } = jsonOf(plot.box([1, 2, 3, 4, 100]));
    expect(data[0]).toMatchObject({
      q1: [2],
      median: [3],
      q3: [4],
      lowerfence: [1],
      upperfence: [4],
      y: [[100]],
    });
  });

  test('confusion counts pairs: rows are true classes', () => {
    const { data } = jsonOf(plot.confusion([0, 0, 1, 2], [0, 1, 1, 2]));
    expect(data[0].text).toEqual([
      ['1', '1', '0'],
      ['0', '1', '0'],
      ['0', '0', '1'],
    ]);
    expect(() => plot.confusion([0], [0, 1])).toThrow('1 true classes, 2 predictions');
    expect(() => plot.confusion([0.5], [0])).toThrow('whole number');
  });

  test('roc and pr have the areas of scikit-learn', () => {
    // roc_auc_score and average_precision_score of sklearn's documentation: 0.75 and 0.83...
    const labels = [0, 0, 1, 1];
    const scores = [0.1, 0.4, 0.35, 0.8];
    expect(plot.rocCurve(scores, labels).auc).toBeCloseTo(0.75, 12);
    expect(plot.prCurve(scores, labels).average).toBeCloseTo(0.8333333333333333, 12);
  });

  test('colours by category make a trace each, numbers a scale', () => {
    expect(jsonOf(plot.scatter([1, 2, 3], [1, 2, 3], { color: ['a', 'b', 'a'] })).data).toHaveLength(2);
    expect(
      jsonOf(plot.scatter([1, 2, 3], [1, 2, 3], { color: [0.1, 0.5, 0.9] })).data[0].marker,
    ).toMatchObject({
      colorscale: 'Viridis',
    });
  });

  test('words of values are words, whatever they look like', () => {
    const evil = '<img src=x onerror=alert(1)> & <unk>';
    const escaped = '&lt;img src=x onerror=alert(1)&gt; &amp; &lt;unk&gt;';
    const figures = [
      plot.line({ [evil]: [1, 2], b: [2, 1] }),
      plot.line([evil, 'b'], [1, 2]),
      plot.bar({ [evil]: 1 }),
      plot.bar([evil], { [evil]: [1] }),
      plot.scatter([1, 2], [1, 2], { color: [evil, 'b'], labels: [evil, 'c'] }),
      plot.hist({ [evil]: [1, 2] }),
      plot.box({ [evil]: [1, 2] }),
      plot.heatmap([[1, 2]], { x: [evil, 'b'] }),
      plot.confusion([0, 1], [0, 1], { labels: [evil, 'b'] }),
      plot.parallel({ [evil]: [1, 2] }),
      plot.roc({ [evil]: [0.1, 0.9] }, [0, 1]),
      plot.pr({ [evil]: [0.1, 0.9] }, [0, 1]),
    ];
    for (const figure of figures) {
      const json = JSON.stringify(jsonOf(figure));
      expect(json).toContain(escaped);
      expect(json).not.toContain('<img');
    }
  });

  test('a figure of square cells is as wide as they need, and a flat one lower', () => {
    const sizeOf = (rows: number, columns: number) =>
      jsonOf(plot.heatmap(zeros([rows, columns]))).layout as unknown as { width: number; height: number };
    // 380 pixels without 20 above and 44 below are 316: so wide is a square, with its sides and the bar.
    expect(sizeOf(30, 30)).toMatchObject({ width: 316 + 84 + 64, height: 380 });
    expect(sizeOf(30, 300)).toMatchObject({ width: 720, height: 140 });
    expect(jsonOf(plot.heatmap(zeros([30, 30]), { width: 900 })).layout).toMatchObject({ width: 900 });
    expect(jsonOf(plot.heatmap(zeros([30, 30]), { matrix: false })).layout.width).toBeUndefined();
  });

  test('lengths that differ are an error', () => {
    expect(() => plot.line([1, 2], { a: [1, 2, 3] })).toThrow("x has 2 values, 'a' has 3");
    expect(() => plot.scatter([1, 2], [1])).toThrow('x has 2 values, y has 1');
  });

  test('in subplots a colour bar stands between its figure and the next one', () => {
    const field = Array.from({ length: 20 }, (_, i) => Array.from({ length: 20 }, (_, j) => i * j));
    const { data, layout } = jsonOf(subplots([plot.heatmap(field), plot.heatmap(field), plot.line([1, 2])]));
    const domains = ['xaxis', 'xaxis2', 'xaxis3'].map(
      (axis) => (layout[axis] as unknown as { domain: [number, number] }).domain,
    );
    for (const i of [0, 1]) {
      const { x } = data[i].colorbar as { x: number };
      expect(x).toBe(domains[i][1]);
      expect(domains[i + 1][0] - x).toBeGreaterThan(0.06);
    }
  });

  test('a heat map that writes its values has no colour bar', () => {
    const written = jsonOf(plot.heatmap([[1, 2]])).data[0];
    expect(written).toMatchObject({ showscale: false, texttemplate: '%{z}' });
    const shaded = jsonOf(plot.heatmap(zeros([20, 20]))).data[0];
    expect(shaded.showscale).toBeUndefined();
    expect(shaded).toHaveProperty('colorbar');
    expect(jsonOf(plot.heatmap(zeros([20, 20]), { colorbar: false })).data[0].showscale).toBe(false);
  });

  test('rows of pictures are as high as the pictures', () => {
    const heightOf = (rows: number): number =>
      jsonOf(subplots([plot.heatmap(zeros([rows, 30])), plot.heatmap(zeros([rows, 30]))])).layout
        .height as unknown as number;
    expect(heightOf(10)).toBeLessThan(heightOf(20));
    expect(heightOf(200)).toBe(380);
  });

  test('subplots give each figure axes or a scene of its own', () => {
    const { data, layout } = jsonOf(
      subplots([
        plot.line([1, 2]),
        plot.surface([
          [1, 2],
          [3, 4],
        ]),
        plot.bar({ a: 1 }),
      ]),
    );
    expect(data.map((trace) => trace.yaxis ?? trace.scene)).toEqual(['y', 'scene2', 'y3']);
    expect(layout).toHaveProperty('xaxis3');
    expect(layout).toHaveProperty('scene2.domain');
  });
});
