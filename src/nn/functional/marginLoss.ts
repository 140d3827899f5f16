import { add, div, mul, neg, sub } from '../../ops/arithmetic.ts';
import { cast } from '../../ops/cast.ts';
import { clamp } from '../../ops/clamp.ts';
import { eq, logicalAnd, lt, ne } from '../../ops/comparison.ts';
import { arange } from '../../ops/creation.ts';
import { gather } from '../../ops/gather.ts';
import { indexSelect } from '../../ops/indexSelect.ts';
import { maskedFill } from '../../ops/masked.ts';
import { minimum } from '../../ops/pairwise.ts';
import { relu, sqrt } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { sum } from '../../ops/reduce.ts';
import { cumsum } from '../../ops/scan.ts';
import { unsqueeze } from '../../ops/shape.ts';
import { mean } from '../../ops/statistics.ts';
import { reshape } from '../../ops/views.ts';
import { where } from '../../ops/where.ts';
import { formatShape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { logsigmoid } from './activation.ts';
import { pairwiseDistance } from './distance.ts';
import { checkPair, type Reduced, reduceLoss } from './reduction.ts';

const rows = { shape: [3, 4] };
const signs = { shape: [3], data: [1, -1, 1], constant: true as const };

/** max(-target * (input1 - input2) + margin, 0), target 1 or -1. Source: `torch.nn.functional.margin_ranking_loss`. */
export const marginRankingLoss: (
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options?: Reduced & { margin?: number },
) => Tensor = op(
  {
    name: 'marginRankingLoss',
    torch: "nn.functional.margin_ranking_loss(input1, input2, target, *, margin=0, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [
        { shape: [3], data: [1, 2, 3] },
        { shape: [3], data: [2, 1, 5] },
        { shape: [3], data: [1, -1, -1] },
      ],
    ],
  },
  (input1, input2, target, { margin = 0, reduction = 'mean' } = {}) => {
    checkPair('marginRankingLoss', input1, input2, 'second input');
    if (target.ndim !== 0) checkPair('marginRankingLoss', input1, target);
    const loss = clamp(add(neg(mul(target, sub(input1, input2))), margin), 0);
    return reduceLoss('marginRankingLoss', loss, reduction);
  },
);

/**
 * The input where the target is 1, max(margin - input, 0) where it is -1: for distances of like and unlike pairs.
 *
 * @param options `margin` (1). Error: shapes that differ. Source: `torch.nn.functional.hinge_embedding_loss`.
 */
export const hingeEmbeddingLoss: (
  input: Tensor,
  target: Tensor,
  options?: Reduced & { margin?: number },
) => Tensor = op(
  {
    name: 'hingeEmbeddingLoss',
    torch: "nn.functional.hinge_embedding_loss(input, target, *, margin=1.0, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [[{ shape: [3], data: [0.3, 0.6, 1.7] }, signs]],
  },
  (input, target, { margin = 1, reduction = 'mean' } = {}) => {
    checkPair('hingeEmbeddingLoss', input, target);
    const unlike = where(ne(target, 1), clamp(sub(margin, input), 0), mul(input, 0));
    const like = where(ne(target, -1), input, mul(input, 0));
    return reduceLoss('hingeEmbeddingLoss', add(unlike, like), reduction);
  },
);

/**
 * 1 - cos(x1, x2) where the target is 1, max(cos(x1, x2) - margin, 0) where it is -1.
 *
 * @param input1 @param input2 `(N, D)` or `(D,)`. @param target `(N,)` or `()`. @param options `margin` (0).
 * Errors: shapes that do not fit. Source: `torch.nn.functional.cosine_embedding_loss`.
 */
export const cosineEmbeddingLoss: (
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options?: Reduced & { margin?: number },
) => Tensor = op(
  {
    name: 'cosineEmbeddingLoss',
    torch: "nn.functional.cosine_embedding_loss(input1, input2, target, *, margin=0, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [[rows, { shape: [3, 4], low: 0.5, high: 1 }, signs, { margin: -0.9 }]],
  },
  (input1, input2, target, { margin = 0, reduction = 'mean' } = {}) => {
    checkPair('cosineEmbeddingLoss', input1, input2, 'second input');
    if ((input1.ndim !== 1 && input1.ndim !== 2) || !sameShape(target.shape, input1.shape.slice(0, -1)))
      throw new RangeError(
        `cosineEmbeddingLoss: inputs ${formatShape(input1.shape)} and target ${formatShape(target.shape)} should be (N, D) and (N,), or (D,) and ()`,
      );
    const squares = (x: Tensor): Tensor => add(sum(mul(x, x), -1), 1e-12);
    const cosine = div(sum(mul(input1, input2), -1), sqrt(mul(squares(input1), squares(input2))));
    const none = mul(cosine, 0);
    const like = where(eq(target, 1), sub(1, cosine), none);
    const unlike = where(eq(target, -1), clamp(sub(cosine, margin), 0), none);
    return reduceLoss('cosineEmbeddingLoss', add(like, unlike), reduction);
  },
);

export interface TripletOptions extends Reduced {
  /** By how much the negative should be farther away than the positive. Default 1. */
  margin?: number;
  /** Counts the distance of the positive and the negative where it is smaller (Balntas et al. 2016). Default false. */
  swap?: boolean;
}

function tripletLoss(
  name: string,
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  distance: (a: Tensor, b: Tensor) => Tensor,
  { margin = 1, swap = false, reduction = 'mean' }: TripletOptions,
): Tensor {
  checkPair(name, anchor, positive, 'positive');
  checkPair(name, anchor, negative, 'negative');
  if (!(margin > 0)) throw new RangeError(`${name}: margin ${margin} must be above 0`);
  const far = distance(anchor, negative);
  const near = distance(anchor, positive);
  const least = swap ? minimum(far, distance(positive, negative)) : far;
  return reduceLoss(name, clamp(add(sub(near, least), margin), 0), reduction);
}

/**
 * max(d(anchor, positive) - d(anchor, negative) + margin, 0), with d the p-norm of the difference + eps.
 *
 * @param anchor @param positive @param negative `(N, D)` or `(D,)`. @param options `margin` (1), `p` (2), `eps` (1e-6), `swap` (false).
 * Errors: shapes that differ; a margin that is not above 0. Source: `torch.nn.functional.triplet_margin_loss`.
 */
export const tripletMarginLoss: (
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options?: TripletOptions & { p?: number; eps?: number },
) => Tensor = op(
  {
    name: 'tripletMarginLoss',
    torch:
      "nn.functional.triplet_margin_loss(anchor, positive, negative, *, margin=1.0, p=2, eps=1e-06, swap=False, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [rows, { shape: [3, 4], low: 2, high: 3 }, { shape: [3, 4], low: -3, high: -2 }, { margin: 20 }],
      [
        rows,
        { shape: [3, 4], low: 2, high: 3 },
        { shape: [3, 4], low: -3, high: -2 },
        { margin: 20, swap: true, reduction: 'none' },
      ],
    ],
  },
  (anchor, positive, negative, { p = 2, eps = 1e-6, ...options } = {}) =>
    tripletLoss(
      'tripletMarginLoss',
      anchor,
      positive,
      negative,
      (a, b) => pairwiseDistance(a, b, { p, eps }),
      options,
    ),
);

/**
 * The triplet loss with any distance.
 *
 * @param options `distanceFunction`: two tensors `(N, D)` to distances `(N,)`, by default the Euclidean one; `margin`, `swap`.
 * Errors: as `tripletMarginLoss`. Source: `torch.nn.functional.triplet_margin_with_distance_loss`.
 */
export const tripletMarginWithDistanceLoss: (
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options?: TripletOptions & { distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null },
) => Tensor = op(
  {
    name: 'tripletMarginWithDistanceLoss',
    torch:
      "nn.functional.triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [rows, { shape: [3, 4], low: 2, high: 3 }, { shape: [3, 4], low: -3, high: -2 }, { margin: 20 }],
    ],
  },
  (anchor, positive, negative, { distanceFunction = null, ...options } = {}) =>
    tripletLoss(
      'tripletMarginWithDistanceLoss',
      anchor,
      positive,
      negative,
      distanceFunction ?? ((a, b) => pairwiseDistance(a, b)),
      options,
    ),
);

/** The input as (N, C) and its targets' values row by row. Error: shapes that do not fit. */
function classRows(name: string, input: Tensor, target: Tensor, each: 'index' | 'row'): Tensor {
  const flat = reshape(input, input.ndim === 2 ? input.shape : [1, input.size]);
  const wanted = each === 'row' ? input.size : flat.shape[0];
  if (input.ndim > 2 || target.size !== wanted)
    throw new RangeError(
      `${name}: the input ${formatShape(input.shape)} and the target ${formatShape(target.shape)} should be (N, C) and ${each === 'row' ? '(N, C)' : '(N,)'}, or (C,) and ${each === 'row' ? '(C,)' : '()'}`,
    );
  return flat;
}

/** Error: a target that holds no class indices, or one outside `least` to the last class before the row's first -1. */
function checkClasses(name: string, target: Tensor, classes: number, least: 0 | -1): void {
  if (target.isFloating || target.dtype === 'bool')
    throw new TypeError(`${name}: the target is ${target.dtype}: class indices are int32`);
  const { elements, offset, size } = target.contiguous();
  for (let i = 0; i < size; i++) {
    const y = elements[offset + i];
    if (y >= classes || (y < 0 && least === 0))
      throw new RangeError(
        `${name}: Target ${y} is out of bounds: ${classes} classes have the indices 0 to ${classes - 1}`,
      );
    // The rest of the row is not read.
    if (y < 0) i += classes - 1 - (i % classes);
  }
}

/** Which class each index names: `(..., 1)` gives bool `(..., C)`. */
const classMask = (index: Tensor, classes: number): Tensor =>
  eq(index, arange(classes, { dtype: index.dtype }));

/**
 * For each sample the sum over the other classes i of max(0, margin - input[y] + input[i]) ** p, divided by the number of classes.
 *
 * @param input `(N, C)` or `(C,)`. @param target class indices `(N,)` or `()`.
 * @param options `p` (1 or 2), `margin` (1), `weight` a factor for each class `(C,)`.
 * Errors: shapes that do not fit; an index out of bounds; another p. Source: `torch.nn.functional.multi_margin_loss`.
 */
export const multiMarginLoss: (
  input: Tensor,
  target: Tensor,
  options?: Reduced & { p?: 1 | 2; margin?: number; weight?: Tensor | null },
) => Tensor = op(
  {
    name: 'multiMarginLoss',
    torch:
      "nn.functional.multi_margin_loss(input, target, *, p=1, margin=1.0, weight=None, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [rows, { shape: [3], data: [1, 0, 3], dtype: 'int32' }, { margin: 5 }],
      [rows, { shape: [3], data: [1, 0, 3], dtype: 'int32' }, { p: 2, margin: 5, reduction: 'none' }],
    ],
  },
  (input, target, { p = 1, margin = 1, weight = null, reduction = 'mean' } = {}) => {
    const name = 'multiMarginLoss';
    if (p !== 1 && p !== 2) throw new RangeError(`${name}: p ${String(p)} must be 1 or 2`);
    const flat = classRows(name, input, target, 'index');
    const [samples, classes] = flat.shape;
    if (weight && !sameShape(weight.shape, [classes]))
      throw new RangeError(`${name}: weight ${formatShape(weight.shape)} should be (${classes},)`);
    checkClasses(name, target, classes, 0);
    const rows = reshape(target, [samples, 1]);
    const excess = relu(add(sub(flat, gather(flat, 1, rows)), margin));
    const others = maskedFill(p === 2 ? mul(excess, excess) : excess, classMask(rows, classes), 0);
    const total = div(sum(others, 1), classes);
    const losses = weight ? mul(total, indexSelect(weight, 0, reshape(target, [samples]))) : total;
    return reduceLoss(name, input.ndim === 2 ? losses : reshape(losses, []), reduction);
  },
);

/**
 * For each sample the sum over its classes y and the other classes i of max(0, 1 - (input[y] - input[i])), divided by C.
 *
 * @param input `(N, C)` or `(C,)`. @param target of the input's shape: the sample's class indices, then -1.
 * Errors: shapes that do not fit; an index out of bounds. Source: `torch.nn.functional.multilabel_margin_loss`.
 */
export const multilabelMarginLoss: (input: Tensor, target: Tensor, options?: Reduced) => Tensor = op(
  {
    name: 'multilabelMarginLoss',
    torch: "nn.functional.multilabel_margin_loss(input, target, *, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [2, 3], data: [2, -1, 0, 0, 1, -1], dtype: 'int32' }]],
  },
  (input, target, { reduction = 'mean' } = {}) => {
    const name = 'multilabelMarginLoss';
    const flat = classRows(name, input, target, 'row');
    const [samples, classes] = flat.shape;
    checkClasses(name, target, classes, -1);
    const labels = reshape(target, [samples, classes]);
    // What comes after the first -1 does not count.
    const valid = eq(cumsum(cast(lt(labels, 0), 'int32'), 1), 0);
    const hits = logicalAnd(classMask(unsqueeze(labels, 2), classes), unsqueeze(valid, 2));
    const count = sum(cast(hits, flat.dtype), 1);
    const pairs = mul(unsqueeze(count, 2), unsqueeze(cast(eq(count, 0), flat.dtype), 1));
    const excess = relu(add(sub(unsqueeze(flat, 1), unsqueeze(flat, 2)), 1));
    const losses = div(sum(mul(excess, pairs), [1, 2]), classes);
    return reduceLoss(name, input.ndim === 2 ? losses : reshape(losses, []), reduction);
  },
);

/**
 * The mean over the classes of the binary cross-entropy of logits.
 *
 * @param input `(N, C)` or `(C,)`. @param target of the input's shape, 0 or 1. @param options `weight` broadcasts to the input.
 * Errors: shapes that differ. Source: `torch.nn.functional.multilabel_soft_margin_loss`.
 */
export const multilabelSoftMarginLoss: (
  input: Tensor,
  target: Tensor,
  options?: Reduced & { weight?: Tensor | null },
) => Tensor = op(
  {
    name: 'multilabelSoftMarginLoss',
    torch: "nn.functional.multilabel_soft_margin_loss(input, target, *, weight=None, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [2, 3], low: 0.1, high: 0.9 }]],
  },
  (input, target, { weight = null, reduction = 'mean' } = {}) => {
    checkPair('multilabelSoftMarginLoss', input, target);
    const loss = neg(add(mul(target, logsigmoid(input)), mul(sub(1, target), logsigmoid(neg(input)))));
    return reduceLoss('multilabelSoftMarginLoss', mean(weight ? mul(loss, weight) : loss, -1), reduction);
  },
);
