import { div, mul, neg, sub } from './arithmetic.ts';
import { clamp } from './clamp.ts';
import { ge, gt, le, lt, ne } from './comparison.ts';
import { cat } from './join.ts';
import { dot, outer } from './matmul.ts';
import { atan2 } from './pairwise.ts';
import { abs, acos, acosh, asin, asinh, atan, atanh, trunc } from './pointwise.ts';
import { op, operations } from './record.ts';
import { flatten, transpose } from './shape.ts';

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Another name of PyTorch's for the same operation. */
// biome-ignore lint/suspicious/noExplicitAny: every kind of operation
function alias<F extends (...args: any[]) => unknown>(name: string, of: string, call: F): F {
  const record = operations().get(of)!;
  return op(
    { ...record, name, frequent: undefined, torch: record.torch.replace(/^[\w.]+\(/, `${snake(name)}(`) },
    call,
  );
}

/** `abs`. */
export const absolute = alias('absolute', 'abs', abs);
/** `acos`. */
export const arccos = alias('arccos', 'acos', acos);
/** `acosh`. */
export const arccosh = alias('arccosh', 'acosh', acosh);
/** `asin`. */
export const arcsin = alias('arcsin', 'asin', asin);
/** `asinh`. */
export const arcsinh = alias('arcsinh', 'asinh', asinh);
/** `atan`. */
export const arctan = alias('arctan', 'atan', atan);
/** `atan2`. */
export const arctan2 = alias('arctan2', 'atan2', atan2);
/** `atanh`. */
export const arctanh = alias('arctanh', 'atanh', atanh);
/** `clamp`. */
export const clip = alias('clip', 'clamp', clamp);
/** `cat`. */
export const concat = alias('concat', 'cat', cat);
/** `div`. */
export const divide = alias('divide', 'div', div);
/** `trunc`. */
export const fix = alias('fix', 'trunc', trunc);
/** `outer`. */
export const ger = alias('ger', 'outer', outer);
/** `gt`. */
export const greater = alias('greater', 'gt', gt);
/** `ge`. */
export const greaterEqual = alias('greaterEqual', 'ge', ge);
/** `lt`. */
export const less = alias('less', 'lt', lt);
/** `le`. */
export const lessEqual = alias('lessEqual', 'le', le);
/** `mul`. */
export const multiply = alias('multiply', 'mul', mul);
/** `neg`. */
export const negative = alias('negative', 'neg', neg);
/** `ne`. */
export const notEqual = alias('notEqual', 'ne', ne);
/** `flatten` of all dimensions. */
export const ravel = alias('ravel', 'flatten', flatten);
/** `sub`. */
export const subtract = alias('subtract', 'sub', sub);
/** `dot`. */
export const vdot = alias('vdot', 'dot', dot);
/** `transpose`. */
export const swapdims = alias('swapdims', 'transpose', transpose);
