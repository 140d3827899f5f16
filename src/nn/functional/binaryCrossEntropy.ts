import { fused } from '../../autograd/fused.ts';
import { applyOne } from '../../autograd/primitive.ts';
import { eachRow, operand } from '../../engine/loops.ts';
import { add, mul, neg, sub } from '../../ops/arithmetic.ts';
import { clamp } from '../../ops/clamp.ts';
import {
  bceBackwardKernel,
  bceKernel,
  bceWithLogitsBackwardKernel,
  bceWithLogitsKernel,
} from '../../ops/lossKernels.ts';
import { abs, exp, log, log1p, relu } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { sumTo } from '../../ops/sumTo.ts';
import { broadcastShapes, formatShape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { checkPair, type Reduced, reduceLoss } from './reduction.ts';

/** log(1 + e^-x). */
const softplusOfNegative = (x: Tensor): Tensor => add(log1p(exp(neg(abs(x)))), relu(neg(x)));

const withLogits = fused<null>({
  name: 'binaryCrossEntropyWithLogits',
  forward([input, target, posWeight]) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    bceWithLogitsKernel(out, x, target as Tensor, posWeight);
    return { outputs: out };
  },
  backward([g], [input, target, posWeight], _kept, _attrs, needs) {
    const [x, t] = [input as Tensor, target as Tensor];
    const gradInput = needs(0) ? Tensor.allocate(x.shape, x.dtype) : null;
    const gradTarget = needs(1) ? Tensor.allocate(t.shape, t.dtype) : null;
    bceWithLogitsBackwardKernel(gradInput, gradTarget, g!, x, t, posWeight);
    const gradWeight =
      posWeight && needs(2) ? sumTo(mul(mul(g!, t), softplusOfNegative(x)), posWeight.shape) : null;
    return [gradInput, gradTarget, gradWeight];
  },
  compose: ([input, target, posWeight]) => {
    const [x, t] = [input as Tensor, target as Tensor];
    const softened = softplusOfNegative(x);
    const positive = posWeight ? mul(softened, add(mul(sub(posWeight, 1), t), 1)) : softened;
    return add(mul(sub(1, t), x), positive);
  },
});

/** A factor in the dtype of the input. Error: a shape that does not broadcast to it. */
function factor(name: string, what: string, weight: Tensor | null, input: Tensor): Tensor | null {
  if (!weight) return null;
  if (!sameShape(broadcastShapes(name, weight.shape, input.shape), input.shape))
    throw new RangeError(
      `${name}: ${what} ${formatShape(weight.shape)} does not broadcast to the input ${formatShape(input.shape)}`,
    );
  return weight.to(input.dtype);
}

/**
 * Binary cross-entropy of logits: max(x, 0) - x t + log(1 + e^-|x|), which overflows nowhere.
 *
 * @param input logits. @param target between 0 and 1, of the input's shape.
 * @param options `posWeight` multiplies the positive term; `weight` the whole; both broadcast to the input.
 * Errors: shapes that do not fit. Source: `torch.nn.functional.binary_cross_entropy_with_logits`.
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
    samples: () => [
      [{ shape: [2, 3] }, { shape: [2, 3], low: 0.1, high: 0.9 }],
      [
        { shape: [2, 3] },
        { shape: [2, 3], low: 0.1, high: 0.9 },
        { posWeight: { shape: [3], low: 1, high: 3 }, weight: { shape: [2, 1] }, reduction: 'sum' },
      ],
    ],
  },
  (input, target, { weight = null, posWeight = null, reduction = 'mean' } = {}) => {
    const name = 'binaryCrossEntropyWithLogits';
    checkPair(name, input, target);
    const positive = factor(name, 'posWeight', posWeight, input);
    const scale = factor(name, 'weight', weight, input);
    const loss = applyOne(withLogits, [input, target.to(input.dtype), positive], null);
    return reduceLoss(name, scale ? mul(loss, scale) : loss, reduction);
  },
);

const ofProbabilities = fused<null>({
  name: 'binaryCrossEntropy',
  forward([input, target]) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    bceKernel(out, x, target as Tensor);
    return { outputs: out };
  },
  backward([g], [input, target], _kept, _attrs, needs) {
    const [x, t] = [input as Tensor, target as Tensor];
    const gradInput = needs(0) ? Tensor.allocate(x.shape, x.dtype) : null;
    const gradTarget = needs(1) ? Tensor.allocate(t.shape, t.dtype) : null;
    bceBackwardKernel(gradInput, gradTarget, g!, x, t);
    return [gradInput, gradTarget];
  },
  compose: ([input, target]) => {
    const [x, t] = [input as Tensor, target as Tensor];
    const yes = clamp(log(x), -100);
    const no = clamp(log1p(neg(x)), -100);
    return neg(add(mul(t, yes), mul(sub(1, t), no)));
  },
});

function checkProbabilities(input: Tensor): void {
  const o = operand(input, input.shape);
  eachRow(input.shape, [o], ([place], [step], length) => {
    for (let i = 0, p = place; i < length; i++, p += step)
      if (!(o.array[p] >= 0 && o.array[p] <= 1))
        throw new RangeError(
          `binaryCrossEntropy: all elements of input should be between 0 and 1, one is ${o.array[p]}: give logits to binaryCrossEntropyWithLogits`,
        );
  });
}

/**
 * Binary cross-entropy of probabilities: -(target log(input) + (1 - target) log(1 - input)), the logarithms at least -100.
 *
 * @param input between 0 and 1. @param target of the input's shape. @param options `weight` broadcasts to the input.
 * Errors: shapes that do not fit; an input outside [0, 1]. Source: `torch.nn.functional.binary_cross_entropy`.
 */
export const binaryCrossEntropy: (
  input: Tensor,
  target: Tensor,
  options?: Reduced & { weight?: Tensor | null },
) => Tensor = op(
  {
    name: 'binaryCrossEntropy',
    torch: "nn.functional.binary_cross_entropy(input, target, *, weight=None, reduction='mean')",
    family: 'loss',
    differentiable: true,
    samples: () => [
      [
        { shape: [2, 3], low: 0.1, high: 0.9 },
        { shape: [2, 3], low: 0.1, high: 0.9 },
      ],
      [
        { shape: [2, 3], low: 0.1, high: 0.9 },
        { shape: [2, 3], low: 0.1, high: 0.9 },
        { weight: { shape: [3] }, reduction: 'none' },
      ],
    ],
  },
  (input, target, { weight = null, reduction = 'mean' } = {}) => {
    const name = 'binaryCrossEntropy';
    checkPair(name, input, target);
    checkProbabilities(input);
    const scale = factor(name, 'weight', weight, input);
    const loss = applyOne(ofProbabilities, [input, target.to(input.dtype)], null);
    return reduceLoss(name, scale ? mul(loss, scale) : loss, reduction);
  },
);
