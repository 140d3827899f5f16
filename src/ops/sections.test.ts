import { expect, test } from 'vitest';
import {
  aminmax,
  arange,
  copysign,
  dsplit,
  hsplit,
  inner,
  isneginf,
  isposinf,
  ones,
  selectScatter,
  signbit,
  sliceScatter,
  tensor,
  vdot,
  vsplit,
  zeros,
} from '../index.ts';

test('hsplit, vsplit and dsplit cut along dimension 1, 0 and 2', () => {
  const x = arange(16).reshape(2, 4, 2);
  expect(hsplit(x, 2).map((p) => p.shape)).toEqual([
    [2, 2, 2],
    [2, 2, 2],
  ]);
  expect(vsplit(x, [1]).map((p) => p.shape)).toEqual([
    [1, 4, 2],
    [1, 4, 2],
  ]);
  expect(dsplit(x, 2)[1].toArray()).toEqual([
    [[1], [3], [5], [7]],
    [[9], [11], [13], [15]],
  ]);
  expect(hsplit(arange(4), 2)[1].toArray()).toEqual([2, 3]);
  expect(() => vsplit(ones(3), 1)).toThrow(/vsplit: \(3,\) needs at least 2 dimensions/);
  expect(() => hsplit(ones(2, 3), 2)).toThrow(/2 sections do not divide dimension 1 of size 3/);
});

test('selectScatter and sliceScatter write into a copy', () => {
  const x = zeros(3, 2);
  expect(selectScatter(x, ones(2), 0, -1).toArray()).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ]);
  expect(sliceScatter(x, ones(2, 2), 0, 0, 3, 2).toArray()).toEqual([
    [1, 1],
    [0, 0],
    [1, 1],
  ]);
  expect(x.toArray()).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
});

test('inner sums over the last dimensions', () => {
  expect(inner(tensor([1, 2]), tensor([3, 4])).item()).toBe(11);
  expect(
    inner(
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([
        [1, 0],
        [1, 1],
      ]),
    ).toArray(),
  ).toEqual([
    [1, 3],
    [3, 7],
  ]);
  expect(vdot(tensor([1, 2]), tensor([3, 4])).item()).toBe(11);
  expect(() => inner(ones(2), ones(3))).toThrow(/inner: \(2,\) and \(3,\): the last sizes 2 and 3 differ/);
});

test('signs of zeros and infinities, and both extremes', () => {
  const x = tensor([0, -0, -2, Infinity, -Infinity]);
  expect(signbit(x).toArray()).toEqual([false, true, true, false, true]);
  expect(isposinf(x).toArray()).toEqual([false, false, false, true, false]);
  expect(isneginf(x).toArray()).toEqual([false, false, false, false, true]);
  expect(copysign(tensor([1, -2]), tensor([-0, 3])).toArray()).toEqual([-1, 2]);
  const [low, high] = aminmax(
    tensor([
      [3, 1],
      [2, 5],
    ]),
    { dim: 1 },
  );
  expect([low.toArray(), high.toArray()]).toEqual([
    [1, 2],
    [3, 5],
  ]);
});
