/**
 * What is known of an operation besides its code: from this the API reference, the PyTorch compatibility table, the golden tests
 * and the gradient checks are derived. A missing field is a type error.
 */
export interface OpRecord {
  /** Our name, camelCase: `logSoftmax`. */
  readonly name: string;
  /**
   * PyTorch's name and parameters in PyTorch's order, with our calling convention marked: what stands before `*` is positional
   * in gradbook too, what stands after it is a field of the options object (in camelCase). For instance
   * `nn.functional.conv2d(input, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1)`.
   */
  readonly torch: string;
  /** One word for the table of the reference: elementwise, reduction, shape, linear algebra, ... */
  readonly family: Family;
  /** `true` or why not. Differentiable operations are checked numerically, first and second derivative, on `samples`. */
  readonly differentiable: true | string;
  /** Calls of the operation to test with: arguments as a user passes them (tensors by a description, float64). */
  readonly samples: () => readonly Sample[];
  /** Where it differs from PyTorch, for the compatibility table ("partly: ..."). */
  readonly differs?: string;
}

export type Family =
  | 'creation'
  | 'elementwise'
  | 'comparison'
  | 'reduction'
  | 'scan'
  | 'sorting'
  | 'shape'
  | 'indexing'
  | 'joining'
  | 'linear algebra'
  | 'activation'
  | 'normalization'
  | 'convolution'
  | 'pooling'
  | 'loss'
  | 'resampling'
  | 'attention'
  | 'recurrent'
  | 'embedding'
  | 'vision'
  | 'random';

/** A tensor to be made for a test: values drawn evenly from `[low, high]`, away from kinks where the operation has some. */
export interface TensorSample {
  readonly shape: readonly number[];
  readonly low?: number;
  readonly high?: number;
  /** Exact values instead of drawn ones (row-major). */
  readonly data?: readonly number[];
  readonly dtype?: 'float64' | 'int32' | 'bool';
  /** Takes no gradient: gradient checks leave it alone (running statistics). */
  readonly constant?: true;
}

/** Arguments of one call: a `TensorSample` (or a list of them) stands for a tensor (or a list), anything else for itself. */
export type Sample = readonly unknown[];

// biome-ignore lint/suspicious/noExplicitAny: a registry of functions with every kind of parameters
type AnyFunction = (...args: any[]) => unknown;

export interface RegisteredOp extends OpRecord {
  readonly call: AnyFunction;
}

const registry = new Map<string, RegisteredOp>();

/** Registers an operation's record and returns its function unchanged. */
export function op<F extends AnyFunction>(record: OpRecord, call: F): F {
  if (registry.has(record.name)) throw new Error(`operation '${record.name}' is defined twice`);
  registry.set(record.name, { ...record, call });
  return call;
}

/** Every operation, by name. */
export const operations = (): ReadonlyMap<string, RegisteredOp> => registry;
