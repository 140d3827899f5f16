import { applyMany, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { scatterAdded } from './gather.ts';
import { maximum, minimum } from './pairwise.ts';
import { op } from './record.ts';
import { droppedShape, keptShape } from './reduce.ts';
import { amax, amin, type Keep } from './statistics.ts';
import { reshape } from './views.ts';

/** Values and where they were found along the dimension (int32). */
export type ValuesIndices = [values: Tensor, indices: Tensor];

/** values, indices (dim of size 1) = the greatest (sign 1) or smallest (sign -1) of a along `dim`, the first of equals; NaN wins. */
export const extremeIndexKernel = kernel(
  'reduce.extremeIndex',
  (values: Tensor, indices: Tensor, a: Tensor, dim: number, sign: number) => {
    const [best, at, x] = [values.elements, indices.elements, a.elements];
    const length = laneLength(a, dim);
    const step = laneStep(a, dim);
    eachLane([values, indices, a], dim, ([pv, pi, pa]) => {
      let found = 0;
      let value = x[pa];
      for (let i = 1; i < length && !Number.isNaN(value); i++) {
        const next = x[pa + i * step];
        if (Number.isNaN(next) || (sign > 0 ? next > value : next < value)) {
          value = next;
          found = i;
        }
      }
      best[pv] = value;
      at[pi] = found;
    });
  },
);

interface Along {
  dim: number;
  sign: number;
  from: Shape;
}

const extremePrimitive: Primitive<Along> = {
  name: 'max',
  forward(ctx, [input], { dim, sign }) {
    const x = input as Tensor;
    const shape = keptShape(x.shape, [dim]);
    const values = Tensor.allocate(shape, x.dtype);
    const indices = Tensor.allocate(shape, 'int32');
    extremeIndexKernel(values, indices, x, dim, sign);
    ctx.save(indices);
    return [values, indices];
  },
  gradient: (ctx, [g], { dim, from }) => [g && scatterAdded(from, dim, ctx.saved[0], g)],
};

/** Values and indices along one dimension. Error: nothing to compare. */
function along(name: string, input: Tensor, dim: number, sign: number, keepdim: boolean): ValuesIndices {
  const place = normalizeDim(name, dim, input.ndim);
  if (laneLength(input, place) === 0)
    throw new RangeError(
      `${name}: dimension ${dim} of ${formatShape(input.shape)} has size 0: there is nothing to compare`,
    );
  const [values, indices] = applyMany(extremePrimitive, [input], { dim: place, sign, from: input.shape });
  if (keepdim || input.ndim === 0) return [values, indices];
  const shape = droppedShape(input.shape, [place]);
  return [reshape(values, shape), reshape(indices, shape)];
}

function arg(name: string, sign: number): (input: Tensor, dim?: number | null, options?: Keep) => Tensor {
  return op(
    {
      name,
      torch: `${name}(input, dim=None, *, keepdim=False)`,
      family: 'reduction',
      differentiable: 'an index',
      samples: () => [[{ shape: [2, 3] }], [{ shape: [2, 3] }, 1, { keepdim: true }]],
    },
    (input: Tensor, dim?: number | null, { keepdim = false }: Keep = {}) => {
      if (dim !== undefined && dim !== null) return along(name, input.detach(), dim, sign, keepdim)[1];
      const [, index] = along(name, reshape(input.detach(), [-1]), 0, sign, true);
      return reshape(index, keepdim ? input.shape.map(() => 1) : []);
    },
  );
}

/**
 * The index of the greatest element: along a dimension, or in the flattened tensor. The first of equals; NaN counts as the greatest.
 *
 * Error: nothing to compare. Source: `torch.argmax`.
 */
export const argmax: (input: Tensor, dim?: number | null, options?: Keep) => Tensor = arg('argmax', 1);

/** The index of the smallest element. See `argmax`. */
export const argmin: (input: Tensor, dim?: number | null, options?: Keep) => Tensor = arg('argmin', -1);

/** The three forms that `max` and `min` have. */
export interface Extremum {
  /** Of all elements; equal ones share the gradient. */
  (input: Tensor): Tensor;
  /** Along one dimension, with the indices; the first of equals gets the gradient. */
  (input: Tensor, dim: number, options?: Keep): ValuesIndices;
  /** Of two tensors, element by element: `maximum` or `minimum`. */
  (input: Tensor, other: Tensor): Tensor;
}

/** `Extremum` as a method. */
export interface ExtremumMethod {
  /** Of all elements; equal ones share the gradient. */
  (): Tensor;
  /** Along one dimension, with the indices; the first of equals gets the gradient. */
  (dim: number, options?: Keep): ValuesIndices;
  /** Of two tensors, element by element. */
  (other: Tensor): Tensor;
}

function extremum(name: 'max' | 'min', sign: number): Extremum {
  const reduce = sign > 0 ? amax : amin;
  const pair = sign > 0 ? maximum : minimum;
  return op(
    {
      name,
      torch: `${name}(input, dim=None, *, keepdim=False)`,
      family: 'reduction',
      differentiable: true,
      samples: () => [
        [{ shape: [2, 3] }],
        [{ shape: [2, 3] }, 1],
        [{ shape: [2, 3] }, 0, { keepdim: true }],
        [
          { shape: [3], data: [1, -2, 0.5] },
          { shape: [2, 3], data: [2, -3, 0.25, 0.5, 1.5, -1] },
        ],
      ],
    },
    (input: Tensor, second?: number | Tensor | null, { keepdim = false }: Keep = {}) => {
      if (second instanceof Tensor) return pair(input, second);
      if (second === undefined || second === null) return reduce(input);
      return along(name, input, second, sign, keepdim);
    },
  ) as Extremum;
}

/**
 * The greatest element: of all, along a dimension as `[values, indices]`, or of two tensors element by element. NaN wins.
 *
 * @example
 * const [values, indices] = max(x, 1)
 *
 * Error: nothing to compare. Source: `torch.max`.
 */
export const max: Extremum = extremum('max', 1);

/** The smallest element: of all, along a dimension as `[values, indices]`, or of two tensors. See `max`. */
export const min: Extremum = extremum('min', -1);
