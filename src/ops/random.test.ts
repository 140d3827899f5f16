import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as gradbook from '../index.ts';
import { empty, Generator, manualSeed, noGrad, ones, rand, randn, type Tensor, tensor } from '../index.ts';

interface Draw {
  seed: number;
  call: string;
  shape: number[];
  dtype: string;
  values: (number | boolean)[];
  after: number;
}

const file = new URL('../../test/golden/data/modules/random.jsonl.gz', import.meta.url);
const draws = gunzipSync(readFileSync(file))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Draw);

/** Runs a call as the golden file writes it, with the library's exports in scope. */
function evaluate(call: string): Tensor {
  const names = Object.keys(gradbook).filter((name) => name !== 'var');
  const values = names.map((name) => (gradbook as Record<string, unknown>)[name]);
  return new Function(...names, `return ${call}`)(...values) as Tensor;
}

const calls = [...new Set(draws.map(({ call }) => call))];

describe('equal seeds give the streams of PyTorch 2.13 on CPU', () => {
  test.each(calls)('%s', (call) => {
    for (const { seed, shape, values, after } of draws.filter((draw) => draw.call === call)) {
      manualSeed(seed);
      const drawn = evaluate(call);
      expect(drawn.shape).toEqual(shape);
      const ours = [drawn.toArray()].flat(9).map(Number);
      // Box and Muller's logarithms and cosines differ in the last bit between mathematical libraries.
      if (/randn|normal\(2/.test(call))
        ours.forEach((value, i) => void expect(value).toBeCloseTo(Number(values[i]), 6));
      else expect(ours).toEqual(values.map(Number));
      expect(rand(1).item(), 'the generator is at the same place afterwards').toBe(after);
    }
  });
});

test('a generator of its own does not move the default one, and its state can be put back', () => {
  manualSeed(5);
  const expected = rand(2).toArray();
  manualSeed(5);
  const own = new Generator(1);
  const state = own.getState();
  const first = rand(3, { generator: own }).toArray();
  expect(rand(2).toArray()).toEqual(expected);
  own.setState(state);
  const copy = own.clone();
  expect(rand(3, { generator: own }).toArray()).toEqual(first);
  expect(rand(3, { generator: copy }).toArray()).toEqual(first);
});

test('filling ends the history of a tensor, counts as a change, and is refused on a leaf', () => {
  const x = ones(3, { requiresGrad: true });
  const y = x.mul(x);
  const loss = y.mul(y).sum();
  y.uniform_();
  expect(() => loss.backward()).toThrow(/modified by an inplace operation/);
  expect(y.requiresGrad).toBe(false);
  expect(() => x.normal_()).toThrow(/normal_: a leaf Variable that requires grad/);
  noGrad(() => x.normal_());
  expect(x.isLeaf && x.requiresGrad).toBe(true);
});

test('wrong arguments are refused before anything is drawn', () => {
  manualSeed(0);
  expect(() => randn(2, { dtype: 'int32' })).toThrow(/randn: draws real numbers, but the dtype is int32/);
  expect(() => empty(2).uniform_(3, 1)).toThrow(/uniform_: low 3 is above high 1/);
  expect(() => empty(2).normal_(0, -1)).toThrow(/normal_: standard deviation -1/);
  expect(() => empty(2).bernoulli_(1.5)).toThrow(/probability 1.5/);
  expect(() => gradbook.randint(3, 3, [2])).toThrow(/low must be below high/);
  expect(() => gradbook.multinomial(tensor([1, 0]), 2)).toThrow(/only 1 of 2 weights/);
  expect(() => gradbook.multinomial(tensor([1, Number.NaN]), 1)).toThrow(/weight NaN at 1/);
  expect(() => manualSeed(0.5)).toThrow(/seed 0.5/);
  expect(rand(1).item()).toBeCloseTo(0.4963, 4);
});
