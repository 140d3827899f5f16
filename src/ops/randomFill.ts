import { kernel } from '../engine/kernel.ts';
import type { DType } from '../tensor/dtype.ts';
import { Generator, streamOf } from '../tensor/generator.ts';
import { Tensor } from '../tensor/tensor.ts';

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

/** Where kernels find the stream that they draw from, as `streamOf` has it. */
const stream = Tensor.allocate([streamOf(Generator.default).length], 'int32');

/** Fills smaller than this are drawn one by one: that takes less time than handing the stream over. */
const few = 32;

/** Lets `draw` take numbers from the generator's stream in `stream`. */
function handOver(generator: Generator, draw: () => void): void {
  const words = streamOf(generator);
  stream.elements.set(words, stream.offset);
  draw();
  words.set(stream.elements.subarray(stream.offset, stream.offset + words.length));
}

const reader = new Generator(0);

/** A fill as a kernel: out (row-major), the stream, and two numbers. It leaves the stream behind what it has drawn. */
function fillKernel(name: string, draw: (out: Tensor, generator: Generator, x: number, y: number) => void) {
  return kernel(name, (out: Tensor, state: Tensor, x: number, y: number) => {
    const words = streamOf(reader);
    words.set(state.elements.subarray(state.offset, state.offset + words.length));
    draw(out, reader, x, y);
    state.elements.set(words, state.offset);
  });
}

type KernelFill = ReturnType<typeof fillKernel>;

/** Fills by a kernel where it pays, else by `next`, number by number. */
function fillBy(
  fast: KernelFill,
  out: Tensor,
  generator: Generator,
  x: number,
  y: number,
  next: () => number,
): void {
  if (out.size < few || !out.isContiguous) fill(out, next);
  else handOver(generator, () => fast(out, stream, x, y));
}

/** out = low + range u, with u in [0, 1) of 24 bits for float32, of 53 for float64. */
const uniformKernel = fillKernel('random.uniform', (out, generator, low, range) =>
  fill(out, uniformOf(out.dtype, generator, low, range)),
);

/** out = 1 with probability p, else 0. */
const bernoulliKernel = fillKernel('random.bernoulli', (out, generator, p) =>
  fill(out, () => (generator.uniform53() < p ? 1 : 0)),
);

/** out = whole numbers from low on, evenly from as many as `range`. */
const wholeKernel = fillKernel('random.whole', (out, generator, low, range) =>
  fill(out, () => low + generator.below(range)),
);

/** out (16 elements or more) = normal numbers, as `fillNormal` draws them. */
const normalKernel = fillKernel('random.normal', (out, generator, mean, std) =>
  fillNormalBlocks(out, mean, std, generator),
);

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

function uniformOf(dtype: DType, generator: Generator, low: number, range: number): () => number {
  if (dtype === 'float32') return () => generator.uniform24() * range + low;
  return () => fusedMultiplyAdd(generator.uniform53(), range, low);
}

/** Evenly from [low, high): 24 random bits for float32, 53 for float64. */
export function fillUniform(out: Tensor, low: number, high: number, generator: Generator): void {
  const single = out.dtype === 'float32';
  const from = single ? Math.fround(low) : low;
  const range = single ? Math.fround(Math.fround(high) - from) : high - low;
  fillBy(uniformKernel, out, generator, from, range, uniformOf(out.dtype, generator, from, range));
}

/** Whole numbers from `low` on, evenly from as many as `range`. */
export function fillWhole(out: Tensor, low: number, range: number, generator: Generator): void {
  fillBy(wholeKernel, out, generator, low, range, () => low + generator.below(range));
}

/** 1 with probability p, else 0. */
export function fillBernoulli(out: Tensor, p: number, generator: Generator): void {
  fillBy(bernoulliKernel, out, generator, p, 0, () => (generator.uniform53() < p ? 1 : 0));
}

const { fround } = Math;
const turn = fround(2 * Math.PI);

/**
 * Normal numbers as PyTorch draws them: from 16 elements on, uniforms first, then each block of 16 by Box and Muller's formula, the
 * last block drawn again where the size is no multiple of 16; below 16, or through strides, one by one in float64.
 */
export function fillNormal(out: Tensor, mean: number, std: number, generator: Generator): void {
  if (out.size < 16 || !out.isContiguous) fill(out, () => generator.normal() * std + mean);
  else if (out.size < few) fillNormalBlocks(out, mean, std, generator);
  else handOver(generator, () => normalKernel(out, stream, mean, std));
}

function fillNormalBlocks(out: Tensor, mean: number, std: number, generator: Generator): void {
  const { elements, offset, size } = out;
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
