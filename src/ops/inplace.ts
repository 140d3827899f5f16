import { assign, checkWritable, overwrite } from '../autograd/inplace.ts';
import { mode } from '../autograd/mode.ts';
import { Tensor } from '../tensor/tensor.ts';
import { addbmm, addmv, addr, baddbmm } from './addProducts.ts';
import * as aliases from './aliases.ts';
import * as arithmetic from './arithmetic.ts';
import * as bitwise from './bitwise.ts';
import * as clamp from './clamp.ts';
import { nanToNum } from './closeness.ts';
import * as comparison from './comparison.ts';
import { tril, triu } from './diagonal.ts';
import { type Arg, writers } from './elementwise.ts';
import { indexAdd, indexCopy, indexFill } from './indexSelect.ts';
import { maskedFill, maskedScatter } from './masked.ts';
import { addmm } from './matmul.ts';
import { renorm } from './norm.ts';
import * as pairwise from './pairwise.ts';
import * as pointwise from './pointwise.ts';
import { op, operations } from './record.ts';
import { round } from './round.ts';
import { cumprod, cumsum } from './scan.ts';
import { scatter, scatterAdd, scatterReduce } from './scatter.ts';
import { copysign } from './signs.ts';
import { clone } from './views.ts';

const { add, sub, mul, div, neg, floorDivide } = arithmetic;
const { abs, acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, deg2rad, digamma, erf, erfc, erfinv } =
  pointwise;
const { exp, exp2, expm1, floor, frac, lgamma, log, log10, log1p, log2, logicalNot, logit, rad2deg } =
  pointwise;
const { reciprocal, relu, rsqrt, sgn, sigmoid, sign, sin, sinc, sinh, sqrt, square, tan, tanh, trunc } =
  pointwise;
const { absolute, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, clip, divide, fix } = aliases;
const { greater, greaterEqual, less, lessEqual, multiply, negative, notEqual, subtract } = aliases;
const { atan2, fmod, heaviside, hypot, pow, remainder, xlogy } = pairwise;
const { eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor } = comparison;
const { addcdiv, addcmul, clampMax, clampMin, lerp } = clamp;
const { bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseNot, bitwiseLeftShift, bitwiseRightShift } = bitwise;

/** Every operation that has an in-place variant, `add_` for `add`: PyTorch's, one line each. */
const table = {
  ...{ add, sub, mul, div, neg, floorDivide, pow, remainder, fmod, atan2, hypot, xlogy, heaviside },
  ...{ abs, sign, sgn, exp, exp2, expm1, log, log2, log10, log1p, sqrt, rsqrt, square, reciprocal },
  ...{ sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, sinc, deg2rad, rad2deg },
  ...{ sigmoid, relu, logit, erf, erfc, erfinv, lgamma, digamma },
  ...{ floor, ceil, trunc, frac, round, nanToNum },
  ...{ clamp: clamp.clamp, clampMin, clampMax, lerp, addcmul, addcdiv, addmm },
  ...{ eq, ne, lt, le, gt, ge, logicalNot, logicalAnd, logicalOr, logicalXor },
  ...{ bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseNot, bitwiseLeftShift, bitwiseRightShift },
  ...{ maskedFill, maskedScatter, indexAdd, indexCopy, indexFill, scatter, scatterAdd, scatterReduce },
  ...{ cumsum, cumprod, tril, triu },
  ...{ addbmm, addmv, addr, baddbmm, copysign, renorm },
  ...{ absolute, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, clip, divide, fix },
  ...{ greater, greaterEqual, less, lessEqual, multiply, negative, notEqual, subtract },
};

type Table = typeof table;
type InPlace<F> = F extends (input: never, ...rest: infer R) => unknown
  ? (input: Tensor, ...rest: R) => Tensor
  : never;

export type InPlaceOperations = { [K in keyof Table as `${K}_`]: InPlace<Table[K]> };

/** The kernel that computes each of these is registered under another name. */
const writerNames: Readonly<Record<string, string>> = { add: 'plainAdd', sub: 'plainSub', div: 'trueDivide' };

const comparisons = new Set([
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'logicalNot',
  'logicalAnd',
  'logicalOr',
  'logicalXor',
  'greater',
  'greaterEqual',
  'less',
  'lessEqual',
  'notEqual',
]);

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function inPlace(name: keyof Table): (input: Tensor, ...rest: unknown[]) => Tensor {
  const record = operations().get(name)!;
  const run = record.call as (input: Tensor, ...rest: unknown[]) => Tensor;
  const own = `${name}_`;
  const write = writers.get(writerNames[name] ?? name);
  return op(
    {
      ...record,
      name: own,
      torch: record.torch.replace(/^[\w.]+\(/, `Tensor.${snake(name)}_(`),
      differentiable: `changes its input; its gradient is that of ${name}`,
      samples: () => [],
    },
    (input: Tensor, ...rest: unknown[]) => {
      const recorded =
        mode.grad && (input.requiresGrad || rest.some((arg) => arg instanceof Tensor && arg.requiresGrad));
      checkWritable(own, input, recorded);
      if (
        !recorded &&
        mode.tracer === null &&
        write &&
        rest.length < 2 &&
        (rest.length === 0 || isOperand(rest[0]))
      ) {
        let done = false;
        overwrite(own, input, () => {
          done = write(input, rest[0] as Arg);
          return null;
        });
        if (done) return input;
      }
      // What the gradient reads of the input must be its old values: they move to memory of their own.
      const result = run(recorded ? clone(input) : input, ...rest);
      return assign(own, input, comparisons.has(name) ? result.to(input.dtype) : result);
    },
  );
}

const isOperand = (value: unknown): value is Arg =>
  value instanceof Tensor || typeof value === 'number' || typeof value === 'boolean';

/**
 * `add_`, `mul_`, `relu_`, `clamp_`, ...: the operation of the name without `_`, written over its input, which is returned.
 *
 * The result must fit: its shape must be the input's, its dtype of no higher category. What backward has saved of the input is noticed as
 * changed. Errors: a leaf that requires grad, or a view of one (outside `noGrad`); an expanded tensor.
 */
export const inPlaceOperations = Object.fromEntries(
  (Object.keys(table) as (keyof Table)[]).map((name) => [`${name}_`, inPlace(name)]),
) as InPlaceOperations;
