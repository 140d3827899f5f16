import { checkTensors, explained, positionalParameters, tensorParameters } from './tensorArguments.ts';

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
  /** Called so often that it looks at its arguments itself. */
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

export const notANumber = (operation: string, option: string): RangeError =>
  new RangeError(`${operation}: ${option} is NaN: give a number`);

/** What a record says of an operation's arguments. Found with the first call: there are many operations, and few are used. */
interface Rules {
  readonly tensors: ReturnType<typeof tensorParameters>;
  /** The places and names of positional numbers that have a default. */
  readonly numbers: readonly { readonly place: number; readonly name: string }[];
  readonly hasOptions: boolean;
}

function rulesOf(record: OpRecord): Rules {
  const positional = positionalParameters(record.torch);
  return {
    tensors: tensorParameters(record),
    numbers: positional.flatMap(([name, initial], place) =>
      /^-?[\d.]+(?:e-?\d+)?$/.test(initial ?? '') ? [{ place, name }] : [],
    ),
    hasOptions: record.torch.includes('*, '),
  };
}

/**
 * Refuses NaN where the record says that a number with a default, or an option, stands (comparisons would let it through), and what is
 * no tensor where its samples have tensors.
 */
function withArgumentsChecked<F extends AnyFunction>(record: OpRecord, call: F): F {
  const label = record.name.replace(/^F\./, '');
  let rules: Rules | undefined;
  const checked: AnyFunction = (...args) => {
    rules ??= rulesOf(record);
    const { tensors, numbers, hasOptions } = rules;
    checkTensors(record, tensors, args);
    for (let i = 0; i < numbers.length; i++)
      if (Number.isNaN(args[numbers[i].place])) throw notANumber(label, numbers[i].name);
    if (hasOptions) {
      const last = args[args.length - 1] as Record<string, unknown> | null | undefined;
      if (typeof last === 'object' && last !== null && last.constructor === Object)
        for (const option in last) if (Number.isNaN(last[option])) throw notANumber(label, option);
    }
    try {
      return call(...args);
    } catch (error) {
      throw explained(record, tensors, args, error);
    }
  };
  return checked as F;
}

/** Registers an operation's record. @returns its function, which says what is wrong with its arguments. */
export function op<F extends AnyFunction>(record: OpRecord, call: F): F {
  if (registry.has(record.name)) throw new Error(`operation '${record.name}' is defined twice`);
  const checked = record.frequent ? call : withArgumentsChecked(record, call);
  registry.set(record.name, { ...record, call: checked });
  return checked;
}

/** Every operation, by name. */
export const operations = (): ReadonlyMap<string, RegisteredOp> => registry;
