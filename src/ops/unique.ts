import { kernel } from '../engine/kernel.ts';
import { LaneOrder } from '../engine/sortLane.ts';
import { normalizeDim, numel } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { indexSelect } from './indexSelect.ts';
import { op } from './record.ts';
import { movedim } from './shape.ts';
import { contiguous, reshape } from './views.ts';

export interface UniqueOptions {
  /** Accepted for PyTorch's sake: the result is always sorted. */
  sorted?: boolean;
  /** Also where each element is in the result. */
  returnInverse?: boolean;
  /** Also how often each value occurs. */
  returnCounts?: boolean;
  /** Compares whole slices of this dimension instead of elements. */
  dim?: number | null;
}

/** The forms that `unique` has: what is asked for besides the values comes after them. */
export interface Unique {
  (input: Tensor, options?: UniqueOptions & { returnInverse?: false; returnCounts?: false }): Tensor;
  (
    input: Tensor,
    options: UniqueOptions & { returnInverse: true; returnCounts: true },
  ): [values: Tensor, inverse: Tensor, counts: Tensor];
  (input: Tensor, options: UniqueOptions & { returnInverse: true }): [values: Tensor, inverse: Tensor];
  (input: Tensor, options: UniqueOptions & { returnCounts: true }): [values: Tensor, counts: Tensor];
}

/** `Unique` as a method. */
export interface UniqueMethod {
  (options?: UniqueOptions & { returnInverse?: false; returnCounts?: false }): Tensor;
  (
    options: UniqueOptions & { returnInverse: true; returnCounts: true },
  ): [values: Tensor, inverse: Tensor, counts: Tensor];
  (options: UniqueOptions & { returnInverse: true }): [values: Tensor, inverse: Tensor];
  (options: UniqueOptions & { returnCounts: true }): [values: Tensor, counts: Tensor];
}

/** order (n,) = the rows of a (n, m), row-major, in lexicographic order; the first column decides first. */
const orderKernel = kernel('sort.rows', (order: Tensor, a: Tensor) => {
  const [rows, columns] = a.shape;
  const { elements: x, offset } = a;
  const places = Array.from({ length: rows }, (_, i) => i);
  if (columns === 1) {
    const lane = new LaneOrder(rows);
    lane.sort(x, offset, 1, false);
    for (let i = 0; i < rows; i++) places[i] = lane.order[i];
  } else
    places.sort((p, q) => {
      for (let j = 0; j < columns; j++) {
        const difference = x[offset + p * columns + j] - x[offset + q * columns + j];
        if (difference !== 0) return difference;
      }
      return p - q;
    });
  for (let i = 0; i < rows; i++) order.elements[order.offset + i] = places[i];
});

interface Groups {
  /** The first row of each group. */
  first: Tensor;
  inverse: Tensor;
  counts: Tensor;
}

/** Groups neighbours that are equal, in the order given. NaN equals nothing. */
function group(rows: Tensor, order: readonly number[]): Groups {
  const [n, columns] = rows.shape;
  const { elements: x, offset } = rows;
  const same = (p: number, q: number): boolean => {
    for (let j = 0; j < columns; j++)
      if (x[offset + p * columns + j] !== x[offset + q * columns + j]) return false;
    return true;
  };
  const first: number[] = [];
  const counts: number[] = [];
  const inverse = Tensor.allocate([n], 'int32');
  for (let i = 0; i < n; i++) {
    if (i === 0 || !same(order[i - 1], order[i])) {
      first.push(order[i]);
      counts.push(0);
    }
    counts[counts.length - 1]++;
    inverse.elements[inverse.offset + order[i]] = first.length - 1;
  }
  return { first: vector(first), inverse, counts: vector(counts) };
}

function vector(values: readonly number[]): Tensor {
  const out = Tensor.allocate([values.length], 'int32');
  for (let i = 0; i < values.length; i++) out.elements[out.offset + i] = values[i];
  return out;
}

function distinct(
  name: string,
  input: Tensor,
  { returnInverse = false, returnCounts = false, dim = null }: UniqueOptions,
  sorts: boolean,
): Tensor | Tensor[] {
  const x = contiguous(input.detach());
  const whole = dim === null;
  const place = whole ? 0 : normalizeDim(name, dim, x.ndim);
  const n = whole ? x.size : x.ndim === 0 ? 1 : x.shape[place];
  const columns = whole || x.ndim === 0 ? 1 : numel(x.shape.filter((_, d) => d !== place));
  const rows = reshape(contiguous(whole || x.ndim === 0 ? x : movedim(x, place, 0)), [n, columns]);
  const order = Tensor.allocate([n], 'int32');
  if (sorts) orderKernel(order, rows);
  else for (let i = 0; i < n; i++) order.elements[order.offset + i] = i;
  const list = Array.from({ length: n }, (_, i) => order.elements[order.offset + i]);
  const { first, inverse, counts } = group(rows, list);
  const values =
    whole || x.ndim === 0 ? indexSelect(reshape(x, [-1]), 0, first) : indexSelect(x, place, first);
  const out = [values];
  if (returnInverse) out.push(whole ? reshape(inverse, input.shape) : inverse);
  if (returnCounts) out.push(counts);
  return out.length === 1 ? values : out;
}

/**
 * The different values in order, without repetition; with `dim`, the different slices. What is asked for besides (where each
 * element went, how often each value occurs) comes after them.
 *
 * @example
 * const [values, counts] = unique(x, { returnCounts: true })
 *
 * Source: `torch.unique`.
 */
export const unique: Unique = op(
  {
    name: 'unique',
    torch: 'unique(input, *, sorted=True, return_inverse=False, return_counts=False, dim=None)',
    family: 'sorting',
    differentiable: 'a set',
    samples: () => [[{ shape: [4], data: [2, 1, 2, 3] }], [{ shape: [2, 3] }, { returnCounts: true }]],
  },
  (input: Tensor, options: UniqueOptions = {}) => distinct('unique', input, options, true),
) as Unique;

/** The elements without those that equal the one before. See `unique`. Source: `torch.unique_consecutive`. */
export const uniqueConsecutive: Unique = op(
  {
    name: 'uniqueConsecutive',
    torch: 'unique_consecutive(input, *, return_inverse=False, return_counts=False, dim=None)',
    family: 'sorting',
    differentiable: 'a set',
    samples: () => [[{ shape: [4], data: [2, 2, 1, 2] }]],
  },
  (input: Tensor, options: UniqueOptions = {}) => distinct('uniqueConsecutive', input, options, false),
) as Unique;
