import { expect, test } from 'vitest';
import { cdist, clamp, cumprod, type Tensor, tensor, where } from '../index.ts';

const leaf = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });

/** The gradient of the sum of f. */
function slope(values: number[], f: (x: Tensor) => Tensor): unknown {
  const x = leaf(values);
  f(x).sum().backward();
  return x.grad!.toArray();
}

test("relu'(0) and abs'(0) are 0, clamp' at the bounds is 1", () => {
  expect(slope([0], (x) => x.relu())).toEqual([0]);
  expect(slope([0], (x) => x.abs())).toEqual([0]);
  expect(slope([-1, 0, 1, 2], (x) => clamp(x, 0, 1))).toEqual([0, 1, 1, 0]);
});

test("sqrt'(0) and (x^½)'(0) are Infinity; (x⁰)'(0) is 0; a branch that is not taken still gives NaN", () => {
  expect(slope([0], (x) => x.sqrt())).toEqual([Infinity]);
  expect(slope([0], (x) => x.pow(0.5))).toEqual([Infinity]);
  expect(slope([0], (x) => x.pow(0))).toEqual([0]);
  expect(slope([-1, 4], (x) => where(x.gt(0), x.sqrt(), 0))).toEqual([Number.NaN, 0.25]);
});

test('the gradient of a product is exact where factors are 0', () => {
  expect(slope([0, 2, 3], (x) => x.prod())).toEqual([6, 0, 0]);
  expect(slope([2, 0, 0], (x) => x.prod())).toEqual([0, 0, 0]);
  expect(slope([2, 0, 3, 4], (x) => cumprod(x, 0))).toEqual([1, 32, 0, 0]);
});

test('the standard deviation of one element is NaN, and of a constant has gradient 0', () => {
  expect(tensor([1]).std().item()).toBeNaN();
  expect(slope([2, 2, 2], (x) => x.std())).toEqual([0, 0, 0]);
});

test('norms and distances of nothing have the subgradient 0, the written-out square root has NaN', () => {
  expect(slope([0, 0], (x) => x.norm())).toEqual([0, 0]);
  expect(slope([0, 0], (x) => cdist(x.unsqueeze(0), tensor([[0, 0]], { dtype: 'float64' })))).toEqual([0, 0]);
  expect(slope([0, 0], (x) => x.square().sum().sqrt())).toEqual([Number.NaN, Number.NaN]);
});

test('softmax of -Infinity alone is NaN, logsumexp is -Infinity', () => {
  const x = tensor([-Infinity, -Infinity], { dtype: 'float64' });
  expect(x.softmax(0).toArray()).toEqual([Number.NaN, Number.NaN]);
  expect(x.logsumexp(0).item()).toBe(-Infinity);
});

test('halves round to the even number; remainder takes the sign of the divisor, fmod of the dividend', () => {
  expect(tensor([0.5, 1.5, 2.5, -1.5]).round().toArray()).toEqual([0, 2, 2, -2]);
  expect(tensor([1.2345, -1234.5], { dtype: 'float64' }).round({ decimals: -2 }).toArray()).toEqual([
    0, -1200,
  ]);
  expect(
    tensor([-3, 3, -3])
      .remainder(tensor([2, -2, -2]))
      .toArray(),
  ).toEqual([1, -1, -1]);
  expect(tensor([-3, 3]).fmod(2).toArray()).toEqual([-1, 1]);
  expect(tensor([-7, 7]).floorDivide(2).toArray()).toEqual([-4, 3]);
  expect(tensor([-7, 7]).div(2, { roundingMode: 'trunc' }).toArray()).toEqual([-3, 3]);
});

test('integers divide to floating numbers; booleans do not subtract; the mean of integers is refused', () => {
  const whole = tensor([1, 2], { dtype: 'int32' });
  const half = whole.div(tensor([2, 2], { dtype: 'int32' }));
  expect([half.dtype, half.toArray()]).toEqual(['float32', [0.5, 1]]);
  expect(() => tensor([true]).sub(tensor([true]))).toThrow(/bool/);
  expect(() => whole.mean()).toThrow(/int32/);
  expect(tensor([true, true]).sum().dtype).toBe('int32');
});
