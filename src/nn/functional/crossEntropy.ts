import { fused } from '../../autograd/fused.ts';
import { applyOne } from '../../autograd/primitive.ts';
import { add, div, mul, neg } from '../../ops/arithmetic.ts';
import {
  crossEntropyBackwardKernel,
  crossEntropyKernel,
  nllBackwardKernel,
  nllKernel,
  softCrossEntropyBackwardKernel,
  softCrossEntropyKernel,
} from '../../ops/lossKernels.ts';
import { op } from '../../ops/record.ts';
import { sum } from '../../ops/reduce.ts';
import { logSoftmax } from '../../ops/statistics.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape, numel, type Shape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { type Reduced, type Reduction, reduceLoss } from './reduction.ts';

interface IndexAttrs {
  /** (N, L) int32. */
  readonly target: Tensor;
  readonly weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly smoothing: number;
}

const weightAt = (weight: Tensor | null, index: number): number =>
  weight ? weight.elements[weight.offset + index * (weight.strides[0] ?? 0)] : 1;

/** By how much each log-probability (N, C, L) counts in the loss of its place: a constant of the targets. */
function coefficients(shape: Shape, like: Tensor, attrs: IndexAttrs): Tensor {
  const [samples, channels, length] = shape;
  const { target, weight, ignoreIndex, smoothing } = attrs;
  const out = Tensor.allocate(shape, like.dtype, true);
  for (let n = 0; n < samples; n++)
    for (let l = 0; l < length; l++) {
      const y = target.elements[target.offset + n * target.strides[0] + l * target.strides[1]];
      if (y === ignoreIndex) continue;
      for (let c = 0; c < channels; c++)
        out.elements[out.offset + (n * channels + c) * length + l] =
          (smoothing / channels + (c === y ? 1 - smoothing : 0)) * weightAt(weight, c);
    }
  return out;
}

const withIndices = fused<IndexAttrs>({
  name: 'crossEntropy',
  forward([input], { target, weight, ignoreIndex, smoothing }) {
    const x = input as Tensor;
    const places = [x.shape[0], x.shape[2]];
    const losses = Tensor.allocate(places, x.dtype);
    const logSumExp = Tensor.allocate(places, x.dtype);
    crossEntropyKernel(losses, logSumExp, x, target, weight, ignoreIndex, smoothing);
    return { outputs: losses, kept: [logSumExp] };
  },
  backward([g], [input], [logSumExp], { target, weight, ignoreIndex, smoothing }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    crossEntropyBackwardKernel(out, g!, x, logSumExp, target, weight, ignoreIndex, smoothing);
    return [out];
  },
  compose: ([input], attrs) => {
    const x = input as Tensor;
    return neg(sum(mul(logSoftmax(x, 1), coefficients(x.shape, x, attrs)), 1));
  },
});

const withProbabilities = fused<{ weight: Tensor | null; smoothing: number }>({
  name: 'crossEntropy',
  forward([input, target], { weight, smoothing }) {
    const x = input as Tensor;
    const places = [x.shape[0], x.shape[2]];
    const losses = Tensor.allocate(places, x.dtype);
    const logSumExp = Tensor.allocate(places, x.dtype);
    softCrossEntropyKernel(losses, logSumExp, x, target!, weight, smoothing);
    return { outputs: losses, kept: [logSumExp] };
  },
  backward([g], [input, target], [logSumExp], { weight, smoothing }, needs) {
    const [x, t] = [input as Tensor, target as Tensor];
    const gradInput = needs(0) ? Tensor.allocate(x.shape, x.dtype) : null;
    const gradTarget = needs(1) ? Tensor.allocate(t.shape, t.dtype) : null;
    softCrossEntropyBackwardKernel(gradInput, gradTarget, g!, x, logSumExp, t, weight, smoothing);
    return [gradInput, gradTarget];
  },
  compose: ([input, target], { weight, smoothing }) => {
    const [x, t] = [input as Tensor, target as Tensor];
    const smoothed = add(mul(t, 1 - smoothing), smoothing / x.shape[1]);
    const weighted = weight ? mul(smoothed, reshape(weight, [weight.size, 1])) : smoothed;
    return neg(sum(mul(logSoftmax(x, 1), weighted), 1));
  },
});

const negativeLikelihood = fused<Omit<IndexAttrs, 'smoothing'>>({
  name: 'nllLoss',
  forward([input], { target, weight, ignoreIndex }) {
    const x = input as Tensor;
    const losses = Tensor.allocate([x.shape[0], x.shape[2]], x.dtype);
    nllKernel(losses, x, target, weight, ignoreIndex);
    return { outputs: losses };
  },
  backward([g], [input], _kept, { target, weight, ignoreIndex }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    nllBackwardKernel(out, g!, target, weight, ignoreIndex);
    return [out];
  },
  compose: ([input], attrs) => {
    const x = input as Tensor;
    return neg(sum(mul(x, coefficients(x.shape, x, { ...attrs, smoothing: 0 })), 1));
  },
});

/** The input as (N, C, L), and the shape of the losses: that of the input without its channels. */
function layout(name: string, input: Tensor): { flat: Tensor; channels: number; places: number[] } {
  if (input.ndim === 0)
    throw new RangeError(`${name}: the input needs (C,), (N, C) or (N, C, ...) dimensions, it has none`);
  const channels = input.shape[input.ndim === 1 ? 0 : 1];
  const places = input.ndim === 1 ? [] : [input.shape[0], ...input.shape.slice(2)];
  const samples = input.ndim === 1 ? 1 : input.shape[0];
  const flat = reshape(input, [samples, channels, input.ndim === 1 ? 1 : numel(input.shape.slice(2))]);
  return { flat, channels, places };
}

function checkWeight(name: string, weight: Tensor | null, channels: number, input: Tensor): void {
  if (weight && !sameShape(weight.shape, [channels]))
    throw new RangeError(
      `${name}: weight ${formatShape(weight.shape)} should have one value for each of ${channels} classes of the input ${formatShape(input.shape)}`,
    );
  if (weight && weight.dtype !== input.dtype)
    throw new TypeError(
      `${name}: weight is ${weight.dtype} but the input is ${input.dtype}: convert one with to('${input.dtype}')`,
    );
}

/** Class indices as (N, L), checked, and the sum of their weights: what a mean divides by. */
function indices(
  name: string,
  input: Tensor,
  target: Tensor,
  places: Shape,
  channels: number,
  weight: Tensor | null,
  ignoreIndex: number,
): { flat: Tensor; total: number } {
  if (target.isFloating || target.dtype === 'bool')
    throw new TypeError(
      `${name}: the target is ${target.dtype}: class indices are int32 (or probabilities of the input's shape ${formatShape(input.shape)})`,
    );
  if (!sameShape(target.shape, places))
    throw new RangeError(
      `${name}: the target ${formatShape(target.shape)} should be ${formatShape(places)} for the input ${formatShape(input.shape)}`,
    );
  const samples = places[0] ?? 1;
  const flat = reshape(target.to('int32'), [samples, numel(places.slice(1))]);
  let total = 0;
  for (let n = 0; n < flat.shape[0]; n++)
    for (let l = 0; l < flat.shape[1]; l++) {
      const y = flat.elements[flat.offset + n * flat.strides[0] + l * flat.strides[1]];
      if (y === ignoreIndex) continue;
      if (y < 0 || y >= channels)
        throw new RangeError(
          `${name}: Target ${y} is out of bounds: ${channels} classes have the indices 0 to ${channels - 1} (ignoreIndex is ${ignoreIndex})`,
        );
      total += weightAt(weight, y);
    }
  return { flat, total };
}

function finish(name: string, losses: Tensor, places: Shape, reduction: Reduction, total: number): Tensor {
  if (reduction === 'mean') return div(sum(losses), total);
  return reduceLoss(name, reshape(losses, places), reduction);
}

export interface ClassLossOptions extends Reduced {
  /** A factor for each class, `(C,)`. */
  weight?: Tensor | null;
  /** A target that does not count, in the mean's denominator neither. Default -100. */
  ignoreIndex?: number;
}

const logits = { shape: [3, 4] };
const classes = { shape: [3], data: [1, 0, 3], dtype: 'int32' as const };

/**
 * The cross-entropy of logits: -log(softmax(input)) at the target class. Give it logits, not what a softmax gave.
 *
 * @param input `(C,)`, `(N, C)` or `(N, C, ...)`.
 * @param target class indices `()`, `(N,)` or `(N, ...)`; or probabilities of the input's shape.
 * @param options `weight` for each class; `ignoreIndex` (-100); `labelSmoothing` (0) spreads that much evenly over the classes. The mean
 * divides by the sum of the targets' weights; with probabilities by the number of places.
 * Errors: shapes that do not fit; an index out of bounds; smoothing outside [0, 1]. Source: `torch.nn.functional.cross_entropy`.
 */
export const crossEntropy: (
  input: Tensor,
  target: Tensor,
  options?: ClassLossOptions & { labelSmoothing?: number },
) => Tensor = op(
  {
    name: 'crossEntropy',
    torch:
      "nn.functional.cross_entropy(input, target, *, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [logits, classes],
      [logits, classes, { labelSmoothing: 0.2, ignoreIndex: 0, reduction: 'sum' }],
      [{ shape: [2, 3, 2] }, { shape: [2, 2], data: [1, 0, 2, 2], dtype: 'int32' }, { reduction: 'none' }],
      [logits, { shape: [3, 4], low: 0, high: 1 }, { labelSmoothing: 0.1 }],
    ],
  },
  (
    input,
    target,
    { weight = null, ignoreIndex = -100, reduction = 'mean', labelSmoothing: smoothing = 0 } = {},
  ) => {
    const name = 'crossEntropy';
    if (!(smoothing >= 0 && smoothing <= 1))
      throw new RangeError(`${name}: labelSmoothing ${smoothing} must lie between 0 and 1`);
    const { flat, channels, places } = layout(name, input);
    checkWeight(name, weight, channels, input);
    if (sameShape(target.shape, input.shape) && target.isFloating) {
      const shares = reshape(target.to(input.dtype), flat.shape);
      const losses = applyOne(withProbabilities, [flat, shares], { weight, smoothing });
      return finish(name, losses, places, reduction, numel(places));
    }
    const { flat: y, total } = indices(name, input, target, places, channels, weight, ignoreIndex);
    const losses = applyOne(withIndices, [flat], { target: y, weight, ignoreIndex, smoothing });
    return finish(name, losses, places, reduction, total);
  },
);

/**
 * The negative of the input at the target class: the cross-entropy of log-probabilities. It does not check that they are.
 *
 * @param input `(C,)`, `(N, C)` or `(N, C, ...)`. @param target class indices `()`, `(N,)` or `(N, ...)`.
 * @param options as `crossEntropy`. Errors: shapes that do not fit; an index out of bounds. Source: `torch.nn.functional.nll_loss`.
 */
export const nllLoss: (input: Tensor, target: Tensor, options?: ClassLossOptions) => Tensor = op(
  {
    name: 'nllLoss',
    torch: "nn.functional.nll_loss(input, target, *, weight=None, ignore_index=-100, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [logits, classes],
      [logits, classes, { ignoreIndex: 0, reduction: 'none' }],
    ],
  },
  (input, target, { weight = null, ignoreIndex = -100, reduction = 'mean' } = {}) => {
    const { flat, channels, places } = layout('nllLoss', input);
    checkWeight('nllLoss', weight, channels, input);
    const { flat: y, total } = indices('nllLoss', input, target, places, channels, weight, ignoreIndex);
    const losses = applyOne(negativeLikelihood, [flat], { target: y, weight, ignoreIndex });
    return finish('nllLoss', losses, places, reduction, total);
  },
);
