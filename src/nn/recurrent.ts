import { asOne } from '../autograd/primitive.ts';
import { empty, zeros } from '../ops/creation.ts';
import { cat, stack } from '../ops/join.ts';
import { linear } from '../ops/matmul.ts';
import { select, squeeze, transpose, unsqueeze } from '../ops/shape.ts';
import { reshape } from '../ops/views.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { dropout } from './functional/dropout.ts';
import {
  gruCell,
  lstmCell,
  type Recurrence,
  recurrences,
  rnnReluCell,
  rnnTanhCell,
} from './functional/recurrent.ts';
import { recurrentSteps } from './functional/recurrentLayer.ts';
import { uniform_ } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { float, repr } from './repr.ts';

export interface RecurrentOptions {
  /** How many layers, each reading the one below. Default 1. */
  numLayers?: number;
  /** Whether there are biases (two, as in PyTorch). Default true. */
  bias?: boolean;
  /** Whether inputs and outputs are `(B, T, F)` instead of `(T, B, F)`. Default false. */
  batchFirst?: boolean;
  /** Dropout between layers, while training. Default 0. */
  dropout?: number;
  /** Whether a second set of layers reads from the end. Default false. */
  bidirectional?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

/** One layer in one direction, as a tracer sees it. */
export interface RecurrentPass {
  readonly recurrence: Recurrence['name'];
  /** From the end to the start. */
  readonly reverse: boolean;
  readonly hiddenSize: number;
}

/** What all recurrent layers share. `S` is how many states a step carries: 1 (hidden), or 2 (hidden, cell). */
abstract class RecurrentLayer<State> extends Module<[input: Tensor, state?: State | null], [Tensor, State]> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly hasBias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** `weightIhL0`, `weightHhL0`, `weightIhL0Reverse`, ...: in the state dict `weight_ih_l0` and so on. */
  readonly [weight: `weight${string}`]: Parameter;
  /** `biasIhL0`, `biasHhL0`, ... */
  readonly [bias: `bias${string}`]: Parameter;

  constructor(
    recurrence: Recurrence,
    inputSize: number,
    hiddenSize: number,
    {
      numLayers = 1,
      bias = true,
      batchFirst = false,
      dropout = 0,
      bidirectional = false,
      dtype,
    }: RecurrentOptions,
  ) {
    super();
    for (const [what, size] of Object.entries({ inputSize, hiddenSize, numLayers }))
      if (!Number.isInteger(size) || size < 1)
        throw new RangeError(`${this.typeName}: ${what} ${size} must be a whole number above 0`);
    if (!(dropout >= 0 && dropout <= 1))
      throw new RangeError(`${this.typeName}: dropout ${dropout} must lie between 0 and 1`);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.hasBias = bias;
    this.batchFirst = batchFirst;
    this.dropout = dropout;
    this.bidirectional = bidirectional;
    const rows = recurrence.gates * hiddenSize;
    for (let layer = 0; layer < numLayers; layer++)
      for (const suffix of this.directions(layer)) {
        const width = layer === 0 ? inputSize : hiddenSize * (bidirectional ? 2 : 1);
        this.registerParameter(`weightIh${suffix}`, new Parameter(empty([rows, width], { dtype })));
        this.registerParameter(`weightHh${suffix}`, new Parameter(empty([rows, hiddenSize], { dtype })));
        if (!bias) continue;
        this.registerParameter(`biasIh${suffix}`, new Parameter(empty([rows], { dtype })));
        this.registerParameter(`biasHh${suffix}`, new Parameter(empty([rows], { dtype })));
      }
    this.resetParameters();
  }

  protected abstract recurrence(): Recurrence;
  /** The user's state as a list of states, `(layers, B, H)` each. */
  protected abstract toStates(state: State): readonly Tensor[];
  protected abstract fromStates(states: readonly Tensor[]): State;
  protected abstract readonly stateCount: number;

  private directions(layer: number): string[] {
    return this.bidirectional ? [`L${layer}`, `L${layer}Reverse`] : [`L${layer}`];
  }

  /** Draws the weights anew, evenly within 1 / sqrt(hiddenSize) of 0. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /**
   * @param input `(T, B, I)`, `(B, T, I)` with batchFirst, or `(T, I)`. @param state where to start, `(layers x directions, B, H)`: zeros
   * by default. @returns the hidden states of the last layer at every step, and the last state of every layer.
   */
  forward(input: Tensor, state: State | null = null): [Tensor, State] {
    const batched = input.ndim === 3;
    if ((!batched && input.ndim !== 2) || input.shape[input.ndim - 1] !== this.inputSize)
      throw new RangeError(
        `${this.typeName}: the input ${formatShape(input.shape)} should be ${this.batchFirst ? '(B, T, ' : '(T, B, '}${this.inputSize}) or (T, ${this.inputSize})`,
      );
    let x = batched ? (this.batchFirst ? transpose(input, 0, 1) : input) : unsqueeze(input, 1);
    const start = this.startStates(x, state, batched);
    const last: Tensor[][] = [];
    for (let layer = 0; layer < this.numLayers; layer++) {
      if (layer > 0 && this.dropout > 0) x = dropout(x, this.dropout, { training: this.training });
      const outputs = this.directions(layer).map((suffix, direction) => {
        const from = start.map((each) => select(each, 0, last.length));
        const { steps, final } = this.run(x, suffix, from, direction === 1);
        last.push(final);
        return steps;
      });
      x = outputs.length === 1 ? outputs[0] : cat(outputs, 2);
    }
    const states = start.map((_, i) =>
      stack(
        last.map((final) => final[i]),
        0,
      ),
    );
    const output = batched ? (this.batchFirst ? transpose(x, 0, 1) : x) : squeeze(x, 1);
    return [output, this.fromStates(batched ? states : states.map((each) => squeeze(each, 1)))];
  }

  private startStates(x: Tensor, state: State | null, batched: boolean): readonly Tensor[] {
    const shape = [this.numLayers * (this.bidirectional ? 2 : 1), x.shape[1], this.hiddenSize];
    if (!state) return Array.from({ length: this.stateCount }, () => zeros(shape, { dtype: x.dtype }));
    const given = this.toStates(state).map((each) => (batched ? each : unsqueeze(each, 1)));
    for (const each of given)
      if (!sameShape(each.shape, shape))
        throw new RangeError(
          `${this.typeName}: the state ${formatShape(each.shape)} should be ${formatShape(shape)}`,
        );
    return given;
  }

  /** One layer in one direction: the hidden state at every step, and the last state. */
  private run(
    x: Tensor,
    suffix: string,
    from: readonly Tensor[],
    reverse: boolean,
  ): { steps: Tensor; final: Tensor[] } {
    const { name } = this.recurrence();
    const [length, batch, width] = x.shape;
    const [weightIh, weightHh] = [this[`weightIh${suffix}`], this[`weightHh${suffix}`]];
    const [biasIh, biasHh] = this.hasBias ? [this[`biasIh${suffix}`], this[`biasHh${suffix}`]] : [null, null];
    const attrs: RecurrentPass = { recurrence: name, reverse, hiddenSize: this.hiddenSize };
    const [steps, ...final] = asOne(
      'recurrentLayer',
      [x, weightIh, weightHh, biasIh, biasHh, ...from],
      attrs,
      () => {
        const sums = linear(reshape(x, [length * batch, width]), weightIh, biasIh);
        const gates = reshape(sums, [length, batch, sums.shape[1]]);
        return recurrentSteps(name, gates, weightHh, biasHh, from, { reverse });
      },
    );
    return { steps, final };
  }

  override extraRepr(): string {
    return repr([this.inputSize, this.hiddenSize], {
      numLayers: this.numLayers === 1 ? undefined : this.numLayers,
      bias: this.hasBias ? undefined : false,
      batchFirst: this.batchFirst || undefined,
      dropout: this.dropout === 0 ? undefined : float(this.dropout),
      bidirectional: this.bidirectional || undefined,
    });
  }
}

/** Recurrent layers whose state is the hidden state alone. */
abstract class HiddenStateLayer extends RecurrentLayer<Tensor> {
  protected readonly stateCount = 1;

  protected toStates(state: Tensor): readonly Tensor[] {
    return [state];
  }

  protected fromStates([hidden]: readonly Tensor[]): Tensor {
    return hidden;
  }
}

export interface RNNOptions extends RecurrentOptions {
  /** Default tanh. */
  nonlinearity?: 'tanh' | 'relu';
}

/**
 * Plain recurrent layers (Elman): h = tanh(W x + b + U h + c).
 *
 * Shapes: input `(T, B, inputSize)`, output `[(T, B, directions x hiddenSize), (layers x directions, B, hiddenSize)]`.
 *
 * @example
 * const [output, hidden] = new nn.RNN(10, 20)(randn(5, 3, 10));
 *
 * Source: `torch.nn.RNN`.
 */
export class RNN extends HiddenStateLayer {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, { nonlinearity = 'tanh', ...options }: RNNOptions = {}) {
    super(recurrences.tanh, inputSize, hiddenSize, options);
    if (nonlinearity !== 'tanh' && nonlinearity !== 'relu')
      throw new RangeError(`RNN: nonlinearity '${String(nonlinearity)}' is unknown: use tanh or relu`);
    this.nonlinearity = nonlinearity;
  }

  protected recurrence(): Recurrence {
    return recurrences[this.nonlinearity];
  }
}

/**
 * Gated recurrent layers: r and z are gates, n = tanh(W x + b + r (U h + c)), h = (1 - z) n + z h.
 *
 * Shapes as `RNN`. The weights' rows are r, z, n. Source: `torch.nn.GRU`; Cho et al. 2014.
 */
export class GRU extends HiddenStateLayer {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(recurrences.gru, inputSize, hiddenSize, options);
  }

  protected recurrence(): Recurrence {
    return recurrences.gru;
  }
}

/**
 * Long short-term memory layers. The state is `[hidden, cell]`; the weights' rows are the gates i, f, g, o.
 *
 * Shapes: input `(T, B, inputSize)`, output `[(T, B, directions x hiddenSize), [hidden, cell]]`.
 *
 * @example
 * const [output, [hidden, cell]] = new nn.LSTM(10, 20, { numLayers: 2 })(randn(5, 3, 10));
 *
 * Source: `torch.nn.LSTM`; Hochreiter and Schmidhuber 1997.
 */
export class LSTM extends RecurrentLayer<[hidden: Tensor, cell: Tensor]> {
  protected readonly stateCount = 2;

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(recurrences.lstm, inputSize, hiddenSize, options);
  }

  protected recurrence(): Recurrence {
    return recurrences.lstm;
  }

  protected toStates(state: [Tensor, Tensor]): readonly Tensor[] {
    return state;
  }

  protected fromStates(states: readonly Tensor[]): [Tensor, Tensor] {
    return [states[0], states[1]];
  }
}

/** What all cells share: two weights, two biases. */
abstract class Cell<State, Next> extends Module<[input: Tensor, state?: State | null], Next> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weightIh: Parameter;
  weightHh: Parameter;
  biasIh: Parameter | null;
  biasHh: Parameter | null;

  constructor(
    gates: number,
    inputSize: number,
    hiddenSize: number,
    { bias = true, dtype }: { bias?: boolean; dtype?: DType },
  ) {
    super();
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const rows = gates * hiddenSize;
    this.weightIh = new Parameter(empty([rows, inputSize], { dtype }));
    this.weightHh = new Parameter(empty([rows, hiddenSize], { dtype }));
    this.biasIh = bias ? new Parameter(empty([rows], { dtype })) : null;
    this.biasHh = bias ? new Parameter(empty([rows], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws the weights anew, evenly within 1 / sqrt(hiddenSize) of 0. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  protected get parametersInOrder(): [Parameter, Parameter, Parameter | null, Parameter | null] {
    return [this.weightIh, this.weightHh, this.biasIh, this.biasHh];
  }

  protected zeroState(input: Tensor): Tensor {
    return zeros([input.shape[0], this.hiddenSize], { dtype: input.dtype });
  }

  override extraRepr(): string {
    return repr([this.inputSize, this.hiddenSize], { bias: this.biasIh ? undefined : false });
  }
}

export interface CellOptions {
  /** Whether there are biases. Default true. */
  bias?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

/** One step of `RNN`: input `(B, I)` and hidden state `(B, H)` to the next hidden state. Source: `torch.nn.RNNCell`. */
export class RNNCell extends Cell<Tensor, Tensor> {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(
    inputSize: number,
    hiddenSize: number,
    { nonlinearity = 'tanh', ...options }: CellOptions & { nonlinearity?: 'tanh' | 'relu' } = {},
  ) {
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
  }

  forward(input: Tensor, state: Tensor | null = null): Tensor {
    const cell = this.nonlinearity === 'tanh' ? rnnTanhCell : rnnReluCell;
    if (input.ndim === 2) return cell(input, state ?? this.zeroState(input), ...this.parametersInOrder);
    const one = unsqueeze(input, 0);
    return squeeze(
      cell(one, state ? unsqueeze(state, 0) : this.zeroState(one), ...this.parametersInOrder),
      0,
    );
  }

  override extraRepr(): string {
    const relu = this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`;
    return `${super.extraRepr()}${relu}`;
  }
}

/** One step of `GRU`: input `(B, I)` and hidden state `(B, H)` to the next hidden state. Source: `torch.nn.GRUCell`. */
export class GRUCell extends Cell<Tensor, Tensor> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, state: Tensor | null = null): Tensor {
    if (input.ndim === 2) return gruCell(input, state ?? this.zeroState(input), ...this.parametersInOrder);
    const one = unsqueeze(input, 0);
    return squeeze(
      gruCell(one, state ? unsqueeze(state, 0) : this.zeroState(one), ...this.parametersInOrder),
      0,
    );
  }
}

/** One step of `LSTM`: input `(B, I)` and `[hidden, cell]`, `(B, H)` each, to the next two. Source: `torch.nn.LSTMCell`. */
export class LSTMCell extends Cell<[hidden: Tensor, cell: Tensor], [hidden: Tensor, cell: Tensor]> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, state: [Tensor, Tensor] | null = null): [Tensor, Tensor] {
    const one = input.ndim === 2 ? input : unsqueeze(input, 0);
    const given =
      state && (input.ndim === 2 ? state : (state.map((each) => unsqueeze(each, 0)) as [Tensor, Tensor]));
    const next = lstmCell(
      one,
      given ?? [this.zeroState(one), this.zeroState(one)],
      ...this.parametersInOrder,
    );
    return input.ndim === 2 ? next : [squeeze(next[0], 0), squeeze(next[1], 0)];
  }
}
