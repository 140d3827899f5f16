import { binaryCrossEntropyWithLogits } from '../nn/functional/binaryCrossEntropy.ts';
import type { Reduction } from '../nn/functional/reduction.ts';
import { add, mul, sub } from '../ops/arithmetic.ts';
import { pow } from '../ops/pairwise.ts';
import { sigmoid } from '../ops/pointwise.ts';
import { op } from '../ops/record.ts';
import { sum } from '../ops/reduce.ts';
import { mean } from '../ops/statistics.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface FocalLossOptions {
  /** Weight of the positives, 1 - alpha that of the negatives; negative: no weights. Default 0.25. */
  alpha?: number;
  /** How much easy examples count less: the loss times (1 - p)^gamma. Default 2. */
  gamma?: number;
  /** Default none. */
  reduction?: Reduction;
}

/**
 * Cross-entropy of logits in which what is already right hardly counts: alpha (1 - p)^gamma log(1 / p), p the probability given to the
 * truth.
 *
 * @param input logits. @param target 0 or 1, of the same shape.
 * Error: shapes that differ. Source: Lin et al. 2017; `torchvision.ops.sigmoid_focal_loss`.
 */
export const sigmoidFocalLoss: (input: Tensor, target: Tensor, options?: FocalLossOptions) => Tensor = op(
  {
    name: 'sigmoidFocalLoss',
    torch: "torchvision.ops.sigmoid_focal_loss(input, target, *, alpha=0.25, gamma=2, reduction='none')",
    family: 'vision',
    differentiable: true,
    samples: () => [
      [{ shape: [4] }, { shape: [4], data: [0, 1, 1, 0] }],
      [{ shape: [2, 2] }, { shape: [2, 2], data: [0, 1, 1, 0] }, { alpha: -1, gamma: 1.5, reduction: 'sum' }],
    ],
  },
  (input, target, { alpha = 0.25, gamma = 2, reduction = 'none' } = {}) => {
    const entropy = binaryCrossEntropyWithLogits(input, target, { reduction: 'none' });
    const p = sigmoid(input);
    // How far the probability of the truth is from 1.
    const miss = add(mul(p, sub(1, target)), mul(sub(1, p), target));
    const focal = mul(entropy, pow(miss, gamma));
    const loss = alpha >= 0 ? mul(focal, add(mul(target, 2 * alpha - 1), 1 - alpha)) : focal;
    if (reduction === 'none') return loss;
    if (reduction === 'mean') return mean(loss);
    if (reduction === 'sum') return sum(loss);
    throw new RangeError(
      `sigmoidFocalLoss: reduction '${String(reduction)}' is unknown: use none, mean or sum`,
    );
  },
);
