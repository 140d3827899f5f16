import { expect, test } from 'vitest';
import { arange, ones, Tensor, tensor } from '../index.ts';

const x = arange(6, { dtype: 'float32' }).reshape(2, 3);

test('sizes can be written one by one or as a list in methods', () => {
  for (const y of [x.view(3, -1), x.view([3, -1]), x.reshape(3, 2)]) expect(y.shape).toEqual([3, 2]);
  expect(x.permute(1, 0).shape).toEqual([3, 2]);
  expect(x.expand(4, -1, -1).shape).toEqual([4, 2, 3]);
  expect(x.repeat(2, 1).shape).toEqual([4, 3]);
  expect(x.flip(1).toArray()).toEqual([
    [2, 1, 0],
    [5, 4, 3],
  ]);
});

test('T reverses the dimensions, mT exchanges the last two', () => {
  expect(x.T.toArray()).toEqual([
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
  expect(ones(2, 3, 4).T.shape).toEqual([4, 3, 2]);
  expect(ones(2, 3, 4).mT.shape).toEqual([2, 4, 3]);
  expect(() => ones(3).mT).toThrow(/mT: \(3,\) is no matrix/);
});

test('data is the memory of a row-major tensor, and a row-major copy of any other', () => {
  expect(x.data).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
  expect(x.T.data).toEqual(Float32Array.of(0, 3, 1, 4, 2, 5));
  expect(x.at(1).data).toEqual(Float32Array.of(3, 4, 5));
  const y = ones(2);
  y.data[1] = 7;
  expect(y.toArray()).toEqual([1, 7]);
  expect(tensor([true, false]).data).toEqual(Uint8Array.of(1, 0));
});

test('a tensor is iterated over its first dimension, with gradients', () => {
  expect([...x].map((row) => row.toArray())).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
  const w = ones(2, { requiresGrad: true });
  const [a, b] = w;
  a.mul(2).add(b.mul(3)).backward();
  expect(w.grad!.toArray()).toEqual([2, 3]);
  expect(() => [...tensor(1)]).toThrow(/cannot be iterated/);
});

test('conversions keep values, and the tensor itself when the dtype is right already', () => {
  expect(tensor([1.9, -1.9]).int().toArray()).toEqual([1, -1]);
  expect(tensor([0, 2]).bool().toArray()).toEqual([false, true]);
  expect(x.float()).toBe(x);
  expect(x.double().dtype).toBe('float64');
  expect(x.byte().typeAs(x).dtype).toBe('float32');
  expect(x.type()).toBe('float32');
});

test('what a tensor tells of itself', () => {
  expect([x.numel(), x.dim(), x.elementSize(), x.stride(0)]).toEqual([6, 2, 4, 3]);
  expect(x.stride()).toEqual([3, 1]);
  expect(x.isSameSize(ones(2, 3)) && !x.isSameSize(ones(3, 2))).toBe(true);
  expect(x.equal(x.clone()) && x.allclose(x.add(1e-9))).toBe(true);
  expect(x.viewAs(ones(6)).shape).toEqual([6]);
  expect(ones(3).expandAs(x).shape).toEqual([2, 3]);
  expect(ones(2, 3).sumToSize([1, 3]).toArray()).toEqual([[2, 2, 2]]);
  expect(x.newZeros([2], { dtype: 'int32' }).dtype).toBe('int32');
  expect(x.where(x.gt(2), -1).toArray()).toEqual([
    [-1, -1, -1],
    [3, 4, 5],
  ]);
  expect(x instanceof Tensor && x.tolist()).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
});

test('other names are the same operations', () => {
  expect(x.multiply(2).subtract(1).clip(0, 3).absolute().toArray()).toEqual([
    [0, 1, 3],
    [3, 3, 3],
  ]);
  expect(ones(2).mul(-2).absolute_().toArray()).toEqual([2, 2]);
});
