import { fused } from '../../autograd/fused.ts';
import { applyMany, applyOne } from '../../autograd/primitive.ts';
import { add, mul, sub } from '../../ops/arithmetic.ts';
import { linear } from '../../ops/matmul.ts';
import { relu, sigmoid, tanh } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { gruBackwardKernel, gruKernel, lstmBackwardKernel, lstmKernel } from '../../ops/recurrentKernels.ts';
import { chunk } from '../../ops/shape.ts';
import { formatShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';

const matrix = (rows: number, columns: number, like: Tensor): Tensor =>
  Tensor.allocate([rows, columns], like.dtype);

const lstmStep = fused<null>({
  name: 'lstmCell',
  forward([fromInput, fromHidden, cell]) {
    const [batch, size] = cell!.shape;
    const hidden = matrix(batch, size, cell!);
    const next = matrix(batch, size, cell!);
    const gates = matrix(batch, 4 * size, cell!);
    lstmKernel(hidden, next, gates, fromInput!, fromHidden!, cell!);
    return { outputs: [hidden, next], kept: [gates, next] };
  },
  backward([gradHidden, gradNext], [, , cell], [gates, next]) {
    const [batch, size] = cell!.shape;
    const gradGates = matrix(batch, 4 * size, cell!);
    const gradCell = matrix(batch, size, cell!);
    lstmBackwardKernel(gradGates, gradCell, gradHidden, gradNext, gates, cell!, next);
    return [gradGates, gradGates, gradCell];
  },
  compose([fromInput, fromHidden, cell]) {
    const [i, f, g, o] = chunk(add(fromInput!, fromHidden!), 4, 1);
    const next = add(mul(sigmoid(f), cell!), mul(sigmoid(i), tanh(g)));
    return [mul(sigmoid(o), tanh(next)), next];
  },
});

const gruStep = fused<null>({
  name: 'gruCell',
  forward([fromInput, fromHidden, hidden]) {
    const [batch, size] = hidden!.shape;
    const next = matrix(batch, size, hidden!);
    const gates = matrix(batch, 3 * size, hidden!);
    gruKernel(next, gates, fromInput!, fromHidden!, hidden!);
    return { outputs: next, kept: [gates] };
  },
  backward([g], [, fromHidden, hidden], [gates]) {
    const [batch, size] = hidden!.shape;
    const gradFromInput = matrix(batch, 3 * size, hidden!);
    const gradFromHidden = matrix(batch, 3 * size, hidden!);
    const gradHidden = matrix(batch, size, hidden!);
    gruBackwardKernel(gradFromInput, gradFromHidden, gradHidden, g!, gates, fromHidden!, hidden!);
    return [gradFromInput, gradFromHidden, gradHidden];
  },
  compose([fromInput, fromHidden, hidden]) {
    const [xr, xz, xn] = chunk(fromInput!, 3, 1);
    const [hr, hz, hn] = chunk(fromHidden!, 3, 1);
    const z = sigmoid(add(xz, hz));
    const n = tanh(add(xn, mul(sigmoid(add(xr, hr)), hn)));
    return add(mul(sub(1, z), n), mul(z, hidden!));
  },
});

/** What a recurrent step does with the sums of its gates: the next state from the one before. */
export interface Recurrence {
  readonly name: 'lstm' | 'gru' | 'tanh' | 'relu';
  /** How many gates, and so how many times the hidden size the weights have rows. */
  readonly gates: number;
  step(fromInput: Tensor, fromHidden: Tensor, state: readonly Tensor[]): Tensor[];
}

export const recurrences = {
  lstm: { name: 'lstm', gates: 4, step: (x, h, [, cell]) => applyMany(lstmStep, [x, h, cell], null) },
  gru: { name: 'gru', gates: 3, step: (x, h, [hidden]) => [applyOne(gruStep, [x, h, hidden], null)] },
  tanh: { name: 'tanh', gates: 1, step: (x, h) => [tanh(add(x, h))] },
  relu: { name: 'relu', gates: 1, step: (x, h) => [relu(add(x, h))] },
} as const satisfies Record<string, Recurrence>;

function checkStep(name: string, input: Tensor, hidden: Tensor, weightIh: Tensor, weightHh: Tensor): void {
  if (weightIh.ndim !== 2 || weightHh.ndim !== 2)
    throw new RangeError(
      `${name}: the weights ${formatShape(weightIh.shape)} and ${formatShape(weightHh.shape)} should be matrices, (gates H, I) and (gates H, H)`,
    );
  if (input.ndim !== 2 || input.shape[1] !== weightIh.shape[1])
    throw new RangeError(
      `${name}: the input ${formatShape(input.shape)} should be (B, ${weightIh.shape[1]}): that many features go in`,
    );
  if (hidden.ndim !== 2 || hidden.shape[1] !== weightHh.shape[1] || hidden.shape[0] !== input.shape[0])
    throw new RangeError(
      `${name}: the hidden state ${formatShape(hidden.shape)} should be (${input.shape[0]}, ${weightHh.shape[1]})`,
    );
}

type CellParameters = [weightIh: Tensor, weightHh: Tensor, biasIh?: Tensor | null, biasHh?: Tensor | null];

const cellSample = (gates: number) => [
  { shape: [2, 3] },
  ...(gates === 4 ? [[{ shape: [2, 2] }, { shape: [2, 2] }]] : [{ shape: [2, 2] }]),
  { shape: [gates * 2, 3] },
  { shape: [gates * 2, 2] },
  { shape: [gates * 2] },
  { shape: [gates * 2] },
];

const cellSignature = 'w_ih, w_hh, b_ih=None, b_hh=None';

/**
 * One step of an LSTM. The weights' rows are the gates i, f, g, o.
 *
 * @param input `(B, I)`. @param state `[hidden, cell]`, `(B, H)` each. @param parameters `(4 H, I)`, `(4 H, H)`, `(4 H,)`, `(4 H,)`.
 * @returns the next `[hidden, cell]`. Error: shapes that do not fit. Source: `torch.lstm_cell`; Hochreiter and Schmidhuber 1997.
 */
export const lstmCell: (
  input: Tensor,
  state: readonly [hidden: Tensor, cell: Tensor],
  ...parameters: CellParameters
) => [hidden: Tensor, cell: Tensor] = op(
  {
    name: 'lstmCell',
    torch: `lstm_cell(input, hx, ${cellSignature})`,
    family: 'recurrent',
    differentiable: true,
    samples: () => [cellSample(4)],
  },
  (input, state, weightIh, weightHh, biasIh = null, biasHh = null) => {
    checkStep('lstmCell', input, state[0], weightIh, weightHh);
    return recurrences.lstm.step(
      linear(input, weightIh, biasIh),
      linear(state[0], weightHh, biasHh),
      state,
    ) as [Tensor, Tensor];
  },
);

/**
 * One step of a GRU. The weights' rows are the gates r, z, n.
 *
 * @param input `(B, I)`. @param hidden `(B, H)`. @param parameters `(3 H, I)`, `(3 H, H)`, `(3 H,)`, `(3 H,)`.
 * @returns the next hidden state. Error: shapes that do not fit. Source: `torch.gru_cell`; Cho et al. 2014.
 */
export const gruCell: (input: Tensor, hidden: Tensor, ...parameters: CellParameters) => Tensor = op(
  {
    name: 'gruCell',
    torch: `gru_cell(input, hx, ${cellSignature})`,
    family: 'recurrent',
    differentiable: true,
    samples: () => [cellSample(3)],
  },
  (input, hidden, weightIh, weightHh, biasIh = null, biasHh = null) => {
    checkStep('gruCell', input, hidden, weightIh, weightHh);
    return recurrences.gru.step(linear(input, weightIh, biasIh), linear(hidden, weightHh, biasHh), [
      hidden,
    ])[0];
  },
);

function simpleCell(name: string, torch: string, recurrence: Recurrence) {
  return op(
    {
      name,
      torch: `${torch}(input, hx, ${cellSignature})`,
      family: 'recurrent',
      differentiable: true,
      samples: () => [cellSample(1)],
    },
    (
      input: Tensor,
      hidden: Tensor,
      ...[weightIh, weightHh, biasIh = null, biasHh = null]: CellParameters
    ) => {
      checkStep(name, input, hidden, weightIh, weightHh);
      return recurrence.step(linear(input, weightIh, biasIh), linear(hidden, weightHh, biasHh), [hidden])[0];
    },
  );
}

/** One step of a plain recurrent layer: tanh(input x weightIhᵀ + biasIh + hidden x weightHhᵀ + biasHh). Source: `torch.rnn_tanh_cell`. */
export const rnnTanhCell: (input: Tensor, hidden: Tensor, ...parameters: CellParameters) => Tensor =
  simpleCell('rnnTanhCell', 'rnn_tanh_cell', recurrences.tanh);

/** As `rnnTanhCell`, with max(., 0). Source: `torch.rnn_relu_cell`. */
export const rnnReluCell: (input: Tensor, hidden: Tensor, ...parameters: CellParameters) => Tensor =
  simpleCell('rnnReluCell', 'rnn_relu_cell', recurrences.relu);
