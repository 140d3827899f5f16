import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { machineIsas } from '../../src/engine/build.ts';
import { useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import * as g from '../../src/index.ts';
import { streamOf } from '../../src/tensor/generator.ts';
import {
  all,
  type Case,
  compare,
  floats,
  numbers,
  odd,
  places,
  sameBits,
  type Values,
  withGradients,
} from './sameAsReference.ts';

const here = machineIsas().filter((isa) => useNativeEngine(isa));
useNativeEngine();

const cases: readonly Case[] = [
  [
    'gather and scatter along either dimension',
    numbers,
    (n, dtype, step) =>
      [0, 1].flatMap((dim) => {
        const a = odd([5, n], dtype, step);
        const index = places([dim === 0 ? 7 : 5, n], dim === 0 ? 5 : n);
        const src = odd(index.shape, dtype, step);
        return [
          g.gather(a, dim, index),
          g.scatter(a, dim, index, src),
          g.scatterAdd(a, dim, index, src),
          ...(dtype.startsWith('float')
            ? (['prod', 'amax', 'amin'] as const).map((kind) => g.scatterReduce(a, dim, index, src, kind))
            : []),
        ];
      }),
  ],
  [
    'indexSelect and indexAdd',
    numbers,
    (n, dtype, step) =>
      [0, 1, 2].flatMap((dim) => {
        const a = odd([3, n, 4], dtype, step);
        const index = places([n], a.shape[dim]);
        const source = odd([dim === 0 ? n : 3, n, dim === 2 ? n : 4], dtype, step);
        return [
          g.indexSelect(a, dim, index),
          g.indexAdd(a, dim, index, source),
          ...(dtype.startsWith('float') ? [g.indexAdd(a, dim, index, source, { alpha: 0.5 })] : []),
        ];
      }),
  ],
  [
    'reading and writing at index tensors',
    numbers,
    (n, dtype, step) => {
      const a = odd([4, n, 3], dtype, step);
      const [i, j] = [places([n], 4), places([n], n)];
      const picked = a.at(i, j);
      const values = odd(picked.shape, dtype, step);
      return [
        a.at(i),
        picked,
        a.at('...', places([5], 3)),
        g.indexPut(a, [i, j], values),
        g.indexPut(a, [i, j], values, { accumulate: true }),
        g.maskedSelect(a, g.gt(a, 1)),
      ];
    },
  ],
  [
    'embedding and its gradient',
    floats,
    (n, dtype, step) => {
      const weight = odd([9, n], dtype, step);
      const index = places([3, n], 9);
      return withGradients([weight], () => g.F.embedding(index, weight, { paddingIdx: 2 }));
    },
  ],
  [
    'steps of recurrent layers and their gradients',
    floats,
    (n, dtype) => {
      g.manualSeed(n);
      const x = odd([3, 2, 5], dtype);
      return [new g.nn.LSTM(5, Math.min(n, 300)), new g.nn.GRU(5, Math.min(n, 300))].flatMap((layer) => {
        layer.to(dtype);
        return withGradients([x, ...layer.parameters()], () => layer.forward(x)[0]);
      });
    },
  ],
  [
    'padding of every mode and its gradient',
    floats,
    (n, dtype, step) =>
      (['constant', 'reflect', 'replicate', 'circular'] as const).flatMap((mode) => {
        const x = odd([2, 3, 4, n + 3], dtype, step);
        return withGradients([x], () =>
          g.F.pad(x, [2, 1, 3, 2], mode, mode === 'constant' ? 1.5 : undefined),
        );
      }),
  ],
  [
    'padding cuts, and keeps whole numbers whole',
    numbers,
    (n, dtype, step) => [
      g.F.pad(odd([3, n + 2], dtype, step), [-1, 4]),
      g.F.pad(odd([3, n + 2], dtype, step), [3, -2, -1, 1], 'constant', 7),
      g.F.pad(odd([1, n + 2], dtype, step), [1, -1], 'circular'),
    ],
  ],
  [
    'extremes with their places',
    numbers,
    (n, dtype, step) =>
      [0, 1].flatMap((dim) => {
        const a = odd([n, 11], dtype, step);
        const b = g.transpose(odd([3, n], dtype, step), 0, 1);
        return [...g.max(a, dim), ...g.min(a, dim), g.argmax(b, dim), g.argmin(b, dim), g.argmax(a)];
      }),
  ],
  [
    'NaN and equal elements among extremes',
    floats,
    (n, dtype) => {
      const a = g.round(odd([9, n], dtype));
      const bad = g.where(g.eq(a, 1), Number.NaN, a);
      const low = g.full([3, n], -Infinity, { dtype });
      return [a, bad, low].flatMap((x) => [...g.max(x, 1), ...g.min(x, 0), g.argmax(x), g.argmin(x)]);
    },
  ],
  [
    'products and running sums, products and extremes',
    numbers,
    (n, dtype, step) =>
      [0, 1].flatMap((dim) => {
        const a = odd([n, 13], dtype, step);
        return [
          g.prod(a, dim),
          g.cumsum(a, dim),
          g.cumprod(a, dim),
          ...g.cummax(a, dim),
          ...g.cummin(a, dim),
          ...(dtype.startsWith('float') ? [g.logcumsumexp(a, dim)] : []),
        ];
      }),
  ],
  [
    'gradients of products and running products',
    floats,
    (n, dtype, step) => {
      const a = odd([5, n], dtype, step);
      return withGradients([a], () => g.add(g.cumprod(a, 0), g.add(g.cumsum(a, 1), g.prod(a, 0))));
    },
  ],
  [
    'sorting, the first k, ranks and medians',
    numbers,
    (n, dtype, step) =>
      [0, 1].flatMap((dim) => {
        const a = odd([dim === 0 ? 5 * n : n, dim === 1 ? 5 * n : 3], dtype, step);
        const k = Math.min(n, 4);
        return [false, true].flatMap((up) => [
          ...g.sort(a, dim, up),
          ...g.topk(a, k, dim, up),
          ...g.kthvalue(a, k, dim),
          ...(g.median(a, dim) as unknown as g.Tensor[]),
        ]);
      }),
  ],
  [
    'sorting with NaN, infinities and both zeros',
    floats,
    (n, dtype) => {
      const a = g.round(odd([3, 8 * n], dtype));
      const special = g.where(
        g.eq(a, 1),
        Number.NaN,
        g.where(g.eq(a, 2), -Infinity, g.mul(a, g.sign(odd(a.shape, dtype)))),
      );
      return [
        ...g.sort(special, 1),
        ...g.sort(special, 1, true),
        ...(g.nanmedian(special, 1) as unknown as g.Tensor[]),
      ];
    },
  ],
];

describe.each(here)('families of kernels on %s', (isa) => {
  beforeAll(() => void useNativeEngine(isa));
  afterAll(() => void useNativeEngine());

  test.each(cases)('%s: sizes 1 to 67, misaligned and strided, as the reference', (_, dtypes, run) => {
    for (let n = 1; n <= 67; n++) {
      const dtype = dtypes[n % dtypes.length];
      const step = 1 + (Math.floor(n / dtypes.length) % 2);
      useReferenceEngine();
      g.manualSeed(n);
      const expected = all(run(n, dtype, step));
      useNativeEngine(isa);
      g.manualSeed(n);
      compare(all(run(n, dtype, step)), expected, dtype === 'float64' ? 10 : 4);
    }
  });

  test('random fills are the reference’s to the bit, and leave the stream where it does', () => {
    const streams: number[] = [];
    const draw = (n: number): Values => {
      g.manualSeed(n);
      const drawn = (['float32', 'float64'] as const).flatMap((dtype) => [
        g.rand([n], { dtype }),
        g.rand([n], { dtype }).uniform_(-3, 0.7),
        g.randn([n], { dtype }),
        g.normal(2.5, 0.3, [n], { dtype }),
        g.zeros([n], { dtype }).bernoulli_(0.3),
        g.F.dropout(g.ones([n], { dtype }), 0.4),
      ]);
      drawn.push(g.randint(-5, 1000, [n]), g.randint(7, [n], { dtype: 'uint8' }), g.zeros([n]).random_(100));
      streams.push(...streamOf(g.Generator.default));
      return all(drawn);
    };
    for (const n of [1, 15, 16, 31, 32, 33, 47, 67, 624, 2047, 2049, 5000, 20_001]) {
      useReferenceEngine();
      streams.length = 0;
      const expected = draw(n);
      const after = [...streams];
      useNativeEngine(isa);
      streams.length = 0;
      const actual = draw(n);
      expect(actual.findIndex((v, i) => !Object.is(v, expected[i]))).toBe(-1);
      expect(streams).toEqual(after);
    }
  });

  test('1, 2 and 3 threads give the same bits in every family', () => {
    useNativeEngine(isa);
    const compute = (): (g.Tensor | null)[] => {
      g.manualSeed(5);
      const a = odd([300, 400]);
      const [rows, columns] = [places([500], 300), places([500], 400)];
      const weight = odd([50, 200]);
      const cell = new g.nn.LSTMCell(50, 200);
      const image = odd([4, 8, 30, 31]);
      return [
        g.gather(a, 1, places([300, 400], 400)),
        g.scatterAdd(a, 0, places([300, 400], 300), odd([300, 400])),
        g.indexSelect(a, 0, rows),
        g.indexAdd(a, 1, columns, odd([300, 500])),
        a.at(rows),
        g.indexPut(a, [rows], odd([500, 400]), { accumulate: true }),
        ...withGradients([weight], () => g.F.embedding(places([30, 40], 50), weight)),
        ...withGradients(cell.parameters(), () => g.add(...cell.forward(odd([64, 50])))),
        ...withGradients([image], () => g.F.pad(image, [2, 1, 3, 2], 'reflect')),
        ...g.max(a, 0),
        ...g.max(a, 1),
        g.argmax(g.rand([500_000])),
        g.cumsum(a, 0),
        g.cumsum(a, 1),
        g.prod(a, 1),
        ...g.sort(a, 1),
        ...g.topk(a, 5, 0),
        g.randn([200_000]),
      ];
    };
    sameBits(compute);
  });
});
