import { formatShape, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { contiguous, expand, reshape } from '../views.ts';

/** Errors: fewer than two dimensions; not floating. */
export function checkMatrices(name: string, input: Tensor): void {
  if (input.ndim < 2)
    throw new RangeError(
      `${name}: ${formatShape(input.shape)} must have at least 2 dimensions: (..., rows, columns)`,
    );
  if (!input.isFloating)
    throw new TypeError(`${name}: the input is ${input.dtype}: convert it to a floating dtype`);
}

/** Errors: as `checkMatrices`; matrices that are not square. */
export function checkSquare(name: string, input: Tensor): void {
  checkMatrices(name, input);
  const [rows, columns] = input.shape.slice(-2);
  if (rows !== columns)
    throw new RangeError(`${name}: the matrices must be square, these are ${rows} x ${columns}`);
}

/** (batch, rows, columns), row-major. */
export const asBatch = (input: Tensor): Tensor =>
  contiguous(reshape(input, [countOf(input.shape), ...input.shape.slice(-2)]));

/** How many matrices. */
export const countOf = (shape: Shape): number => shape.slice(0, -2).reduce((a, b) => a * b, 1);

/** Broadcast to the batch dimensions `batch`. */
export const withBatch = (input: Tensor, batch: Shape): Tensor =>
  expand(input, [...batch, ...input.shape.slice(-2)]);

/** The first matrix for which a kernel reported a number above 0, and the number. */
export function firstFailure(info: Tensor): { matrix: number; at: number } | null {
  for (let i = 0; i < info.size; i++) {
    const at = info.elements[info.offset + i];
    if (at > 0) return { matrix: i, at };
  }
  return null;
}

/** `(batch element 2)`, or nothing where there is one matrix. */
export const which = (count: number, matrix: number): string =>
  count > 1 ? ` (batch element ${matrix})` : '';
