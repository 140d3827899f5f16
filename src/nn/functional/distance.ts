import { add, div, mul, sub } from '../../ops/arithmetic.ts';
import { clamp } from '../../ops/clamp.ts';
import { indexSelect } from '../../ops/indexSelect.ts';
import { vectorNorm } from '../../ops/norm.ts';
import { op } from '../../ops/record.ts';
import { sum } from '../../ops/reduce.ts';
import { expand } from '../../ops/views.ts';
import { tensor } from '../../tensor/creation.ts';
import { broadcastShapes, formatShape, normalizeDim } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** The p-norm along a dimension; where it is 0 so is its gradient. */
const norm = (input: Tensor, p: number, dim: number, keepdim: boolean): Tensor =>
  vectorNorm(input, p, dim, { keepdim });

/**
 * Divides by the p-norm along a dimension, or by `eps` where the norm is smaller: a zero vector stays zero.
 *
 * @param options `p` (2), `dim` (1), `eps` (1e-12). Source: `torch.nn.functional.normalize`.
 */
export const normalize: (input: Tensor, options?: { p?: number; dim?: number; eps?: number }) => Tensor = op(
  {
    name: 'normalize',
    torch: 'nn.functional.normalize(input, *, p=2.0, dim=1, eps=1e-12)',
    family: 'normalization',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3], low: 0.5, high: 2 }],
      [
        { shape: [2, 3], low: 0.5, high: 2 },
        { p: 3, dim: 0 },
      ],
    ],
  },
  (input, { p = 2, dim = 1, eps = 1e-12 } = {}) =>
    div(input, clamp(norm(input, p, normalizeDim('normalize', dim, input.ndim), true), eps)),
);

/**
 * The cosine of the angle between vectors along a dimension; 0 for a zero vector.
 *
 * @param x1 @param x2 broadcast against each other. @param options `dim` (1), `eps` (1e-8): the least length that a vector counts with.
 * Source: `torch.nn.functional.cosine_similarity`.
 */
export const cosineSimilarity: (x1: Tensor, x2: Tensor, options?: { dim?: number; eps?: number }) => Tensor =
  op(
    {
      name: 'cosineSimilarity',
      torch: 'nn.functional.cosine_similarity(x1, x2, *, dim=1, eps=1e-08)',
      family: 'linear algebra',
      differentiable: true,
      samples: () => [
        [
          { shape: [2, 3], low: 0.5, high: 2 },
          { shape: [2, 3], low: -2, high: -0.5 },
        ],
        [{ shape: [1, 3], low: 0.5, high: 2 }, { shape: [2, 3], low: 0.5, high: 2 }, { dim: -1 }],
      ],
    },
    (x1, x2, { dim = 1, eps = 1e-8 } = {}) => {
      const shape = broadcastShapes('cosineSimilarity', x1.shape, x2.shape);
      const along = normalizeDim('cosineSimilarity', dim, shape.length);
      const unit = (x: Tensor): Tensor => {
        const whole = expand(x, shape);
        return div(whole, clamp(norm(whole, 2, along, true), eps));
      };
      return sum(mul(unit(x1), unit(x2)), along);
    },
  );

/**
 * The p-norm of x1 - x2 + eps along the last dimension. The eps stands inside, on each component, as in PyTorch.
 *
 * @param x1 @param x2 `(N, D)` or `(D,)`. @param options `p` (2), `eps` (1e-6), `keepdim` (false).
 * Source: `torch.nn.functional.pairwise_distance`.
 */
export const pairwiseDistance: (
  x1: Tensor,
  x2: Tensor,
  options?: { p?: number; eps?: number; keepdim?: boolean },
) => Tensor = op(
  {
    name: 'pairwiseDistance',
    torch: 'nn.functional.pairwise_distance(x1, x2, *, p=2.0, eps=1e-06, keepdim=False)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [2, 3], low: 2, high: 4 }],
      [{ shape: [2, 3] }, { shape: [2, 3], low: 2, high: 4 }, { p: 1, keepdim: true }],
    ],
  },
  (x1, x2, { p = 2, eps = 1e-6, keepdim = false } = {}) => norm(add(sub(x1, x2), eps), p, -1, keepdim),
);

/**
 * The p-norm distance of every pair of rows, the upper triangle of the distance matrix row by row.
 *
 * @param input `(N, D)`. @returns `(N (N - 1) / 2,)`. @param options `p` (2).
 * Errors: another number of dimensions; p below 0. Source: `torch.nn.functional.pdist`.
 */
export const pdist: (input: Tensor, options?: { p?: number }) => Tensor = op(
  {
    name: 'pdist',
    torch: 'nn.functional.pdist(input, *, p=2.0)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3], low: -2, high: 2 }], [{ shape: [3, 2], low: -2, high: 2 }, { p: 3 }]],
  },
  (input, { p = 2 } = {}) => {
    if (input.ndim !== 2)
      throw new RangeError(`pdist: the input ${formatShape(input.shape)} needs two dimensions, (N, D)`);
    if (!(p >= 0)) throw new RangeError(`pdist: p ${p} must be at least 0`);
    const first: number[] = [];
    const second: number[] = [];
    for (let i = 0; i < input.shape[0]; i++)
      for (let j = i + 1; j < input.shape[0]; j++) {
        first.push(i);
        second.push(j);
      }
    const rows = (places: number[]): Tensor => indexSelect(input, 0, tensor(places, { dtype: 'int32' }));
    return norm(sub(rows(first), rows(second)), p, 1, false);
  },
);
