import { add, div, mul, neg, sub } from '../../ops/arithmetic.ts';
import { clamp } from '../../ops/clamp.ts';
import { eq, lt } from '../../ops/comparison.ts';
import { abs, exp, log, log1p, relu } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { sum } from '../../ops/reduce.ts';
import { mean } from '../../ops/statistics.ts';
import { where } from '../../ops/where.ts';
import { formatShape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** What becomes of the single losses. */
export type Reduction = 'none' | 'mean' | 'sum';

function reduce(name: string, loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  if (reduction === 'mean') return mean(loss);
  if (reduction === 'sum') return sum(loss);
  throw new RangeError(`${name}: reduction '${String(reduction)}' is unknown: use none, mean or sum`);
}

/** Error: shapes that differ. PyTorch broadcasts some of these with a warning, which hides a missing squeeze. */
function samePair(name: string, input: Tensor, target: Tensor): void {
  if (!sameShape(input.shape, target.shape))
    throw new RangeError(
      `${name}: the input ${formatShape(input.shape)} and the target ${formatShape(target.shape)} differ: reshape or squeeze one of them`,
    );
}

const pair = () => [[{ shape: [2, 3] }, { shape: [2, 3], low: 2, high: 4 }]];

export interface Reduced {
  /** Default mean. */
  reduction?: Reduction;
}

type PairLoss<O extends object = object> = (input: Tensor, target: Tensor, options?: Reduced & O) => Tensor;

function pairLoss<O extends object>(
  name: string,
  torch: string,
  element: (input: Tensor, target: Tensor, options: O) => Tensor,
): PairLoss<O> {
  return op(
    { name, torch: `nn.functional.${torch}`, family: 'loss', differentiable: true, samples: pair },
    (input: Tensor, target: Tensor, options?: Reduced & O) => {
      samePair(name, input, target);
      const { reduction = 'mean' } = options ?? {};
      return reduce(name, element(input, target, (options ?? {}) as O), reduction);
    },
  );
}

/** (input - target)². */
export const mseLoss: PairLoss = pairLoss(
  'mseLoss',
  "mse_loss(input, target, *, reduction='mean')",
  (input, target) => {
    const difference = sub(input, target);
    return mul(difference, difference);
  },
);

/** |input - target|. */
export const l1Loss: PairLoss = pairLoss(
  'l1Loss',
  "l1_loss(input, target, *, reduction='mean')",
  (input, target) => abs(sub(input, target)),
);

/** Half the square over `beta` within beta of the target, linear beyond. Source: Girshick 2015. */
export const smoothL1Loss: PairLoss<{ beta?: number }> = pairLoss(
  'smoothL1Loss',
  "smooth_l1_loss(input, target, *, reduction='mean', beta=1.0)",
  (input, target, { beta = 1 }: { beta?: number }) => {
    if (beta < 0) throw new RangeError(`smoothL1Loss: beta ${beta} is below 0`);
    const distance = abs(sub(input, target));
    return beta === 0
      ? distance
      : where(lt(distance, beta), div(mul(mul(distance, distance), 0.5), beta), sub(distance, 0.5 * beta));
  },
);

/** Half the square within `delta` of the target, delta times the distance less delta / 2 beyond. */
export const huberLoss: PairLoss<{ delta?: number }> = pairLoss(
  'huberLoss',
  "huber_loss(input, target, *, reduction='mean', delta=1.0)",
  (input, target, { delta = 1 }: { delta?: number }) => {
    if (!(delta > 0)) throw new RangeError(`huberLoss: delta ${delta} must be above 0`);
    const distance = abs(sub(input, target));
    return where(
      lt(distance, delta),
      mul(mul(distance, distance), 0.5),
      mul(sub(distance, 0.5 * delta), delta),
    );
  },
);

/** log(1 + e^(-target * input)), target 1 or -1. */
export const softMarginLoss: PairLoss = pairLoss(
  'softMarginLoss',
  "soft_margin_loss(input, target, *, reduction='mean')",
  (input, target) => log1p(exp(neg(mul(input, target)))),
);

/**
 * Binary cross-entropy of logits: max(x, 0) - x t + log(1 + e^-|x|), which overflows nowhere.
 *
 * @param options `posWeight` multiplies the positive term; `weight` the whole.
 * Error: shapes that differ. Source: `torch.nn.functional.binary_cross_entropy_with_logits`.
 */
export const binaryCrossEntropyWithLogits: (
  input: Tensor,
  target: Tensor,
  options?: Reduced & { weight?: Tensor | null; posWeight?: Tensor | null },
) => Tensor = op(
  {
    name: 'binaryCrossEntropyWithLogits',
    torch:
      "nn.functional.binary_cross_entropy_with_logits(input, target, *, weight=None, reduction='mean', pos_weight=None)",
    family: 'loss',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [2, 3], low: 0.1, high: 0.9 }]],
  },
  (input, target, { weight = null, posWeight = null, reduction = 'mean' } = {}) => {
    samePair('binaryCrossEntropyWithLogits', input, target);
    const softened = add(log1p(exp(neg(abs(input)))), relu(neg(input)));
    const factor = posWeight ? add(mul(sub(posWeight, 1), target), 1) : 1;
    const loss = add(mul(sub(1, target), input), mul(softened, factor));
    return reduce('binaryCrossEntropyWithLogits', weight ? mul(loss, weight) : loss, reduction);
  },
);

/**
 * Kullback-Leibler divergence of `target` from `input`, which holds logarithms of probabilities.
 *
 * @param options `batchmean` divides the sum by the first size: the divergence as mathematics has it; `logTarget`: the target holds
 * logarithms too. Source: `torch.nn.functional.kl_div`.
 */
export const klDiv: (
  input: Tensor,
  target: Tensor,
  options?: { reduction?: Reduction | 'batchmean'; logTarget?: boolean },
) => Tensor = op(
  {
    name: 'klDiv',
    torch:
      "nn.functional.kl_div(input, target, *, size_average=None, reduce=None, reduction='mean', log_target=False)",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [
        { shape: [2, 3], low: -2, high: -0.5 },
        { shape: [2, 3], low: 0.1, high: 0.6 },
      ],
    ],
  },
  (input, target, { reduction = 'mean', logTarget = false } = {}) => {
    const loss = logTarget
      ? mul(exp(target), sub(target, input))
      : where(eq(target, 0), mul(target, 0), mul(target, sub(log(where(eq(target, 0), 1, target)), input)));
    if (reduction === 'batchmean') return div(sum(loss), input.shape[0] ?? 1);
    return reduce('klDiv', loss, reduction);
  },
);

/** max(-target * (input1 - input2) + margin, 0), target 1 or -1. */
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
  (input1, input2, target, { margin = 0, reduction = 'mean' } = {}) =>
    reduce('marginRankingLoss', clamp(add(neg(mul(target, sub(input1, input2))), margin), 0), reduction),
);
