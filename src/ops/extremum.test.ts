import { expect, test } from 'vitest';
import { argmax, argmin, max, min, tensor } from '../index.ts';

const f64 = { dtype: 'float64' } as const;

test('NaN wins, and of equal elements the first: values and indices along a dimension', () => {
  const x = tensor(
    [
      [1, 3, 3],
      [Number.NaN, 2, 5],
    ],
    f64,
  );
  const [values, indices] = x.max(1);
  expect(values.toArray()).toEqual([3, Number.NaN]);
  expect(indices.toArray()).toEqual([1, 0]);
  expect(x.min(1)[1].toArray()).toEqual([0, 0]);
  expect(argmax(x).item()).toBe(3);
  expect(argmin(tensor([2, 1, 1])).item()).toBe(1);
});

test('the gradient of a tie is shared by max(), and goes to the first by max(dim)', () => {
  const x = tensor([3, 3, 1], { ...f64, requiresGrad: true });
  max(x).backward();
  expect(x.grad!.toArray()).toEqual([0.5, 0.5, 0]);
  x.grad = null;
  max(x, 0)[0].backward();
  expect(x.grad!.toArray()).toEqual([1, 0, 0]);
});

test('of two tensors max is the maximum, and a tie shares the gradient', () => {
  const x = tensor([1, 2], { ...f64, requiresGrad: true });
  const y = tensor([1, 1], { ...f64, requiresGrad: true });
  max(x, y).sum().backward();
  expect([x.grad!.toArray(), y.grad!.toArray()]).toEqual([
    [0.5, 1],
    [0.5, 0],
  ]);
});

test('nothing to compare is an error', () => {
  expect(() => max(tensor([]))).toThrow(/amax: dimension of size 0/);
  expect(() => min(tensor([[]]), 1)).toThrow(/min: dimension 1 of \(1, 0\) has size 0/);
  expect(() => argmax(tensor([1]), 1)).toThrow(/argmax: dimension 1 is out of range/);
});
