import { expect, test } from 'vitest';
import { type DType, rand, sliceDim, type Tensor, tensor, where } from '../index.ts';

const layouts: [string, (x: Tensor) => Tensor][] = [
  ['row-major', (x) => x],
  ['transposed', (x) => x.t()],
  ['every second column', (x) => sliceDim(x, 1, 0, null, 2)],
  ['one row for all', (x) => x.narrow(0, 0, 1).expand([90, 90])],
  ['one column for all', (x) => x.narrow(1, 0, 1).expand([90, 90])],
  ['one number', (x) => x.narrow(1, 0, 1).narrow(0, 0, 1).expand([90, 90])],
];

test.each(['float32', 'float64', 'int32'] as DType[])(
  'the loop that is compiled after some work gives what the general loop gave: %s',
  (dtype) => {
    const x = rand([90, 90]).mul(10).sub(5).to(dtype);
    const y = rand([90, 90]).mul(10).add(1).to(dtype);
    for (const [layout, view] of layouts)
      for (const f of [
        (t: Tensor) => t.neg(),
        (t: Tensor) => t.add(view(y)),
        (t: Tensor) => t.maximum(3),
        (t: Tensor) => where(t.gt(0), t, view(y)),
      ]) {
        const first = f(view(x));
        for (let again = 0; again < 3; again++)
          expect([layout, f(view(x)).toArray()]).toEqual([layout, first.toArray()]);
      }
  },
);

test('a number for each element: known values after many calls', () => {
  const x = tensor([-2, -0.5, 0, 1.5], { dtype: 'float64' });
  for (let i = 0; i < 3000; i++) x.abs();
  expect(x.abs().toArray()).toEqual([2, 0.5, 0, 1.5]);
});
