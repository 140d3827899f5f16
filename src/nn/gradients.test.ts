import { expect, test } from 'vitest';
import { nn, ones, tensor } from '../index.ts';

const withGrad = (values: number[]): nn.Parameter => {
  const parameter = new nn.Parameter(ones([values.length], { dtype: 'float64' }));
  parameter.grad = tensor(values, { dtype: 'float64' });
  return parameter;
};

// PyTorch's values.
test('clipping by norm gives back the norm before, and leaves short gradients alone', () => {
  const [a, b, none] = [withGrad([3]), withGrad([4]), new nn.Parameter(ones([2]))];
  expect(nn.utils.clipGradNorm_([a, b, none], 1).item()).toBe(5);
  expect(a.grad!.item()).toBeCloseTo(0.599999880000024, 14);
  expect(b.grad!.item()).toBeCloseTo(0.799999840000032, 14);
  expect(nn.utils.clipGradNorm_([a, b], 7, { normType: Infinity }).item()).toBeCloseTo(0.79999984, 8);
  expect(a.grad!.item()).toBeCloseTo(0.599999880000024, 14);
});

test('an infinite gradient becomes NaN and the others 0; NaN makes all NaN; or an error if asked for', () => {
  const [a, b] = [withGrad([Infinity]), withGrad([4])];
  expect(() => nn.utils.clipGradNorm_([a, b], 1, { errorIfNonfinite: true })).toThrow(
    /total norm of order 2 is Infinity/,
  );
  nn.utils.clipGradNorm_([a, b], 1);
  expect([a.grad!.item(), b.grad!.item()]).toEqual([Number.NaN, 0]);
  const [c, d] = [withGrad([Number.NaN]), withGrad([4])];
  nn.utils.clipGradNorm_([c, d], 1);
  expect([c.grad!.item(), d.grad!.item()]).toEqual([Number.NaN, Number.NaN]);
});

test('clipping by value; parameters as one vector and back', () => {
  const a = withGrad([-3, 0.5, 9]);
  nn.utils.clipGradValue_(a, 1);
  expect(a.grad!.toArray()).toEqual([-1, 0.5, 1]);
  const layer = new nn.Linear(2, 1);
  nn.utils.vectorToParameters(tensor([1, 2, 3]), layer.parameters());
  expect(layer.weight.toArray()).toEqual([[1, 2]]);
  expect(nn.utils.parametersToVector(layer.parameters()).toArray()).toEqual([1, 2, 3]);
  expect(() => nn.utils.vectorToParameters(ones([2]), layer.parameters())).toThrow(/\(2,\) should be \(3,\)/);
});
