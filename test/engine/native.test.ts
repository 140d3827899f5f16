import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Isa, machineIsas } from '../../src/engine/build.ts';
import { useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import * as g from '../../src/index.ts';
import { errorFunction } from '../../src/ops/specialFunctions.ts';
import { goldenOperators, readCases } from '../golden/cases.ts';
import { runCase } from '../golden/operators.ts';
import { sameBits } from './sameAsReference.ts';

const here = machineIsas().filter((isa) => useNativeEngine(isa));
useNativeEngine();

/** Float32 numbers spread over all bit patterns, and the special ones. */
function sampledFloats(): Float32Array {
  const bits = new Uint32Array(2 ** 32 / 61_681 + 16);
  let n = 0;
  for (let pattern = 0; pattern < 2 ** 32; pattern += 61_681) bits[n++] = pattern;
  for (const special of [0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 1, 0x80000001, 0x7f7fffff])
    bits[n++] = special;
  return new Float32Array(bits.buffer, 0, n);
}

/** How many float32 numbers lie between two, on the line of all of them. */
function distance(a: number, b: number): number {
  const place = (x: number): number => {
    const word = new Int32Array(new Float32Array([x]).buffer)[0];
    return word < 0 ? -(word & 0x7fffffff) : word;
  };
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) === Number.isNaN(b) ? 0 : Infinity;
  return Math.abs(place(a) - place(b));
}

/** The greatest error allowed, in units of the last place, beside the function in float64. */
const functions: readonly (readonly [string, (x: number) => number, number])[] = [
  ['exp', Math.exp, 1],
  ['expm1', Math.expm1, 1],
  ['exp2', (x) => 2 ** x, 1],
  ['log', Math.log, 1],
  ['log2', Math.log2, 1],
  ['log10', Math.log10, 1],
  ['log1p', Math.log1p, 1],
  ['sin', Math.sin, 1],
  ['cos', Math.cos, 1],
  ['tan', Math.tan, 1],
  ['sinh', Math.sinh, 1],
  ['cosh', Math.cosh, 1],
  ['tanh', Math.tanh, 2],
  ['sigmoid', (x) => 1 / (1 + Math.exp(-x)), 2],
  ['erf', errorFunction, 2],
  ['sqrt', Math.sqrt, 0],
  ['rsqrt', (x) => 1 / Math.sqrt(x), 1],
];

const values = (t: g.Tensor): number[] => {
  const flat = t.detach().clone();
  return Array.from(flat.elements.slice(flat.offset, flat.offset + flat.size));
};

/** Runs the same on both engines and compares. */
function bothEngines(isa: Isa, compute: () => g.Tensor, digits = 5): void {
  useReferenceEngine();
  g.manualSeed(1);
  const expected = values(compute());
  useNativeEngine(isa);
  g.manualSeed(1);
  const actual = values(compute());
  expect(actual.length).toBe(expected.length);
  for (const [i, e] of expected.entries())
    if (!(Math.abs(actual[i] - e) <= 10 ** -digits * (1 + Math.abs(e))) && !Object.is(actual[i], e))
      throw new Error(`${actual[i]} instead of ${e} at ${i}`);
}

test('the fastest instruction set of the machine is among those that were built', () => {
  expect(here.length).toBeGreaterThan(0);
});

describe.each(here)('the native engine on %s', (isa) => {
  beforeAll(() => void useNativeEngine(isa));
  afterAll(() => void useNativeEngine());

  test.each(functions)('%s stays near the rounded result over all float32 numbers', (name, exact, most) => {
    useNativeEngine(isa);
    const floats = sampledFloats();
    const out = values((g as unknown as Record<string, (t: g.Tensor) => g.Tensor>)[name](g.tensor(floats)));
    let worst = 0;
    let at = 0;
    for (const [i, x] of floats.entries()) {
      const error = distance(out[i], Math.fround(exact(x)));
      if (error > worst) {
        worst = error;
        at = x;
      }
    }
    expect(`${worst <= most} (${worst} at ${worst <= most ? '' : at})`).toBe(`true (${worst} at )`);
  });

  test('sizes from 1 to 67, misaligned and strided, give what the reference gives', () => {
    for (let n = 1; n <= 67; n++)
      for (const step of [1, 2, 3]) {
        const line = (): g.Tensor =>
          g
            .rand([n * step + 3])
            .asStrided([n], [step])
            .narrow(0, 0, n);
        const shifted = (): g.Tensor => {
          const whole = g.rand([n * step + 3]);
          return whole.asStrided([n], [step], 1 + (n % 3));
        };
        bothEngines(isa, () => g.add(line(), shifted()));
        bothEngines(isa, () => g.exp(shifted()));
        bothEngines(isa, () => g.where(g.gt(shifted(), 0.5), shifted(), line()));
        bothEngines(isa, () => g.sum(shifted()));
        bothEngines(isa, () => g.softmax(shifted(), 0));
      }
  });

  test('products of ragged sizes, transposed and batched, give what the reference gives', () => {
    for (const [m, n, k] of [
      [1, 1, 1],
      [1, 67, 5],
      [67, 1, 5],
      [13, 31, 17],
      [14, 32, 300],
      [29, 65, 33],
      [67, 67, 67],
      [100, 130, 600],
    ]) {
      bothEngines(isa, () => g.matmul(g.rand([m, k]), g.rand([k, n])), 4);
      bothEngines(isa, () => g.matmul(g.rand([k, m]).transpose(0, 1), g.rand([k, n])), 4);
      bothEngines(isa, () => g.matmul(g.rand([m, k]), g.rand([n, k]).transpose(0, 1)), 4);
      bothEngines(isa, () => g.bmm(g.rand([3, m, k]), g.rand([3, k, n])), 4);
      bothEngines(isa, () => g.F.linear(g.rand([m, k]), g.rand([n, k]), g.rand([n])), 4);
    }
  });

  test('convolutions of many kinds, forward and both gradients, give what the reference gives', () => {
    for (const [input, weight, options] of [
      [[2, 3, 9, 11], [16, 3, 3, 3], { padding: 1 }],
      [[3, 4, 7, 8], [10, 4, 3, 2], { stride: 2, padding: 1, dilation: 2 }],
      [[2, 8, 6, 6], [12, 4, 3, 3], { groups: 2, stride: [2, 1], padding: [0, 2] }],
      [[2, 6, 10, 10], [6, 1, 3, 3], { groups: 6, padding: 1 }],
      [[5, 20, 2, 2], [24, 20, 3, 3], { padding: 1 }],
      [[1, 40, 9, 9], [30, 40, 1, 1], {}],
      [[2, 4, 8, 32], [7, 4, 1, 1], {}],
      [[2, 3, 13, 17], [5, 3, 4, 4], { stride: 2, padding: 1 }],
      [[2, 5, 12, 15], [9, 5, 7, 7], { stride: 3, padding: 3 }],
      [[2, 3, 9, 31], [4, 3, 2, 1], { stride: [3, 2] }],
      [[1, 3, 6, 16], [4, 3, 3, 3], { padding: 3, dilation: 2 }],
      [[2, 4, 5, 67], [10, 4, 3, 5], { padding: [2, 4] }],
      [[3, 6, 14, 14], [26, 3, 3, 3], { padding: 1, groups: 2 }],
      [[1, 3, 40, 33], [15, 3, 5, 5], { padding: 2, stride: [1, 1] }],
      [[1, 3, 19, 65], [29, 3, 5, 5], { padding: [1, 2], stride: 2 }],
    ] as const) {
      const run = (which: 0 | 1 | 2): g.Tensor => {
        const [x, w] = [g.rand(input), g.rand(weight)];
        x.requiresGrad = w.requiresGrad = true;
        const y = g.F.conv2d(x, w, g.rand([weight[0]]), options);
        if (which === 0) return y;
        y.backward(g.rand(y.shape));
        return which === 1 ? x.grad! : w.grad!;
      };
      for (const which of [0, 1, 2] as const) bothEngines(isa, () => run(which), 4);
    }
  });

  test('3x3 convolutions by fewer products stay within 1e-5 of float64, with the same bits for 1, 2 and 3 threads', () => {
    useNativeEngine(isa);
    const before = g.getNumThreads();
    for (const [input, filters, padding, strided, dilation = 1] of [
      [[2, 18, 31, 38], 17, 2, false, 2],
      [[1, 16, 45, 29], 20, [3, 1], true, [2, 3]],
      [[3, 20, 27, 33], 33, [0, 4], false, [1, 2]],
      [[2, 17, 13, 21], 19, 1, false],
      [[3, 16, 9, 8], 40, 0, true],
      [[2, 33, 30, 7], 16, 2, false],
      [[1, 70, 28, 28], 45, 1, true],
      [[8, 130, 8, 8], 64, 1, false],
      [[6, 20, 41, 67], 20, 1, false],
      [[2, 40, 60, 56], 64, 3, false],
    ] as const) {
      const run = (dtype: 'float32' | 'float64', threads: number): g.Tensor[] => {
        g.setNumThreads(threads);
        g.manualSeed(5);
        const draw = (...shape: number[]): g.Tensor => g.randn(shape).to(dtype).detach();
        const [n, c, h, w] = input;
        const image = strided ? draw(n, c, w, h).transpose(2, 3) : draw(n, c, h, w);
        const [x, weight] = [image.requiresGrad_(), draw(filters, c, 3, 3).requiresGrad_()];
        const y = g.F.conv2d(x, weight, draw(filters), { padding, dilation });
        y.backward(draw(...y.shape));
        return [y.detach(), x.grad!, weight.grad!];
      };
      const exact = run('float64', 1);
      const one = run('float32', 1);
      for (const [i, result] of one.entries()) {
        const error = result.to('float64').sub(exact[i]).abs().max() as g.Tensor;
        expect(error.item()).toBeLessThan(1e-5 * ((exact[i].abs().max() as g.Tensor).item() as number));
      }
      for (const threads of [2, 3])
        for (const [i, result] of run('float32', threads).entries())
          expect(g.equal(result, one[i])).toBe(true);
    }
    g.setNumThreads(before);
  });

  test('transposed convolutions, lines and volumes, both gradients, give what the reference gives', () => {
    const run = (
      which: 0 | 1 | 2,
      apply: (x: g.Tensor, w: g.Tensor) => g.Tensor,
      x: number[],
      w: number[],
    ) => {
      const [a, b] = [g.rand(x), g.rand(w)];
      a.requiresGrad = b.requiresGrad = true;
      const y = apply(a, b);
      if (which === 0) return y;
      y.backward(g.rand(y.shape));
      return which === 1 ? a.grad! : b.grad!;
    };
    for (const which of [0, 1, 2] as const) {
      const up = (a: g.Tensor, b: g.Tensor) => g.F.convTranspose2d(a, b, null, { stride: 2, padding: 1 });
      bothEngines(isa, () => run(which, up, [2, 5, 7, 9], [5, 6, 4, 4]), 4);
      const line = (a: g.Tensor, b: g.Tensor) => g.F.conv1d(a, b, null, { padding: 4 });
      bothEngines(isa, () => run(which, line, [3, 5, 61], [11, 5, 9]), 4);
      const volume = (a: g.Tensor, b: g.Tensor) => g.F.conv3d(a, b, null, { padding: 1, stride: [1, 2, 1] });
      bothEngines(isa, () => run(which, volume, [2, 3, 5, 6, 18], [5, 3, 3, 3, 3]), 4);
    }
  });

  test('a linear layer and its activation in one pass have the bits of both one after the other', () => {
    const { nn } = g;
    for (const [inner, columns, rows] of [
      [7, 5, 3],
      [64, 33, 30],
      [40, 1, 9],
      [9, 40, 1],
      [0, 3, 2],
    ])
      for (const dtype of ['float32', 'float64'] as const)
        for (const Activation of [nn.ReLU, nn.GELU, nn.Sigmoid, nn.Tanh])
          for (const bias of [true, false]) {
            const run = (): g.Tensor => {
              const net = new nn.Sequential(new nn.Linear(inner, columns, { dtype, bias }), new Activation());
              const x = g.randn([2, rows, inner], { dtype });
              const fused = g.noGrad(() => net(x));
              expect(g.equal(fused, net(x))).toBe(true);
              return fused;
            };
            bothEngines(isa, run, dtype === 'float32' ? 4 : 12);
          }
  });

  test('1, 2 and 3 threads give the same bits', () => {
    useNativeEngine(isa);
    sameBits(() => {
      g.manualSeed(3);
      const a = g.rand([300, 500]);
      const x = g.rand([4, 8, 40, 40]);
      const w = g.rand([16, 8, 3, 3]);
      w.requiresGrad = x.requiresGrad = true;
      const y = g.F.conv2d(x, w, null, { padding: 1 });
      y.backward(g.ones(y.shape));
      return [
        g.sum(g.rand([700_000])),
        g.sum(a, 0),
        g.matmul(a, a.transpose(0, 1)),
        g.exp(g.rand([100_000])),
        g.softmax(a, 1),
        x.grad!,
        w.grad!,
      ];
    });
  });

  const folder = fileURLToPath(new URL('../golden/data', import.meta.url));
  test.runIf(existsSync(folder)).each([
    { dtype: 'float32', noncontiguous: false },
    { dtype: 'float32', noncontiguous: true },
  ] as const)(
    'golden cases equal PyTorch: %o',
    (options) => {
      useNativeEngine(isa);
      const wrong: string[] = [];
      for (const operator of goldenOperators(folder))
        for (const [i, golden] of readCases(folder, operator).entries()) {
          const verdict = runCase(golden, options);
          if (verdict.status === 'failed') wrong.push(`${operator} ${i}: ${verdict.reason}`);
        }
      expect(wrong).toEqual([]);
    },
    240_000,
  );
});
