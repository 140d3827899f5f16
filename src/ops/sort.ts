import { applyMany, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { LaneOrder } from '../engine/sortLane.ts';
import { formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { ValuesIndices } from './extremum.ts';
import { scatterAdded } from './gather.ts';
import { op } from './record.ts';
import { droppedShape } from './reduce.ts';
import { reshape } from './views.ts';

/**
 * values, indices = the first of each lane of a along `dim` when it is sorted, as many as `values` has there; from the greatest
 * with `descending` 1. Stable; NaN counts as the greatest.
 */
const sortKernel = kernel(
  'sort',
  (values: Tensor, indices: Tensor, a: Tensor, dim: number, descending: number) => {
    const [v, at, x] = [values.elements, indices.elements, a.elements];
    const lane = new LaneOrder(laneLength(a, dim));
    const kept = laneLength(values, dim);
    const [sv, si, sa] = [values, indices, a].map((t) => laneStep(t, dim));
    eachLane([values, indices, a], dim, ([pv, pi, pa]) => {
      lane.sort(x, pa, sa, descending !== 0);
      for (let i = 0; i < kept; i++) {
        const from = lane.order[i];
        v[pv + i * sv] = x[pa + from * sa];
        at[pi + i * si] = from;
      }
    });
  },
);

/** values, indices (dim of size 1) = the k-th smallest (from 0) of each lane of a along `dim`; NaN counts as the greatest. */
const kthKernel = kernel('sort.kth', (values: Tensor, indices: Tensor, a: Tensor, dim: number, k: number) => {
  const lane = new LaneOrder(laneLength(a, dim));
  const step = laneStep(a, dim);
  eachLane([values, indices, a], dim, ([pv, pi, pa]) => {
    lane.sort(a.elements, pa, step, false);
    const from = lane.order[k];
    values.elements[pv] = a.elements[pa + from * step];
    indices.elements[pi] = from;
  });
});

/** values, indices (dim of size 1) = the lower median of each lane; of what is not NaN with `ignore` 1, else NaN if there is one. */
const medianKernel = kernel(
  'sort.median',
  (values: Tensor, indices: Tensor, a: Tensor, dim: number, ignore: number) => {
    const n = laneLength(a, dim);
    const lane = new LaneOrder(n);
    const step = laneStep(a, dim);
    eachLane([values, indices, a], dim, ([pv, pi, pa]) => {
      lane.sort(a.elements, pa, step, false);
      let numbers = n;
      while (numbers > 0 && Number.isNaN(a.elements[pa + lane.order[numbers - 1] * step])) numbers--;
      const bad = numbers < n && (ignore === 0 || numbers === 0);
      const from = lane.order[bad ? numbers : (numbers - 1) >> 1];
      values.elements[pv] = a.elements[pa + from * step];
      indices.elements[pi] = from;
    });
  },
);

type Choice = 'sort' | 'topk' | 'kthvalue' | 'median' | 'nanmedian';

interface Chosen {
  choice: Choice;
  dim: number;
  /** How many of a lane are kept, or which one (kthvalue, from 0). */
  k: number;
  descending: boolean;
  from: Shape;
}

/** Some elements of each lane in order; each keeps its gradient. */
const choicePrimitive: Primitive<Chosen> = {
  name: 'sort',
  forward(ctx, [input], { choice, dim, k, descending }) {
    const x = input as Tensor;
    const many = choice === 'sort' || choice === 'topk';
    const shape = x.shape.map((size, d) => (d === dim ? (many ? k : 1) : size));
    const values = Tensor.allocate(shape, x.dtype);
    const indices = Tensor.allocate(shape, 'int32');
    if (many) {
      if (k > 0) sortKernel(values, indices, x, dim, Number(descending));
    } else if (choice === 'kthvalue') kthKernel(values, indices, x, dim, k);
    else medianKernel(values, indices, x, dim, Number(choice === 'nanmedian'));
    ctx.save(indices);
    return [values, indices];
  },
  gradient: (ctx, [g], { dim, from }) => [g && scatterAdded(from, dim, ctx.saved[0], g)],
};

const choose = (input: Tensor, chosen: Omit<Chosen, 'from'>): ValuesIndices =>
  applyMany(choicePrimitive, [input], { ...chosen, from: input.shape }) as ValuesIndices;

/** One element of each lane. Error: nothing to choose from. */
export function chooseOne(
  choice: 'kthvalue' | 'median' | 'nanmedian',
  input: Tensor,
  dim: number,
  k: number,
  keepdim: boolean,
): ValuesIndices {
  const place = normalizeDim(choice, dim, input.ndim);
  if (laneLength(input, place) === 0)
    throw new RangeError(
      `${choice}: dimension ${dim} of ${formatShape(input.shape)} has size 0: there is nothing to choose from`,
    );
  const [values, indices] = choose(input, { choice, dim: place, k, descending: false });
  if (keepdim || input.ndim === 0) return [values, indices];
  const shape = droppedShape(input.shape, [place]);
  return [reshape(values, shape), reshape(indices, shape)];
}

export interface SortOptions {
  /** Keeps the order of equal elements. The sort here always does. */
  stable?: boolean;
}

/**
 * The elements in order along a dimension, and where they were. NaN counts as the greatest; equal elements keep their order.
 *
 * @returns `[values, indices]`. Source: `torch.sort`.
 */
export const sort: (
  input: Tensor,
  dim?: number,
  descending?: boolean,
  options?: SortOptions,
) => ValuesIndices = op(
  {
    name: 'sort',
    torch: 'sort(input, dim=-1, descending=False, *, stable=False)',
    family: 'sorting',
    differentiable: true,
    samples: () => [[{ shape: [3, 4] }], [{ shape: [3, 4] }, 0, true]],
  },
  (input: Tensor, dim = -1, descending = false, _options: SortOptions = {}) => {
    const place = normalizeDim('sort', dim, input.ndim);
    return choose(input, { choice: 'sort', dim: place, k: laneLength(input, place), descending });
  },
);

/** The indices that put the elements in order along a dimension. See `sort`. */
export const argsort: (input: Tensor, dim?: number, descending?: boolean, options?: SortOptions) => Tensor =
  op(
    {
      name: 'argsort',
      torch: 'argsort(input, dim=-1, descending=False, *, stable=False)',
      family: 'sorting',
      differentiable: 'an index',
      samples: () => [[{ shape: [3, 4] }]],
    },
    (input: Tensor, dim = -1, descending = false, options: SortOptions = {}) =>
      sort(input.detach(), normalizeDim('argsort', dim, input.ndim), descending, options)[1],
  );

/** The elements in order along the first dimension. Source: `torch.msort`. */
export const msort: (input: Tensor) => Tensor = op(
  {
    name: 'msort',
    torch: 'msort(input)',
    family: 'sorting',
    differentiable: true,
    samples: () => [[{ shape: [3, 4] }]],
  },
  (input: Tensor) => sort(input, 0)[0],
);

/**
 * The `k` greatest (or smallest) along a dimension, in order, and where they were. Of equal ones the first are taken.
 *
 * @param largest default true; false gives the smallest. @param sorted accepted for PyTorch's sake: the result is always in order.
 * @returns `[values, indices]`. Error: k outside [0, size]. Source: `torch.topk`.
 */
export const topk: (
  input: Tensor,
  k: number,
  dim?: number,
  largest?: boolean,
  sorted?: boolean,
) => ValuesIndices = op(
  {
    name: 'topk',
    torch: 'topk(input, k, dim=-1, largest=True, sorted=True)',
    family: 'sorting',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 4] }, 2],
      [{ shape: [3, 4] }, 2, 0, false],
    ],
  },
  (input: Tensor, k: number, dim = -1, largest = true, _sorted = true) => {
    const place = normalizeDim('topk', dim, input.ndim);
    const size = laneLength(input, place);
    if (!Number.isInteger(k) || k < 0 || k > size)
      throw new RangeError(`topk: k ${k} is out of range for dimension ${dim} of size ${size}`);
    return choose(input, { choice: 'topk', dim: place, k, descending: largest });
  },
);

/** The k-th smallest (from 1) along a dimension, and where it was. Error: k outside [1, size]. Source: `torch.kthvalue`. */
export const kthvalue: (
  input: Tensor,
  k: number,
  dim?: number,
  options?: { keepdim?: boolean },
) => ValuesIndices = op(
  {
    name: 'kthvalue',
    torch: 'kthvalue(input, k, dim=-1, *, keepdim=False)',
    family: 'sorting',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 4] }, 2],
      [{ shape: [3, 4] }, 3, 0, { keepdim: true }],
    ],
  },
  (input: Tensor, k: number, dim = -1, { keepdim = false }: { keepdim?: boolean } = {}) => {
    const size = laneLength(input, normalizeDim('kthvalue', dim, input.ndim));
    if (!Number.isInteger(k) || k < 1 || k > size)
      throw new RangeError(
        `kthvalue: k ${k} is out of range for dimension ${dim} of size ${size}: counts from 1`,
      );
    return chooseOne('kthvalue', input, dim, k - 1, keepdim);
  },
);
