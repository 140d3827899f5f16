import { formatShape, normalizeDim } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, sub } from './arithmetic.ts';
import { cast, scalar } from './cast.ts';
import { eq } from './comparison.ts';
import type { ValuesIndices } from './extremum.ts';
import { gathered } from './gather.ts';
import { ceil, floor, isnan } from './pointwise.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';
import { round } from './round.ts';
import { movedim } from './shape.ts';
import { chooseOne, sort } from './sort.ts';
import { any, type Keep } from './statistics.ts';
import { expand, reshape } from './views.ts';
import { where } from './where.ts';

/** The two forms that `median` and `nanmedian` have. */
export interface Median {
  /** Of all elements; equal ones share the gradient. */
  (input: Tensor): Tensor;
  /** Along one dimension, with the indices. */
  (input: Tensor, dim: number, options?: Keep): ValuesIndices;
}

/** `Median` as a method. */
export interface MedianMethod {
  /** Of all elements; equal ones share the gradient. */
  (): Tensor;
  /** Along one dimension, with the indices. */
  (dim: number, options?: Keep): ValuesIndices;
}

function medianOf(name: 'median' | 'nanmedian'): Median {
  return op(
    {
      name,
      torch: `${name}(input, dim=None, *, keepdim=False)`,
      family: 'sorting',
      differentiable: true,
      samples: () => [[{ shape: [2, 3] }], [{ shape: [3, 4] }, 1, { keepdim: true }]],
    },
    (input: Tensor, dim?: number | null, { keepdim = false }: Keep = {}) => {
      if (dim !== undefined && dim !== null) return chooseOne(name, input, dim, 0, keepdim);
      if (input.size === 0) return scalar(Number.NaN, input.dtype);
      const flat = reshape(input, [-1]);
      const [value] = chooseOne(name, flat.detach(), 0, 0, false);
      if (!input.requiresGrad) return value;
      const hits = cast(
        value.isFloating && Number.isNaN(value.item()) ? isnan(flat) : eq(flat, value),
        input.dtype,
      );
      return sum(where(eq(hits, 0), 0, div(flat, sum(hits.detach()))));
    },
  ) as Median;
}

/**
 * The middle element: the lower of the two in the middle, NaN if there is one. Along a dimension `[values, indices]`.
 *
 * Source: `torch.median`.
 */
export const median: Median = medianOf('median');

/** `median` of what is not NaN. Source: `torch.nanmedian`. */
export const nanmedian: Median = medianOf('nanmedian');

export type Interpolation = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';

export interface QuantileOptions extends Keep {
  /** What is taken between two elements. Default 'linear'. */
  interpolation?: Interpolation;
}

type Quantile = (
  input: Tensor,
  q: number | readonly number[] | Tensor,
  dim?: number | null,
  options?: QuantileOptions,
) => Tensor;

/** The place of each quantile among the sorted elements of each lane: whole in the middle of NaN, which then is the result. */
function rankOf(sorted: Tensor, q: Tensor, ignoreNaN: boolean): Tensor {
  const last = sorted.shape.at(-1)! - 1;
  if (ignoreNaN) {
    const numbers = sum(cast(eq(sorted, sorted), sorted.dtype), -1, { keepdim: true });
    const rank = mul(q, sub(numbers, 1));
    return where(eq(numbers, 0), 0, rank);
  }
  return where(any(isnan(sorted), -1, { keepdim: true }), last, mul(q, last));
}

function quantileOf(name: 'quantile' | 'nanquantile'): Quantile {
  return op(
    {
      name,
      torch: `${name}(input, q, dim=None, *, keepdim=False, interpolation='linear')`,
      family: 'sorting',
      differentiable: true,
      samples: () => [
        [{ shape: [3, 4] }, 0.3],
        [{ shape: [3, 4] }, { shape: [2], data: [0.2, 0.7] }, 1, { keepdim: true }],
        [{ shape: [3, 4] }, [0.25, 0.9], 0, { interpolation: 'midpoint' }],
      ],
    },
    (
      input: Tensor,
      q: number | readonly number[] | Tensor,
      dim?: number | null,
      { keepdim = false, interpolation = 'linear' }: QuantileOptions = {},
    ) => {
      if (!['linear', 'lower', 'higher', 'midpoint', 'nearest'].includes(interpolation))
        throw new RangeError(
          `${name}: interpolation '${String(interpolation)}' is unknown: use linear, lower, higher, midpoint or nearest`,
        );
      if (!input.isFloating)
        throw new TypeError(`${name}: the input is ${input.dtype}: convert it to floating`);
      const wanted = quantiles(name, q, input);
      const whole = dim === undefined || dim === null;
      const x = whole ? reshape(input, [-1]) : input;
      const place = whole ? 0 : normalizeDim(name, dim, input.ndim);
      if (input.size === 0) throw new RangeError(`${name}: ${formatShape(input.shape)} has no elements`);
      const lanes = x.ndim === 0 ? reshape(x, [1]) : movedim(x, place, -1);
      const [sorted] = sort(lanes, -1);
      const list = reshape(wanted, [-1]);
      const exact = rankOf(sorted, list, name === 'nanquantile');
      const snap = { lower: floor, higher: ceil, nearest: round, linear: null, midpoint: null }[
        interpolation
      ];
      const rank = snap === null ? exact : snap(exact);
      const shape = [...sorted.shape.slice(0, -1), list.size];
      const at = (t: Tensor): Tensor =>
        gathered(sorted, sorted.ndim - 1, expand(cast(t.detach(), 'int32'), shape));
      const below = floor(rank.detach());
      let values = at(below);
      if (interpolation === 'linear' || interpolation === 'midpoint') {
        const above = at(ceil(rank.detach()));
        const weight = interpolation === 'midpoint' ? 0.5 : sub(rank, below);
        values = add(values, mul(sub(above, values), weight));
      }
      // (..., q): q goes in front, the reduced dimension comes back as 1 where it is kept.
      const front = wanted.ndim === 0 ? reshape(values, shape.slice(0, -1)) : movedim(values, -1, 0);
      const lead = wanted.ndim === 0 ? [] : [list.size];
      const rest = whole
        ? keepdim
          ? input.shape.map(() => 1)
          : []
        : input.ndim === 0
          ? []
          : keepdim
            ? input.shape.map((size, d) => (d === place ? 1 : size))
            : input.shape.filter((_, d) => d !== place);
      return reshape(front, [...lead, ...rest]);
    },
  );
}

/** The quantiles as a tensor of the input's dtype. Errors: outside [0, 1]; more than one dimension. */
function quantiles(name: string, q: number | readonly number[] | Tensor, input: Tensor): Tensor {
  if (q instanceof Tensor) {
    if (q.ndim > 1) throw new RangeError(`${name}: q ${formatShape(q.shape)} must be a number or a vector`);
    if (q.dtype !== input.dtype)
      throw new TypeError(`${name}: q is ${q.dtype} and the input ${input.dtype}: convert one`);
  }
  const list =
    typeof q === 'number'
      ? [q]
      : q instanceof Tensor
        ? Array.from(
            { length: q.size },
            (_, i) => q.elements[q.offset + i * (q.ndim === 0 ? 0 : q.strides[0])],
          )
        : q;
  for (const value of list)
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name}: q ${value} must lie in [0, 1]`);
  if (q instanceof Tensor) return q;
  const out = Tensor.allocate(typeof q === 'number' ? [] : [list.length], input.dtype);
  for (let i = 0; i < list.length; i++) out.elements[out.offset + i] = list[i];
  return out;
}

/**
 * The value below which the fraction `q` of the elements lies, along a dimension or of all; NaN if there is one.
 *
 * @param q one number, or several (their dimension comes first in the result).
 * Errors: q outside [0, 1]; an integer input. Source: `torch.quantile`.
 */
export const quantile: Quantile = quantileOf('quantile');

/** `quantile` of what is not NaN. Source: `torch.nanquantile`. */
export const nanquantile: Quantile = quantileOf('nanquantile');
