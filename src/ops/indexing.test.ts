import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { arange, type Index, linspace, noGrad, ones, slice, type Tensor, tensor, zeros } from '../index.ts';

interface IndexCase {
  shape: number[];
  index: string;
  outShape: number[];
  out: number[];
  grad: number[];
  set: number[];
  setGradInput: number[];
  setGradValue: number[] | null;
  filled: number[];
}

const cases = JSON.parse(
  readFileSync(new URL('../../test/golden/data/modules/indexing.json', import.meta.url), 'utf8'),
) as IndexCase[];

const evaluate = (index: string): Index[] =>
  new Function('slice', 'tensor', `return [${index}]`)(slice, tensor) as Index[];

/** Row-major, to 12 digits: the weights' last bit differs from PyTorch's. */
const flat = (t: Tensor): number[] => (t.reshape([-1]).toArray() as number[]).map(twelve);
const twelve = (x: number): number => +x.toFixed(12);

const input = (shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return arange(size, { dtype: 'float64' }).mul(0.5).add(1).reshape(shape).clone().requiresGrad_();
};

const weights = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return linspace(0.5, 1.5, size, { dtype: 'float64' }).reshape(shape);
};

describe('reading and writing by index equal PyTorch 2.13, with gradients', () => {
  test.each(cases)('$shape at $index', (golden) => {
    const index = evaluate(golden.index);
    const x = input(golden.shape);
    const y = x.at(...index);
    expect(y.shape).toEqual(golden.outShape);
    expect(flat(y)).toEqual(golden.out);
    y.mul(weights(y.shape)).sum().backward();
    expect(flat(x.grad!)).toEqual(golden.grad.map(twelve));

    const x2 = input(golden.shape);
    const z = x2.mul(1);
    const value = arange(y.size, { dtype: 'float64' }).add(100).reshape(y.shape).clone().requiresGrad_();
    expect(z.setAt(index, value)).toBe(z);
    expect(flat(z)).toEqual(golden.set);
    z.mul(weights(z.shape)).sum().backward();
    expect(flat(x2.grad ?? zeros(x2.shape))).toEqual(golden.setGradInput.map(twelve));
    if (golden.setGradValue)
      expect(flat(value.grad ?? zeros(value.shape))).toEqual(golden.setGradValue.map(twelve));

    expect(flat(input(golden.shape).detach().setAt(index, 7))).toEqual(golden.filled);
  });
});

test('numbers, ranges, null and ... give views: what is written through them is seen in the base', () => {
  const x = zeros(3, 4);
  x.at(1, slice(1, 3)).fill_(5);
  x.at('...', null, 0).copy_(tensor([[1], [2], [3]]));
  expect(x.toArray()).toEqual([
    [1, 0, 0, 0],
    [2, 5, 5, 0],
    [3, 0, 0, 0],
  ]);
});

test('repeated indices: reading adds gradients, writing keeps the last, indexPut_ with accumulate adds up', () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  x.at([0, 0, 1]).sum().backward();
  expect(x.grad!.toArray()).toEqual([2, 1, 0]);
  const index = tensor([0, 0], { dtype: 'int32' });
  expect(zeros(3).setAt([index], zeros(3).at(index).add(1)).toArray()).toEqual([1, 0, 0]);
  expect(
    zeros(3)
      .setAt([[0, 0, 1]], tensor([1, 2, 3]))
      .toArray(),
  ).toEqual([2, 3, 0]);
  expect(
    zeros(3)
      .indexPut_([index], tensor([1, 2]), { accumulate: true })
      .toArray(),
  ).toEqual([3, 0, 0]);
});

test('a value broadcasts, and is converted to the dtype of the tensor', () => {
  expect(
    zeros(2, 3)
      .setAt([0], ones(1, 1, 3))
      .toArray(),
  ).toEqual([
    [1, 1, 1],
    [0, 0, 0],
  ]);
  expect(zeros(2, 2, { dtype: 'int32' }).setAt([':', 1], 2.9).toArray()).toEqual([
    [0, 2],
    [0, 2],
  ]);
});

test('wrong indices and values are refused, with the values and nothing changed', () => {
  const x = zeros(3);
  expect(() => x.at(5)).toThrow('at: index 5 is out of bounds for dimension 0 with size 3');
  expect(() => x.at([1, -4])).toThrow('at: index -4 is out of bounds for dimension 0 with size 3');
  expect(() => x.at(0, 0)).toThrow('at: too many indices: 2 for the 1 dimensions of (3,)');
  expect(() => x.at([true, false])).toThrow(/mask \(2,\) does not fit \(3,\): sizes 2 and 3/);
  expect(() => x.at(slice(null, null, -1))).toThrow(/step -1/);
  expect(() => x.at(0.5)).toThrow(/index 0.5/);
  expect(() => x.at(tensor([1]))).toThrow(/index tensor is float32: use int32/);
  expect(() => zeros(3, 3).at([0, 1], [0, 1, 2])).toThrow(/index shapes \(2,\), \(3,\) do not broadcast/);
  expect(() => x.setAt([slice(0, 2)], ones(3))).toThrow(/values of shape \(3,\) do not broadcast to \(2,\)/);
  expect(() => x.setAt([[0, 1]], ones(3))).toThrow(/values of shape \(3,\) do not broadcast to \(2,\)/);
  expect(() => x.at('...', '...')).toThrow(/only once/);
  expect(() => x.at({} as never)).toThrow(/is no index/);
  expect(x.toArray()).toEqual([0, 0, 0]);
});

test('a leaf that requires grad, its views and expanded tensors refuse to be written', () => {
  const leaf = ones(3, { requiresGrad: true });
  expect(() => leaf.setAt([0], 1)).toThrow(/a view of a leaf Variable that requires grad/);
  expect(() => leaf.setAt([[0]], 1)).toThrow(/a leaf Variable that requires grad/);
  expect(() =>
    ones(1, 3)
      .expand([2, 3])
      .setAt([0, [0, 1]], 1),
  ).not.toThrow();
  expect(() =>
    ones(1, 3)
      .expand([2, 3])
      .setAt([[0]], 1),
  ).toThrow(/is expanded/);
  noGrad(() => leaf.setAt([0], 4));
  expect(leaf.toArray()).toEqual([4, 1, 1]);
  expect(leaf.isLeaf).toBe(true);
});

test('the second derivative through indexing: d/dx sum(x[i]^3) twice is 6 x, counted as often as it is read', () => {
  const x = tensor([1, 2, 3], { dtype: 'float64', requiresGrad: true });
  const y = x.at([0, 2, 2]);
  y.mul(y).mul(y).sum().backward(null, { createGraph: true });
  const first = x.grad!;
  x.grad = null;
  first.sum().backward();
  expect(x.grad!.toArray()).toEqual([6, 0, 36]);
});
