import './ops/methods.ts';

export * as autograd from './autograd/index.ts';
export {
  type AutogradGraph,
  autogradGraph,
  type BackwardOptions,
  backward,
  checkpoint,
  checkpointWith,
  detectAnomaly,
  enableGrad,
  type FunctionContext,
  type GradcheckOptions,
  type GradOptions,
  grad,
  gradcheck,
  gradgradcheck,
  hessian,
  hvp,
  inferenceMode,
  isGradEnabled,
  jacobian,
  jvp,
  noGrad,
  setGradEnabled,
  vjp,
  vmap,
} from './autograd/index.ts';
export * as data from './data/index.ts';
export {
  engineStatus,
  getNumThreads,
  setInterruptWords,
  setNumThreads,
  useNativeEngine,
  useReferenceEngine,
} from './engine/native.ts';
export * as io from './io/index.ts';
export * as metric from './metric/index.ts';
export * as F from './nn/functional/index.ts';
export * as nn from './nn/index.ts';
export * from './ops/addProducts.ts';
export * from './ops/aliases.ts';
export * from './ops/arithmetic.ts';
export * from './ops/bitwise.ts';
export { cdist } from './ops/cdist.ts';
export * from './ops/clamp.ts';
export * from './ops/closeness.ts';
export * from './ops/comparison.ts';
export * from './ops/count.ts';
export {
  arange,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  linspace,
  logspace,
  ones,
  onesLike,
  zeros,
  zerosLike,
} from './ops/creation.ts';
export * from './ops/diagonal.ts';
export { cross, einsum, kron, tensordot } from './ops/einsum.ts';
export {
  argmax,
  argmin,
  type Extremum,
  type ExtremumMethod,
  max,
  min,
  type ValuesIndices,
} from './ops/extremum.ts';
export { gather, take, takeAlongDim } from './ops/gather.ts';
export { at, type Index, indexPut, Slice, setAt, slice } from './ops/indexing.ts';
export { indexAdd, indexCopy, indexFill, indexSelect } from './ops/indexSelect.ts';
export * from './ops/join.ts';
export { det, logdet, slogdet } from './ops/linalg/determinant.ts';
export * as linalg from './ops/linalg/index.ts';
export {
  argwhere,
  maskedFill,
  maskedScatter,
  maskedSelect,
  type Nonzero,
  type NonzeroMethod,
  nonzero,
} from './ops/masked.ts';
export { addmm, bmm, dot, linear, matmul, mm, mv, outer } from './ops/matmul.ts';
export * from './ops/meshgrid.ts';
export { dist, norm, renorm } from './ops/norm.ts';
export * from './ops/pairwise.ts';
export * from './ops/pointwise.ts';
export { polygamma } from './ops/polygamma.ts';
export { prod } from './ops/product.ts';
export * from './ops/quantile.ts';
export * from './ops/random.ts';
export * from './ops/rearrange.ts';
export { operations, type RegisteredOp } from './ops/record.ts';
export { type Dims, sum } from './ops/reduce.ts';
export { round } from './ops/round.ts';
export { cummax, cummin, cumprod, cumsum, diff, logcumsumexp } from './ops/scan.ts';
export * from './ops/scatter.ts';
export * from './ops/search.ts';
export * from './ops/sections.ts';
export * from './ops/shape.ts';
export * from './ops/signs.ts';
export { argsort, kthvalue, msort, type SortOptions, sort, topk } from './ops/sort.ts';
export * from './ops/statistics.ts';
export * from './ops/unique.ts';
export { asStrided, clone, contiguous, expand, reshape, view } from './ops/views.ts';
export { where } from './ops/where.ts';
export { unfold } from './ops/window.ts';
export * as optim from './optim/index.ts';
export {
  type ArraySource,
  fromArray,
  type NestedArray,
  type TensorOptions,
  tensor,
} from './tensor/creation.ts';
export { type DType, getDefaultDtype, promoteTypes, resultType, setDefaultDtype } from './tensor/dtype.ts';
export {
  Generator,
  type GeneratorState,
  getRngState,
  initialSeed,
  manualSeed,
  seed,
  setRngState,
} from './tensor/generator.ts';
export { keep, type MemoryReport, memory, scope } from './tensor/memory.ts';
export { getPrintOptions, type PrintOptions, setPrintOptions } from './tensor/print.ts';
export { Tensor } from './tensor/tensor.ts';
export * from './tools/index.ts';
export * as vision from './vision/index.ts';
