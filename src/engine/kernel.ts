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

const references = new Map<string, KernelFunction<never>>();
let native: ReadonlyMap<string, NativeKernel> = new Map();
let engine = 'reference';

/**
 * Defines a kernel by its reference implementation, plain loops that are the textbook and the oracle. The returned function runs
 * the active engine's implementation of that name where there is one.
 */
export function kernel<A extends readonly KernelArgument[]>(
  name: string,
  reference: KernelFunction<A>,
): KernelFunction<A> {
  if (references.has(name)) throw new Error(`kernel '${name}' is defined twice`);
  references.set(name, reference as KernelFunction<never>);
  let generation = -1;
  let fast: ((...args: A) => boolean) | undefined;
  return (...args: A): void => {
    if (generation !== current) {
      generation = current;
      fast = native.get(name) as ((...args: A) => boolean) | undefined;
    }
    if (fast === undefined || !fast(...args)) reference(...args);
  };
}

let current = 0;

/** Makes an engine's kernels the active ones; an empty map is the reference engine. */
export function useEngine(name: string, kernels: ReadonlyMap<string, NativeKernel>): void {
  engine = name;
  native = kernels;
  current++;
}

/** The active engine: `reference` or `native`. */
export const activeEngine = (): string => engine;

/** The names of all kernels, for the coverage table of an engine. */
export const kernelNames = (): string[] => [...references.keys()].sort();
