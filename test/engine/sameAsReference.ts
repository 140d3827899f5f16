import { expect } from 'vitest';
import * as g from '../../src/index.ts';

export type Values = readonly number[];

export const values = (t: g.Tensor): Values => {
  const flat = t.detach().clone();
  return Array.from(flat.elements.slice(flat.offset, flat.offset + flat.size));
};

export const all = (results: readonly (g.Tensor | null)[]): Values =>
  results.flatMap((t) => (t ? values(t) : []));

/** How far off the nth number may be: relative to it, plus once more near 0. */
export function compare(actual: Values, expected: Values, digits: number): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, e] of expected.entries())
    if (!(Math.abs(actual[i] - e) <= 10 ** -digits * (1 + Math.abs(e))) && !Object.is(actual[i], e))
      throw new Error(`${actual[i]} instead of ${e} at ${i} of ${expected.length}`);
}

/** A tensor of random numbers whose memory starts at an odd place; with `step` above 1 its last dimension is strided. */
export function odd(shape: readonly number[], dtype: g.DType = 'float32', step = 1): g.Tensor {
  const last = shape.length - 1;
  const strides: number[] = new Array(shape.length);
  let size = step;
  for (let d = last; d >= 0; d--) {
    strides[d] = size;
    size *= shape[d];
  }
  const whole = g.rand([size + 3]);
  const numbers = dtype.startsWith('float')
    ? g.mul(g.sub(whole, 0.5), 4)
    : g.mul(whole, dtype === 'bool' ? 2 : 9);
  return numbers.to(dtype).asStrided([...shape], strides, 1);
}

export const places = (shape: readonly number[], below: number): g.Tensor =>
  g.randint(Math.max(below, 1), [...shape]);

/** One computation of a family; it takes a size (1 to 67), a dtype and a step. */
export type Case = readonly [
  string,
  readonly g.DType[],
  (n: number, dtype: g.DType, step: number) => (g.Tensor | null)[],
];

export const floats = ['float32', 'float64'] as const;
export const numbers = ['float32', 'float64', 'int32', 'uint8'] as const;

/** The output, and the gradients of what the input and the other tensors were. */
export function withGradients(inputs: readonly g.Tensor[], f: () => g.Tensor): (g.Tensor | null)[] {
  for (const x of inputs) x.requiresGrad = true;
  const out = f();
  g.manualSeed(77);
  out.backward(g.rand(out.shape, { dtype: out.dtype }));
  return [out, ...inputs.map((x) => x.grad)];
}

/** Every number of what is computed has the same bits with 1, 2 and 3 threads. */
export function sameBits(compute: () => readonly (g.Tensor | null)[]): void {
  const before = g.getNumThreads();
  const bits = (): Buffer[] =>
    compute().map((t) => {
      const flat = t!.detach().clone();
      return Buffer.from(flat.elements.slice(flat.offset, flat.offset + flat.size).buffer);
    });
  try {
    g.setNumThreads(1);
    const one = bits();
    for (const threads of [2, 3]) {
      g.setNumThreads(threads);
      expect(bits().findIndex((b, i) => !b.equals(one[i]))).toBe(-1);
    }
  } finally {
    g.setNumThreads(before);
  }
}
