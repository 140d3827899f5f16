import type { Generator } from '../tensor/generator.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Calls `next` for each element in the order of memory, as PyTorch fills. */
export function fill(out: Tensor, next: () => number): void {
  const { elements, size } = out;
  if (out.isContiguous) {
    const { offset } = out;
    for (let i = offset; i < offset + size; i++) elements[i] = next();
    return;
  }
  const order = out.shape
    .map((length, d) => ({ length, stride: out.strides[d] }))
    .filter(({ length }) => length !== 1)
    .sort((a, b) => b.stride - a.stride);
  const index = order.map(() => 0);
  for (let n = 0, place = out.offset; n < size; n++) {
    elements[place] = next();
    for (let d = order.length - 1; d >= 0; d--) {
      place += order[d].stride;
      if (++index[d] < order[d].length) break;
      place -= order[d].stride * order[d].length;
      index[d] = 0;
    }
  }
}

/** x * y + z, rounded once: the exact product and the rounding errors of product and sum (Dekker 1971). */
function fusedMultiplyAdd(x: number, y: number, z: number): number {
  const product = x * y;
  const [a, b] = [x * 134217729, y * 134217729];
  const [xHigh, yHigh] = [a - (a - x), b - (b - y)];
  const [xLow, yLow] = [x - xHigh, y - yHigh];
  const lost = xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
  const sum = product + z;
  const shift = sum - product;
  return sum + (product - (sum - shift) + (z - shift) + lost);
}

/** Evenly from [low, high): 24 random bits for float32, 53 for float64. */
export function fillUniform(out: Tensor, low: number, high: number, generator: Generator): void {
  if (out.dtype === 'float32') {
    const a = Math.fround(low);
    const range = Math.fround(Math.fround(high) - a);
    fill(out, () => generator.uniform24() * range + a);
  } else fill(out, () => fusedMultiplyAdd(generator.uniform53(), high - low, low));
}

const { fround } = Math;
const turn = fround(2 * Math.PI);

/**
 * Normal numbers as PyTorch draws them: from 16 elements on, uniforms first, then each block of 16 by Box and Muller's formula, the
 * last block drawn again where the size is no multiple of 16; below 16, or through strides, one by one in float64.
 */
export function fillNormal(out: Tensor, mean: number, std: number, generator: Generator): void {
  const { elements, offset, size } = out;
  if (size < 16 || !out.isContiguous) {
    fill(out, () => generator.normal() * std + mean);
    return;
  }
  const single = out.dtype === 'float32';
  const uniform = single ? () => generator.uniform24() : () => generator.uniform53();
  const round = single ? fround : (x: number) => x;
  const around = single ? turn : 2 * Math.PI;
  const block = (at: number): void => {
    for (let j = at; j < at + 8; j++) {
      const radius = round(Math.sqrt(round(-2 * round(Math.log(round(1 - elements[j]))))));
      const angle = round(around * elements[j + 8]);
      elements[j] = radius * round(Math.cos(angle)) * std + mean;
      elements[j + 8] = radius * round(Math.sin(angle)) * std + mean;
    }
  };
  for (let i = offset; i < offset + size; i++) elements[i] = uniform();
  for (let i = 0; i + 16 <= size; i += 16) block(offset + i);
  if (size % 16 !== 0) {
    const last = offset + size - 16;
    for (let i = last; i < last + 16; i++) elements[i] = uniform();
    block(last);
  }
}

export const exponentialNumber = (generator: Generator, lambda: number): number =>
  (-1 / lambda) * Math.log1p(-generator.uniform53());
