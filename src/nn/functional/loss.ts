import { add, div, mul, neg, sub } from '../../ops/arithmetic.ts';
import { clamp } from '../../ops/clamp.ts';
import { eq, gt, lt } from '../../ops/comparison.ts';
import { abs, exp, log, log1p } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { sum } from '../../ops/reduce.ts';
import { unsqueeze } from '../../ops/shape.ts';
import { any } from '../../ops/statistics.ts';
import { where } from '../../ops/where.ts';
import { formatShape, type Shape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { checkPair, type Reduced, type Reduction, reduceLoss } from './reduction.ts';

export type { Reduced, Reduction } from './reduction.ts';

const pair = () => [[{ shape: [2, 3] }, { shape: [2, 3], low: 2, high: 4 }]];

type PairLoss<O extends object = object> = (input: Tensor, target: Tensor, options?: Reduced & O) => Tensor;

function pairLoss<O extends object>(
  name: string,
  torch: string,
  element: (input: Tensor, target: Tensor, options: O) => Tensor,
): PairLoss<O> {
  return op(
    { name, torch: `nn.functional.${torch}`, family: 'loss', differentiable: true, samples: pair },
    (input: Tensor, target: Tensor, options?: Reduced & O) => {
      checkPair(name, input, target);
      const { reduction = 'mean' } = options ?? {};
      return reduceLoss(name, element(input, target, (options ?? {}) as O), reduction);
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
    checkPair('klDiv', input, target);
    const loss = logTarget
      ? mul(exp(target), sub(target, input))
      : where(eq(target, 0), mul(target, 0), mul(target, sub(log(where(eq(target, 0), 1, target)), input)));
    if (reduction === 'batchmean') return div(sum(loss), input.shape[0] ?? 1);
    return reduceLoss('klDiv', loss, reduction);
  },
);

const stirling = (target: Tensor): Tensor => {
  const above = gt(target, 1);
  const safe = where(above, target, 2);
  const value = add(sub(mul(safe, log(safe)), safe), mul(log(mul(safe, 2 * Math.PI)), 0.5));
  return where(above, value, mul(target, 0));
};

/**
 * The negative log-likelihood of counts under a Poisson distribution whose rate (or its logarithm) is the input.
 *
 * @param options `logInput` (true): e^input - target * input, else input - target * log(input + eps); `full` (false) adds Stirling's
 * approximation of log(target!); `eps` (1e-8).
 * Error: shapes that differ. Source: `torch.nn.functional.poisson_nll_loss`.
 */
export const poissonNllLoss: (
  input: Tensor,
  target: Tensor,
  options?: Reduced & { logInput?: boolean; full?: boolean; eps?: number },
) => Tensor = op(
  {
    name: 'poissonNllLoss',
    torch:
      "nn.functional.poisson_nll_loss(input, target, *, log_input=True, full=False, eps=1e-08, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [2, 3], low: 2, high: 4 }, { full: true }],
      [{ shape: [2, 3], low: 0.5, high: 2 }, { shape: [2, 3], low: 2, high: 4 }, { logInput: false }],
    ],
  },
  (input, target, { logInput = true, full = false, eps = 1e-8, reduction = 'mean' } = {}) => {
    checkPair('poissonNllLoss', input, target);
    const loss = logInput
      ? sub(exp(input), mul(target, input))
      : sub(input, mul(target, log(add(input, eps))));
    return reduceLoss('poissonNllLoss', full ? add(loss, stirling(target)) : loss, reduction);
  },
);

/** The variance in the input's shape, or to be broadcast to it. Error: another shape. */
function varianceFor(input: Tensor, variance: Tensor | number): Tensor | number {
  if (typeof variance === 'number') return variance;
  const { shape } = input;
  const lead: Shape = shape.slice(0, -1);
  if (sameShape(variance.shape, shape) || sameShape(variance.shape, [...lead, 1])) return variance;
  if (sameShape(variance.shape, lead)) return unsqueeze(variance, -1);
  throw new RangeError(
    `gaussianNllLoss: variance ${formatShape(variance.shape)} should be ${formatShape(shape)}, ${formatShape([...lead, 1])} or ${formatShape(lead)}`,
  );
}

/**
 * The negative log-likelihood of the target under a normal distribution: (log(variance) + (input - target)^2 / variance) / 2.
 *
 * @param variance a number, or of the input's shape, or with one value for each last dimension; what is below `eps` counts as eps.
 * @param options `full` (false) adds log(2 pi) / 2; `eps` (1e-6).
 * Errors: shapes that do not fit; a negative variance. Source: `torch.nn.functional.gaussian_nll_loss`; Nix and Weigend 1994.
 */
export const gaussianNllLoss: (
  input: Tensor,
  target: Tensor,
  variance: Tensor | number,
  options?: Reduced & { full?: boolean; eps?: number },
) => Tensor = op(
  {
    name: 'gaussianNllLoss',
    torch: "nn.functional.gaussian_nll_loss(input, target, var, *, full=False, eps=1e-06, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [2, 3] }, { shape: [2, 3], low: 0.5, high: 2 }],
      [{ shape: [2, 3] }, { shape: [2, 3] }, { shape: [2], low: 0.5, high: 2 }, { full: true }],
    ],
  },
  (input, target, variance, { full = false, eps = 1e-6, reduction = 'mean' } = {}) => {
    checkPair('gaussianNllLoss', input, target);
    const given = varianceFor(input, variance);
    const spread = given instanceof Tensor ? given : add(mul(input.detach(), 0), given);
    if (any(lt(spread, 0)).item())
      throw new RangeError('gaussianNllLoss: variance has a negative entry: a variance is at least 0');
    // The floor is a constant: the gradient passes as if there were none.
    const floored = add(spread, sub(clamp(spread.detach(), eps), spread.detach()));
    const difference = sub(input, target);
    const loss = mul(add(log(floored), div(mul(difference, difference), floored)), 0.5);
    return reduceLoss('gaussianNllLoss', full ? add(loss, 0.5 * Math.log(2 * Math.PI)) : loss, reduction);
  },
);
