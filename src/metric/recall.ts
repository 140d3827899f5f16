import type { Tensor } from '../tensor/tensor.ts';
import { checkLabelled, type Distance, distanceMatrix } from './distances.ts';

/**
 * Recall at k: the part of the rows that have one of their own class among their k nearest other rows.
 *
 * @param embeddings `(N, D)`. @param labels `(N,)`. @param k one number, or several.
 * @param options `distance` default euclidean.
 * Errors: k below 1 or not below N. Source: Jégou et al. 2011; Oh Song et al. 2016.
 */
export function recallAtK(
  embeddings: Tensor,
  labels: Tensor,
  k: number,
  options?: { distance?: Distance },
): number;
export function recallAtK(
  embeddings: Tensor,
  labels: Tensor,
  k: readonly number[],
  options?: { distance?: Distance },
): number[];
export function recallAtK(
  embeddings: Tensor,
  labels: Tensor,
  k: number | readonly number[],
  { distance = 'euclidean' }: { distance?: Distance } = {},
): number | number[] {
  const classes = checkLabelled('recallAtK', embeddings, labels);
  const count = classes.length;
  const depths = typeof k === 'number' ? [k] : k;
  for (const depth of depths)
    if (!Number.isInteger(depth) || depth < 1 || depth >= count)
      throw new RangeError(`recallAtK: k is ${depth}: with ${count} rows it lies between 1 and ${count - 1}`);
  const between = distanceMatrix(embeddings, distance);
  // How many rows are nearer than the nearest one of the same class; ties go to the earlier row.
  const ranks = classes.map((own, i) => {
    const away = (j: number): number => between[i * count + j];
    let nearest = -1;
    for (let j = 0; j < count; j++)
      if (j !== i && classes[j] === own && (nearest < 0 || away(j) < away(nearest))) nearest = j;
    if (nearest < 0) return Infinity;
    let rank = 0;
    for (let j = 0; j < count; j++)
      if (j !== i && (away(j) < away(nearest) || (away(j) === away(nearest) && j < nearest))) rank++;
    return rank;
  });
  const recalls = depths.map((depth) => ranks.filter((rank) => rank < depth).length / count);
  return typeof k === 'number' ? recalls[0] : recalls;
}
