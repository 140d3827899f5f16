import { mode, noGrad, type Tracer } from '../../autograd/mode.ts';
import { apply } from '../../autograd/primitive.ts';
import { userFrames } from '../../autograd/trace.ts';
import type { AnyModule } from '../../nn/module.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Storage } from '../../tensor/storage.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { bytesOf } from '../elements.ts';

/** A value of the program at one time: in-place operations give a tensor a new one. */
export interface Value {
  readonly tensor: Tensor;
  readonly source: Call | 'input' | 'parameter' | 'constant';
  /** Of inputs and parameters. */
  readonly name: string;
  /** Of constants: what they held when they were first read. */
  readonly bytes: Uint8Array | null;
}

/** One run of a primitive whose result hangs on inputs or parameters. */
export interface Call {
  readonly name: string;
  readonly inputs: readonly (Value | null)[];
  /** The values of the tensors among the attributes. */
  readonly held: ReadonlyMap<Tensor, Value>;
  readonly attrs: unknown;
  outputs: readonly Value[];
  /** The path of the module that was running; empty in the model itself. */
  readonly module: string;
  /** That module's class. */
  readonly layer: string;
  /** The user's line, if one is known. */
  readonly line: string;
}

export interface Recording {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** In order, without those that no output needs. */
  readonly calls: readonly Call[];
}

/** Tensors in outputs of a model, in order: of arrays and of the values of objects. */
export function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(tensorsIn) : [];
}

const geometry = ({ offset, shape, strides, dtype }: Tensor): string =>
  `${dtype} ${offset} ${shape.join()} ${strides.join()}`;

/** First and last place in memory. */
function extent(tensor: Tensor): [number, number] {
  let last = tensor.offset;
  for (let d = 0; d < tensor.ndim; d++) last += (tensor.shape[d] - 1) * tensor.strides[d];
  return [tensor.offset, last];
}

const overlaps = (a: Tensor, b: Tensor): boolean => {
  if (a.storage !== b.storage || a.size === 0 || b.size === 0) return false;
  const [[from, to], [start, end]] = [extent(a), extent(b)];
  return from <= end && start <= to;
};

class Recorder implements Tracer {
  readonly calls: Call[] = [];
  /** Outer modules first. */
  readonly path: { name: string; layer: string }[] = [];
  readonly #values = new Map<Tensor, Value>();
  /** Where each value lies: tensors without history of their own (`detach`) are recognised by it. */
  readonly #places = new Map<Storage, Map<string, Value>>();
  readonly #stale = new Map<Tensor, string>();

  define(tensor: Tensor, source: Value['source'], name = '', bytes: Uint8Array | null = null): Value {
    const value = { tensor, source, name, bytes };
    this.#values.set(tensor, value);
    let places = this.#places.get(tensor.storage);
    if (!places) this.#places.set(tensor.storage, (places = new Map()));
    places.set(geometry(tensor), value);
    return value;
  }

  /** Whether a value is more than a constant. */
  static isLive = (value: Value | null): boolean => value !== null && value.source !== 'constant';

  valueOf(tensor: Tensor): Value {
    const stale = this.#stale.get(tensor);
    if (stale !== undefined)
      throw new Error(
        `exportOnnx: a tensor ${formatShape(tensor.shape)} is read after ${stale} wrote into memory that it shares: clone() it first`,
      );
    const places = this.#places.get(tensor.storage);
    const known = this.#values.get(tensor) ?? places?.get(geometry(tensor));
    if (known) return known;
    for (const value of places?.values() ?? [])
      if (Recorder.isLive(value) && overlaps(value.tensor, tensor))
        throw new Error(
          `exportOnnx: a tensor ${formatShape(tensor.shape)} in ${this.#where()} lies in the memory of one that was computed, but no operation made it: use the library's operations`,
        );
    return this.define(
      tensor,
      'constant',
      '',
      untraced(() => bytesOf(tensor)),
    );
  }

  #where(): string {
    return this.path.at(-1)?.name || 'the model';
  }

  ran(name: string, inputs: readonly (Tensor | null)[], attrs: unknown, outputs: readonly Tensor[]): void {
    const held = new Map<Tensor, Value>();
    const given = inputs.map((input) => input && this.valueOf(input));
    for (const tensor of attrs !== null && typeof attrs === 'object' ? tensorsIn(attrs) : [])
      held.set(tensor, this.valueOf(tensor));
    if (![...given, ...held.values()].some(Recorder.isLive)) {
      for (const output of outputs) {
        this.#values.delete(output);
        this.#places.get(output.storage)?.delete(geometry(output));
      }
      return;
    }
    const call: Call = {
      name,
      inputs: given,
      held,
      attrs,
      outputs: [],
      module: this.path.at(-1)?.name ?? '',
      layer: this.path.at(-1)?.layer ?? '',
      line: userFrames(apply)[0] ?? '',
    };
    call.outputs = outputs.map((output) => this.define(output, call));
    this.calls.push(call);
  }

  overwrites(name: string, target: Tensor, source: Tensor | null): void {
    const value = source && this.valueOf(source);
    const places = this.#places.get(target.storage);
    const touched = [...(places?.values() ?? [])].filter((other) => overlaps(other.tensor, target));
    const whole = touched.every(({ tensor }) => tensor.size <= target.size);
    const live = touched.some(Recorder.isLive);
    if (!whole || (live && value === null))
      if (live || Recorder.isLive(value))
        throw new Error(
          `exportOnnx: ${name} in ${this.#where()} writes into part of a tensor: use where, cat or an operation that returns a new tensor`,
        );
    for (const { tensor } of touched) {
      this.#values.delete(tensor);
      places!.delete(geometry(tensor));
      if (tensor !== target && live) this.#stale.set(tensor, name);
    }
    if (value && Recorder.isLive(value)) {
      this.#values.set(target, value);
      this.#placed(target, value);
    }
  }

  #placed(tensor: Tensor, value: Value): void {
    let places = this.#places.get(tensor.storage);
    if (!places) this.#places.set(tensor.storage, (places = new Map()));
    places.set(geometry(tensor), value);
  }
}

/** Runs `body` unseen by the tracer. */
function untraced<T>(body: () => T): T {
  const { tracer } = mode;
  mode.tracer = null;
  try {
    return body();
  } finally {
    mode.tracer = tracer;
  }
}

/** The calls that outputs need, in order. */
function needed(calls: readonly Call[], outputs: readonly Value[]): Call[] {
  const wanted = new Set<Call>();
  const open = [...outputs];
  while (open.length > 0) {
    const { source } = open.pop()!;
    if (typeof source === 'string' || wanted.has(source)) continue;
    wanted.add(source);
    for (const input of source.inputs) if (input) open.push(input);
    open.push(...source.held.values());
  }
  return calls.filter((call) => wanted.has(call));
}

/** Runs a model in evaluation mode and notes which primitives make its outputs from its inputs and parameters. */
export function record(
  model: AnyModule,
  inputs: readonly Tensor[],
  inputNames: readonly string[],
): Recording {
  const recorder = new Recorder();
  for (const [name, tensor] of Object.entries(model.stateDict({ keepVars: true })))
    recorder.define(tensor, 'parameter', name);
  const given = inputs.map((input, i) => recorder.define(input, 'input', inputNames[i]));
  const modes = model.modules().map((module) => ({ module, training: module.training }));
  const hooks = model.namedModules().flatMap(([name, module]) => [
    module.registerForwardPreHook(() => {
      recorder.path.push({ name, layer: module.constructor.name });
    }),
    module.registerForwardHook(() => {
      recorder.path.pop();
    }),
  ]);
  const before = mode.tracer;
  try {
    model.eval();
    mode.tracer = recorder;
    const result = noGrad(() => (model as unknown as (...inputs: Tensor[]) => unknown)(...inputs));
    const outputs = tensorsIn(result).map((tensor) => recorder.valueOf(tensor));
    return { inputs: given, outputs, calls: needed(recorder.calls, outputs) };
  } finally {
    mode.tracer = before;
    for (const hook of hooks) hook.remove();
    for (const { module, training } of modes) module.training = training;
  }
}
