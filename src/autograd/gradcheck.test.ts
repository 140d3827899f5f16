import { describe, expect, test } from 'vitest';
import { eye, gradcheck, gradgradcheck, linalg, operations, randn, Tensor, tensor } from '../index.ts';
import { makeSample } from './samples.ts';

const f64 = { dtype: 'float64', requiresGrad: true } as const;

test('a right gradient passes, a wrong one is named with its place and both numbers', () => {
  const x = tensor([1, 2, 3], f64);
  expect(gradcheck((t: Tensor) => t.mul(t).sin(), x)).toBe(true);
  expect(gradgradcheck((t: Tensor) => t.mul(t).sin(), x)).toBe(true);
  const wrong = (t: Tensor) => t.detach().mul(t);
  expect(() => gradcheck(wrong, x)).toThrow(
    /derivative of output 0 at \[0\] with respect to input 0 at \[0\] differs: numerical 2\.\d+, analytical 1/,
  );
  expect(gradcheck(wrong, x, { raiseException: false })).toBe(false);
  expect(gradcheck(wrong, x, { raiseException: false, fastMode: true })).toBe(false);
});

test('several inputs and outputs, unused ones among them', () => {
  const [a, b] = [
    tensor([0.5, 1], f64),
    tensor(
      [
        [1, 2],
        [3, 4],
      ],
      f64,
    ),
  ];
  expect(gradcheck((x: Tensor, y: Tensor) => [x.mul(y), y.sum(), x.exp()], [a, b])).toBe(true);
  expect(gradgradcheck((x: Tensor, y: Tensor) => [x.mul(y), y.sum(), x.exp()], [a, b])).toBe(true);
});

test('a second derivative that is cut off is found', () => {
  const x = tensor([1, 2], f64);
  const cut = (t: Tensor): Tensor => t.mul(t).add(t.detach().mul(t).mul(0)).mul(1);
  expect(gradgradcheck(cut, x)).toBe(true);
  expect(() => gradgradcheck((t: Tensor) => t.mul(t.detach()), x)).toThrow(/differs/);
});

test('inputs that cannot be checked are refused', () => {
  expect(() => gradcheck((t: Tensor) => t, tensor([1, 2]))).toThrow(/no input requires grad/);
  expect(() => gradcheck((t: Tensor) => t, tensor([1, 2], { requiresGrad: true }))).toThrow(
    /input 0 is float32/,
  );
});

test('checking does not move the random numbers', () => {
  const x = randn(2, f64);
  expect(gradgradcheck((t: Tensor) => t.exp(), x, { fastMode: true })).toBe(true);
});

/** Operations that are smooth only where an input keeps a form, which moving one element breaks: checked on inputs made of others. */
const symmetric: Readonly<Record<string, (x: Tensor) => unknown>> = {
  'linalg.cholesky': (x) => linalg.cholesky(definite(x)),
  'linalg.eigh': (x) => linalg.eigh(definite(x))[0],
  'linalg.eigvalsh': (x) => linalg.eigvalsh(definite(x)),
};

/** x xᵀ + 1: symmetric and positive definite, with eigenvalues apart. */
const definite = (x: Tensor): Tensor => x.matmul(x.t()).add(eye(3, 3, { dtype: 'float64' }));

const differentiable = [...operations().values()].filter(({ differentiable }) => differentiable === true);

/** The differentiable outputs of a call, whatever it returns them in. */
const tensorsIn = (result: unknown): Tensor[] =>
  result instanceof Tensor
    ? [result]
    : Array.isArray(result)
      ? result.flatMap(tensorsIn)
      : typeof result === 'object' && result !== null
        ? Object.values(result).flatMap(tensorsIn)
        : [];

/** Checks a record's samples: the tensors are the inputs, what they stand in is put together again for each call. */
function checkSamples(
  name: string,
  check: (fn: (...leaves: Tensor[]) => Tensor[], leaves: Tensor[]) => void,
): void {
  const { call, samples } = operations().get(name)!;
  const all = samples();
  expect(all.length, `${name} has no sample`).toBeGreaterThan(0);
  for (const [i, sample] of all.entries()) {
    const { args, leaves } = makeSample(sample, 1 + 7 * i);
    const put = (value: unknown, given: Tensor[]): unknown =>
      value instanceof Tensor
        ? (given[leaves.indexOf(value)] ?? value)
        : Array.isArray(value)
          ? value.map((item) => put(item, given))
          : typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
            ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, put(item, given)]))
            : value;
    check((...given) => tensorsIn(call(...args.map((arg) => put(arg, given)))), leaves);
  }
}

describe('every differentiable operation, on the samples of its record', () => {
  test.each(differentiable.map(({ name }) => name))('%s', (name) => {
    const form = symmetric[name];
    if (form) {
      const x = tensor(
        [
          [1, 0.2, 0.3],
          [0.5, 2, 0.1],
          [0.4, -0.6, 3],
        ],
        f64,
      );
      gradcheck((t: Tensor) => tensorsIn(form(t)), x);
      gradgradcheck((t: Tensor) => tensorsIn(form(t)), x);
      return;
    }
    checkSamples(name, (fn, leaves) => void gradcheck(fn, leaves));
    checkSamples(name, (fn, leaves) => void gradgradcheck(fn, leaves, { fastMode: true }));
  });
});
