import { describe, expect, test } from 'vitest';
import { grad, inferenceMode, noGrad, ones, operations, Tensor, tensor, zeros } from '../index.ts';
import { makeSample } from './samples.ts';

const variants = [...operations().values()].filter(
  ({ name, differentiable }) =>
    name.endsWith('_') && String(differentiable).includes('its gradient is that of'),
);

describe('in-place variants give what the operation gives, in the same memory, with the same gradients', () => {
  test.each(variants.map(({ name }) => name))('%s', (name) => {
    const inPlace = operations().get(name)!.call;
    const plain = operations().get(name.slice(0, -1))!;
    for (const [i, sample] of plain.samples().entries()) {
      const make = (): { args: unknown[]; leaves: Tensor[] } => makeSample(sample, 11 + i);
      const a = make();
      if (!(a.args[0] instanceof Tensor)) continue;
      const expected = plain.call(...a.args) as Tensor;
      if (String(expected.shape) !== String(a.args[0].shape)) continue;
      const b = make();
      const [first, ...rest] = b.args as [Tensor, ...unknown[]];
      const target = first.isFloating ? first.mul(1) : first.clone();
      const { storage, version } = { storage: target.storage, version: target.storage.version };
      const result = inPlace(target, ...rest) as Tensor;
      expect(result).toBe(target);
      expect(result.storage).toBe(storage);
      expect(storage.version).toBeGreaterThan(version);
      expect(result.detach().toArray()).toEqual(expected.to(result.dtype).detach().toArray());
      if (expected.requiresGrad) {
        const ours = grad(result.sum(), b.leaves, { allowUnused: true });
        const theirs = grad(expected.sum(), a.leaves, { allowUnused: true });
        expect(ours.map((g) => g?.toArray() ?? null)).toEqual(theirs.map((g) => g?.toArray() ?? null));
      }
      noGrad(() => {
        const c = make();
        const direct = (c.args[0] as Tensor).clone();
        inPlace(direct, ...c.args.slice(1));
        expect(direct.toArray()).toEqual(result.detach().toArray());
      });
    }
  });
});

test('writing through a view changes the graph of its base: y[:2] *= 3 gives 3, 3, 1', () => {
  const x = ones(3, { requiresGrad: true });
  const y = x.mul(1);
  y.narrow(0, 0, 2).mul_(3);
  y.sum().backward();
  expect(x.grad!.toArray()).toEqual([3, 3, 1]);
});

test('writing to a base is seen by its views, values and gradients', () => {
  const x = ones(3, { requiresGrad: true });
  const y = x.mul(2);
  const view = y.narrow(0, 1, 2);
  y.mul_(5);
  view.sum().backward();
  expect(view.toArray()).toEqual([10, 10]);
  expect(x.grad!.toArray()).toEqual([0, 10, 10]);
});

test('leaves that require grad, and views of them, refuse to be written, except without recording', () => {
  const x = ones(3, { requiresGrad: true });
  expect(() => x.add_(1)).toThrow(
    'add_: a leaf Variable that requires grad is being used in an in-place operation. Use noGrad(), or clone() first',
  );
  expect(() => x.at(0).add_(1)).toThrow(/add_: a view of a leaf Variable/);
  noGrad(() => x.at(0).add_(1));
  expect(x.toArray()).toEqual([2, 1, 1]);
  expect(x.isLeaf).toBe(true);
});

test('a saved value that was changed is noticed by backward, also when changed through detach() or a view', () => {
  for (const change of [
    (y: Tensor) => y.add_(1),
    (y: Tensor) => y.detach().add_(1),
    (y: Tensor) => y.at(0).zero_(),
  ]) {
    const x = ones(2, { requiresGrad: true });
    const y = x.add(1);
    const loss = y.mul(y).sum();
    change(y);
    expect(() => loss.backward()).toThrow(
      /modified by an inplace operation: \[float32 \(2,\)\], saved by mul, is at version 1; expected version 0/,
    );
  }
});

test('an operation that saves nothing of its input does not mind', () => {
  const x = ones(2, { requiresGrad: true });
  const y = x.mul(2);
  const z = y.add(1);
  y.add_(5);
  z.sum().backward();
  expect(x.grad!.toArray()).toEqual([2, 2]);
});

test('what the gradient of an in-place operation needs of the old value is kept: sin_ then pow_', () => {
  const x = ones(1, { dtype: 'float64', requiresGrad: true });
  x.mul(2).sin_().pow_(2).sum().backward();
  expect(x.grad!.item()).toBeCloseTo(2 * 2 * Math.sin(2) * Math.cos(2), 12);
});

test('expanded memory, another shape and a higher dtype are refused', () => {
  expect(() => ones(1, 3).expand([2, 3]).add_(1)).toThrow(
    /more than one element of the written-to tensor \(2, 3\)/,
  );
  expect(() => ones(3).add_(ones(2, 3))).toThrow(/add_: the result \(2, 3\) does not fit the tensor \(3,\)/);
  expect(() => ones(3, { dtype: 'int32' }).add_(1.5)).toThrow(
    /result type float32 can't be cast to .* int32/,
  );
  expect(ones(3, { dtype: 'int32' }).add_(2).toArray()).toEqual([3, 3, 3]);
});

test('operands that overlap the target are read before they are written', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  expect(x.add_(x.t()).toArray()).toEqual([
    [2, 5],
    [5, 8],
  ]);
  const y = tensor([1, 2, 3]);
  y.narrow(0, 1, 2).add_(y.narrow(0, 0, 2));
  expect(y.toArray()).toEqual([1, 3, 5]);
});

test('a view made inside noGrad and written outside is refused, an inference tensor too', () => {
  const y = ones(4, { requiresGrad: true }).mul(1);
  const view = noGrad(() => y.narrow(0, 0, 2));
  expect(() => view.mul_(3)).toThrow(/a view that was made inside noGrad/);
  const plain = ones(4);
  const part = noGrad(() => plain.narrow(0, 0, 2));
  expect(() => part.mul_(ones(2, { requiresGrad: true }))).toThrow(/a view that was made inside noGrad/);
  expect(part.mul_(3).toArray()).toEqual([3, 3]);
  const frozen = inferenceMode(() => ones(2));
  expect(() => frozen.add_(1)).toThrow(/inference tensor/);
  expect(() => frozen.requiresGrad_()).toThrow(/requiresGrad: this tensor was made inside inferenceMode/);
  const usual = inferenceMode(() => plain.narrow(0, 2, 2));
  expect(usual.isInference).toBe(false);
  expect(usual.add_(1).toArray()).toEqual([2, 2]);
});

describe('views that one operation returned together are not written while gradients are recorded', () => {
  const several: Record<string, (y: Tensor) => Tensor> = {
    split: (y) => y.split(2)[0],
    'split with sizes': (y) => y.split([1, 3])[0],
    chunk: (y) => y.chunk(2)[0],
    unbind: (y) => y.unbind()[0],
    iteration: (y) => [...y][0],
    'a view of such a view': (y) => y.unbind(1)[0].narrow(0, 0, 2),
  };
  test.each(Object.entries(several))('%s', (_, first) => {
    const message = /^mul_: this view is one of several that a single operation returned .*: use mul without/;
    const x = ones(4, 2, { requiresGrad: true });
    expect(() => first(x.mul(1)).mul_(3)).toThrow(message);
    expect(() => first(x).mul_(3)).toThrow(message);
    expect(() => first(ones(4, 2)).mul_(first(x))).toThrow(message);
    // Without a gradient there is nothing to go wrong.
    expect(first(ones(4, 2)).mul_(3).sum().item()).toBe(3 * first(x).size);
    noGrad(() => first(x.mul(1)).mul_(3));
  });

  test('tensorSplit, hsplit and vsplit are narrowed one by one, and may be written', () => {
    for (const first of [
      (y: Tensor) => y.tensorSplit(2)[0],
      (y: Tensor) => y.hsplit(2)[0],
      (y: Tensor) => y.vsplit(2)[0],
    ]) {
      const x = ones(4, 2, { requiresGrad: true });
      const y = x.mul(1);
      first(y).mul_(3);
      y.sum().backward();
      expect(x.grad!.sum().item()).toBe(4 * 3 + 4);
    }
  });
});

test('retainGrad and hooks of a tensor that is changed: the kept gradient is of the new value, a hook sees that of the old', () => {
  const x = ones(3, { requiresGrad: true });
  const y = x.mul(1);
  const seen: unknown[] = [];
  y.retainGrad();
  y.registerHook((g) => void seen.push(g.toArray()));
  y.mul_(2);
  y.sum().backward();
  expect(y.grad!.toArray()).toEqual([1, 1, 1]);
  expect(seen).toEqual([[2, 2, 2]]);
  expect(x.grad!.toArray()).toEqual([2, 2, 2]);
});

test('without recording, a tensor keeps its history when it is changed in place', () => {
  const x = ones(2, { requiresGrad: true });
  const y = x.mul(2);
  noGrad(() => y.mul_(5));
  y.sum().backward();
  expect(x.grad!.toArray()).toEqual([2, 2]);
  expect(zeros(2).add_(x).requiresGrad).toBe(true);
});
