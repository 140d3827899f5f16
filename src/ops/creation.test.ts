import { expect, test } from 'vitest';
import {
  arange,
  empty,
  eye,
  fromArray,
  full,
  linspace,
  logspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from '../index.ts';

test('sizes can be written as a list or one by one, with options last', () => {
  for (const made of [zeros([2, 3]), zeros(2, 3), zeros(2, 3, { dtype: 'float64' })])
    expect(made.shape).toEqual([2, 3]);
  expect(zeros([]).shape).toEqual([]);
  expect(ones(2, { requiresGrad: true }).requiresGrad).toBe(true);
  expect(() => zeros(2, -1)).toThrow(/zeros: shape \(2, -1\) has the size -1/);
  expect(() => empty(1.5)).toThrow(/1.5/);
});

test('arange counts as torch.arange: whole numbers stay whole, an end that is not reached is left out', () => {
  expect(arange(5).toArray()).toEqual([0, 1, 2, 3, 4]);
  expect(arange(5).dtype).toBe('int32');
  expect(arange(1, 2.5, 0.5).toArray()).toEqual([1, 1.5, 2]);
  expect(arange(5, 0, -2).toArray()).toEqual([5, 3, 1]);
  expect(arange(3, { dtype: 'float32' }).dtype).toBe('float32');
  expect(arange(2, 2).shape).toEqual([0]);
  expect(() => arange(0, 3, 0)).toThrow(/step is 0/);
  expect(() => arange(0, 3, -1)).toThrow(/leads away/);
  expect(() => arange(Number.NaN)).toThrow(/end is NaN/);
});

test('linspace and logspace include both ends', () => {
  expect(linspace(0, 1, 5).toArray()).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(linspace(3, 10, 1).toArray()).toEqual([3]);
  expect(logspace(0, 3, 4).toArray()).toEqual([1, 10, 100, 1000]);
  expect(logspace(0, 3, 4, { base: 2 }).toArray()).toEqual([1, 2, 4, 8]);
});

test('eye, full and the Like family', () => {
  expect(eye(2, 3).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(full([2], true).dtype).toBe('bool');
  const like = tensor([1, 2], { dtype: 'int32' });
  expect(onesLike(like).dtype).toBe('int32');
  expect(zerosLike(like, { dtype: 'float64' }).dtype).toBe('float64');
});

test('typed arrays keep their dtype, and are copied', () => {
  const source = Float64Array.of(1, 2, 3, 4, 5, 6);
  const made = fromArray(source, [2, 3]);
  source[0] = 9;
  expect(made.dtype).toBe('float64');
  expect(made.toArray()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(tensor(BigInt64Array.of(1n, -2n)).toArray()).toEqual([1, -2]);
  expect(tensor(Int16Array.of(1, -2)).dtype).toBe('int32');
  expect(() => tensor(BigInt64Array.of(2n ** 40n))).toThrow(/does not fit int32/);
  expect(() => fromArray([1, 2], [3])).toThrow(/2 elements do not fill the shape \(3,\)/);
});
