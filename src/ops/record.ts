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
  /** Called so often that it looks for NaN among its options itself. */
  readonly frequent?: true | undefined;
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

const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The places of the positional numbers that have a default, with their names, and whether there are options. */
function numbersOf(torch: string): { numbers: [place: number, name: string][]; hasOptions: boolean } {
  const parameters = torch.replace(/^[^(]*\(|\)$/g, '').split(/, (?![^[(]*[\])])/);
  const star = parameters.indexOf('*');
  const positional = star < 0 ? parameters : parameters.slice(0, star);
  const numbers = positional.flatMap((parameter, place): [number, string][] => {
    const [, name] = /^(\w+)=-?[\d.]+(?:e-?\d+)?$/.exec(parameter) ?? [];
    return name ? [[place, camel(name)]] : [];
  });
  return { numbers, hasOptions: star >= 0 };
}

export const notANumber = (operation: string, option: string): RangeError =>
  new RangeError(`${operation}: ${option} is NaN: give a number`);

/** Refuses NaN where the record says that a number with a default, or an option, stands: comparisons would let it through. */
function withoutNaN<F extends AnyFunction>({ name, torch }: OpRecord, call: F): F {
  const { numbers, hasOptions } = numbersOf(torch);
  if (numbers.length === 0 && !hasOptions) return call;
  const label = name.replace(/^F\./, '');
  const checked: AnyFunction = (...args) => {
    for (const [place, option] of numbers) if (Number.isNaN(args[place])) throw notANumber(label, option);
    const last = args[args.length - 1] as Record<string, unknown> | null | undefined;
    if (hasOptions && typeof last === 'object' && last !== null && last.constructor === Object)
      for (const option in last) if (Number.isNaN(last[option])) throw notANumber(label, option);
    return call(...args);
  };
  return checked as F;
}

/** Registers an operation's record. @returns its function, which refuses NaN among its options. */
export function op<F extends AnyFunction>(record: OpRecord, call: F): F {
  if (registry.has(record.name)) throw new Error(`operation '${record.name}' is defined twice`);
  const checked = record.frequent ? call : withoutNaN(record, call);
  registry.set(record.name, { ...record, call: checked });
  return checked;
}

/** Every operation, by name. */
export const operations = (): ReadonlyMap<string, RegisteredOp> => registry;
