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
export { addbmm, addmv, addr, type BetaAlpha, baddbmm } from './ops/addProducts.ts';
export {
  absolute,
  arccos,
  arccosh,
  arcsin,
  arcsinh,
  arctan,
  arctan2,
  arctanh,
  clip,
  concat,
  divide,
  fix,
  ger,
  greater,
  greaterEqual,
  less,
  lessEqual,
  multiply,
  negative,
  notEqual,
  ravel,
  subtract,
  swapdims,
  vdot,
} from './ops/aliases.ts';
export { add, div, floorDivide, mul, neg, rsub, sub, trueDivide } from './ops/arithmetic.ts';
export {
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseNot,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
} from './ops/bitwise.ts';
export { cdist } from './ops/cdist.ts';
export { addcdiv, addcmul, clamp, clampMax, clampMin, lerp, type Value } from './ops/clamp.ts';
export { allclose, equal, isclose, nanToNum, type Tolerance } from './ops/closeness.ts';
export { eq, ge, gt, le, logicalAnd, logicalOr, logicalXor, lt, ne } from './ops/comparison.ts';
export { bincount, histc } from './ops/count.ts';
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
export { diag, diagEmbed, diagonal, diagonalScatter, trace, tril, triu } from './ops/diagonal.ts';
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
export { at, indexPut, setAt } from './ops/indexing.ts';
export { indexAdd, indexCopy, indexFill, indexSelect } from './ops/indexSelect.ts';
export { cat, hstack, stack, vstack } from './ops/join.ts';
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
export { cartesianProd, meshgrid } from './ops/meshgrid.ts';
export { dist, norm, renorm } from './ops/norm.ts';
export {
  atan2,
  fmax,
  fmin,
  fmod,
  heaviside,
  hypot,
  logaddexp,
  logaddexp2,
  maximum,
  minimum,
  pow,
  remainder,
  xlogy,
} from './ops/pairwise.ts';
export {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  cos,
  cosh,
  deg2rad,
  digamma,
  erf,
  erfc,
  erfinv,
  exp,
  exp2,
  expm1,
  floor,
  frac,
  isfinite,
  isinf,
  isnan,
  lgamma,
  log,
  log1p,
  log2,
  log10,
  logicalNot,
  logit,
  rad2deg,
  reciprocal,
  relu,
  rsqrt,
  sgn,
  sigmoid,
  sign,
  sin,
  sinc,
  sinh,
  sqrt,
  square,
  tan,
  tanh,
  trunc,
} from './ops/pointwise.ts';
export { polygamma } from './ops/polygamma.ts';
export { prod } from './ops/product.ts';
export {
  type Interpolation,
  type Median,
  type MedianMethod,
  median,
  nanmedian,
  nanquantile,
  type QuantileOptions,
  quantile,
} from './ops/quantile.ts';
export {
  bernoulli,
  multinomial,
  normal,
  type Randomness,
  type RandomOptions,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
} from './ops/random.ts';
export {
  bernoulli_,
  cauchy_,
  exponential_,
  geometric_,
  logNormal_,
  normal_,
  random_,
  uniform_,
} from './ops/randomInPlace.ts';
export {
  broadcastTo,
  flip,
  fliplr,
  flipud,
  moveaxis,
  repeat,
  repeatInterleave,
  roll,
  rot90,
  tile,
} from './ops/rearrange.ts';
export { operations, type RegisteredOp } from './ops/record.ts';
export { type Dims, sum } from './ops/reduce.ts';
export { round } from './ops/round.ts';
export { cummax, cummin, cumprod, cumsum, diff, logcumsumexp } from './ops/scan.ts';
export { type ScatterReduceOptions, scatter, scatterAdd, scatterReduce } from './ops/scatter.ts';
export { bucketize, type SearchOptions, searchsorted } from './ops/search.ts';
export { aminmax, dsplit, hsplit, inner, selectScatter, sliceScatter, vsplit } from './ops/sections.ts';
export {
  chunk,
  flatten,
  movedim,
  narrow,
  permute,
  select,
  sliceDim,
  split,
  splitWithSizes,
  squeeze,
  swapaxes,
  t,
  tensorSplit,
  transpose,
  unbind,
  unflatten,
  unsqueeze,
  unsqueezeCopy,
} from './ops/shape.ts';
export { copysign, isneginf, isposinf, positive, signbit } from './ops/signs.ts';
export { type Index, Slice, slice } from './ops/slice.ts';
export { argsort, kthvalue, msort, type SortOptions, sort, topk } from './ops/sort.ts';
export {
  all,
  amax,
  amin,
  any,
  countNonzero,
  type Keep,
  logSoftmax,
  logsumexp,
  mean,
  nanmean,
  nansum,
  softmax,
  std,
  stdMean,
  type VarianceOptions,
  var,
  varMean,
} from './ops/statistics.ts';
export {
  type Unique,
  type UniqueMethod,
  type UniqueOptions,
  unique,
  uniqueConsecutive,
} from './ops/unique.ts';
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
export {
  countMacs,
  type LayerCall,
  type MeasuredField,
  type ModelInput,
  measureReceptiveField,
  Profile,
  type ProfileRow,
  profile,
  type ReceptiveField,
  receptiveField,
  Summary,
  summary,
  type WindowLayer,
} from './tools/index.ts';
export * as vision from './vision/index.ts';
