import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { machineIsas } from '../../src/engine/build.ts';
import { kernelNames } from '../../src/engine/kernel.ts';
import { nativeKernels, useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import * as g from '../../src/index.ts';
import {
  all,
  type Case,
  compare,
  floats,
  numbers,
  odd,
  places,
  sameBits,
  withGradients,
} from './sameAsReference.ts';

const here = machineIsas().filter((isa) => useNativeEngine(isa));
useNativeEngine();

/** Numbers between 0 and 1, misaligned and strided. */
const shares = (shape: readonly number[], dtype: g.DType, step: number): g.Tensor =>
  g.sigmoid(odd(shape, dtype, step)).detach();

/** Matrices that are far from singular. */
function regular(n: number, dtype: g.DType, batch = 2): g.Tensor {
  const a = odd([batch, n, n], dtype);
  return g.add(a, g.mul(g.eye(n, n, { dtype }), 3 * Math.sqrt(n) + 3)).detach();
}

const positive = (n: number, dtype: g.DType): g.Tensor => {
  const a = odd([2, n, n], dtype);
  return g.add(g.matmul(a, g.transpose(a, 1, 2)), g.eye(n, n, { dtype })).detach();
};

/** Regions (K, 5) of `images` images, some of them partly outside. */
function regions(count: number, images: number, size: number, dtype: g.DType): g.Tensor {
  const corner = g.mul(g.sub(g.rand([count, 2], { dtype }), 0.2), size);
  const extent = g.mul(g.rand([count, 2], { dtype }), size);
  return g.cat([places([count, 1], images).to(dtype), corner, g.add(corner, extent)], 1);
}

/** The output for a copy of x, and that copy's gradient. */
function gradientsOf(x: g.Tensor, f: (x: g.Tensor) => g.Tensor): (g.Tensor | null)[] {
  const own = x.detach();
  return withGradients([own], () => f(own));
}

const optimizers: readonly ((params: g.Tensor[]) => { step(): unknown })[] = [
  (p) => new g.optim.RMSprop(p, { lr: 0.01, weightDecay: 0.1 }),
  (p) => new g.optim.RMSprop(p, { lr: 0.01, centered: true, momentum: 0.5, maximize: true }),
  (p) => new g.optim.Adagrad(p, { lr: 0.1, lrDecay: 0.1, weightDecay: 0.1 }),
  (p) => new g.optim.Adadelta(p, { lr: 1, weightDecay: 0.1 }),
  (p) => new g.optim.Adamax(p, { lr: 0.01, weightDecay: 0.1 }),
  (p) => new g.optim.NAdam(p, { lr: 0.01, weightDecay: 0.1, decoupledWeightDecay: true }),
  (p) => new g.optim.RAdam(p, { lr: 0.01, weightDecay: 0.1 }),
  (p) => new g.optim.ASGD(p, { lr: 0.01, weightDecay: 0.1, t0: 1 }),
  (p) => new g.optim.Lion(p, { lr: 0.01, weightDecay: 0.1 }),
  (p) => new g.optim.Rprop(p, { lr: 0.01 }),
];

const cases: readonly Case[] = [
  [
    'distances of rows in every norm, and their gradients',
    floats,
    (n, dtype, step) =>
      [2, 1, 0, Infinity, 3, 0.5].flatMap((p) => {
        const [x, y] = [odd([2, 5, n], dtype, step), odd([2, 7, n], dtype)];
        const [far, near] = [odd([n, 3], dtype), odd([37, 3], dtype)];
        return p === 0
          ? [g.cdist(x, y, p), g.cdist(far, near, p)]
          : [
              ...withGradients([x, y], () => g.cdist(x, y, p)),
              ...withGradients([far, near], () => g.cdist(far, near, p)),
            ];
      }),
  ],
  [
    'norms over any dimensions',
    floats,
    (n, dtype, step) =>
      [2, 1, 0, Infinity, -Infinity, 3, -1].flatMap((p) => {
        const a = odd([3, n, 5], dtype, step);
        return [[0], [1], [2], [0, 2], [0, 1, 2]].map((dims) => g.linalg.vectorNorm(a, p, dims));
      }),
  ],
  [
    'binary cross-entropy of probabilities and logits, and its gradients',
    floats,
    (n, dtype, step) => {
      const [x, t] = [odd([3, n], dtype, step), shares([3, n], dtype, 1)];
      const probability = shares([3, n], dtype, step);
      const posWeight = shares([n], dtype, 1);
      const whole = g.tensor([0, 1, 0.25], { dtype });
      return [
        ...withGradients([x, t], () => g.F.binaryCrossEntropyWithLogits(x, t, { reduction: 'none' })),
        g.F.binaryCrossEntropyWithLogits(g.mul(x, 100), t, { posWeight, reduction: 'none' }),
        ...withGradients([probability], () =>
          g.F.binaryCrossEntropy(probability, t.detach(), { reduction: 'none' }),
        ),
        g.F.binaryCrossEntropy(whole, g.tensor([1, 0, 0.5], { dtype }), { reduction: 'none' }),
      ];
    },
  ],
  [
    'losses of classes by index and by probability, and their gradients',
    floats,
    (n, dtype, step) => {
      const [x, weight] = [odd([3, n, 4], dtype, step), shares([n], dtype, 1)];
      const [soft, line] = [g.softmax(odd([3, n, 4], dtype), 1).detach(), odd([5, n], dtype, step)];
      const target = places([3, 4], n);
      return [
        ...withGradients([x], () => g.F.nllLoss(x, target, { weight, ignoreIndex: 1, reduction: 'none' })),
        ...withGradients([x.detach(), soft], () => g.F.crossEntropy(x.detach(), soft, { reduction: 'none' })),
        ...withGradients([line], () =>
          g.F.crossEntropy(line, g.softmax(odd([5, n], dtype), 1).detach(), {
            weight,
            labelSmoothing: 0.1,
            reduction: 'none',
          }),
        ),
      ];
    },
  ],
  [
    'features of regions and their gradients',
    floats,
    (n, dtype, step) => {
      const x = odd([2, 3, n, n + 2], dtype, step);
      const boxes = regions(9, 2, n, dtype);
      return [
        ...withGradients([x], () => g.vision.roiAlign(x, boxes, [3, 2], { aligned: n % 2 === 0 })),
        g.vision.roiAlign(x, boxes, 4, { samplingRatio: 2, spatialScale: 0.5 }),
        ...gradientsOf(x, (own) => g.vision.roiPool(own, boxes, [2, 3])),
      ];
    },
  ],
  [
    'patches, windows and unpooling, and their gradients',
    floats,
    (n, dtype, step) => {
      const x = odd([2, 3, 6, n + 4], dtype, step);
      const options = { dilation: [1, 2], padding: [2, 1], stride: [2, 1 + (n % 3)] } as const;
      const columns = g.F.unfold(x, [3, 2], options).detach();
      const strided = g.transpose(odd([2, columns.shape[2], columns.shape[1]], dtype), 1, 2);
      const line = odd([3, n + 2], dtype, step);
      const [pooled, indices] = g.F.maxPool2d(x, 2, { returnIndices: true }) as unknown as [
        g.Tensor,
        g.Tensor,
      ];
      return [
        ...withGradients([x], () => g.F.unfold(x, [3, 2], options)),
        ...gradientsOf(strided, (own) => g.F.fold(own, [6, n + 4], [3, 2], options)),
        ...withGradients([line], () => g.unfold(line, 1, 3, 1 + (n % 2))),
        ...gradientsOf(pooled, (own) => g.F.maxUnpool2d(own, indices, 2, { outputSize: x.shape })),
      ];
    },
  ],
  [
    'interpolation of every kind and its gradient',
    floats,
    (n, dtype) => {
      const [line, plane] = [odd([2, 3, n], dtype), odd([2, 2, 5, n], dtype)];
      const volume = odd([1, 2, 3, 4, n], dtype);
      const of = (x: g.Tensor, options: g.F.InterpolateOptions): (g.Tensor | null)[] =>
        gradientsOf(x, (own) => g.F.interpolate(own, options));
      return [
        ...of(line, { size: 2 * n + 1, mode: 'nearest' }),
        ...of(line, { scaleFactor: 1.7, mode: 'nearest-exact' }),
        ...of(plane, { size: [7, 3], mode: 'nearest' }),
        ...of(plane, { size: [8, n + 5], mode: 'bicubic', alignCorners: true }),
        ...of(plane, { size: [3, n], mode: 'bicubic', antialias: true }),
        ...of(plane, { size: [2, Math.ceil(n / 2)], mode: 'bilinear', antialias: true }),
        ...of(volume, { size: [5, 3, n + 1], mode: 'trilinear' }),
        ...of(volume, { scaleFactor: 2, mode: 'nearest' }),
      ];
    },
  ],
  [
    'sampling at a grid with every padding, and its gradients',
    floats,
    (n, dtype, step) =>
      (['zeros', 'border', 'reflection'] as const).flatMap((paddingMode) =>
        [false, true].flatMap((alignCorners) => {
          const [x, grid] = [odd([2, 2, 5, 6], dtype, step), odd([2, 2, n, 2], dtype)];
          return withGradients([x, grid], () => g.F.gridSample(x, grid, { paddingMode, alignCorners }));
        }),
      ),
  ],
  [
    'places in sorted sequences, unique rows and counts',
    numbers,
    (n, dtype, step) => {
      const a = g.sort(odd([3, n], dtype), 1)[0];
      const values = odd([3, 9], dtype, step);
      const rows = odd([n, 2], 'uint8').to(dtype);
      return [
        g.searchsorted(a, values),
        g.searchsorted(a, values, { right: true }),
        g.bucketize(values, a.select(0, 0)),
        ...(g.unique(rows, { dim: 0, returnInverse: true, returnCounts: true }) as g.Tensor[]),
        g.bincount(places([5 * n], n)),
        g.bincount(places([n], 7), odd([n], dtype, step), 9),
        g.histc(odd([5 * n], 'float32', step), n),
      ];
    },
  ],
  [
    'equations, triangles, determinants and decompositions',
    floats,
    (n, dtype) => {
      const [a, b, spd] = [regular(n, dtype), odd([2, n, 3], dtype), positive(n, dtype)];
      const [tall, wide] = [odd([2, n + 3, n], dtype), odd([n, n + 2], dtype)];
      const small = g.div(regular(n, dtype, 1), 4 * Math.sqrt(n) + 4);
      return [
        g.linalg.solve(a, b),
        g.linalg.inv(a),
        g.linalg.solveTriangular(a, b, { upper: true }),
        g.linalg.solveTriangular(a, b, { upper: false }),
        ...g.linalg.slogdet(a),
        g.linalg.det(small),
        g.linalg.cholesky(spd),
        ...g.linalg.qr(tall),
        ...g.linalg.qr(wide, 'complete'),
      ];
    },
  ],
  [
    'steps of the optimizers',
    floats,
    (n, dtype) =>
      optimizers.flatMap((make) => {
        const params = [odd([n], dtype), odd([3, n], dtype)].map((t) => t.contiguous().requiresGrad_());
        const optimizer = make(params);
        for (let step = 0; step < 4; step++) {
          for (const p of params) p.grad = odd(p.shape, dtype).contiguous();
          optimizer.step();
        }
        return params;
      }),
  ],
  [
    'normalisation by the root mean square, and its gradients',
    floats,
    (n, dtype, step) => {
      const [x, weight] = [odd([40, n], dtype, step), odd([n], dtype, step)];
      const bare = odd([3, n], dtype);
      return [
        ...withGradients([x, weight], () => g.F.rmsNorm(x, [n], weight)),
        ...withGradients([bare], () => g.F.rmsNorm(bare, [n])),
      ];
    },
  ],
  [
    'rare functions of elements',
    floats,
    (n, dtype, step) => {
      const [a, b] = [odd([3, n], dtype, step), odd([n], dtype, step)];
      const special = g.tensor([0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 0.5], { dtype });
      const share = shares([n], dtype, step);
      const others = [a, special];
      return [
        ...others.flatMap((x) => [
          g.deg2rad(x),
          g.rad2deg(x),
          g.sinc(x),
          g.signbit(x),
          g.isposinf(x),
          g.isneginf(x),
          g.copysign(x, -2),
          g.floorDivide(x, 0.7),
          g.div(x, 0.7, { roundingMode: 'trunc' }),
          g.logaddexp(x, 0.3),
          g.logaddexp2(x, 0.3),
          g.xlogy(x, g.abs(x)),
          g.round(x),
          g.round(x, { decimals: 2 }),
          g.round(x, { decimals: -1 }),
        ]),
        g.logaddexp(a, b),
        g.logit(share),
        g.erfinv(g.sub(g.mul(share, 2), 1)),
        g.digamma(a),
        g.polygamma(1, g.add(g.abs(a), 0.1)),
        g.polygamma(3, g.add(g.abs(b), 0.1)),
        g.triu(a, (n % 5) - 2),
        g.tril(a, (n % 3) - 1),
      ];
    },
  ],
  [
    'bits of whole numbers',
    ['int32', 'uint8'],
    (n, dtype, step) => {
      const [a, b] = [odd([3, n], dtype, step), odd([n], dtype, step)];
      return [
        g.bitwiseAnd(a, b),
        g.bitwiseOr(a, b),
        g.bitwiseXor(a, b),
        g.bitwiseNot(a),
        g.bitwiseLeftShift(a, b),
        g.bitwiseRightShift(g.mul(a, 20), b),
        g.floorDivide(a, g.add(b, 1)),
        g.triu(a),
      ];
    },
  ],
];

/** Less close than the others: a distance in a high power loses digits, matrices multiply errors. */
const digitsOf = (dtype: g.DType): number => (dtype === 'float64' ? 9 : 3);

describe.each(here)('more families of kernels on %s', (isa) => {
  beforeAll(() => void useNativeEngine(isa));
  afterAll(() => void useNativeEngine());

  test.each(cases)('%s: sizes 1 to 67, misaligned and strided, as the reference', (_, dtypes, run) => {
    for (let n = 1; n <= 67; n += n < 20 ? 1 : 3) {
      const dtype = dtypes[n % dtypes.length];
      const step = 1 + (Math.floor(n / dtypes.length) % 2);
      useReferenceEngine();
      g.manualSeed(n);
      const expected = all(run(n, dtype, step));
      useNativeEngine(isa);
      g.manualSeed(n);
      compare(all(run(n, dtype, step)), expected, digitsOf(dtype));
    }
  });

  test('singular values and eigenvectors put the matrix together again', () => {
    useNativeEngine(isa);
    for (const dtype of floats)
      for (let n = 1; n <= 40; n += 3) {
        const digits = dtype === 'float64' ? 10 : 4;
        const a = odd([2, n, 7], dtype);
        const [u, s, v] = g.linalg.svd(a, { fullMatrices: false });
        compare(all([g.matmul(g.mul(u, g.unsqueeze(s, 1)), v)]), all([a]), digits);
        const b = g.add(odd([n, n], dtype), 0);
        const symmetric = g.add(b, g.transpose(b, 0, 1));
        const [values, vectors] = g.linalg.eigh(symmetric);
        const again = g.matmul(g.mul(vectors, values), g.transpose(vectors, 0, 1));
        compare(all([again]), all([symmetric]), digits);
        compare(all([g.matmul(vectors, g.transpose(vectors, 0, 1))]), all([g.eye(n, n, { dtype })]), digits);
      }
  });

  test('empty tensors, NaN and infinities pass as in the reference', () => {
    const compute = (): readonly number[] => {
      const bad = g.tensor([
        [1, Number.NaN, 2],
        [Infinity, 0, -1],
        [0, 0, 0],
      ]);
      const none = g.zeros([0, 3]);
      return all([
        ...[2, 1, 0, Infinity, 3].flatMap((p) => [g.cdist(bad, bad, p), g.cdist(none, bad, p)]),
        ...[2, 1, 0, Infinity, 3].map((p) => g.linalg.vectorNorm(bad, p, 1)),
        g.linalg.vectorNorm(none, 2, 0),
        g.F.binaryCrossEntropyWithLogits(bad, g.zeros([3, 3]), { reduction: 'none' }),
        g.F.binaryCrossEntropyWithLogits(none, none, { reduction: 'none' }),
        g.vision.roiAlign(g.rand([1, 2, 4, 4]), g.zeros([0, 5]), 2),
        g.F.rmsNorm(none, [3]),
        g.linalg.solve(g.zeros([0, 2, 2]), g.zeros([0, 2, 1])),
        g.linalg.qr(g.zeros([3, 0]))[0],
        g.searchsorted(g.zeros([0]), g.tensor([1])),
        g.triu(none),
      ]);
    };
    useReferenceEngine();
    const expected = compute();
    useNativeEngine(isa);
    compare(compute(), expected, 4);
  });

  test('1, 2 and 3 threads give the same bits in these families', () => {
    useNativeEngine(isa);
    const compute = (): (g.Tensor | null)[] => {
      g.manualSeed(5);
      const [x, y] = [odd([150, 33]), odd([201, 33])];
      const image = odd([3, 8, 30, 31]);
      const boxes = regions(40, 3, 30, 'float32');
      const [logits, weight] = [odd([300, 200]), odd([200])];
      const param = g.rand([100_000]).requiresGrad_();
      param.grad = g.rand([100_000]);
      new g.optim.RMSprop([param], { lr: 0.1, momentum: 0.5 }).step();
      new g.optim.Adamax([param], { lr: 0.1 }).step();
      return [
        ...withGradients([x, y], () => g.cdist(x, y)),
        g.linalg.vectorNorm(odd([700, 300]), 2, 0),
        g.linalg.vectorNorm(g.rand([300_000])),
        ...withGradients([logits], () =>
          g.F.binaryCrossEntropyWithLogits(logits, g.rand([300, 200]), { reduction: 'none' }),
        ),
        ...withGradients([image], () => g.vision.roiAlign(image, boxes, 7)),
        g.vision.roiPool(image.detach(), boxes, 7),
        ...gradientsOf(image, (own) => g.F.unfold(own, 3, { padding: 1 })),
        ...gradientsOf(image, (own) => g.F.interpolate(own, { size: [50, 60], mode: 'bicubic' })),
        ...gradientsOf(logits, (own) => g.F.rmsNorm(own, [200], weight)),
        g.linalg.inv(regular(300, 'float64', 1)),
        g.linalg.cholesky(positive(200, 'float64')),
        ...g.linalg.qr(odd([260, 250])),
        g.searchsorted(g.sort(g.rand([1000]))[0], g.rand([100_000])),
        g.digamma(logits.detach()),
        param,
      ];
    };
    sameBits(compute);
  });
});

test('every kernel has a native form', () => {
  useNativeEngine();
  expect(kernelNames().filter((name) => !nativeKernels().includes(name))).toEqual([]);
});
