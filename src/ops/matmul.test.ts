import { expect, test } from 'vitest';
import { einsum, rand, type Tensor } from '../index.ts';

/** Sums of products, one by one. */
function byHand(a: Tensor, b: Tensor): number[][] {
  const [x, y] = [a.toArray() as number[][], b.toArray() as number[][]];
  return x.map((row) => y[0].map((_, j) => row.reduce((total, value, k) => total + value * y[k][j], 0)));
}

test.each([
  [1, 1, 1],
  [2, 3, 4],
  [3, 5, 2],
  [5, 7, 513],
  [3, 131, 6],
  [259, 9, 3],
  [7, 260, 520],
])('blocks of every raggedness: (%i, %i) x (%i) columns, any strides', (rows, inner, columns) => {
  const a = rand([rows, inner], { dtype: 'float64' }).sub(0.5);
  const b = rand([inner, columns], { dtype: 'float64' }).sub(0.5);
  const expected = byHand(a, b);
  for (const left of [a, a.t().clone().t()])
    for (const right of [b, b.t().clone().t()]) {
      const product = left.matmul(right).toArray() as number[][];
      const errors = product.flatMap((row, i) => row.map((value, j) => Math.abs(value - expected[i][j])));
      expect(Math.max(...errors)).toBeLessThan(1e-12 * inner);
    }
});

test('a row does not depend on the others that are computed with it', () => {
  const [a, b] = [rand([9, 37]), rand([37, 11])];
  const whole = a.matmul(b);
  for (let i = 0; i < 9; i++)
    expect(a.narrow(0, i, 1).matmul(b).toArray()).toEqual(whole.narrow(0, i, 1).toArray());
});

test('an infinity meets only its own row and column', () => {
  const a = rand([3, 5]);
  const b = rand([5, 4]);
  a.select(0, 1).select(0, 2).fill_(Infinity);
  const product = a.matmul(b).toArray() as number[][];
  expect(product.map((row) => row.every(Number.isFinite))).toEqual([true, false, true]);
  expect(product[1]).toEqual([Infinity, Infinity, Infinity, Infinity]);
  expect(einsum('ij,jk->ik', a, b).toArray()).toEqual(product);
});
