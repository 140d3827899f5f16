import { tensor } from '../tensor/creation.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * Which background boxes to train on: in each image the negatives with the highest loss, `ratio` for each positive.
 *
 * @param loss `(N, A)`, classification loss of each box. @param positive `(N, A)`, bool.
 * @param ratio negatives for each positive. Default 3.
 * @returns `(N, A)`, bool: the chosen negatives.
 * Source: Liu et al. 2016 (SSD), section 2.2.
 */
export function hardNegatives(loss: Tensor, positive: Tensor, ratio = 3): Tensor {
  if (loss.ndim !== 2 || loss.shape.join() !== positive.shape.join())
    throw new RangeError(
      `hardNegatives: loss ${formatShape(loss.shape)} and positive ${formatShape(positive.shape)} must both be (N, A)`,
    );
  const losses = loss.toArray() as number[][];
  const marks = positive.toArray() as boolean[][];
  const chosen = losses.map((row, n) => {
    const wanted = marks[n].filter(Boolean).length * ratio;
    const negatives = [...row.keys()].filter((a) => !marks[n][a]).sort((a, b) => row[b] - row[a] || a - b);
    const keep = new Set(negatives.slice(0, wanted));
    return row.map((_, a) => keep.has(a));
  });
  return tensor(chosen, { dtype: 'bool' });
}
