import { expect, test } from 'vitest';
import { add, grad, mul, ones, tensor } from '../index.ts';

test('broadcast operands get gradients summed to their shapes: a(2,1,3) * b(4,1)', () => {
  const a = ones([2, 1, 3], { requiresGrad: true });
  const b = ones([4, 1], { requiresGrad: true });
  mul(a, b).sum().backward();
  expect(a.grad!.toArray()).toEqual([[[4, 4, 4]], [[4, 4, 4]]]);
  expect(b.grad!.toArray()).toEqual([[6], [6], [6], [6]]);
});

test('the third derivative of x^3 is 6', () => {
  const x = tensor(2, { dtype: 'float64', requiresGrad: true });
  const y = mul(mul(x, x), x);
  const [d1] = grad(y, x, { createGraph: true });
  const [d2] = grad(d1, x, { createGraph: true });
  const [d3] = grad(d2, x);
  expect([d1.item(), d2.item(), d3.item()]).toEqual([12, 12, 6]);
});

test('a chain of 100,000 nodes needs no deep stack', () => {
  const x = tensor(1, { requiresGrad: true });
  let y = x;
  for (let i = 0; i < 100_000; i++) y = add(y, 1);
  y.backward();
  expect(x.grad!.item()).toBe(1);
});

test('a second backward through a released graph is refused, and retainGraph allows it', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = mul(x, x).sum();
  y.backward(null, { retainGraph: true });
  y.backward();
  expect(x.grad!.toArray()).toEqual([4, 8]);
  expect(() => y.backward()).toThrow(/second time/);
});
