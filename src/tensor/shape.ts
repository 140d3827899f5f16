export type Shape = readonly number[];

export function numel(shape: Shape): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i];
  return count;
}

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= Math.max(shape[i], 1);
  }
  return strides;
}

/** Whether the elements lie in row-major order without gaps; dimensions of size 1 may have any stride. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 0) return true;
    if (shape[i] !== 1) {
      if (strides[i] !== expected) return false;
      expected *= shape[i];
    }
  }
  return true;
}

export const sameShape = (a: Shape, b: Shape): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/** `(2, 3)`, as errors print a shape. */
export const formatShape = (shape: Shape): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;

/** The shape that both broadcast to. Error: sizes that differ and are not 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new RangeError(
        `${op}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: sizes ${x} and ${y} differ at dimension ${i}, and neither is 1`,
      );
    out[i] = x === 1 ? y : x;
  }
  return out;
}

/** Strides that read `shape` as the broadcast `target` (0 where a dimension is repeated). */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): number[] {
  const lead = target.length - shape.length;
  const out = new Array<number>(target.length);
  for (let i = 0; i < target.length; i++)
    out[i] = i < lead || (shape[i - lead] === 1 && target[i] !== 1) ? 0 : strides[i - lead];
  return out;
}

/** A dimension counted from the front. Error: outside [-rank, rank - 1]. A 0-d tensor counts as one dimension. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const bound = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -bound || dim >= bound)
    throw new RangeError(
      `${op}: dimension ${dim} is out of range for ${rank} dimensions: use ${-bound} to ${bound - 1}`,
    );
  return dim < 0 ? dim + bound : dim;
}

/** One or many dimensions, counted from the front, none twice. `undefined` or `null` or an empty list means all. */
export function normalizeDims(
  op: string,
  dim: number | readonly number[] | null | undefined,
  rank: number,
): number[] {
  if (dim === undefined || dim === null || (Array.isArray(dim) && dim.length === 0))
    return Array.from({ length: rank }, (_, i) => i);
  const dims = (typeof dim === 'number' ? [dim] : [...dim]).map((d) => normalizeDim(op, d, rank));
  if (new Set(dims).size !== dims.length)
    throw new RangeError(
      `${op}: dimension ${dims.find((d, i) => dims.indexOf(d) !== i)} appears twice in [${dims}]`,
    );
  return rank === 0 ? [] : dims;
}

/** Checks that every size is a whole number, not negative. */
export function checkShape(op: string, shape: Shape): void {
  for (const size of shape)
    if (!Number.isInteger(size) || size < 0)
      throw new RangeError(
        `${op}: shape ${formatShape(shape)} has the size ${size}: sizes are whole numbers from 0`,
      );
}
