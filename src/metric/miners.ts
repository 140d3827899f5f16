import { tensor } from '../tensor/creation.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkLabelled, type Distance, distanceMatrix } from './distances.ts';

/**
 * Which triplets of a batch are kept, with a positive of the anchor's class and a negative of another:
 * - `all`: every one.
 * - `hard`: the negative is nearer than the positive.
 * - `semihard`: the negative is farther than the positive, but by less than the margin.
 * - `batchHard`: for each anchor, its farthest positive and its nearest negative.
 */
export type Mining = 'all' | 'hard' | 'semihard' | 'batchHard';

/** Rows of the embeddings, `(M,)` int32 each. */
export interface Triplets {
  anchors: Tensor;
  positives: Tensor;
  negatives: Tensor;
}

export interface MiningOptions {
  /** Default all. */
  type?: Mining;
  /** For `semihard`. Default 0.2. */
  margin?: number;
  /** Default euclidean. */
  distance?: Distance;
}

/**
 * Finds triplets in a batch.
 *
 * @param embeddings `(N, D)`. @param labels `(N,)`: the class of each row.
 * @returns places of anchors, positives and negatives; none where the batch has no such triplet.
 * Sources: Schroff et al. 2015 (semi-hard); Hermans et al. 2017 (batch-hard).
 */
export function mineTriplets(
  embeddings: Tensor,
  labels: Tensor,
  { type = 'all', margin = 0.2, distance = 'euclidean' }: MiningOptions = {},
): Triplets {
  const classes = checkLabelled('mineTriplets', embeddings, labels);
  const keeps = { all: () => true, hard, semihard, batchHard: () => true }[type];
  if (!keeps)
    throw new RangeError(`mineTriplets: type '${type}' is unknown: use all, hard, semihard or batchHard`);
  const between = distanceMatrix(embeddings, distance);
  const count = classes.length;
  const found: [anchor: number, positive: number, negative: number][] = [];
  for (let a = 0; a < count; a++) {
    const positives: number[] = [];
    const negatives: number[] = [];
    for (let i = 0; i < count; i++) if (i !== a) (classes[i] === classes[a] ? positives : negatives).push(i);
    if (positives.length === 0 || negatives.length === 0) continue;
    const away = (i: number): number => between[a * count + i];
    if (type === 'batchHard') {
      const farthest = positives.reduce((best, i) => (away(i) > away(best) ? i : best));
      const nearest = negatives.reduce((best, i) => (away(i) < away(best) ? i : best));
      found.push([a, farthest, nearest]);
      continue;
    }
    for (const p of positives) for (const n of negatives) if (keeps(away(p), away(n))) found.push([a, p, n]);
  }
  const places = (which: 0 | 1 | 2): Tensor =>
    tensor(
      found.map((triplet) => triplet[which]),
      { dtype: 'int32' },
    );
  return { anchors: places(0), positives: places(1), negatives: places(2) };

  function hard(positive: number, negative: number): boolean {
    return negative < positive;
  }
  function semihard(positive: number, negative: number): boolean {
    return negative > positive && negative < positive + margin;
  }
}
