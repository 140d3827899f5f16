import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { contiguous } from './views.ts';

/** What stands beyond the edge: a value, the mirror image without the edge itself, the edge repeated, the other side. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** For each place of a padded dimension, the index that it shows; -1 where it shows the constant. */
function sources(mode: string, size: number, before: number, padded: number): Int32Array {
  const table = new Int32Array(padded);
  const after = padded - size - before;
  // A negative circular padding cuts first: what is left goes round.
  const cut = Math.max(-before, 0);
  const period = size - cut - Math.max(-after, 0);
  for (let i = 0; i < padded; i++) {
    const at = i - before;
    if (mode === 'circular') table[i] = cut + ((((i - Math.max(before, 0)) % period) + period) % period);
    else if (at >= 0 && at < size) table[i] = at;
    else if (mode === 'reflect') table[i] = at < 0 ? -at : 2 * (size - 1) - at;
    else if (mode === 'replicate') table[i] = at < 0 ? 0 : size - 1;
    else table[i] = -1;
  }
  return table;
}

/**
 * Visits the rows of `padded` (row-major): the row's first place, the place that index 0 of the last dimension has in the plain tensor
 * (-1: the whole row lies outside), and the table of indices along the row.
 */
function eachRow(
  padded: Shape,
  plain: Shape,
  strides: readonly number[],
  offset: number,
  before: readonly number[],
  mode: string,
  row: (place: number, source: number, table: Int32Array) => void,
): void {
  const last = padded.length - 1;
  const tables = padded.map((size, d) => sources(mode, plain[d], before[d], size));
  let place = 0;
  const level = (d: number, source: number): void => {
    const table = tables[d];
    if (d === last) {
      row(place, source, table);
      place += table.length;
    } else
      for (let i = 0; i < table.length; i++)
        level(d + 1, source < 0 || table[i] < 0 ? -1 : source + table[i] * strides[d]);
  };
  level(0, offset);
}

/** out = input with `before[d]` places added in front of dimension d (cut where negative), as many behind as `out` has room for. */
const padKernel = kernel(
  'pad',
  (out: Tensor, input: Tensor, before: readonly number[], mode: string, value: number) => {
    const [target, source] = [out.elements, input.elements];
    const step = input.strides[input.ndim - 1];
    eachRow(out.shape, input.shape, input.strides, input.offset, before, mode, (place, from, table) => {
      const to = out.offset + place;
      for (let i = 0; i < table.length; i++)
        target[to + i] = from < 0 || table[i] < 0 ? value : source[from + table[i] * step];
    });
  },
);

/** out = for each element, the sum of all places of grad (row-major) that show it: the adjoint of `pad`. float64 accumulators. */
const padBackwardKernel = kernel(
  'pad.backward',
  (out: Tensor, grad: Tensor, before: readonly number[], mode: string) => {
    const sums = new Float64Array(out.size);
    const source = grad.elements;
    eachRow(grad.shape, out.shape, out.strides, 0, before, mode, (place, to, table) => {
      if (to < 0) return;
      const from = grad.offset + place;
      for (let i = 0; i < table.length; i++) if (table[i] >= 0) sums[to + table[i]] += source[from + i];
    });
    const target = out.elements;
    for (let i = 0; i < sums.length; i++) target[out.offset + i] = sums[i];
  },
);

interface Padding {
  readonly from: Shape;
  readonly to: Shape;
  readonly before: readonly number[];
  readonly mode: PadMode;
  readonly value: number;
}

const padPrimitive: Primitive<Padding> = {
  name: 'pad',
  forward(_ctx, [input], { to, before, mode, value }) {
    const out = Tensor.allocate(to, (input as Tensor).dtype);
    padKernel(out, input as Tensor, before, mode, value);
    return out;
  },
  gradient: (_ctx, [g], padding) => [g && applyOne(padBackward, [g], padding)],
};

const padBackward: Primitive<Padding> = {
  name: 'padBackward',
  forward(_ctx, [grad], { from, before, mode }) {
    const g = contiguous(grad as Tensor);
    const out = Tensor.allocate(from, g.dtype);
    padBackwardKernel(out, g, before, mode);
    return out;
  },
  // What lies outside carries no gradient, whatever the constant was.
  gradient: (_ctx, [g], padding) => [g && applyOne(padPrimitive, [g], { ...padding, value: 0 })],
};

/** `before[d]` and `after[d]` places more on either side of dimension d, fewer where negative. All sizes have been checked. */
export function padded(
  input: Tensor,
  before: readonly number[],
  after: readonly number[],
  mode: PadMode,
  value = 0,
): Tensor {
  const to = input.shape.map((size, d) => size + before[d] + after[d]);
  return applyOne(padPrimitive, [input], { from: input.shape, to, before, mode, value });
}
