import type { NestedArray } from '../tensor/creation.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';
import { op } from './record.ts';
import { sliceDim } from './shape.ts';

/** A range of one dimension, made by `slice`: as Python's `start:stop:step`. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
  constructor(start: number | null, stop: number | null, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** What `at` and `setAt` take for one place. */
export type Index =
  /** One index, negative from the end: the dimension goes away. */
  | number
  /** A range. `':'` is all of a dimension. */
  | Slice
  | ':'
  /** A new dimension of size 1. */
  | null
  /** As many full ranges as are left. */
  | '...'
  /** Indices (integers), or a mask (booleans, as many dimensions as it has). */
  | Tensor
  | NestedArray
  | TypedArray;

const view = op(
  {
    name: 'slice',
    torch: 'slice(input, dim=0, start=None, end=None, step=1)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [5, 2] }, 0, 1, null, 2]],
  },
  (input: Tensor, dim = 0, start: number | null = null, end: number | null = null, step = 1): Tensor =>
    sliceDim(input, dim, start, end, step),
);

function range(...args: readonly (number | null | undefined)[]): Slice {
  const [start, stop, step = 1] = (args.length < 2 ? [null, args[0]] : args) as RangeArguments;
  for (const bound of [start, stop])
    if (bound !== null && bound !== undefined && !Number.isInteger(bound))
      throw new RangeError(`slice: ${String(bound)} is no whole number: use one, or null for the end`);
  if (!Number.isInteger(step) || step < 1)
    throw new RangeError(`slice: step ${step} must be a whole number from 1: use flip() to go backwards`);
  return new Slice(start ?? null, stop ?? null, step);
}
type RangeArguments = [start?: number | null, stop?: number | null, step?: number];

/**
 * A range for `at` and `setAt`: `slice(stop)`, `slice(start, stop)`, `slice(start, stop, step)`, with `null` for "from the beginning" or
 * "to the end". With a tensor first, that range of one of its dimensions, a view: `slice(input, dim, start, end, step)`.
 *
 * @example x.at(slice(1, -1), slice(null, null, 2))
 */
export function slice(stop?: number | null): Slice;
export function slice(start: number | null, stop: number | null, step?: number): Slice;
export function slice(
  input: Tensor,
  dim?: number,
  start?: number | null,
  end?: number | null,
  step?: number,
): Tensor;
export function slice(...args: (Tensor | number | null | undefined)[]): Slice | Tensor {
  return args[0] instanceof Tensor
    ? view(...(args as Parameters<typeof view>))
    : range(...(args as (number | null | undefined)[]));
}
