import { kernelNames } from '../../src/engine/kernel.ts';
import * as g from '../../src/index.ts';
import { polynomial } from '../../src/ops/polynomial.ts';
import { odd, places, withGradients } from './sameAsReference.ts';

/** Calls of kernels on tensors of odd sizes, so large that all threads take part and that each lasts. */
export type LargeCall = readonly [title: string, run: (dtype: g.DType) => unknown];

const called = g as unknown as Readonly<Record<string, (...tensors: g.Tensor[]) => unknown>>;

/** The operations behind kernels whose name says what they compute of one tensor or of two. */
const named = (prefix: string, whole: boolean): string[] =>
  kernelNames()
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((name) => name in g && name.startsWith('bitwise') === whole);

const share = (shape: readonly number[], dtype: g.DType): g.Tensor => g.rand(shape, { dtype });

function optimizerStep(make: (params: g.Tensor[]) => { step(): unknown }): (dtype: g.DType) => void {
  return (dtype) => {
    const params = [share([1_000_003], dtype), share([37], dtype), share([700_001], dtype)];
    for (const p of params) {
      p.requiresGrad = true;
      p.grad = share(p.shape, dtype).sub(0.5);
    }
    const optimizer = make(params);
    optimizer.step();
    optimizer.step();
  };
}

const layers = (input: readonly number[], weight: readonly number[], options: object) => (dtype: g.DType) => {
  const [x, w, b] = [odd(input, dtype), odd(weight, dtype), odd([weight[0]], dtype)];
  const apply = input.length === 3 ? g.F.conv1d : input.length === 4 ? g.F.conv2d : g.F.conv3d;
  withGradients([x, w, b], () => apply(x, w, b, options as never));
};

const resized =
  (shape: readonly number[], options: g.F.InterpolateOptions) =>
  (dtype: g.DType): void => {
    const x = odd(shape, dtype);
    withGradients([x], () => g.F.interpolate(x, options));
  };

const pooled = (pool: (x: g.Tensor) => g.Tensor) => (dtype: g.DType) => {
  const x = odd([5, 41, 101, 67], dtype);
  withGradients([x], () => pool(x));
};

/** Puts the largest values of 2 x 2 windows back where they were. */
const unpooled =
  (shape: readonly number[]) =>
  (dtype: g.DType): void => {
    const [values, indices] = g.F.maxPool2d(odd(shape, dtype), 2, {
      returnIndices: true,
    }) as unknown as [g.Tensor, g.Tensor];
    const own = values.detach();
    withGradients([own], () => g.F.maxUnpool2d(own, indices, 2));
  };

const normed =
  (
    shape: readonly number[],
    normalize: (x: g.Tensor, weight: g.Tensor, bias: g.Tensor) => g.Tensor,
    size: number,
  ) =>
  (dtype: g.DType): void => {
    const [x, weight, bias] = [odd(shape, dtype), odd([size], dtype), odd([size], dtype)];
    withGradients([x, weight, bias], () => normalize(x, weight, bias));
  };

function* elementwise(): Generator<LargeCall> {
  for (const name of named('unary.', false)) yield [name, (dtype) => called[name](odd([1_400_003], dtype))];
  for (const name of named('binary.', false))
    yield [name, (dtype) => called[name](odd([1201, 1003], dtype), odd([1003], dtype))];
  for (const name of named('binary.', true))
    yield [name, () => called[name](odd([2_000_003], 'int32'), odd([2_000_003], 'int32'))];
  yield ['bitwiseNot', () => g.bitwiseNot(odd([3_000_003], 'int32'))];
  yield [
    'sums and quotients',
    (dtype) => {
      const [a, b] = [odd([2_000_003], dtype), odd([2_000_003], dtype)];
      g.add(a, b);
      g.sub(a, b);
      g.div(a, b);
      g.div(a, b, { roundingMode: 'trunc' });
      g.logit(share([1_000_003], dtype));
    },
  ];
  yield [
    'gelu',
    (dtype) => {
      const x = odd([2_000_003], dtype);
      withGradients([x], () => g.F.gelu(x));
    },
  ];
  yield [
    'where, round, triu',
    (dtype) => {
      const a = odd([1201, 2003], dtype);
      g.where(g.gt(a, 0.5), a, g.tensor(1, { dtype }));
      g.round(a, { decimals: 2 });
      g.triu(a, 3);
    },
  ];
  yield ['polygamma', (dtype) => g.polygamma(2, share([300_003], dtype))];
  yield ['polynomial', (dtype) => polynomial(odd([1_000_003], dtype), [1, 2, 3, 4, 5])];
  yield [
    'copies of transposed tensors and of other dtypes',
    (dtype) => {
      const a = odd([2003, 1501], dtype);
      g.transpose(a, 0, 1).contiguous();
      g.permute(odd([101, 103, 201], dtype), [2, 0, 1]).contiguous();
      a.to('int32');
    },
  ];
}

function* products(): Generator<LargeCall> {
  yield [
    'matmul',
    (dtype) => {
      g.matmul(odd([701, 503], dtype), odd([503, 607], dtype));
      g.matmul(odd([503, 1201], dtype).transpose(0, 1), odd([607, 503], dtype).transpose(0, 1));
    },
  ];
  yield ['batched matmul', (dtype) => g.bmm(odd([67, 101, 99], dtype), odd([67, 99, 103], dtype))];
  yield [
    'matrix times vector',
    (dtype) => {
      g.mv(odd([2003, 2001], dtype), odd([2001], dtype));
      g.mv(odd([2001, 2003], dtype).transpose(0, 1), odd([2001], dtype));
    },
  ];
  yield ['linear', (dtype) => g.F.linear(odd([503, 401], dtype), odd([607, 401], dtype), odd([607], dtype))];
  yield [
    'linear and an activation',
    (dtype) => {
      const { nn } = g;
      const x = odd([503, 401], dtype);
      for (const Activation of [nn.ReLU, nn.GELU, nn.Sigmoid, nn.Tanh])
        g.noGrad(() => new nn.Sequential(new nn.Linear(401, 607, { dtype }), new Activation())(x));
    },
  ];
}

function* convolutions(): Generator<LargeCall> {
  yield ['conv2d 3x3', layers([5, 67, 41, 37], [51, 67, 3, 3], { padding: 1 })];
  yield ['conv2d 3x3 of few channels', layers([9, 3, 97, 61], [19, 3, 3, 3], { padding: 1 })];
  yield ['conv2d 1x1', layers([5, 131, 41, 37], [67, 131, 1, 1], {})];
  yield ['conv2d 7x7, stride 2', layers([5, 3, 131, 99], [33, 3, 7, 7], { stride: 2, padding: 3 })];
  yield ['conv2d, dilation 2', layers([5, 33, 41, 37], [35, 33, 3, 3], { dilation: 2, padding: 2 })];
  yield ['conv2d, groups', layers([5, 64, 41, 37], [96, 2, 3, 3], { groups: 32, padding: 1 })];
  yield ['conv2d, depthwise', layers([5, 131, 41, 37], [131, 1, 3, 3], { groups: 131, padding: 1 })];
  yield ['conv1d', layers([9, 67, 511], [65, 67, 9], { padding: 4 })];
  yield ['conv3d', layers([3, 15, 13, 27, 29], [17, 15, 3, 3, 3], { padding: 1 })];
  yield [
    'convTranspose2d',
    (dtype) => {
      const [x, w] = [odd([3, 65, 21, 23], dtype), odd([65, 33, 4, 4], dtype)];
      withGradients([x, w], () => g.F.convTranspose2d(x, w, null, { stride: 2, padding: 1 }));
    },
  ];
  yield [
    'unfold and fold',
    (dtype) => {
      const x = odd([5, 17, 61, 67], dtype);
      withGradients([x], () => g.F.unfold(x, 3, { padding: 1 }));
      const y = odd([61, 40_003], dtype);
      withGradients([y], () => g.unfold(y, 1, 7, 2));
    },
  ];
}

function* planes(): Generator<LargeCall> {
  yield ['maxPool2d', pooled((x) => g.F.maxPool2d(x, 2))];
  yield ['maxPool2d, overlapping', pooled((x) => g.F.maxPool2d(x, 3, { stride: 2, padding: 1 }))];
  yield ['avgPool2d', pooled((x) => g.F.avgPool2d(x, 3, { stride: 2, padding: 1 }))];
  yield ['adaptiveAvgPool2d', pooled((x) => g.F.adaptiveAvgPool2d(x, [31, 7]))];
  yield ['adaptiveMaxPool2d', pooled((x) => g.F.adaptiveMaxPool2d(x, [31, 7]) as g.Tensor)];
  yield ['maxUnpool2d', unpooled([5, 41, 102, 66])];
  yield [
    'pad',
    (dtype) => {
      for (const mode of ['constant', 'reflect', 'replicate', 'circular'] as const) {
        const x = odd([5, 41, 101, 67], dtype);
        withGradients([x], () => g.F.pad(x, [2, 1, 3, 2], mode));
      }
    },
  ];
  yield ['nearest', resized([5, 33, 61, 67], { scaleFactor: 2, mode: 'nearest' })];
  yield ['bilinear', resized([5, 33, 61, 67], { scaleFactor: 2, mode: 'bilinear' })];
  yield ['bicubic', resized([3, 11, 61, 67], { size: [99, 101], mode: 'bicubic' })];
  yield ['trilinear', resized([2, 9, 21, 31, 33], { scaleFactor: 2, mode: 'trilinear' })];
  yield [
    'bicubic, antialiased',
    resized([3, 11, 99, 101], { size: [31, 35], mode: 'bicubic', antialias: true }),
  ];
  yield [
    'gridSample',
    (dtype) => {
      const [x, grid] = [odd([3, 9, 41, 43], dtype), odd([3, 301, 211, 2], dtype)];
      withGradients([x, grid], () => g.F.gridSample(x, grid, { paddingMode: 'reflection' }));
    },
  ];
  yield [
    'roiAlign and roiPool',
    (dtype) => {
      const x = odd([3, 65, 41, 43], dtype);
      const corner = share([301, 2], dtype).mul(20);
      const boxes = g.cat(
        [places([301, 1], 3).to(dtype), corner, corner.add(share([301, 2], dtype).mul(20))],
        1,
      );
      withGradients([x], () => g.vision.roiAlign(x, boxes, 7));
      g.vision.roiPool(x.detach(), boxes, 7);
    },
  ];
  yield [
    'nms',
    (dtype) => {
      const corner = share([6001, 2], dtype).mul(500);
      g.vision.nms(
        g.cat([corner, corner.add(share([6001, 2], dtype).mul(60))], 1),
        share([6001], dtype),
        0.7,
      );
    },
  ];
}

function* statistics(): Generator<LargeCall> {
  yield [
    'batchNorm',
    normed(
      [9, 67, 41, 43],
      (x, w, b) =>
        g.F.batchNorm(x, g.zeros([67], { dtype: x.dtype }), g.ones([67], { dtype: x.dtype }), w, b, {
          training: true,
        }),
      67,
    ),
  ];
  yield [
    'batchNorm of rows',
    normed([20_003, 67], (x, w, b) => g.F.batchNorm(x, null, null, w, b, { training: true }), 67),
  ];
  yield [
    'batchNorm that evaluates',
    normed(
      [9, 67, 41, 43],
      (x, w, b) =>
        g.F.batchNorm(x, g.zeros([67], { dtype: x.dtype }), g.ones([67], { dtype: x.dtype }), w, b),
      67,
    ),
  ];
  yield ['layerNorm', normed([4001, 301], (x, w, b) => g.F.layerNorm(x, [301], w, b), 301)];
  yield ['rmsNorm', normed([4001, 301], (x, w) => g.F.rmsNorm(x, [301], w), 301)];
  yield ['groupNorm', normed([9, 66, 41, 43], (x, w, b) => g.F.groupNorm(x, 11, w, b), 66)];
  for (const [shape, dim] of [
    [[4001, 301], 1],
    [[301, 4001], 0],
    [[3, 1_000_003], 1],
  ] as const) {
    yield [
      `softmax of (${shape}) along ${dim}`,
      (dtype) => {
        const x = odd(shape, dtype);
        withGradients([x], () => g.softmax(x, dim));
      },
    ];
    yield [
      `sum, extremes, products and norms of (${shape}) along ${dim}`,
      (dtype) => {
        const x = odd(shape, dtype);
        g.sum(x, dim);
        g.sum(x);
        g.amax(x, dim);
        g.max(x, dim);
        g.argmin(x);
        g.prod(x, dim);
        for (const p of [2, 1, 3]) g.linalg.vectorNorm(x, p, dim);
      },
    ];
    yield [
      `scans of (${shape}) along ${dim}`,
      (dtype) => {
        const x = odd(shape, dtype);
        withGradients([x], () => g.cumsum(x, dim));
        withGradients([x], () => g.cumprod(x, dim));
        g.cummax(x, dim);
        g.logcumsumexp(x, dim);
      },
    ];
  }
  yield [
    'losses of classes',
    (dtype) => {
      for (const shape of [
        [4001, 301],
        [3, 301, 1501],
      ]) {
        const x = odd(shape, dtype);
        const target = places([shape[0], ...shape.slice(2)], 301);
        withGradients([x], () => g.F.crossEntropy(x, target));
        withGradients([x], () => g.F.nllLoss(x, target, { reduction: 'none' }));
        const soft = g.softmax(odd(shape, dtype), 1).detach();
        withGradients([x, soft], () => g.F.crossEntropy(x, soft));
      }
    },
  ];
  yield [
    'binary cross-entropy',
    (dtype) => {
      const [x, p, t] = [odd([1201, 1003], dtype), share([1201, 1003], dtype), share([1201, 1003], dtype)];
      withGradients([x], () => g.F.binaryCrossEntropyWithLogits(x, t, { reduction: 'none' }));
      withGradients([p], () => g.F.binaryCrossEntropy(p, t, { reduction: 'none' }));
    },
  ];
}

function* places_(): Generator<LargeCall> {
  yield [
    'gather and scatter',
    (dtype) => {
      for (const dim of [0, 1]) {
        const [a, src] = [odd([1001, 1201], dtype), odd([1001, 1201], dtype)];
        const index = places([1001, 1201], 1001);
        g.gather(a, dim, index);
        g.scatter(a, dim, index, src);
        g.scatterAdd(a, dim, index, src);
        g.scatterReduce(a, dim, index, src, 'amax');
      }
    },
  ];
  yield [
    'indexSelect and indexAdd',
    (dtype) => {
      for (const dim of [0, 1]) {
        const [a, index] = [odd([1001, 1201], dtype), places([3001], 1001)];
        const picked = g.indexSelect(a, dim, index);
        g.indexAdd(a, dim, index, picked);
      }
    },
  ];
  yield [
    'index tensors',
    (dtype) => {
      const a = odd([1001, 1201], dtype);
      const [i, j] = [places([1_000_003], 1001), places([1_000_003], 1201)];
      const picked = a.at(i, j);
      a.at(places([2001], 1001));
      g.indexPut(a, [i, j], picked);
      g.indexPut(a, [i, j], picked, { accumulate: true });
      g.maskedSelect(a, g.gt(a, 0));
    },
  ];
  yield [
    'embedding',
    (dtype) => {
      const weight = odd([5003, 129], dtype);
      withGradients([weight], () => g.F.embedding(places([101, 99], 5003), weight));
    },
  ];
  yield [
    'sorting',
    (dtype) => {
      for (const [shape, dim] of [
        [[801, 1003], 1],
        [[803, 801], 0],
        [[600_001], 0],
      ] as const) {
        const a = odd(shape, dtype);
        g.sort(a, dim);
        g.topk(a, 5, dim);
        g.kthvalue(a, 7, dim);
        g.median(a, dim);
      }
      g.sort(odd([600_001], 'int32'), 0);
    },
  ];
  yield [
    'places in sorted rows, rows in order, counts',
    (dtype) => {
      g.searchsorted(g.sort(odd([100_003], dtype), 0)[0], odd([400_001], dtype));
      g.unique(odd([100_003, 3], 'uint8').to(dtype), { dim: 0 });
      g.bincount(places([2_000_003], 1001));
      g.histc(odd([2_000_003], dtype), 101);
    },
  ];
  yield [
    'distances',
    (dtype) => {
      for (const p of [2, 1, 3, Infinity, 0.5]) {
        const [x, y] = [odd([501, 67], dtype), odd([603, 67], dtype)];
        withGradients([x, y], () => g.cdist(x, y, p));
      }
    },
  ];
}

function* others(): Generator<LargeCall> {
  yield [
    'steps of recurrent layers',
    (dtype) => {
      for (const cell of [new g.nn.LSTMCell(67, 513), new g.nn.GRUCell(67, 513)]) {
        cell.to(dtype);
        const x = odd([601, 67], dtype);
        withGradients([x], () => [cell.forward(x)].flat()[0] as g.Tensor);
      }
    },
  ];
  yield [
    'attention',
    (dtype) => {
      const [q, k, v] = [0, 1, 2].map(() => odd([3, 5, 201, 33], dtype));
      withGradients([q, k, v], () => g.F.scaledDotProductAttention(q, k, v));
    },
  ];
  yield [
    'random fills',
    (dtype) => {
      g.rand([3_000_003], { dtype });
      g.randn([1_000_003], { dtype });
      g.zeros([2_000_003], { dtype }).bernoulli_(0.3);
      g.randint(1000, [2_000_003]);
    },
  ];
  yield [
    'equations and decompositions',
    (dtype) => {
      const regular = g.add(odd([3, 301, 301], dtype), g.mul(g.eye(301, 301, { dtype }), 60)).detach();
      const spd = g.add(g.matmul(regular, g.transpose(regular, 1, 2)), g.eye(301, 301, { dtype })).detach();
      g.linalg.solve(regular, odd([3, 301, 33], dtype));
      g.linalg.solveTriangular(regular, odd([3, 301, 33], dtype), { upper: true });
      g.linalg.det(regular);
      g.linalg.cholesky(spd);
      g.linalg.qr(odd([301, 291], dtype));
      g.linalg.svd(odd([151, 101], dtype));
      g.linalg.eigh(g.select(spd, 0, 0).narrow(0, 0, 151).narrow(1, 0, 151));
    },
  ];
  const kinds = g.optim;
  yield ['SGD', optimizerStep((p) => new kinds.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.1 }))];
  yield ['Adam', optimizerStep((p) => new kinds.Adam(p))];
  yield ['AdamW', optimizerStep((p) => new kinds.AdamW(p, { amsgrad: true }))];
  yield ['RMSprop', optimizerStep((p) => new kinds.RMSprop(p, { centered: true, momentum: 0.5 }))];
  yield ['Adagrad', optimizerStep((p) => new kinds.Adagrad(p))];
  yield ['Adadelta', optimizerStep((p) => new kinds.Adadelta(p))];
  yield ['Adamax', optimizerStep((p) => new kinds.Adamax(p))];
  yield ['NAdam', optimizerStep((p) => new kinds.NAdam(p))];
  yield ['RAdam', optimizerStep((p) => new kinds.RAdam(p))];
  yield ['ASGD', optimizerStep((p) => new kinds.ASGD(p))];
  yield ['Lion', optimizerStep((p) => new kinds.Lion(p))];
  yield ['Rprop', optimizerStep((p) => new kinds.Rprop(p))];
}

/** All of the work in one lane, one row, one plane or one channel. */
function* single(): Generator<LargeCall> {
  const n = 300_007;
  for (const shape of [[n], [n, 2], [1, n]]) {
    const dim = shape[0] === 1 ? 1 : 0;
    yield [
      `lanes of (${shape}) along ${dim}`,
      (dtype) => {
        const x = odd(shape, dtype);
        withGradients([x], () => g.softmax(x, dim));
        withGradients([x], () => g.cumsum(x, dim));
        withGradients([x], () => g.cumprod(x, dim));
        withGradients([x], () => g.logcumsumexp(x, dim));
        withGradients([x], () => g.flip(x, dim));
        g.sum(x, dim);
        g.sum(x);
        g.amax(x, dim);
        g.max(x, dim);
        g.argmin(x);
        g.prod(x, dim);
        for (const p of [2, 1, 3, 0, Infinity]) g.linalg.vectorNorm(x, p, dim);
        g.cummax(x, dim);
        g.sort(x, dim);
        g.topk(x, 5, dim);
        g.kthvalue(x, 7, dim);
        g.median(x, dim);
        g.triu(g.reshape(x, [1, -1]));
        const index = places(shape, shape[dim]);
        g.gather(x.detach(), dim, index);
        g.scatter(x.detach(), dim, index, x.detach());
        g.scatterAdd(x.detach(), dim, index, x.detach());
        g.scatterReduce(x.detach(), dim, index, x.detach(), 'prod');
        g.indexSelect(x.detach(), dim, places([n], n));
        g.indexAdd(x.detach(), dim, places([n], n), x.detach());
        g.maskedSelect(x, g.gt(x, 0));
      },
    ];
  }
  yield [
    'rows and columns in losses',
    (dtype) => {
      for (const shape of [
        [1, n],
        [(n / 3) | 0, 3],
      ]) {
        const x = odd(shape, dtype);
        const target = places([shape[0]], shape[1]);
        withGradients([x], () => g.F.crossEntropy(x, target));
        withGradients([x], () => g.F.nllLoss(x, target, { reduction: 'none' }));
        const soft = g.softmax(odd(shape, dtype), 1).detach();
        withGradients([x, soft], () => g.F.crossEntropy(x, soft));
      }
    },
  ];
  yield ['one row normalised', normed([1, n], (x, w, b) => g.F.layerNorm(x, [n], w, b), n)];
  yield ['one row normalised by its root mean square', normed([1, n], (x, w) => g.F.rmsNorm(x, [n], w), n)];
  yield [
    'one channel normalised',
    normed([1, 1, n], (x, w, b) => g.F.batchNorm(x, null, null, w, b, { training: true }), 1),
  ];
  yield ['one group normalised', normed([1, 3, (n / 3) | 0], (x, w, b) => g.F.groupNorm(x, 1, w, b), 3)];
  yield [
    'one plane',
    (dtype) => {
      const shape = [1, 1, 1201, 1301];
      for (const f of [
        (x: g.Tensor) => g.F.maxPool2d(x, 3, { stride: 2, padding: 1 }),
        (x: g.Tensor) => g.F.avgPool2d(x, 3, { stride: 2, padding: 1 }),
        (x: g.Tensor) => g.F.adaptiveAvgPool2d(x, 3),
        (x: g.Tensor) => g.F.adaptiveMaxPool2d(x, 3) as g.Tensor,
        (x: g.Tensor) => g.F.pad(x, [3, 4, 5, 6], 'reflect'),
        (x: g.Tensor) => g.F.unfold(x, 3),
        (x: g.Tensor) => g.F.interpolate(x, { scaleFactor: 1.3, mode: 'bilinear' }),
        (x: g.Tensor) => g.F.interpolate(x, { scaleFactor: 1.3, mode: 'nearest' }),
        (x: g.Tensor) => g.F.interpolate(x, { scaleFactor: 1.3, mode: 'bicubic' }),
      ]) {
        const x = odd(shape, dtype);
        withGradients([x], () => f(x));
      }
      unpooled([1, 1, 1200, 1300])(dtype);
    },
  ];
  yield [
    'one channel in convolutions',
    (dtype) => {
      layers([1, 1, 801, 803], [1, 1, 3, 3], { padding: 1 })(dtype);
      layers([1, 1, 401, 403], [1, 1, 11, 11], { padding: 5 })(dtype);
      layers([1, 1, n], [1, 1, 9], { padding: 4 })(dtype);
      layers([1, 1, 61, 67, 71], [1, 1, 3, 3, 3], { padding: 1 })(dtype);
    },
  ];
  yield [
    'one long dot product',
    (dtype) => {
      g.dot(odd([n], dtype), odd([n], dtype));
      g.matmul(odd([3, (n / 3) | 0], dtype), odd([(n / 3) | 0, 3], dtype));
      g.outer(odd([1501], dtype), odd([1503], dtype));
    },
  ];
  yield [
    'few long rows',
    (dtype) => {
      for (const p of [2, 1, 3]) {
        const [x, y] = [odd([2, (n / 2) | 0], dtype), odd([2, (n / 2) | 0], dtype)];
        withGradients([x, y], () => g.cdist(x, y, p));
      }
      const weight = odd([2, (n / 2) | 0], dtype);
      withGradients([weight], () => g.F.embedding(places([3], 2), weight));
      const tall = odd([(n / 2) | 0, 2], dtype);
      withGradients([tall], () => g.F.embedding(places([300_003], (n / 2) | 0), tall));
      g.histc(odd([n], dtype), 2);
      g.unique(odd([(n / 4) | 0, 1], dtype), { dim: 0 });
      g.searchsorted(g.sort(odd([1, (n / 2) | 0], dtype), 1)[0], odd([1, (n / 2) | 0], dtype));
    },
  ];
  yield [
    'one region of the whole image',
    (dtype) => {
      const x = odd([1, 1, 801, 803], dtype);
      const box = g.tensor([[0, 0, 0, 800, 800]], { dtype });
      withGradients([x], () => g.vision.roiAlign(x, box, 3));
      g.vision.roiPool(x.detach(), box, 3);
    },
  ];
  yield [
    'one large matrix',
    (dtype) => {
      const a = g.add(odd([801, 801], dtype), g.mul(g.eye(801, 801, { dtype }), 60)).detach();
      g.linalg.solve(a, odd([801, 2], dtype));
      g.linalg.solveTriangular(a, odd([801, 2], dtype), { upper: true });
      g.linalg.qr(odd([(n / 4) | 0, 3], dtype));
      g.linalg.svd(odd([(n / 8) | 0, 3], dtype), { fullMatrices: false });
      g.linalg.det(a);
    },
  ];
}

/** All of it takes minutes: float64 is left to `npm run test:engines`, which sets the variable. */
export const dtypes: readonly ('float32' | 'float64')[] = process.env.GRADBOOK_THOROUGH
  ? ['float32', 'float64']
  : ['float32'];

/** Together they call every kernel. */
export const largeCalls = (): readonly LargeCall[] => [
  ...elementwise(),
  ...products(),
  ...convolutions(),
  ...planes(),
  ...statistics(),
  ...places_(),
  ...others(),
  ...single(),
];
