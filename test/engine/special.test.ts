import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSample } from '../../src/autograd/samples.ts';
import { machineIsas } from '../../src/engine/build.ts';
import { useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import * as g from '../../src/index.ts';
import type { RegisteredOp } from '../../src/ops/record.ts';
import { values } from './sameAsReference.ts';

const here = machineIsas().filter((isa) => useNativeEngine(isa));
useNativeEngine();

/** Both zeros, denormals of float32, infinities, NaN, and numbers between. */
const numbers = [0, -0, 1e-45, -3e-39, 1.2e-38, Infinity, -Infinity, Number.NaN, 1, -1, 0.75, -2.5, 88, -104];
/** And the ends of float32's range, where nothing is summed: sums that cancel depend on their order. */
const all = [...numbers, 3.4e38, -3.4e38];
const calm = [0.5, -1.25, 2, 0.1, -0.7, 3.5, 1];

/** What draws nothing, solves nothing and has elements that may be any number. */
const families = new Set([
  'elementwise',
  'comparison',
  'reduction',
  'scan',
  'sorting',
  'activation',
  'normalization',
  'pooling',
  'loss',
  'shape',
  'indexing',
  'joining',
]);

const flatten = (result: unknown): g.Tensor[] =>
  result instanceof g.Tensor
    ? [result]
    : typeof result === 'object' && result !== null
      ? Object.values(result).flatMap(flatten)
      : [];

/** The arguments of a sample, its floating tensors filled by `next`; what it refuses is told by the error's message. */
function outcome(
  { call, samples }: RegisteredOp,
  at: number,
  dtype: g.DType,
  next: (i: number) => number,
): (number | string)[] {
  const { args } = makeSample(samples()[at], 3);
  let i = 0;
  const fill = (value: unknown): unknown =>
    value instanceof g.Tensor
      ? value.isFloating
        ? g
            .tensor(
              Array.from({ length: value.size }, () => next(i++)),
              { dtype },
            )
            .reshape(value.shape)
        : value
      : Array.isArray(value)
        ? value.map(fill)
        : value;
  try {
    return flatten(call(...args.map(fill))).flatMap((t) => [...values(t)]);
  } catch (error) {
    return [(error as Error).message];
  }
}

/** `near`: how far from 0 errors count by themselves. */
const same = (a: number | string, e: number | string, dtype: g.DType, near: number): boolean => {
  if (Object.is(a, e)) return true;
  if (typeof a === 'string' || typeof e === 'string') return false;
  const digits = dtype === 'float32' ? 1e-4 : 1e-10;
  // Where float32 ends, what was added in another order may lie on the other side.
  const beyond = (x: number): boolean => Math.abs(x) > (dtype === 'float32' ? 1e38 : 1e308);
  return Math.abs(a - e) <= digits * (Math.abs(e) + near) || (beyond(a) && beyond(e) && a * e > 0);
};

const operations = [...g.operations().values()].filter(
  ({ family, samples }) => families.has(family) && samples().length > 0,
);

describe.each(here)('NaN, infinities, zeros and denormals on %s are as in the reference', (isa) => {
  beforeAll(() => void useNativeEngine(isa));
  afterAll(() => void useNativeEngine());

  test.each(operations)('$name', (operation) => {
    const special = /elementwise|comparison|sorting/.test(operation.family) ? all : numbers;
    const wrong: string[] = [];
    // What is left of numbers when their mean is taken away is as exact as they are.
    const near = operation.family === 'normalization' ? 1 : 1e-37;
    for (const dtype of ['float32', 'float64'] as const)
      for (let at = 0; at < operation.samples().length; at++)
        for (let shift = 0; shift < special.length; shift += 3)
          for (const every of [1, 5]) {
            const next = (i: number): number =>
              (i + shift) % every === 0 ? special[(i * 7 + shift) % special.length] : calm[i % calm.length];
            useReferenceEngine();
            g.manualSeed(1);
            const expected = outcome(operation, at, dtype, next);
            useNativeEngine(isa);
            g.manualSeed(1);
            const actual = outcome(operation, at, dtype, next);
            const place = expected.findIndex((e, i) => !same(actual[i], e, dtype, near));
            if (place >= 0 || actual.length !== expected.length)
              wrong.push(
                `${dtype} sample ${at} shift ${shift}/${every}: ${actual[place]} instead of ${expected[place]} at ${place}`,
              );
          }
    expect(wrong).toEqual([]);
  });
});
