import { add, mul } from '../ops/arithmetic.ts';
import { clamp } from '../ops/clamp.ts';
import { diagonal } from '../ops/diagonal.ts';
import { indexSelect } from '../ops/indexSelect.ts';
import { cat } from '../ops/join.ts';
import { sum } from '../ops/reduce.ts';
import { logsumexp, mean } from '../ops/statistics.ts';
import { where } from '../ops/where.ts';
import { tensor } from '../tensor/creation.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkLabelled, cosineMatrix, type Distance, rowDistances } from './distances.ts';
import { type Mining, mineTriplets } from './miners.ts';

const places = (list: readonly number[]): Tensor => tensor([...list], { dtype: 'int32' });

/** A loss of 0 that backward can go through. */
const nothing = (embeddings: Tensor): Tensor => sum(mul(embeddings, 0));

export interface ContrastiveOptions {
  /** Pairs of different classes that are farther apart than this cost nothing. Default 1. */
  margin?: number;
}

/**
 * Pulls pairs of one class together and pushes others apart: the mean over all pairs of d²/2 for the same class, and of
 * max(0, margin - d)²/2 for different ones.
 *
 * @param embeddings `(N, D)`. @param labels `(N,)`.
 * Error: fewer than two rows. Source: Hadsell, Chopra and LeCun 2006.
 */
export function contrastiveLoss(
  embeddings: Tensor,
  labels: Tensor,
  { margin = 1 }: ContrastiveOptions = {},
): Tensor {
  const classes = checkLabelled('contrastiveLoss', embeddings, labels);
  if (classes.length < 2)
    throw new RangeError('contrastiveLoss: needs at least two embeddings to make a pair');
  const [left, right]: [number[], number[]] = [[], []];
  for (let i = 0; i < classes.length; i++)
    for (let j = i + 1; j < classes.length; j++) {
      left.push(i);
      right.push(j);
    }
  const distances = rowDistances(
    indexSelect(embeddings, 0, places(left)),
    indexSelect(embeddings, 0, places(right)),
    'euclidean',
  );
  const same = tensor(left.map((i, n) => classes[i] === classes[right[n]]));
  const short = clamp(distances.neg().add(margin), 0);
  return mean(where(same, mul(distances, distances), mul(short, short))).mul(0.5);
}

export interface TripletOptions {
  /** How much nearer the positive must be than the negative. Default 0.2. */
  margin?: number;
  /** Which triplets count. Default batchHard. */
  mining?: Mining;
  /** Default euclidean. */
  distance?: Distance;
  /** `mean` over the mined triplets, or over those that still cost something (`nonzero`). Default mean. */
  reduction?: 'mean' | 'nonzero';
}

/**
 * max(0, d(anchor, positive) - d(anchor, negative) + margin) over mined triplets of a labelled batch.
 *
 * @param embeddings `(N, D)`. @param labels `(N,)`.
 * @returns a number; 0 where the batch has no triplet. Use `F.tripletMarginLoss` for triplets of your own.
 * Sources: Schroff et al. 2015; Hermans et al. 2017.
 */
export function tripletLoss(
  embeddings: Tensor,
  labels: Tensor,
  { margin = 0.2, mining = 'batchHard', distance = 'euclidean', reduction = 'mean' }: TripletOptions = {},
): Tensor {
  const { anchors, positives, negatives } = mineTriplets(embeddings, labels, {
    type: mining,
    margin,
    distance,
  });
  if (anchors.size === 0) return nothing(embeddings);
  const rows = (at: Tensor): Tensor => indexSelect(embeddings, 0, at);
  const anchor = rows(anchors);
  const near = rowDistances(anchor, rows(positives), distance);
  const far = rowDistances(anchor, rows(negatives), distance);
  const losses = clamp(add(near.sub(far), margin), 0);
  if (reduction === 'mean') return mean(losses);
  const counted = (losses.detach().toArray() as number[]).filter((loss) => loss > 0).length;
  return sum(losses).div(Math.max(counted, 1));
}

/**
 * Normalised temperature-scaled cross-entropy: each view must find its partner among all other views, by cosine.
 *
 * @param first,second `(N, D)`: two views of the same N things, row by row. @param options `temperature` default 0.5.
 * Errors: shapes that differ; a temperature that is not above 0. Source: Chen et al. 2020 (SimCLR).
 */
export function ntXentLoss(
  first: Tensor,
  second: Tensor,
  { temperature = 0.5 }: { temperature?: number } = {},
): Tensor {
  if (first.ndim !== 2 || !sameShape(first.shape, second.shape))
    throw new RangeError(
      `ntXentLoss: needs two views (N, D), got ${formatShape(first.shape)} and ${formatShape(second.shape)}`,
    );
  if (!(temperature > 0))
    throw new RangeError(`ntXentLoss: temperature is ${temperature}: it must be above 0`);
  const count = first.shape[0];
  const views = cat([first, second], 0);
  const logits = cosineMatrix(views, views).div(temperature);
  const itself = tensor(
    Array.from({ length: 2 * count }, (_, i) => Array.from({ length: 2 * count }, (_, j) => i === j)),
  );
  const partners = cat([diagonal(logits, count), diagonal(logits, -count)], 0);
  return mean(logsumexp(where(itself, -Infinity, logits), 1).sub(partners));
}
