import { describe, expect, test } from 'vitest';
import { F, grad, ones, type Tensor, tensor, zeros } from '../../index.ts';

const { NaN: nan } = Number;
const line = (...values: number[]): Tensor => tensor([values], { dtype: 'float64' });
const list = (t: Tensor): unknown => t.reshape([-1]).toArray();
const rounded = (t: Tensor): number[] => (list(t) as number[]).map((v) => Math.round(v * 1000) / 1000);
const grid4 = (): Tensor =>
  tensor(
    Array.from({ length: 16 }, (_, i) => i),
    { dtype: 'float64' },
  ).reshape([1, 1, 4, 4]);
const wave = (shape: number[], phase = 0): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + phase)),
    { dtype: 'float64' },
  ).reshape(shape);

describe('values of PyTorch', () => {
  test('max pooling pads with -∞, not with 0', () => {
    expect(list(F.maxPool1d(line(-1, -1), 3, 1, { padding: 1 }))).toEqual([-1, -1]);
  });

  test('a last window that would start in the padding is dropped in ceil mode', () => {
    const x = line(1, 2, 3, 4);
    expect(F.maxPool1d(x, 2, { stride: 2, padding: 1, ceilMode: true }).shape).toEqual([1, 3]);
    expect(F.maxPool1d(x, 2, { stride: 2, padding: 1 }).shape).toEqual([1, 3]);
  });

  test('of equal ones the first gets the gradient; NaN wins', () => {
    const x = ones([1, 1, 2, 2], { dtype: 'float64', requiresGrad: true });
    F.maxPool2d(x, 2).sum().backward();
    expect(list(x.grad!)).toEqual([1, 0, 0, 0]);
    const [value, index] = F.maxPool1d(line(1, nan, 3, 4), 4, { returnIndices: true });
    expect([value.item(), index.item()]).toEqual([nan, 1]);
  });

  test('indices count in the plane of the input without padding', () => {
    const [, plain] = F.maxPool2d(grid4(), 2, { returnIndices: true });
    expect(list(plain)).toEqual([5, 7, 13, 15]);
    const [, padded] = F.maxPool2d(grid4(), 3, 2, { padding: 1, returnIndices: true });
    expect(list(padded)).toEqual([5, 7, 13, 15]);
  });

  test('windows that overlap add their gradients', () => {
    const x = line(1, 5, 2, 0).requiresGrad_();
    F.maxPool1d(x, 3, 1).sum().backward();
    expect(list(x.grad!)).toEqual([0, 2, 0, 0]);
  });

  test('averages count the padding unless told otherwise', () => {
    const x = line(1, 2, 3, 4, 5);
    expect(list(F.avgPool1d(x, 3, 2, { padding: 1 }))).toEqual([1, 3, 3]);
    expect(list(F.avgPool1d(x, 3, 2, { padding: 1, countIncludePad: false }))).toEqual([1.5, 3, 4.5]);
  });

  test('in ceil mode a window is cut to the padded size before it is counted', () => {
    expect(list(F.avgPool1d(line(1, 2, 3, 4, 5), 2, 2, { ceilMode: true }))).toEqual([1.5, 3.5, 5]);
    const x = line(1, 1, 1, 1);
    expect(rounded(F.avgPool1d(x, 3, 2, { padding: 1, ceilMode: true }))).toEqual([0.667, 1, 0.5]);
    expect(rounded(F.avgPool1d(x, 3, 2, { padding: 1, ceilMode: true, countIncludePad: false }))).toEqual([
      1, 1, 1,
    ]);
  });

  test('a divisor of one’s own', () => {
    expect(F.avgPool2d(ones([1, 1, 2, 2]), 2, { divisorOverride: 3 }).item()).toBeCloseTo(4 / 3, 6);
  });

  test('adaptive windows share out a dimension, overlap, and may repeat', () => {
    expect(list(F.adaptiveAvgPool1d(line(1, 2, 3, 4, 5), 3))).toEqual([1.5, 3, 4.5]);
    expect(list(F.adaptiveAvgPool1d(line(1, 3), 4))).toEqual([1, 1, 3, 3]);
    expect(F.adaptiveAvgPool2d(zeros([2, 3, 7, 5]), [null, 2]).shape).toEqual([2, 3, 7, 2]);
  });

  test('an input without batch and a batch of nothing', () => {
    expect(F.maxPool2d(zeros([3, 4, 4]), 2).shape).toEqual([3, 2, 2]);
    expect(F.maxPool2d(zeros([0, 3, 4, 4]), 2).shape).toEqual([0, 3, 2, 2]);
    expect(F.avgPool3d(zeros([0, 3, 4, 4, 4]), 2).shape).toEqual([0, 3, 2, 2, 2]);
  });

  test('whole numbers have a greatest too', () => {
    const x = tensor([[3, -7, 5, 9]], { dtype: 'int32' });
    expect(list(F.maxPool1d(x, 2))).toEqual([3, 9]);
  });

  test('the stride may stand behind the kernel or among the options', () => {
    const x = wave([1, 2, 7, 6]);
    const behind = F.maxPool2d(x, 3, 2, { padding: 1 });
    expect(list(F.maxPool2d(x, 3, { stride: 2, padding: 1 }))).toEqual(list(behind));
    expect(list(F.maxPool2d(x, 3, null, { padding: 1 }))).toEqual(list(F.maxPool2d(x, 3, { padding: 1 })));
  });

  test('the p-norm of a window', () => {
    expect(list(F.lpPool1d(line(3, 4, 6, 8), 2, 2))).toEqual([5, 10]);
  });

  test('unpooling puts values back, at any size that pools to the input', () => {
    const [values, indices] = F.maxPool1d(line(1, 5, 2, 7, 3), 2, { returnIndices: true });
    expect(list(F.maxUnpool1d(values, indices, 2))).toEqual([0, 5, 0, 7]);
    expect(list(F.maxUnpool1d(values, indices, 2, { outputSize: [1, 5] }))).toEqual([0, 5, 0, 7, 0]);
  });
});

describe('laws', () => {
  const pools: [string, (x: Tensor) => Tensor][] = [
    ['max, overlapping', (x) => F.maxPool2d(x, 3, 1)],
    ['max, padded, dilated', (x) => F.maxPool2d(x, 2, 2, { padding: 1, dilation: 2 })],
    ['max, ceil', (x) => F.maxPool2d(x, 3, 2, { ceilMode: true })],
    ['average over what is there', (x) => F.avgPool2d(x, 3, 2, { padding: 1, countIncludePad: false })],
    ['average, ceil', (x) => F.avgPool2d(x, 2, { ceilMode: true })],
    ['adaptive average', (x) => F.adaptiveAvgPool2d(x, [3, 4])],
    ['adaptive max', (x) => F.adaptiveMaxPool2d(x, 3)],
  ];

  test.each(pools)('sum(dx) = sum(dy): %s', (_, pool) => {
    const x = wave([2, 2, 7, 5]).clone().requiresGrad_();
    const y = pool(x);
    const g = wave([...y.shape], 2);
    const [dx] = grad(y, x, { gradOutputs: g });
    expect(dx.sum().item()).toBeCloseTo(g.sum().item(), 10);
  });

  test.each(pools)('a batch is its samples one by one: %s', (_, pool) => {
    const x = wave([3, 2, 7, 5]);
    for (let n = 0; n < 3; n++) expect(list(pool(x).narrow(0, n, 1))).toEqual(list(pool(x.narrow(0, n, 1))));
  });

  test('the average is the convolution with equal weights', () => {
    const x = wave([1, 1, 6, 5]);
    const weight = ones([1, 1, 3, 2], { dtype: 'float64' }).mul(1 / 6);
    const difference = F.avgPool2d(x, [3, 2], 1, { padding: 1 }).sub(
      F.conv2d(x, weight, null, { padding: 1 }),
    );
    expect(difference.abs().amax().item()).toBeLessThan(1e-14);
  });
});

test.each([
  [
    'more padding than half the kernel',
    () => F.maxPool1d(line(1, 2, 3), 2, 1, { padding: 2 }),
    /maxPool1d: pad should be at most half of effective kernel size, but got padding 2 with kernel 2 and dilation 1: use at most 1/,
  ],
  [
    'a window larger than the input',
    () => F.avgPool2d(zeros([1, 1, 2, 2]), 3),
    /avgPool2d: given input size \(1, 2, 2\), calculated output size \(0, 0\) is too small for kernel \[3,3\]/,
  ],
  [
    'divisor 0',
    () => F.avgPool2d(zeros([1, 1, 2, 2]), 2, { divisorOverride: 0 }),
    /avgPool2d: divisorOverride 0 must be a whole number other than zero/,
  ],
  [
    'an empty plane',
    () => F.maxPool2d(zeros([1, 0, 2, 2]), 2),
    /maxPool2d: expected input with non-zero sizes apart from the batch's, got \(1, 0, 2, 2\)/,
  ],
  ['a kernel of 0', () => F.maxPool1d(line(1, 2), 0), /maxPool1d: kernelSize 0 must be whole numbers from 1/],
  [
    'a negative outputSize',
    () => F.adaptiveAvgPool1d(line(1, 2), -1),
    /adaptiveAvgPool1d: outputSize \[-1\] must be whole numbers from 0/,
  ],
  [
    'indices of another shape',
    () => F.maxUnpool1d(line(1, 2), tensor([[0]], { dtype: 'int32' }), 2),
    /maxUnpool1d: expected shape of indices to be same as that of the input tensor \(1, 2\) but got indices tensor with shape \(1, 1\)/,
  ],
  [
    'an index outside',
    () => F.maxUnpool1d(line(1, 2), tensor([[0, 9]], { dtype: 'int32' }), 2),
    /maxUnpool1d: found an invalid max index: 9 \(output volumes are of size 4\)/,
  ],
  [
    'an outputSize that cannot have been',
    () => F.maxUnpool1d(line(1, 2), tensor([[0, 2]], { dtype: 'int32' }), 2, { outputSize: [8] }),
    /maxUnpool1d: invalid outputSize \[8\]: sizes must be between 2 and 6, both excluded/,
  ],
  [
    'normType 0',
    () => F.lpPool1d(line(1, 2), 0, 2),
    /lpPool1d: normType 0 must be a finite number other than 0/,
  ],
])('%s is refused', (_, call, message) => {
  expect(call).toThrow(message);
});
