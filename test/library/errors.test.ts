import { expect, test } from 'vitest';
import * as library from '../../src/index.ts';

/** Wrong calls, of which TypeScript would refuse some: seen here as a JavaScript program, or a value of type unknown, would make them. */
// biome-ignore lint/suspicious/noExplicitAny: wrong calls on purpose
const gradbook = library as any;

const int32 = (values: unknown) => gradbook.tensor(values, { dtype: 'int32' });

/** What is said, and what was done: shapes, dtypes, dimensions, sizes, options, graphs, in-place writes. */
const table: [message: string, call: () => unknown][] = [
  [
    'add: shapes (2, 3) and (2, 4) do not broadcast: sizes 3 and 4 differ at dimension 1, and neither is 1',
    () => gradbook.ones(2, 3).add(gradbook.ones(2, 4)),
  ],
  [
    'mul: shapes (2, 3, 4) and (3, 3) do not broadcast: sizes 4 and 3 differ at dimension 2, and neither is 1',
    () => gradbook.ones(2, 3, 4).mul(gradbook.ones(3, 3)),
  ],
  [
    'matmul: (2, 3) x (4, 5): inner sizes 3 and 4 differ',
    () => gradbook.ones(2, 3).matmul(gradbook.ones(4, 5)),
  ],
  [
    'matmul: () x (2,): both need at least one dimension: use mul for numbers',
    () => gradbook.tensor(1).matmul(gradbook.ones(2)),
  ],
  ['mm: (2, 3, 4) x (2, 2): needs 2 and 2 dimensions', () => gradbook.ones(2, 3, 4).mm(gradbook.ones(2, 2))],
  [
    'bmm: (2, 3, 4) x (3, 4, 5): batch sizes 2 and 3 differ',
    () => gradbook.ones(2, 3, 4).bmm(gradbook.ones(3, 4, 5)),
  ],
  [
    "matmul: the dtypes float32 and float64 differ: convert one with to('float64')",
    () => gradbook.ones(2, 2).matmul(gradbook.ones(2, 2, { dtype: 'float64' })),
  ],
  [
    'linear: (2, 3) x (4, 5): inner sizes 3 and 5 differ',
    () => gradbook.F.linear(gradbook.ones(2, 3), gradbook.ones(4, 5)),
  ],
  ['reshape: shape (4, 2) is invalid for input (2, 3) of size 6', () => gradbook.ones(2, 3).reshape(4, 2)],
  ['reshape: only one size can be -1, got (-1, -1)', () => gradbook.ones(2, 3).reshape(-1, -1)],
  ['reshape: shape (-2, 3) is invalid for input (2, 3) of size 6', () => gradbook.ones(2, 3).reshape(-2, 3)],
  [
    'reshape: shape (NaN, 3) is invalid for input (2, 3) of size 6',
    () => gradbook.ones(2, 3).reshape(Number.NaN, 3),
  ],
  [
    'view: (6,) is not compatible with the shape (3, 2) and strides [1,3]: at least one dimension spans two subspaces. Use reshape',
    () => gradbook.ones(2, 3).t().view(6),
  ],
  [
    'expand: (2, 3) to (2, 4): size 3 at dimension 1 is neither 1 nor 4',
    () => gradbook.ones(2, 3).expand(2, 4),
  ],
  [
    'permute: [0,0] must name each of the 2 dimensions of (2, 3) once',
    () => gradbook.ones(2, 3).permute(0, 0),
  ],
  [
    'transpose: dimension 2 is out of range for 2 dimensions: use -2 to 1',
    () => gradbook.ones(2, 3).transpose(0, 2),
  ],
  ['sum: dimension 2 is out of range for 2 dimensions: use -2 to 1', () => gradbook.ones(2, 3).sum(2)],
  ['sum: dimension 0 appears twice in [0,0]', () => gradbook.ones(2, 3).sum([0, 0])],
  [
    'sum: dimension NaN is out of range for 2 dimensions: use -2 to 1',
    () => gradbook.ones(2, 3).sum(Number.NaN),
  ],
  [
    "mean: the input is int32: give {dtype: 'float32'} or convert it",
    () => gradbook.ones(2, { dtype: 'int32' }).mean(),
  ],
  [
    'softmax: dimension 3 is out of range for 1 dimensions: use -1 to 0',
    () => gradbook.F.softmax(gradbook.ones(2), 3),
  ],
  [
    'cat: (2, 3) and (2, 4) differ in a dimension other than 0',
    () => gradbook.cat([gradbook.ones(2, 3), gradbook.ones(2, 4)], 0),
  ],
  ['cat: expected at least one tensor', () => gradbook.cat([])],
  ['stack: (2,) and (3,) differ', () => gradbook.stack([gradbook.ones(2), gradbook.ones(3)])],
  ['split: sizes [2,2] do not add up to 5, the size of dimension 0', () => gradbook.ones(5).split([2, 2])],
  ['chunk: 0 chunks: use a whole number from 1', () => gradbook.ones(5).chunk(0)],
  [
    'squeeze: dimension 5 is out of range for 2 dimensions: use -2 to 1',
    () => gradbook.ones(2, 1).squeeze(5),
  ],
  [
    'unsqueeze: dimension 4 is out of range for 2 dimensions: use -2 to 1',
    () => gradbook.ones(2).unsqueeze(4),
  ],
  ['narrow: start 2 and length 5 leave dimension 0 of size 3', () => gradbook.ones(3).narrow(0, 2, 5)],
  ['select: index 3 is out of range for dimension 0 of size 3', () => gradbook.ones(3).select(0, 3)],
  ['item: a tensor (2,) has 2 elements, not one: use toArray()', () => gradbook.ones(2).item()],
  [
    "unknown dtype 'float16': use float32, float64, int32, uint8, bool",
    () => gradbook.zeros(2, { dtype: 'float16' }),
  ],
  [
    'tensor: rows differ in length: expected 2 at depth 1, got a row of 1',
    () => gradbook.tensor([[1, 2], [3]]),
  ],
  ['tensor: a is neither a number, a boolean nor an array of them', () => gradbook.tensor(['a'])],
  ['zeros: shape (-1,) has the size -1: sizes are whole numbers from 0', () => gradbook.zeros(-1)],
  ['zeros: shape (NaN,) has the size NaN: sizes are whole numbers from 0', () => gradbook.zeros(Number.NaN)],
  ['zeros: shape (1.5,) has the size 1.5: sizes are whole numbers from 0', () => gradbook.zeros(1.5)],
  ["unknown dtype 'int64': use float32, float64, int32, uint8, bool", () => gradbook.ones(2).to('int64')],
  [
    'requiresGrad: only floating tensors have gradients, this one is int32',
    () => gradbook.ones(2, { dtype: 'int32', requiresGrad: true }),
  ],
  ['linspace: steps is NaN: use a whole number from 0', () => gradbook.linspace(0, 1, Number.NaN)],
  ['eye: shape (-1, -1) has the size -1: sizes are whole numbers from 0', () => gradbook.eye(-1)],
  ['clamp: give min, max or both', () => gradbook.ones(2).clamp()],
  [
    'gather: index 5 is out of bounds for a dimension of size 3',
    () => gradbook.ones(3).gather(0, gradbook.tensor([5], { dtype: 'int32' })),
  ],
  [
    'scatter: index 5 is out of bounds for a dimension of size 3',
    () => gradbook.ones(3).scatter(0, gradbook.tensor([5], { dtype: 'int32' }), 1),
  ],
  [
    'indexSelect: index 3 is out of bounds for a dimension of size 3',
    () => gradbook.ones(3).indexSelect(0, gradbook.tensor([3], { dtype: 'int32' })),
  ],
  ['topk: k 5 is out of range for dimension -1 of size 3', () => gradbook.ones(3).topk(5)],
  [
    'kthvalue: k 0 is out of range for dimension -1 of size 3: counts from 1',
    () => gradbook.ones(3).kthvalue(0),
  ],
  ['sort: dimension 2 is out of range for 1 dimensions: use -1 to 0', () => gradbook.ones(3).sort(2)],
  [
    "einsum: 'ij,jk->ik': label 'j' stands for the sizes 3 and 4",
    () => gradbook.einsum('ij,jk->ik', gradbook.ones(2, 3), gradbook.ones(4, 5)),
  ],
  [
    "einsum: 'ij->iz': label 'z' of the result is in no term",
    () => gradbook.einsum('ij->iz', gradbook.ones(2, 3)),
  ],
  [
    'cross: dimension of size 3 of (2,) and (2,) must have size 3',
    () => gradbook.cross(gradbook.ones(2), gradbook.ones(2)),
  ],
  ['add: 1 and 2 are both plain numbers: make one a tensor', () => gradbook.add(1, 2)],
  [
    'where: shapes (2,) and (3,) do not broadcast: sizes 2 and 3 differ at dimension 0, and neither is 1',
    () => gradbook.where(gradbook.ones(2, { dtype: 'bool' }), gradbook.ones(3), 0),
  ],
  [
    "div: roundingMode 'up' is unknown: use trunc, floor or null",
    () => gradbook.ones(2).div(2, { roundingMode: 'up' }),
  ],
  [
    'backward: grad can be implicitly created only for scalar outputs, this one is (2,): reduce it (sum, mean) or pass a gradient of its shape',
    () => gradbook.ones(2, { requiresGrad: true }).mul(2).backward(),
  ],
  [
    'backward: element 0 of tensors does not require grad and does not have a grad_fn: nothing in its computation has requiresGrad',
    () => gradbook.ones(2).sum().backward(),
  ],
  [
    'Trying to backward through the graph a second time: exp has already released what it saved. Pass {retainGraph: true} to the first backward',
    () => {
      const y = gradbook.ones(2, { requiresGrad: true }).exp().sum();
      y.backward();
      y.backward();
    },
  ],
  [
    "backward: the gradient (3,) does not have the output's shape (2,)",
    () => gradbook.ones(2, { requiresGrad: true }).mul(2).backward(gradbook.ones(3)),
  ],
  [
    'grad: the outputs do not depend on input 0 (1,): pass {allowUnused: true} to get null for it',
    () =>
      gradbook.grad(gradbook.ones(1, { requiresGrad: true }).sum(), [
        gradbook.ones(1, { requiresGrad: true }),
      ]),
  ],
  [
    'grad: input 0 (1,) does not require grad: set requiresGrad before it is used',
    () => gradbook.grad(gradbook.ones(1, { requiresGrad: true }).sum(), [gradbook.ones(1)]),
  ],
  [
    'add_: a leaf Variable that requires grad is being used in an in-place operation. Use noGrad(), or clone() first',
    () => gradbook.ones(2, { requiresGrad: true }).add_(1),
  ],
  [
    'add_: a view of a leaf Variable that requires grad is being used in an in-place operation. Use noGrad(), or clone() first',
    () => gradbook.ones(2, { requiresGrad: true }).at(0).add_(1),
  ],
  [
    'add_: more than one element of the written-to tensor (3,) refers to a single memory location (it is expanded): clone() it first',
    () => gradbook.ones(1).expand(3).add_(1),
  ],
  [
    'one of the variables needed for gradient computation has been modified by an inplace operation: [float32 (2,)], saved by mul, is at version 1; expected version 0 instead. Clone it before the in-place operation',
    () => {
      const y = gradbook.ones(2, { requiresGrad: true }).exp();
      const l = y.mul(y).sum();
      y.add_(1);
      l.backward();
    },
  ],
  [
    'requiresGrad: only leaf tensors can be changed; use detach() for a tensor without history',
    () => {
      gradbook.ones(2, { requiresGrad: true }).mul(2).requiresGrad = false;
    },
  ],
  ['retainGrad: this tensor (2,) does not require grad', () => gradbook.ones(2).retainGrad()],
  [
    'conv2d: given groups=1, weight of size (2, 4, 3, 3), expected input (1, 3, 4, 4) to have 4 channels, but got 3 channels instead',
    () => gradbook.F.conv2d(gradbook.ones(1, 3, 4, 4), gradbook.ones(2, 4, 3, 3)),
  ],
  [
    "conv2d: Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be greater than actual input size: pad more, or use a smaller kernel or dilation",
    () => gradbook.F.conv2d(gradbook.ones(1, 1, 2, 2), gradbook.ones(1, 1, 3, 3)),
  ],
  [
    'conv2d: stride 0 must be whole numbers from 1',
    () => gradbook.F.conv2d(gradbook.ones(1, 1, 4, 4), gradbook.ones(1, 1, 3, 3), null, { stride: 0 }),
  ],
  [
    'conv2d: stride is NaN: give a number',
    () =>
      gradbook.F.conv2d(gradbook.ones(1, 1, 4, 4), gradbook.ones(1, 1, 3, 3), null, { stride: Number.NaN }),
  ],
  [
    "conv2d: padding 'full' is unknown: use 'same', 'valid' or numbers",
    () => gradbook.F.conv2d(gradbook.ones(1, 1, 4, 4), gradbook.ones(1, 1, 3, 3), null, { padding: 'full' }),
  ],
  [
    "conv2d: padding='same' is not supported for strided convolutions (stride [2,2]): give the padding as numbers",
    () =>
      gradbook.F.conv2d(gradbook.ones(1, 1, 4, 4), gradbook.ones(1, 1, 3, 3), null, {
        padding: 'same',
        stride: 2,
      }),
  ],
  [
    'conv2d: given groups=2, weight of size (2, 1, 3, 3), expected input (1, 3, 4, 4) to have 2 channels, but got 3 channels instead',
    () => gradbook.F.conv2d(gradbook.ones(1, 3, 4, 4), gradbook.ones(2, 1, 3, 3), null, { groups: 2 }),
  ],
  [
    'conv2d: expected 3D (unbatched) or 4D (batched) input, but got input of size (4, 4): it must be (C, H, W) or (N, C, H, W)',
    () => gradbook.F.conv2d(gradbook.ones(4, 4), gradbook.ones(2, 1, 3, 3)),
  ],
  [
    "conv2d: the input is float32 but the weight float64: convert one with to('float32')",
    () => gradbook.F.conv2d(gradbook.ones(1, 1, 4, 4), gradbook.ones(1, 1, 3, 3, { dtype: 'float64' })),
  ],
  [
    'maxPool2d: pad should be at most half of effective kernel size, but got padding 2 with kernel 2 and dilation 1: use at most 1, or call pad first',
    () => gradbook.F.maxPool2d(gradbook.ones(1, 1, 4, 4), 2, { padding: 2 }),
  ],
  [
    'maxPool2d: kernelSize 0 must be whole numbers from 1',
    () => gradbook.F.maxPool2d(gradbook.ones(1, 1, 4, 4), 0),
  ],
  [
    'avgPool2d: kernelSize NaN must be whole numbers from 1',
    () => gradbook.F.avgPool2d(gradbook.ones(1, 1, 4, 4), Number.NaN),
  ],
  [
    'mseLoss: the input (2, 1) and the target (2,) differ: reshape or squeeze one of them',
    () => gradbook.F.mseLoss(gradbook.ones(2, 1), gradbook.ones(2)),
  ],
  [
    'crossEntropy: Target 3 is out of bounds: 3 classes have the indices 0 to 2 (ignoreIndex is -100)',
    () => gradbook.F.crossEntropy(gradbook.ones(2, 3), gradbook.tensor([0, 3], { dtype: 'int32' })),
  ],
  [
    'crossEntropy: the target (1,) should be (2,) for the input (2, 3)',
    () => gradbook.F.crossEntropy(gradbook.ones(2, 3), gradbook.tensor([0], { dtype: 'int32' })),
  ],
  [
    'binaryCrossEntropy: all elements of input should be between 0 and 1, one is 2: give logits to binaryCrossEntropyWithLogits',
    () => gradbook.F.binaryCrossEntropy(gradbook.tensor([2]), gradbook.tensor([1])),
  ],
  [
    'binaryCrossEntropy: the input (2,) and the target (3,) differ: reshape or squeeze one of them',
    () => gradbook.F.binaryCrossEntropy(gradbook.rand(2), gradbook.ones(3)),
  ],
  [
    "mseLoss: reduction 'avg' is unknown: use none, mean or sum",
    () => gradbook.F.mseLoss(gradbook.ones(2), gradbook.ones(2), { reduction: 'avg' }),
  ],
  [
    'nllLoss: Target 5 is out of bounds: 3 classes have the indices 0 to 2 (ignoreIndex is -100)',
    () => gradbook.F.nllLoss(gradbook.ones(2, 3), gradbook.tensor([0, 5], { dtype: 'int32' })),
  ],
  [
    'dropout: dropout probability has to be between 0 and 1, but got 1.5',
    () => gradbook.F.dropout(gradbook.ones(2), 1.5),
  ],
  ['dropout: p is NaN: give a number', () => gradbook.F.dropout(gradbook.ones(2), Number.NaN)],
  [
    'batchNorm: Expected more than 1 value per channel when training, got input size [1, 3]: use a larger batch, or eval()',
    () => gradbook.F.batchNorm(gradbook.ones(1, 3), null, null, null, null, { training: true }),
  ],
  [
    'layerNorm: the input (2, 3) does not end with the normalized shape (4,)',
    () => gradbook.F.layerNorm(gradbook.ones(2, 3), [4]),
  ],
  [
    'groupNorm: 3 channels do not divide into 2 groups',
    () => gradbook.F.groupNorm(gradbook.ones(2, 3, 4), 2),
  ],
  [
    "interpolate: got 4D input (1, 1, 4, 4), but mode 'linear' needs 3D (N, C, ...): use 'bilinear'",
    () => gradbook.F.interpolate(gradbook.ones(1, 1, 4, 4), { mode: 'linear', scaleFactor: 2 }),
  ],
  [
    'embedding: index 5 is out of range: the weight has the rows 0 to 2',
    () => gradbook.F.embedding(gradbook.tensor([5], { dtype: 'int32' }), gradbook.ones(3, 2)),
  ],
  [
    'oneHot: class 5 is out of range: 3 classes are 0 to 2',
    () => gradbook.F.oneHot(gradbook.tensor([5], { dtype: 'int32' }), 3),
  ],
  [
    'Linear: inFeatures NaN must be a whole number of at least 0',
    () => new gradbook.nn.Linear(Number.NaN, 2),
  ],
  [
    'Conv2d: inChannels 3 must be a whole number above 0, divisible by groups 2',
    () => new gradbook.nn.Conv2d(3, 4, 3, { groups: 2 }),
  ],
  [
    'linear: (2, 4) x (2, 3): inner sizes 4 and 3 differ',
    () => new gradbook.nn.Linear(3, 2)(gradbook.ones(2, 4)),
  ],
  [
    'SGD: lr is -1: it must be at least 0',
    () => new gradbook.optim.SGD([gradbook.ones(1, { requiresGrad: true })], { lr: -1 }),
  ],
  [
    'SGD: lr is NaN: it must be at least 0',
    () => new gradbook.optim.SGD([gradbook.ones(1, { requiresGrad: true })], { lr: Number.NaN }),
  ],
  [
    'Adam: betas[0] is 1: it must be at least 0 and below 1',
    () => new gradbook.optim.Adam([gradbook.ones(1, { requiresGrad: true })], { betas: [1, 0.9] }),
  ],
  ['SGD: got an empty list of parameters', () => new gradbook.optim.SGD([], { lr: 1 })],
  [
    'this tensor was disposed: its memory has been given back. Clone it before dispose() if it is still needed',
    () => {
      const x = gradbook.ones(2);
      x.dispose();
      x.add(1);
    },
  ],
  [
    'manualSeed: seed 1.5 is not a whole number between -2^53 and 2^53: use one, such as 0',
    () => gradbook.manualSeed(1.5),
  ],
  [
    'randint: from 5 to 5 there is no whole number: low must be below high',
    () => gradbook.randint(5, 5, [2]),
  ],
  [
    'rand: draws real numbers, but the dtype is int32: use float32 or float64',
    () => gradbook.rand(2, { dtype: 'int32' }),
  ],
  ['normal: standard deviation NaN must not be negative', () => gradbook.normal(0, Number.NaN, [2])],
  [
    'multinomial: 2 draws without replacement, but only 1 of 2 weights are above 0',
    () => gradbook.multinomial(gradbook.tensor([1, 0]), 2),
  ],
  ['at: index 7 is out of bounds for dimension 0 with size 3', () => gradbook.ones(3).at(7)],
  ['at: too many indices: 2 for the 1 dimensions of (3,)', () => gradbook.ones(3).at(0, 0)],
  [
    'setAt: values of shape (3,) do not broadcast to (2,), where they are written',
    () => gradbook.ones(3).setAt([gradbook.slice(0, 2)], gradbook.ones(3)),
  ],
  [
    'at: the mask (2,) does not fit (3,): sizes 2 and 3 at its dimension 0',
    () => gradbook.ones(3).at(gradbook.tensor([true, false])),
  ],
  ['quantile: q 1.5 must lie in [0, 1]', () => gradbook.ones(3).quantile(1.5)],
  [
    'cdist: (2, 3) and (2, 4) must be (..., P, M) and (..., R, M)',
    () => gradbook.cdist(gradbook.ones(2, 3), gradbook.ones(2, 4)),
  ],
  ['tril: (3,) needs at least 2 dimensions', () => gradbook.ones(3).tril()],
  [
    'diag: (1, 2, 3) is neither a vector nor a matrix: use diagonal or diagEmbed',
    () => gradbook.diag(gradbook.ones(1, 2, 3)),
  ],
  [
    'repeat: [2] must give a whole number for each of the 2 dimensions of (2, 3)',
    () => gradbook.ones(2, 3).repeat(2),
  ],
  ['flip: dimension 0 appears twice in [0,0]', () => gradbook.ones(2, 3).flip(0, 0)],
  ['roll: shifts [1,2] and dims [0] differ in length', () => gradbook.ones(2, 3).roll([1, 2], [0])],
  ['cumsum: dimension 4 is out of range for 1 dimensions: use -1 to 0', () => gradbook.ones(3).cumsum(4)],
  [
    'linalg.inv: the matrices must be square, these are 2 x 3',
    () => gradbook.linalg.inv(gradbook.ones(2, 3)),
  ],
  [
    'linalg.inv: the matrix is singular: pivot 2 is zero. Use lstsq or pinv for the least squares solution',
    () => gradbook.linalg.inv(gradbook.ones(2, 2)),
  ],
  [
    'linalg.cholesky: the matrix is not positive-definite: its leading minor of order 2 is not positive',
    () =>
      gradbook.linalg.cholesky(
        gradbook.tensor([
          [1, 2],
          [2, 1],
        ]),
      ),
  ],
  ['full: the value is undefined: give a number or a boolean', () => gradbook.full([2])],
  [
    'lt: shapes (2, 3) and (2, 4) do not broadcast: sizes 3 and 4 differ at dimension 1, and neither is 1',
    () => gradbook.ones(2, 3).lt(gradbook.ones(2, 4)),
  ],
  [
    "bitwiseAnd: needs integers or booleans: convert floating tensors with to('int32')",
    () => gradbook.ones(2).bitwiseAnd(gradbook.ones(2)),
  ],
  ['cumsum: dimension 1 is out of range for 1 dimensions: use -1 to 0', () => gradbook.ones(3).cumsum(1)],
  [
    'logcumsumexp: dimension 3 is out of range for 2 dimensions: use -2 to 1',
    () => gradbook.ones(2, 2).logcumsumexp(3),
  ],
  [
    'searchsorted: the values (3, 3) and the sequence (2, 3) must agree in all dimensions but the last',
    () => gradbook.searchsorted(gradbook.ones(2, 3), gradbook.ones(3, 3)),
  ],
  ['unflatten: sizes (3,) do not make up dimension 0 of size 2', () => gradbook.ones(2).unflatten(0, [3])],
  ['unfold: windows of 5 with step 1 do not fit dimension 0 of (4,)', () => gradbook.ones(4).unfold(0, 5, 1)],
  [
    't: (2, 3, 4) has 3 dimensions: use transpose(dim0, dim1)',
    () => gradbook.ones(2, 3).t().t().mT && gradbook.ones(2, 3, 4).t(),
  ],
  [
    'gather: the index (1,) does not fit the input (2, 3): they need as many dimensions, and the index may be longer only along dimension 0',
    () => gradbook.ones(2, 3).gather(0, int32([0])),
  ],
  ['take: index 5 is out of bounds for a dimension of size 2', () => gradbook.ones(2).take(int32([5]))],
  [
    'indexAdd: the source (2,) must be (1,): the input (2,) with one slice for each index',
    () => gradbook.ones(2).indexAdd(0, int32([0]), gradbook.ones(2)),
  ],
  [
    'maskedSelect: the mask is float32: it must be bool: compare first, as in x.gt(0)',
    () => gradbook.ones(2).maskedSelect(gradbook.ones(2)),
  ],
  [
    'scatterAdd: index 5 is out of bounds for a dimension of size 3',
    () => gradbook.ones(2, 3).scatterAdd(1, int32([[5]]), gradbook.ones(1, 1)),
  ],
  [
    'cat: (2,) and (2, 2) differ in a dimension other than 0',
    () => gradbook.cat([gradbook.ones(2), gradbook.ones(2, 2)]),
  ],
  [
    'outer: (2, 2) and (2,) must both be vectors',
    () => gradbook.outer(gradbook.ones(2, 2), gradbook.ones(2)),
  ],
  [
    'linalg.solve: A (2, 2) and B (3,): B needs 2 rows',
    () => gradbook.linalg.solve(gradbook.ones(2, 2), gradbook.ones(3)),
  ],
  [
    'linalg.qr: (2,) must have at least 2 dimensions: (..., rows, columns)',
    () => gradbook.linalg.qr(gradbook.ones(2)),
  ],
  [
    'linalg.det: the matrices must be square, these are 2 x 3',
    () => gradbook.linalg.det(gradbook.ones(2, 3)),
  ],
  [
    'tensordot: dimensions [1] of (2, 3) and [0] of (4, 5) do not match',
    () => gradbook.tensordot(gradbook.ones(2, 3), gradbook.ones(4, 5), 1),
  ],
  ['glu: dimension -1 of (3,) must have an even size, to be halved', () => gradbook.F.glu(gradbook.ones(3))],
  [
    'prelu: weight (2,) should have one value, or one for each of 3 channels of the input (1, 3)',
    () => gradbook.F.prelu(gradbook.ones(1, 3), gradbook.ones(2)),
  ],
  [
    "gelu: approximate 'erf' is unknown: use none or tanh",
    () => gradbook.F.gelu(gradbook.ones(2), { approximate: 'erf' }),
  ],
  ['hardtanh: minVal 2 is above maxVal 1', () => gradbook.F.hardtanh(gradbook.ones(2), 2, 1)],
  ['rrelu: lower 2 is above upper 1', () => gradbook.F.rrelu(gradbook.ones(2), { lower: 2, upper: 1 })],
  [
    'batchNorm: runningMean (2,) should have the shape (3,) for the input (2, 3)',
    () => gradbook.F.batchNorm(gradbook.ones(2, 3), gradbook.ones(2), gradbook.ones(2)),
  ],
  [
    'instanceNorm: Expected more than 1 spatial element when training, got input size [1, 3, 1]',
    () => gradbook.F.instanceNorm(gradbook.ones(1, 3, 1)),
  ],
  [
    'rmsNorm: the input (2, 3) does not end with the normalized shape (2,)',
    () => gradbook.F.rmsNorm(gradbook.ones(2, 3), [2]),
  ],
  [
    'localResponseNorm: the input (2, 3) needs (N, C, L) or more dimensions',
    () => gradbook.F.localResponseNorm(gradbook.ones(2, 3), 2),
  ],
  [
    'normalize: dimension 5 is out of range for 2 dimensions: use -2 to 1',
    () => gradbook.F.normalize(gradbook.ones(2, 2), { dim: 5 }),
  ],
  [
    'convTranspose2d: given transposed weight of size (2, 1, 3, 3), expected input (1, 3, 4, 4) to have 2 channels, but got 3 channels instead',
    () => gradbook.F.convTranspose2d(gradbook.ones(1, 3, 4, 4), gradbook.ones(2, 1, 3, 3)),
  ],
  [
    "conv1d: Calculated padded input size per channel: (3). Kernel size: (5). Kernel size can't be greater than actual input size: pad more, or use a smaller kernel or dilation",
    () => gradbook.F.conv1d(gradbook.ones(1, 2, 3), gradbook.ones(1, 2, 5)),
  ],
  [
    'convTranspose1d: output padding must be smaller than either stride or dilation, but got outputPadding [2], stride [2], dilation [1]',
    () =>
      gradbook.F.convTranspose1d(gradbook.ones(1, 1, 3), gradbook.ones(1, 1, 3), null, {
        stride: 2,
        outputPadding: 2,
      }),
  ],
  [
    'conv2d: given weight of size (1, 1, 2, 2), expected bias to be 1-dimensional with 1 elements, but got (3,)',
    () => gradbook.F.conv2d(gradbook.ones(1, 1, 3, 3), gradbook.ones(1, 1, 2, 2), gradbook.ones(3)),
  ],
  [
    'unfold: given spatial size (2, 2), kernelSize [3,3], dilation [1,1], padding [0,0], stride [1,1], the shape of the array of sliding blocks is (0, 0), but its components must be at least one: pad, or use a smaller kernel',
    () => gradbook.F.unfold(gradbook.ones(1, 1, 2, 2), 3),
  ],
  [
    "fold: given outputSize [3,3], expected size of input's dimension 2 to match the calculated number of sliding blocks 2 * 2 = 4, but got 5",
    () => gradbook.F.fold(gradbook.ones(1, 4, 5), [3, 3], 2),
  ],
  [
    'adaptiveAvgPool2d: expected 3D (unbatched) or 4D (batched) input, but got input of size (2, 2): it must be (C, H, W) or (N, C, H, W)',
    () => gradbook.F.adaptiveAvgPool2d(gradbook.ones(2, 2), 1),
  ],
  [
    'maxPool1d: given input size (1, 1), calculated output size (0) is too small for kernel [3]: use a smaller kernel, or pad',
    () => gradbook.F.maxPool1d(gradbook.ones(1, 1, 1), 3),
  ],
  [
    'avgPool2d: divisorOverride 0 must be a whole number other than zero: leave it out',
    () => gradbook.F.avgPool2d(gradbook.ones(1, 1, 4, 4), 2, { divisorOverride: 0 }),
  ],
  [
    'maxUnpool2d: found an invalid max index: 99 (output volumes are of size 4x4): give the outputSize that was pooled',
    () =>
      gradbook.F.maxUnpool2d(
        gradbook.ones(1, 1, 2, 2),
        int32([
          [
            [
              [0, 1],
              [2, 99],
            ],
          ],
        ]),
        2,
      ),
  ],
  [
    'l1Loss: the input (2,) and the target (3,) differ: reshape or squeeze one of them',
    () => gradbook.F.l1Loss(gradbook.ones(2), gradbook.ones(3)),
  ],
  [
    "nllLoss: the target is float32: class indices are int32 (or probabilities of the input's shape (2, 3))",
    () => gradbook.F.nllLoss(gradbook.ones(2, 3), gradbook.ones(2)),
  ],
  [
    'klDiv: the input (2,) and the target (3,) differ: reshape or squeeze one of them',
    () => gradbook.F.klDiv(gradbook.ones(2), gradbook.ones(3)),
  ],
  [
    'huberLoss: delta -1 must be above 0',
    () => gradbook.F.huberLoss(gradbook.ones(2), gradbook.ones(2), { delta: -1 }),
  ],
  [
    'tripletMarginLoss: the input (2, 3) and the negative (2, 4) differ: reshape or squeeze one of them',
    () => gradbook.F.tripletMarginLoss(gradbook.ones(2, 3), gradbook.ones(2, 3), gradbook.ones(2, 4)),
  ],
  [
    'cosineEmbeddingLoss: inputs (2, 3) and target (3,) should be (N, D) and (N,), or (D,) and ()',
    () => gradbook.F.cosineEmbeddingLoss(gradbook.ones(2, 3), gradbook.ones(2, 3), gradbook.ones(3)),
  ],
  [
    'multiMarginLoss: Target 3 is out of bounds: 3 classes have the indices 0 to 2',
    () => gradbook.F.multiMarginLoss(gradbook.ones(2, 3), int32([0, 3])),
  ],
  [
    "crossEntropy: the target is float32: class indices are int32 (or probabilities of the input's shape (2, 3))",
    () => gradbook.F.crossEntropy(gradbook.ones(2, 3), gradbook.ones(2, 4)),
  ],
  [
    'gaussianNllLoss: variance has a negative entry: a variance is at least 0',
    () => gradbook.F.gaussianNllLoss(gradbook.ones(2), gradbook.ones(2), gradbook.ones(2).neg()),
  ],
  [
    'smoothL1Loss: beta -1 is below 0',
    () => gradbook.F.smoothL1Loss(gradbook.ones(2), gradbook.ones(2), { beta: -1 }),
  ],
  [
    'interpolate: either size or scaleFactor should be given',
    () => gradbook.F.interpolate(gradbook.ones(1, 1, 2, 2), {}),
  ],
  [
    'interpolate: size [1,2,3] has 3 numbers: give one, or one for each of the 2 spatial dimensions',
    () => gradbook.F.interpolate(gradbook.ones(1, 1, 2, 2), { size: [1, 2, 3], mode: 'bilinear' }),
  ],
  [
    'gridSample: expected grid to have size 2 in last dimension, but got grid (1, 2, 2, 3)',
    () => gradbook.F.gridSample(gradbook.ones(1, 1, 2, 2), gradbook.ones(1, 2, 2, 3)),
  ],
  [
    "pixelShuffle: expects its input's channel dimension to be divisible by the square of upscaleFactor, but 3 of (1, 3, 2, 2) is not divisible by 4",
    () => gradbook.F.pixelShuffle(gradbook.ones(1, 3, 2, 2), 2),
  ],
  [
    'pad: padding size should be less than the corresponding input dimension, but got padding (3, 0) at dimension 2 of input (1, 1, 3): reflect at most 2',
    () => gradbook.F.pad(gradbook.ones(1, 1, 3), [3, 0], 'reflect'),
  ],
  [
    'affineGrid: expected a batch of 2D affine matrices of shape (1, 2, 3) for size [1,1,2,2], but got (1, 2, 2)',
    () => gradbook.F.affineGrid(gradbook.ones(1, 2, 2), [1, 1, 2, 2]),
  ],
  [
    'scaledDotProductAttention: query (2, 3, 4), key (2, 3, 5) and value (2, 3, 5) should be (..., L, E), (..., S, E) and (..., S, V)',
    () =>
      gradbook.F.scaledDotProductAttention(
        gradbook.ones(2, 3, 4),
        gradbook.ones(2, 3, 5),
        gradbook.ones(2, 3, 5),
      ),
  ],
  [
    'MultiheadAttention: embedDim 5 must be divisible by numHeads 2',
    () => new gradbook.nn.MultiheadAttention(5, 2),
  ],
  [
    'scaledDotProductAttention: shapes (9, 9) and (2, 3, 3) do not broadcast: sizes 9 and 3 differ at dimension 1, and neither is 1',
    () =>
      gradbook.F.scaledDotProductAttention(
        gradbook.ones(2, 3, 4),
        gradbook.ones(2, 3, 4),
        gradbook.ones(2, 3, 4),
        { attnMask: gradbook.ones(9, 9) },
      ),
  ],
  [
    'LSTM: the input (4, 1, 5) should be (T, B, 3) or (T, 3)',
    () => new gradbook.nn.LSTM(3, 2)(gradbook.ones(4, 1, 5)),
  ],
  [
    'GRU: the state (2, 1, 2) should be (1, 1, 2)',
    () => new gradbook.nn.GRU(3, 2)(gradbook.ones(4, 1, 3), gradbook.ones(2, 1, 2)),
  ],
  [
    'gruCell: the hidden state (3, 2) should be (2, 2)',
    () =>
      gradbook.F.gruCell(gradbook.ones(2, 3), gradbook.ones(3, 2), gradbook.ones(6, 3), gradbook.ones(6, 2)),
  ],
  [
    'embedding: the indices are float32: they must be int32',
    () => gradbook.F.embedding(gradbook.ones(2), gradbook.ones(3, 2)),
  ],
  [
    'embeddingBag: the input (2,) should be (B, N), or (N,) with offsets (B,)',
    () => gradbook.F.embeddingBag(int32([0, 1]), gradbook.ones(3, 2)),
  ],
  ['oneHot: the indices are float32: they must be int32', () => gradbook.F.oneHot(gradbook.ones(2))],
  [
    'boxIou: boxes have the shape (2, 3): the last dimension must be 4',
    () => gradbook.vision.boxIou(gradbook.ones(2, 3), gradbook.ones(2, 4)),
  ],
  [
    'nms: boxes (2, 4) and scores (3,) must be (N, 4) and (N,) with the same N',
    () => gradbook.vision.nms(gradbook.ones(2, 4), gradbook.ones(3), 0.5),
  ],
  [
    'roiAlign: rois (1, 4) must be (K, 5): image index, x1, y1, x2, y2',
    () => gradbook.vision.roiAlign(gradbook.ones(1, 1, 4, 4), gradbook.ones(1, 4), 2),
  ],
  [
    "boxConvert: format 'abc' is unknown: use xyxy, xywh or cxcywh",
    () => gradbook.vision.boxConvert(gradbook.ones(2, 4), 'xyxy', 'abc'),
  ],
  ['bernoulli: probability 2 is not in [0, 1]', () => gradbook.bernoulli(gradbook.tensor([2]))],
  [
    'multinomial: weight -1 at 0: weights are finite and not negative',
    () => gradbook.multinomial(gradbook.tensor([-1, 2]), 1),
  ],
  ['uniform_: low 2 is above high 1', () => gradbook.ones(2).uniform_(2, 1)],
  ['arange: step is 0: use a positive or a negative number', () => gradbook.arange(0, 1, 0)],
  ['arange: step -1 leads away from end 10 when starting at 0', () => gradbook.arange(0, 10, -1)],
  ['logspace: steps is -2: use a whole number from 0', () => gradbook.logspace(0, 1, -2)],
  [
    'fromArray: 3 elements do not fill the shape (2, 2), which has 4',
    () => gradbook.fromArray([1, 2, 3], [2, 2]),
  ],
  ['argmax: dimension 3 is out of range for 2 dimensions: use -2 to 1', () => gradbook.ones(2, 3).argmax(3)],
  ['amax: dimension of size 0 in (2, 0): there is nothing to compare', () => gradbook.ones(2, 0).amax(1)],
  ['topk: k -1 is out of range for dimension -1 of size 2', () => gradbook.ones(2).topk(-1)],
  [
    'kthvalue: k 3 is out of range for dimension -1 of size 2: counts from 1',
    () => gradbook.ones(2).kthvalue(3),
  ],
  ['Sequential: layer 0 is not a module: 1', () => new gradbook.nn.Sequential(1)],
  ["ModuleDict: 'a' is not a module: 1", () => new gradbook.nn.ModuleDict({ a: 1 })],
  [
    'TensorDataset: the first sizes of (2,) and (3,) differ',
    () => new gradbook.data.DataLoader(new gradbook.data.TensorDataset(gradbook.ones(2), gradbook.ones(3))),
  ],
  [
    'randomSplit: the sizes [1,1] do not add up to the 4 examples: pass whole numbers that do, or fractions that sum to 1',
    () => gradbook.data.randomSplit(new gradbook.data.TensorDataset(gradbook.ones(4)), [1, 1]),
  ],
  [
    'StandardScaler: call fit(trainingData) first, on the training data only',
    () => new gradbook.data.StandardScaler().transform(gradbook.ones(2, 2)),
  ],
  [
    'StepLR: gamma is NaN: give a number',
    () =>
      new gradbook.optim.lrScheduler.StepLR(
        new gradbook.optim.SGD([gradbook.ones(1, { requiresGrad: true })], { lr: 1 }),
        2,
        { gamma: NaN },
      ),
  ],
  [
    'SGD: dampening is NaN: give a number',
    () => new gradbook.optim.SGD([gradbook.ones(1, { requiresGrad: true })], { lr: 0.1, dampening: NaN }),
  ],
  [
    'Adam: eps is -1: it must be at least 0',
    () => new gradbook.optim.Adam([gradbook.ones(1, { requiresGrad: true })], { eps: -1 }),
  ],
  ['at: index NaN is out of bounds for dimension 0 with size 2', () => gradbook.ones(2).at(NaN)],
  ['at: index 1.5 is out of bounds for dimension 0 with size 2', () => gradbook.ones(2).at(1.5)],
  ['setAt: index 3 is out of bounds for dimension 0 with size 2', () => gradbook.ones(2).setAt([3], 1)],
  [
    'slice: step 0 must be a whole number from 1: use flip() to go backwards',
    () => gradbook.ones(2).at(gradbook.slice(0, 2, 0)),
  ],
  ["at: '...' can stand only once in an index", () => gradbook.ones(2, 2).at('...', '...')],
  [
    'at: an index tensor is float32: use int32, or bool for a mask',
    () => gradbook.ones(3).at(gradbook.ones(3)),
  ],
  [
    'copy_: values of shape (3,) do not broadcast to (2,), where they are written',
    () => gradbook.ones(2).copy_(gradbook.ones(3)),
  ],
  [
    "add_: result type float32 can't be cast to the desired output type int32",
    () => gradbook.ones(2, { dtype: 'int32' }).add_(0.5),
  ],
  [
    'vmap: the mapped dimension has size 0, so the outputs have no shape',
    () => gradbook.vmap((x: unknown) => x)(gradbook.ones(0)),
  ],
  ["einsum: 'ij': 'ij' has 2 labels for the shape (2,)", () => gradbook.einsum('ij', gradbook.ones(2))],
  [
    "einsum: 'i,j->k': label 'k' of the result is in no term",
    () => gradbook.einsum('i,j->k', gradbook.ones(2), gradbook.ones(2)),
  ],
  [
    'nms: iouThreshold is NaN: give a number',
    () => gradbook.vision.nms(gradbook.ones(2, 4), gradbook.ones(2), Number.NaN),
  ],
  [
    'clipGradNorm_: maxNorm NaN must be at least 0',
    () => gradbook.nn.utils.clipGradNorm_([gradbook.ones(1)], Number.NaN),
  ],
  [
    'Error(s) in loading state_dict for Linear:',
    () => new gradbook.nn.Linear(2, 2).loadStateDict({ weight: gradbook.ones(3, 2) }),
  ],
  [
    "pad: unrecognised padding mode 'mirror': use constant, reflect, replicate or circular",
    () => gradbook.F.pad(gradbook.ones(2), [1, 1], 'mirror'),
  ],
];

test.each(table)('%s', (message, call) => {
  expect(call).toThrow(message);
});

test('an error changes nothing: values, versions and graphs are as before', () => {
  const x = library.ones(2, 3);
  const { version } = x.storage;
  for (const wrong of [
    () => x.add_(library.ones(4)),
    () => x.setAt([5], 1),
    () => x.setAt([0], library.ones(7)),
    () => x.copy_(library.ones(4)),
    () => x.uniform_(1, 0),
    () => x.indexPut_([library.tensor([9], { dtype: 'int32' })], library.ones(3)),
  ])
    expect(wrong).toThrow();
  expect(x.storage.version).toBe(version);
  expect(x.toArray()).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ]);
  expect(x.requiresGrad).toBe(false);
});
