import { reshape } from '../../ops/views.ts';
import { formatShape, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** How many spatial dimensions a layer has: lines, planes, volumes. */
export type Rank = 1 | 2 | 3;

/** One number for each spatial dimension. */
export type Each<N extends Rank, T = number> = N extends 1
  ? readonly [T]
  : N extends 2
    ? readonly [T, T]
    : readonly [T, T, T];

/** One number for all spatial dimensions, or one for each: `3`, `[3, 5]`. */
export type Size<N extends Rank> = number | Each<N>;

/** The numbers of `value`, one a dimension. Errors: as many as there are dimensions are needed; whole numbers from `least`. */
export function sizes(
  name: string,
  what: string,
  value: number | readonly number[],
  rank: number,
  least: number,
): number[] {
  const list = typeof value === 'number' ? [value] : value;
  const all = list.length === 1 ? new Array<number>(rank).fill(list[0]) : [...list];
  if (all.length !== rank)
    throw new RangeError(
      `${name}: ${what} [${list}] has ${list.length} numbers: give one, or one for each of the ${rank} spatial dimensions`,
    );
  for (const size of all)
    if (!Number.isInteger(size) || size < least)
      throw new RangeError(
        `${name}: ${what} ${typeof value === 'number' ? value : `[${value}]`} must be whole numbers from ${least}`,
      );
  return all;
}

const letters = ['L', 'H, W', 'D, H, W'] as const;

/** `(C, H, W)` or `(N, C, H, W)`. Error: another number of dimensions. */
export function checkSpatial(name: string, input: Tensor, rank: number): void {
  if (input.ndim !== rank + 1 && input.ndim !== rank + 2)
    throw new RangeError(
      `${name}: expected ${rank + 1}D (unbatched) or ${rank + 2}D (batched) input, but got input of size ${formatShape(input.shape)}: it must be (C, ${letters[rank - 1]}) or (N, C, ${letters[rank - 1]})`,
    );
}

/** Error: no channels or no pixels; only the batch may be empty. */
export function checkNotEmpty(name: string, input: Tensor, rank: number): void {
  if (input.shape.slice(-rank - 1).some((size) => size === 0))
    throw new RangeError(
      `${name}: expected input with non-zero sizes apart from the batch's, got ${formatShape(input.shape)}`,
    );
}

/** Runs `call` on a batch (N, C, ...): an input without the batch dimension becomes a batch of one, and its results lose it again. */
export function batched<T extends Tensor | Tensor[]>(
  input: Tensor,
  rank: number,
  call: (batch: Tensor) => T,
): T {
  if (input.ndim === rank + 2) return call(input);
  const result = call(reshape(input, [1, ...input.shape]));
  const unbatch = (t: Tensor): Tensor => reshape(t, t.shape.slice(1));
  return (Array.isArray(result) ? result.map(unbatch) : unbatch(result as Tensor)) as T;
}

/** A shape with other spatial sizes. */
export const withSpatial = (shape: Shape, spatial: Shape): number[] => [...shape.slice(0, 2), ...spatial];
