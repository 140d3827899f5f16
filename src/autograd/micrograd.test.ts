import { expect, test } from 'vitest';
import { relu, tensor } from '../index.ts';

test("the example of micrograd's README: g = 24.7041, dg/da = 138.8338, dg/db = 645.5773", () => {
  const a = tensor(-4, { dtype: 'float64', requiresGrad: true });
  const b = tensor(2, { dtype: 'float64', requiresGrad: true });
  let c = a.add(b);
  let d = a.mul(b).add(b.pow(3));
  c = c.add(c.add(1));
  c = c.add(c.add(1).sub(a));
  d = d.add(d.mul(2)).add(relu(b.add(a)));
  d = d.add(d.mul(3)).add(relu(b.sub(a)));
  const f = c.sub(d).pow(2);
  const g = f.div(2).add(f.reciprocal().mul(10));
  g.backward();
  expect([g.item(), a.grad!.item(), b.grad!.item()].map((x) => x.toFixed(4))).toEqual([
    '24.7041',
    '138.8338',
    '645.5773',
  ]);
});
