import { expect, test } from 'vitest';
import {
  bincount,
  bucketize,
  histc,
  median,
  nanmedian,
  quantile,
  rand,
  searchsorted,
  sort,
  tensor,
  topk,
  unique,
  uniqueConsecutive,
} from '../index.ts';

const f64 = { dtype: 'float64' } as const;
const { NaN: nan } = Number;

test('sorting is stable both ways, and NaN counts as the greatest', () => {
  const x = tensor([2, 1, 2, 1, 3]);
  expect(sort(x)[1].toArray()).toEqual([1, 3, 0, 2, 4]);
  expect(sort(x, 0, true)[1].toArray()).toEqual([4, 0, 2, 1, 3]);
  const y = tensor([1, nan, 3, 4], f64);
  expect(sort(y)[0].toArray()).toEqual([1, 3, 4, nan]);
  expect(sort(y, -1, true).map((t) => t.toArray())).toEqual([
    [nan, 4, 3, 1],
    [1, 3, 2, 0],
  ]);
  expect(topk(y, 2).map((t) => t.toArray())).toEqual([
    [nan, 4],
    [1, 3],
  ]);
  expect(y.kthvalue(3).map((t) => t.item())).toEqual([4, 3]);
});

test('long lanes are sorted like their values alone', () => {
  const x = rand([5, 1000]);
  const [values, indices] = sort(x, 1);
  for (let row = 0; row < 5; row++) {
    const line = x.select(0, row).toArray() as number[];
    expect(values.select(0, row).toArray()).toEqual([...line].sort((a, b) => a - b));
    expect((indices.select(0, row).toArray() as number[]).map((i) => line[i])).toEqual(
      values.select(0, row).toArray(),
    );
  }
});

test('the median is the lower of the two in the middle, NaN if there is one', () => {
  expect(median(tensor([1, 2, 3, 4])).item()).toBe(2);
  expect(median(tensor([4, 1, 3, 2]), 0).map((t) => t.item())).toEqual([2, 3]);
  const y = tensor([1, nan, 3, 4], f64);
  expect(median(y).item()).toBeNaN();
  expect(median(y, 0)[1].item()).toBe(1);
  expect(nanmedian(y, 0).map((t) => t.item())).toEqual([3, 2]);
});

test('quantiles interpolate in five ways', () => {
  const x = tensor([1, 2, 3, 4], f64);
  expect(quantile(x, [0.25, 0.5, 0.9]).toArray()).toEqual([1.75, 2.5, 3.7]);
  const at = (interpolation: 'lower' | 'higher' | 'midpoint' | 'nearest') =>
    quantile(x, 0.4, null, { interpolation }).item();
  expect([at('lower'), at('higher'), at('midpoint'), at('nearest')]).toEqual([2, 3, 2.5, 2]);
  expect(() => quantile(x, 1.5)).toThrow(/quantile: q 1.5 must lie in \[0, 1\]/);
});

test('different values, with what was asked for besides', () => {
  const [values, inverse, counts] = unique(tensor([2, 1, 2, 1, 3]), {
    returnInverse: true,
    returnCounts: true,
  });
  expect([values.toArray(), inverse.toArray(), counts.toArray()]).toEqual([
    [1, 2, 3],
    [1, 0, 1, 0, 2],
    [2, 2, 1],
  ]);
  expect(uniqueConsecutive(tensor([1, 1, 2, 2, 1])).toArray()).toEqual([1, 2, 1]);
});

test('searching puts values before equal ones, or after them', () => {
  const sequence = tensor([1, 2, 2, 3]);
  const values = tensor([2, 0, 4]);
  expect(searchsorted(sequence, values).toArray()).toEqual([1, 0, 4]);
  expect(searchsorted(sequence, values, { right: true }).toArray()).toEqual([3, 0, 4]);
  expect(bucketize(values, sequence, { right: true }).toArray()).toEqual([3, 0, 4]);
});

test('counts by bin and by number', () => {
  expect(histc(tensor([1, 2, 1, 4]), 4, 0, 3).toArray()).toEqual([0, 2, 1, 0]);
  const numbers = tensor([0, 2, 2], { dtype: 'int32' });
  expect(bincount(numbers).toArray()).toEqual([1, 0, 2]);
  expect(bincount(numbers, tensor([0.5, 1, 2]), 5).toArray()).toEqual([0.5, 0, 3, 0, 0]);
});

test('what cannot be sorted or counted is refused by name', () => {
  expect(() => topk(tensor([1, 2]), 3)).toThrow(/topk: k 3 is out of range for dimension -1 of size 2/);
  expect(() => tensor([1, 2]).kthvalue(0)).toThrow(/kthvalue: k 0 .* counts from 1/);
  expect(() => bincount(tensor([1.5]))).toThrow(/bincount: needs a vector of whole numbers/);
  expect(() => searchsorted(tensor([1, 2]), 1, { side: 'left', right: true })).toThrow(/contradicts/);
});
