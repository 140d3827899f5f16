import { useStack } from '../autograd/functional.ts';
import * as autograd from '../autograd/tensorMethods.ts';
import * as creation from '../tensor/creation.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatTensor } from '../tensor/print.ts';
import { Tensor } from '../tensor/tensor.ts';
import '../autograd/inplace.ts';
import * as addProducts from './addProducts.ts';
import * as aliases from './aliases.ts';
import * as arithmetic from './arithmetic.ts';
import * as bitwise from './bitwise.ts';
import * as clamp from './clamp.ts';
import * as closeness from './closeness.ts';
import * as comparison from './comparison.ts';
import * as count from './count.ts';
import type { TensorProperties } from './description.ts';
import * as description from './description.ts';
import * as diagonal from './diagonal.ts';
import { cross, kron } from './einsum.ts';
import type { ExtremumMethod } from './extremum.ts';
import * as extremum from './extremum.ts';
import * as fill from './fill.ts';
import * as gather from './gather.ts';
import * as indexing from './indexing.ts';
import * as indexSelect from './indexSelect.ts';
import { type InPlaceOperations, inPlaceOperations } from './inplace.ts';
import { stack } from './join.ts';
import { det, logdet, slogdet } from './linalg/determinant.ts';
import { matrixPower, pinv } from './linalg/pinv.ts';
import { inv } from './linalg/solve.ts';
import type { NonzeroMethod } from './masked.ts';
import * as masked from './masked.ts';
import * as matmul from './matmul.ts';
import { dist, norm, renorm } from './norm.ts';
import * as pairwise from './pairwise.ts';
import * as pointwise from './pointwise.ts';
import { prod } from './product.ts';
import type { MedianMethod } from './quantile.ts';
import * as quantile from './quantile.ts';
import * as random from './random.ts';
import * as randomInPlace from './randomInPlace.ts';
import * as rearrange from './rearrange.ts';
import * as reduce from './reduce.ts';
import { round } from './round.ts';
import * as scan from './scan.ts';
import * as scatter from './scatter.ts';
import { bucketize } from './search.ts';
import * as sections from './sections.ts';
import * as shape from './shape.ts';
import * as signs from './signs.ts';
import * as sort from './sort.ts';
import * as statistics from './statistics.ts';
import type { UniqueMethod } from './unique.ts';
// Not as `unique`: declarations would say `unique.Unique`, which reads as the type operator.
import * as uniques from './unique.ts';
import * as views from './views.ts';
import { unfold } from './window.ts';

const { concat: _, ...withoutCat } = aliases;
const { linear: __, linearKernel: ___, matmulKernel: ____, ...products } = matmul;

/** The operations that are also methods: `sum(x, 0)` is `x.sum(0)`. */
const methods = {
  ...arithmetic,
  ...comparison,
  ...clamp,
  ...pairwise,
  ...pointwise,
  ...withoutCat,
  ...addProducts,
  ...signs,
  ...sections,
  ...description,
  at: indexing.at,
  setAt: indexing.setAt,
  indexPut: indexing.indexPut,
  indexPut_: indexing.indexPut_,
  copy_: fill.copy_,
  fill_: fill.fill_,
  zero_: fill.zero_,
  bernoulli: random.bernoulli,
  multinomial: random.multinomial,
  ...randomInPlace,
  sum: reduce.sum,
  ...shape,
  ...products,
  ...statistics,
  argmax: extremum.argmax,
  argmin: extremum.argmin,
  max: extremum.max,
  min: extremum.min,
  gather: gather.gather,
  take: gather.take,
  takeAlongDim: gather.takeAlongDim,
  ...scatter,
  indexSelect: indexSelect.indexSelect,
  indexAdd: indexSelect.indexAdd,
  indexCopy: indexSelect.indexCopy,
  indexFill: indexSelect.indexFill,
  nonzero: masked.nonzero,
  argwhere: masked.argwhere,
  maskedFill: masked.maskedFill,
  maskedSelect: masked.maskedSelect,
  maskedScatter: masked.maskedScatter,
  cumsum: scan.cumsum,
  cumprod: scan.cumprod,
  cummax: scan.cummax,
  cummin: scan.cummin,
  logcumsumexp: scan.logcumsumexp,
  diff: scan.diff,
  cross,
  kron,
  det,
  logdet,
  slogdet,
  matrixPower,
  pinverse: pinv,
  inverse: inv,
  dist,
  norm,
  renorm,
  ...rearrange,
  ...bitwise,
  ...closeness,
  ...count,
  prod,
  ...quantile,
  round,
  bucketize,
  sort: sort.sort,
  argsort: sort.argsort,
  msort: sort.msort,
  topk: sort.topk,
  kthvalue: sort.kthvalue,
  ...uniques,
  unfold,
  ...diagonal,
  clone: views.clone,
  contiguous: views.contiguous,
  reshape: views.reshape,
  view: views.view,
  expand: views.expand,
  asStrided: views.asStrided,
  toString: formatTensor,
  toArray: creation.toArray,
  item: creation.item,
  backward: autograd.backward,
  to: autograd.to,
  detach: autograd.detach,
  requiresGrad_: autograd.requiresGrad_,
  retainGrad: autograd.retainGrad,
  registerHook: autograd.registerHook,
  registerPostAccumulateGradHook: autograd.registerPostAccumulateGradHook,
};

type Method<F> = F extends (input: never, ...rest: infer R) => infer O ? (...rest: R) => O : never;

/** Methods that take sizes or dimensions as a list or one by one: `x.view(2, -1)`, `x.view([2, -1])`. */
interface Sizes {
  (sizes: readonly number[]): Tensor;
  (...sizes: number[]): Tensor;
}
const variadic = new Set(['view', 'reshape', 'permute', 'expand', 'broadcastTo', 'repeat', 'tile', 'flip']);

/** Methods with several forms, which a mapped type would reduce to one. */
interface Overloaded {
  max: ExtremumMethod;
  min: ExtremumMethod;
  median: MedianMethod;
  nanmedian: MedianMethod;
  nonzero: NonzeroMethod;
  unique: UniqueMethod;
  view: Sizes;
  reshape: Sizes;
  permute: Sizes;
  expand: Sizes;
  broadcastTo: Sizes;
  repeat: Sizes;
  tile: Sizes;
  flip: Sizes;
  stride: { (): readonly number[]; (dimension: number): number };
  type: { (): DType; (dtype: DType): Tensor };
  uniqueConsecutive: UniqueMethod;
}

/** Every operation above as a method, its first parameter being the tensor itself. */
export type TensorMethods = {
  [K in Exclude<keyof typeof methods, keyof Overloaded>]: Method<(typeof methods)[K]>;
} & { [K in keyof InPlaceOperations]: Method<InPlaceOperations[K]> } & Overloaded &
  TensorProperties;

/**
 * The methods, in an object between tensors and `Object`. Added to `Tensor.prototype` itself, which is in use already, each one would
 * have V8 copy all before it: 20 ms. An object without a prototype is a dictionary to V8.
 */
const inherited: object = Object.create(null);
for (const [name, call] of Object.entries({ ...methods, ...inPlaceOperations })) {
  const run = call as (self: Tensor, ...rest: unknown[]) => unknown;
  Object.defineProperty(inherited, name, {
    configurable: true,
    writable: true,
    value: variadic.has(name)
      ? function (this: Tensor, ...rest: unknown[]) {
          return run(this, typeof rest[0] === 'number' ? rest : rest[0]);
        }
      : function (this: Tensor, ...rest: unknown[]) {
          return run(this, ...rest);
        },
  });
}
Object.setPrototypeOf(inherited, Object.prototype);
Object.setPrototypeOf(Tensor.prototype, inherited);

// What console.log and a notebook show.
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  configurable: true,
  writable: true,
  value(this: Tensor) {
    return this.toString();
  },
});

useStack(stack);
