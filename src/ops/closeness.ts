import type { Tensor } from '../tensor/tensor.ts';
import { add, mul, sub } from './arithmetic.ts';
import { eq, le, logicalAnd, logicalOr } from './comparison.ts';
import { abs, isfinite, isnan } from './pointwise.ts';
import { op } from './record.ts';
import { all } from './statistics.ts';
import { where } from './where.ts';

export interface Tolerance {
  /** Relative to |other|. Default 1e-5. */
  rtol?: number;
  /** Absolute. Default 1e-8. */
  atol?: number;
  /** Whether NaN is close to NaN. Default false. */
  equalNan?: boolean;
}

/** Whether |input - other| ≤ atol + rtol |other|, element by element; equal infinities are close. Source: `torch.isclose`. */
export const isclose: (input: Tensor, other: Tensor, options?: Tolerance) => Tensor = op(
  {
    name: 'isclose',
    torch: 'isclose(input, other, *, rtol=1e-05, atol=1e-08, equal_nan=False)',
    family: 'comparison',
    differentiable: 'a predicate',
    samples: () => [[{ shape: [2, 3] }, { shape: [3] }]],
  },
  (input: Tensor, other: Tensor, { rtol = 1e-5, atol = 1e-8, equalNan = false }: Tolerance = {}) => {
    if (!(rtol >= 0) || !(atol >= 0))
      throw new RangeError(`isclose: rtol ${rtol} and atol ${atol} must not be negative`);
    if (input.dtype !== other.dtype)
      throw new TypeError(`isclose: the dtypes ${input.dtype} and ${other.dtype} differ: convert one`);
    const [x, y] = [input.detach(), other.detach()];
    const same = eq(x, y);
    const equal = equalNan ? logicalOr(same, logicalAnd(isnan(x), isnan(y))) : same;
    if (rtol === 0 && atol === 0) return equal;
    const allowed = add(mul(abs(y), rtol), atol);
    const error = abs(sub(x, y));
    return logicalOr(equal, logicalAnd(isfinite(error), le(error, allowed)));
  },
);

/** Whether all elements are close. See `isclose`. Source: `torch.allclose`. */
export const allclose: (input: Tensor, other: Tensor, options?: Tolerance) => boolean = (
  input,
  other,
  options,
) => all(isclose(input, other, options)).item() !== 0;

/** Whether shape and elements are the same. Source: `torch.equal`. */
export const equal = (input: Tensor, other: Tensor): boolean =>
  input.ndim === other.ndim &&
  input.shape.every((size, d) => size === other.shape[d]) &&
  all(eq(input.detach(), other.detach())).item() !== 0;

/** NaN, Infinity and -Infinity replaced by numbers: 0, the dtype's greatest and its lowest unless given. Source: `torch.nan_to_num`. */
export const nanToNum: (
  input: Tensor,
  nan?: number | null,
  posinf?: number | null,
  neginf?: number | null,
) => Tensor = op(
  {
    name: 'nanToNum',
    torch: 'nan_to_num(input, nan=None, posinf=None, neginf=None)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor, nan?: number | null, posinf?: number | null, neginf?: number | null) => {
    if (!input.isFloating) return input.clone();
    const limit = input.dtype === 'float32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
    const numbers = where(isnan(input), nan ?? 0, input);
    const below = where(eq(input, Infinity), posinf ?? limit, numbers);
    return where(eq(input, -Infinity), neginf ?? -limit, below);
  },
);
