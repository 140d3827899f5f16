import { add, div, mul, neg } from '../ops/arithmetic.ts';
import { clamp } from '../ops/clamp.ts';
import { matmul } from '../ops/matmul.ts';
import { sqrt } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { transpose, unsqueeze } from '../ops/shape.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** How far apart two embeddings are: the length of their difference, its square, or 1 - the cosine of their angle. */
export type Distance = 'euclidean' | 'squared' | 'cosine';

/** Error: embeddings and labels that do not belong together. @returns the labels as numbers. */
export function checkLabelled(name: string, embeddings: Tensor, labels: Tensor): number[] {
  if (embeddings.ndim !== 2 || labels.ndim !== 1 || labels.shape[0] !== embeddings.shape[0])
    throw new RangeError(
      `${name}: needs embeddings (N, D) and labels (N,), got ${formatShape(embeddings.shape)} and ${formatShape(labels.shape)}`,
    );
  return labels.toArray() as number[];
}

/**
 * The distances between rows, row by row of two tensors of the same shape `(M, D)`: `(M,)`. The Euclidean one has gradient 0 where
 * two rows are equal.
 */
export function rowDistances(a: Tensor, b: Tensor, distance: Distance): Tensor {
  if (distance === 'cosine') {
    const lengths = mul(sqrt(sum(mul(a, a), 1)), sqrt(sum(mul(b, b), 1)));
    return add(neg(div(sum(mul(a, b), 1), clamp(lengths, 1e-8))), 1);
  }
  const difference = a.sub(b);
  const squares = sum(mul(difference, difference), 1);
  return distance === 'squared' ? squares : safeRoot(squares);
}

/** The root, with gradient 0 at 0 instead of infinity. */
function safeRoot(squares: Tensor): Tensor {
  const isZero = squares.eq(0).to(squares.dtype);
  return sqrt(squares.add(isZero)).sub(isZero);
}

/** All distances between the rows of `(N, D)`, as numbers, row-major `(N, N)`: what miners and recall look at. */
export function distanceMatrix(embeddings: Tensor, distance: Distance): Float64Array {
  const dense = embeddings.detach().contiguous();
  const [count, width] = dense.shape;
  const { elements, offset } = dense;
  const out = new Float64Array(count * count);
  const row = (i: number): number => offset + i * width;
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) {
      let squares = 0;
      let product = 0;
      let [left, right] = [0, 0];
      for (let d = 0; d < width; d++) {
        const [x, y] = [elements[row(i) + d], elements[row(j) + d]];
        squares += (x - y) * (x - y);
        product += x * y;
        left += x * x;
        right += y * y;
      }
      out[i * count + j] =
        distance === 'squared'
          ? squares
          : distance === 'euclidean'
            ? Math.sqrt(squares)
            : 1 - product / Math.max(Math.sqrt(left * right), 1e-8);
    }
  return out;
}

/** The cosines between all rows of two tensors, `(N, M)`. */
export function cosineMatrix(a: Tensor, b: Tensor): Tensor {
  const unit = (x: Tensor): Tensor => div(x, unsqueeze(clamp(sqrt(sum(mul(x, x), 1)), 1e-12), 1));
  return matmul(unit(a), transpose(unit(b), 0, 1));
}
