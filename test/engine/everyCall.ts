import { activeKernels, type NativeKernel, useEngine } from '../../src/engine/kernel.ts';
import { Tensor } from '../../src/index.ts';

/** One call of a native kernel: `again` runs it once more on the same arguments. */
export interface KernelCall {
  readonly name: string;
  readonly tensors: readonly Tensor[];
  again(): void;
}

const tensorsIn = (value: unknown): Tensor[] =>
  value instanceof Tensor ? [value] : Array.isArray(value) ? value.flatMap(tensorsIn) : [];

/**
 * While `run` runs, shows each call of a native kernel to `inspect`, after it: its outputs are written, and may be written again. Returns
 * the names of the kernels that were called.
 */
export function everyCall(run: () => void, inspect: (call: KernelCall) => void): Set<string> {
  const active = activeKernels();
  const names = new Set<string>();
  const shown = [...active].map(([name, call]): [string, NativeKernel] => [
    name,
    ((...args: never[]) => {
      const covered = call(...args);
      if (!covered) return false;
      names.add(name);
      inspect({ name, tensors: tensorsIn(args), again: () => void call(...args) });
      return true;
    }) as NativeKernel,
  ]);
  useEngine('native', new Map(shown));
  try {
    run();
  } finally {
    useEngine('native', active);
  }
  return names;
}

/** The bytes between a tensor's first and last element. */
export function bytesOf({ elements, offset, shape, strides, size }: Tensor): Uint8Array {
  const last = shape.reduce((at, length, d) => at + (length - 1) * strides[d], offset);
  const { buffer, byteOffset, BYTES_PER_ELEMENT: bytes } = elements;
  return size === 0
    ? new Uint8Array(0)
    : new Uint8Array(buffer, byteOffset + offset * bytes, (last + 1 - offset) * bytes);
}
