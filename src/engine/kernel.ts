import type { Tensor } from '../tensor/tensor.ts';

/** What a kernel takes besides tensors. */
export type KernelArgument =
  | Tensor
  | null
  | number
  | boolean
  | string
  | readonly number[]
  | readonly Tensor[];

/**
 * A named piece of computing: outputs first, then inputs, then numbers. It reads and writes strided memory, checks nothing and
 * allocates no tensor: whoever calls it has checked shapes and dtypes and made the outputs.
 */
export type KernelFunction<A extends readonly KernelArgument[]> = (...args: A) => void;

/** A faster implementation of kernels. It returns false for arguments that it does not cover: then the reference runs. */
export type NativeKernel = (...args: never[]) => boolean;

/** Takes every kernel's arguments, whatever their number. */
type Loose = (a?: unknown, b?: unknown, c?: unknown, d?: unknown, ...rest: unknown[]) => unknown;

interface Entry {
  readonly reference: Loose;
  fast: Loose | null;
}

const entries = new Map<string, Entry>();
let kernels: ReadonlyMap<string, NativeKernel> = new Map();
let engine = 'reference';

/**
 * Defines a kernel by its reference implementation, plain loops that are the textbook and the oracle. The returned function runs
 * the active engine's implementation of that name where there is one.
 */
export function kernel<A extends readonly KernelArgument[]>(
  name: string,
  reference: KernelFunction<A>,
): KernelFunction<A> {
  if (entries.has(name)) throw new Error(`kernel '${name}' is defined twice`);
  const entry: Entry = {
    reference: reference as unknown as Loose,
    fast: (kernels.get(name) as Loose | undefined) ?? null,
  };
  entries.set(name, entry);
  return caller(entry, reference.length) as unknown as KernelFunction<A>;
}

/** The small numbers of arguments are spelled out: a call through `...args` costs as much as a small kernel. */
function caller(entry: Entry, length: number): Loose {
  switch (length) {
    case 2:
      return (a, b) => {
        const { fast } = entry;
        if (fast === null || !fast(a, b)) entry.reference(a, b);
      };
    case 3:
      return (a, b, c) => {
        const { fast } = entry;
        if (fast === null || !fast(a, b, c)) entry.reference(a, b, c);
      };
    case 4:
      return (a, b, c, d) => {
        const { fast } = entry;
        if (fast === null || !fast(a, b, c, d)) entry.reference(a, b, c, d);
      };
    default:
      return (...args) => {
        const { fast } = entry;
        if (fast === null || !fast(...args)) entry.reference(...args);
      };
  }
}

/** Runs `notice` before the next kernel, once. */
export function setFirstUse(notice: () => void): void {
  for (const entry of entries.values())
    entry.fast = () => {
      useEngine(engine, kernels);
      notice();
      return false;
    };
}

/** Makes an engine's kernels the active ones; an empty map is the reference engine. */
export function useEngine(name: string, active: ReadonlyMap<string, NativeKernel>): void {
  engine = name;
  kernels = active;
  for (const [kernelName, entry] of entries)
    entry.fast = (active.get(kernelName) as Loose | undefined) ?? null;
}

/** The active engine: `reference` or `native`. */
export const activeEngine = (): string => engine;

/** The active engine's kernels by name; none for the reference. */
export const activeKernels = (): ReadonlyMap<string, NativeKernel> => kernels;

/** The names of all kernels, for the coverage table of an engine. */
export const kernelNames = (): string[] => [...entries.keys()].sort();

/** Reports every kernel's name and milliseconds to `observe`, until it is called with null. Costs nothing otherwise. */
export function observeKernels(observe: ((name: string, milliseconds: number) => void) | null): void {
  for (const [name, entry] of entries) {
    const fast = (kernels.get(name) as Loose | undefined) ?? null;
    entry.fast =
      observe === null
        ? fast
        : (...args) => {
            const start = performance.now();
            if (fast === null || !fast(...args)) entry.reference(...args);
            observe(name, performance.now() - start);
            return true;
          };
  }
}
