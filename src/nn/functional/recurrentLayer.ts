import { fused } from '../../autograd/fused.ts';
import { noGrad } from '../../autograd/mode.ts';
import type { Gradient } from '../../autograd/node.ts';
import { applyMany, type Primitive } from '../../autograd/primitive.ts';
import { add } from '../../ops/arithmetic.ts';
import { copyKernel } from '../../ops/cast.ts';
import { stack } from '../../ops/join.ts';
import { linear, linearKernel, matmulKernel } from '../../ops/matmul.ts';
import { gruBackwardKernel, gruKernel, lstmBackwardKernel, lstmKernel } from '../../ops/recurrentKernels.ts';
import { sumKernel } from '../../ops/reduce.ts';
import { unbind } from '../../ops/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { type Recurrence, recurrences } from './recurrent.ts';

/** The direction of a layer's steps. */
export interface Direction {
  /** From the end to the start. */
  readonly reverse: boolean;
}

/** Step `t` of `(T, B, F)`, in its memory. */
const at = (whole: Tensor, t: number): Tensor =>
  whole.alias(whole.shape.slice(1), whole.strides.slice(1), whole.offset + t * whole.strides[0]);

/** `(T, B, F)`, contiguous, as `(T B, F)`. */
const rows = (whole: Tensor): Tensor =>
  whole.alias([whole.shape[0] * whole.shape[1], whole.shape[2]], [whole.shape[2], 1], whole.offset);

const across = (t: Tensor): Tensor =>
  t.alias([t.shape[1], t.shape[0]], [t.strides[1], t.strides[0]], t.offset);
const single = (t: Tensor): Tensor => t.alias([1, ...t.shape], [0, ...t.strides], t.offset);

const copied = (t: Tensor): Tensor => {
  const out = Tensor.allocate(t.shape, t.dtype);
  copyKernel(out, t);
  return out;
};

/** The steps in the order in which they are taken. */
const order = (length: number, { reverse }: Direction): number[] =>
  Array.from({ length }, (_, i) => (reverse ? length - 1 - i : i));

const together = (a: Gradient, b: Gradient): Gradient => (a && b ? noGrad(() => add(a, b)) : (a ?? b));

/** Gradients of the weight and the bias that the hidden states go through, all steps at once. */
function weightGradients(
  gradFromHidden: Tensor,
  steps: Tensor,
  hidden: Tensor,
  taken: readonly number[],
  needs: (index: number) => boolean,
): [weight: Gradient, bias: Gradient] {
  const { dtype } = steps;
  const slopes = rows(gradFromHidden);
  let weight: Gradient = null;
  if (needs(1)) {
    const before = Tensor.allocate(steps.shape, dtype);
    taken.forEach((t, i) => void copyKernel(at(before, t), i === 0 ? hidden : at(steps, taken[i - 1])));
    weight = Tensor.allocate([slopes.shape[1], hidden.shape[1]], dtype);
    matmulKernel(single(weight), single(across(slopes)), single(rows(before)));
  }
  if (!needs(2)) return [weight, null];
  const sums = Tensor.allocate([1, slopes.shape[1]], dtype);
  sumKernel(sums, slopes);
  return [weight, sums.alias([slopes.shape[1]], [1], sums.offset)];
}

/** The layer step by step, in differentiable operations. */
function composed(
  { step }: Recurrence,
  [sums, weight, bias, ...start]: readonly (Tensor | null)[],
  direction: Direction,
): Tensor[] {
  const inputs = unbind(sums!, 0);
  const hidden = new Array<Tensor>(inputs.length);
  let state = start as Tensor[];
  for (const t of order(inputs.length, direction)) {
    state = step(inputs[t], linear(state[0], weight!, bias), state);
    hidden[t] = state[0];
  }
  return [stack(hidden, 0), ...state];
}

const lstmLayer: Primitive<Direction> = fused({
  name: 'lstmLayer',
  forward([sums, weight, bias, hidden, cell], direction) {
    const [length, batch] = sums!.shape;
    const size = hidden!.shape[1];
    const { dtype } = sums!;
    const steps = Tensor.allocate([length, batch, size], dtype);
    const cells = Tensor.allocate([length, batch, size], dtype);
    const gates = Tensor.allocate([length, batch, 4 * size], dtype);
    const fromHidden = Tensor.allocate([batch, 4 * size], dtype);
    let [h, c] = [hidden!, cell!];
    for (const t of order(length, direction)) {
      linearKernel(fromHidden, h, weight!, bias);
      const [nextHidden, nextCell] = [at(steps, t), at(cells, t)];
      lstmKernel(nextHidden, nextCell, at(gates, t), at(sums!, t), fromHidden, c);
      [h, c] = [nextHidden, nextCell];
    }
    return { outputs: [steps, copied(h), copied(c)], kept: [steps, cells, gates] };
  },
  backward(
    [gradSteps, gradHidden, gradCell],
    [, weight, , hidden, cell],
    [steps, cells, gates],
    direction,
    needs,
  ) {
    const { shape, dtype } = steps;
    const gradGates = Tensor.allocate(gates.shape, dtype);
    const toHidden = Tensor.allocate(shape.slice(1), dtype);
    const toCell = Tensor.allocate(shape.slice(1), dtype);
    const taken = order(shape[0], direction);
    let [slope, slopeOfCell] = [gradHidden, gradCell];
    for (let i = taken.length - 1; i >= 0; i--) {
      const t = taken[i];
      const whole = together(slope, gradSteps && at(gradSteps, t));
      const before = i === 0 ? cell! : at(cells, taken[i - 1]);
      lstmBackwardKernel(at(gradGates, t), toCell, whole, slopeOfCell, at(gates, t), before, at(cells, t));
      if (i > 0 || needs(3)) matmulKernel(single(toHidden), single(at(gradGates, t)), single(weight!));
      [slope, slopeOfCell] = [toHidden, toCell];
    }
    const gradients = weightGradients(gradGates, steps, hidden!, taken, needs);
    return [gradGates, ...gradients, slope, slopeOfCell];
  },
  compose: (inputs, direction) => composed(recurrences.lstm, inputs, direction),
});

const gruLayer: Primitive<Direction> = fused({
  name: 'gruLayer',
  forward([sums, weight, bias, hidden], direction) {
    const [length, batch] = sums!.shape;
    const size = hidden!.shape[1];
    const { dtype } = sums!;
    const steps = Tensor.allocate([length, batch, size], dtype);
    const gates = Tensor.allocate([length, batch, 3 * size], dtype);
    const fromHidden = Tensor.allocate([length, batch, 3 * size], dtype);
    let h = hidden!;
    for (const t of order(length, direction)) {
      linearKernel(at(fromHidden, t), h, weight!, bias);
      const next = at(steps, t);
      gruKernel(next, at(gates, t), at(sums!, t), at(fromHidden, t), h);
      h = next;
    }
    return { outputs: [steps, copied(h)], kept: [steps, gates, fromHidden] };
  },
  backward([gradSteps, gradHidden], [, weight, , hidden], [steps, gates, fromHidden], direction, needs) {
    const { shape, dtype } = steps;
    const gradFromInput = Tensor.allocate(gates.shape, dtype);
    const gradFromHidden = Tensor.allocate(gates.shape, dtype);
    const [kept, through] = [Tensor.allocate(shape.slice(1), dtype), Tensor.allocate(shape.slice(1), dtype)];
    const taken = order(shape[0], direction);
    let slope = gradHidden;
    for (let i = taken.length - 1; i >= 0; i--) {
      const t = taken[i];
      const whole =
        together(slope, gradSteps && at(gradSteps, t)) ?? Tensor.allocate(shape.slice(1), dtype, true);
      const before = i === 0 ? hidden! : at(steps, taken[i - 1]);
      const place = at(gradFromHidden, t);
      gruBackwardKernel(at(gradFromInput, t), place, kept, whole, at(gates, t), at(fromHidden, t), before);
      if (i === 0 && !needs(3)) break;
      matmulKernel(single(through), single(place), single(weight!));
      slope = together(kept, through);
    }
    return [gradFromInput, ...weightGradients(gradFromHidden, steps, hidden!, taken, needs), slope];
  },
  compose: (inputs, direction) => composed(recurrences.gru, inputs, direction),
});

const simpleLayer = (recurrence: Recurrence) => (inputs: readonly (Tensor | null)[], direction: Direction) =>
  composed(recurrence, inputs, direction);

const layers = {
  lstm: (inputs, direction) => applyMany(lstmLayer, inputs, direction),
  gru: (inputs, direction) => applyMany(gruLayer, inputs, direction),
  tanh: simpleLayer(recurrences.tanh),
  relu: simpleLayer(recurrences.relu),
} satisfies Record<
  Recurrence['name'],
  (inputs: readonly (Tensor | null)[], direction: Direction) => Tensor[]
>;

/**
 * A layer's steps over a sequence, from what its inputs give.
 *
 * @param sums input x weightIhᵀ + biasIh of every step, `(T, B, gates H)`. @param weight `(gates H, H)`. @param bias `(gates H,)` or null.
 * @param start the states before the first step, `(B, H)` each.
 * @returns the hidden states of every step, `(T, B, H)`, and the states after the last one.
 */
export const recurrentSteps = (
  name: Recurrence['name'],
  sums: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  start: readonly Tensor[],
  direction: Direction,
): Tensor[] => layers[name]([sums, weight, bias, ...start], direction);
