import type { TypedArray } from '../tensor/dtype.ts';
import { broadcastStrides, numel, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { loopOf } from './specialize.ts';

/** A strided operand of a loop: elements, first place, steps by dimension. */
export interface Operand {
  readonly array: TypedArray;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A tensor read (or written) as `shape`. */
export const operand = (tensor: Tensor, shape: Shape): Operand => ({
  array: tensor.elements,
  offset: tensor.offset,
  strides: broadcastStrides(tensor.shape, tensor.strides, shape),
});

/**
 * Visits `shape` row by row: `row(places, steps, length)` gets each operand's place at the row's start, its step along the row,
 * and the row's length. Dimensions that lie together in every operand are merged first, so that a contiguous case is one row.
 */
export function eachRow(
  shape: Shape,
  operands: readonly Operand[],
  row: (places: number[], steps: readonly number[], length: number) => void,
): void {
  if (numel(shape) === 0) return;
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = sizes.length - 1;
    const merges = last >= 0 && operands.every((o, k) => strides[k][last] === o.strides[d] * shape[d]);
    if (merges) {
      sizes[last] *= shape[d];
      for (let k = 0; k < operands.length; k++) strides[k][last] = operands[k].strides[d];
    } else {
      sizes.push(shape[d]);
      for (let k = 0; k < operands.length; k++) strides[k].push(operands[k].strides[d]);
    }
  }
  const inner = sizes.length - 1;
  const length = inner < 0 ? 1 : sizes[inner];
  const steps = strides.map((s) => (inner < 0 ? 0 : s[inner]));
  const places = operands.map((o) => o.offset);
  const index = new Array<number>(Math.max(inner, 0)).fill(0);
  for (;;) {
    row(places, steps, length);
    let d = inner - 1;
    for (; d >= 0; d--) {
      if (++index[d] < sizes[d]) {
        for (let k = 0; k < places.length; k++) places[k] += strides[k][d];
        break;
      }
      for (let k = 0; k < places.length; k++) places[k] -= strides[k][d] * (sizes[d] - 1);
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

/** Rows are cut into stretches of this length: V8 compiles a function that is called often sooner and better than one long loop. */
const stretch = 4096;

/** out = f(a), element by element; `a` broadcasts to `out`. */
export function mapUnary(f: (x: number) => number, out: Tensor, a: Tensor): void {
  const o = operand(out, out.shape);
  const x = operand(a, out.shape);
  const loop = loopOf(f, 'unary', [out, a], out.size);
  const { array: target } = o;
  const { array: source } = x;
  eachRow(out.shape, [o, x], (places, steps, length) => {
    const [so, sx] = steps;
    let [p, q] = places;
    for (let left = length; left > 0; left -= stretch, p += stretch * so, q += stretch * sx)
      loop(target, p, so, source, q, sx, Math.min(left, stretch));
  });
}

/** out = f(a, b), element by element, broadcasting. */
export function mapBinary(f: (x: number, y: number) => number, out: Tensor, a: Tensor, b: Tensor): void {
  const o = operand(out, out.shape);
  const x = operand(a, out.shape);
  const y = operand(b, out.shape);
  const loop = loopOf(f, 'binary', [out, a, b], out.size);
  const { array: target } = o;
  const { array: left } = x;
  const { array: right } = y;
  eachRow(out.shape, [o, x, y], (places, steps, length) => {
    const [so, sx, sy] = steps;
    let [p, q, r] = places;
    for (
      let rest = length;
      rest > 0;
      rest -= stretch, p += stretch * so, q += stretch * sx, r += stretch * sy
    )
      loop(target, p, so, left, q, sx, right, r, sy, Math.min(rest, stretch));
  });
}

/** out = f(a, b, c), element by element, broadcasting. */
export function mapTernary(
  f: (x: number, y: number, z: number) => number,
  out: Tensor,
  a: Tensor,
  b: Tensor,
  c: Tensor,
): void {
  const all = [out, a, b, c].map((t) => operand(t, out.shape));
  const loop = loopOf(f, 'ternary', [out, a, b, c], out.size);
  const [target, left, middle, right] = all.map((o) => o.array);
  eachRow(out.shape, all, (places, steps, length) => {
    const [so, sx, sy, sz] = steps;
    for (let i = 0; i < length; i += stretch) {
      const [p, q, r, s] = places;
      const n = Math.min(length - i, stretch);
      loop(target, p + i * so, so, left, q + i * sx, sx, middle, r + i * sy, sy, right, s + i * sz, sz, n);
    }
  });
}
