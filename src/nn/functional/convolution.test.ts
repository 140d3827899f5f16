import { describe, expect, test } from 'vitest';
import { F, grad, type Tensor, tensor, zeros } from '../../index.ts';

const wave = (shape: number[], phase = 0): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + phase)),
    { dtype: 'float64' },
  ).reshape(shape);

const dot = (a: Tensor, b: Tensor): number => a.mul(b).sum().item();

function expectClose(a: Tensor, b: Tensor): void {
  expect(a.shape).toEqual(b.shape);
  expect(a.sub(b).abs().amax().item()).toBeLessThan(1e-12);
}

describe('values of PyTorch', () => {
  test('the kernel is not flipped', () => {
    expect(F.conv1d(tensor([[1, 2, 3]]), tensor([[[1, 0]]])).toArray()).toEqual([[1, 2]]);
  });

  test("'same' with an even kernel pads more on the right", () => {
    const x = tensor([[1, 2, 3]]);
    expect(F.conv1d(x, tensor([[[1, 10]]]), null, { padding: 'same' }).toArray()).toEqual([[21, 32, 3]]);
    // A kernel of 4 that picks its second element: one zero on the left, two on the right.
    expect(F.conv1d(x, tensor([[[1, 0, 0, 0]]]), null, { padding: 'same' }).toArray()).toEqual([[0, 1, 2]]);
  });

  test('weights are (out, in / groups, k...), transposed (in, out / groups, k...)', () => {
    expect(F.conv2d(zeros([1, 4, 5, 5]), zeros([6, 2, 3, 3]), null, { groups: 2 }).shape).toEqual([
      1, 6, 3, 3,
    ]);
    expect(F.convTranspose2d(zeros([1, 4, 5, 5]), zeros([4, 3, 3, 3]), null, { groups: 2 }).shape).toEqual([
      1, 6, 7, 7,
    ]);
  });

  test('an input without batch and a batch of nothing', () => {
    expect(F.conv2d(zeros([3, 8, 8]), zeros([5, 3, 3, 3])).shape).toEqual([5, 6, 6]);
    expect(F.conv2d(zeros([0, 1, 4, 4]), zeros([2, 1, 3, 3])).shape).toEqual([0, 2, 2, 2]);
    expect(F.conv3d(zeros([2, 4, 4, 4]), zeros([1, 2, 2, 2, 2])).shape).toEqual([1, 3, 3, 3]);
  });

  test('a transposed convolution has size (n - 1) s - 2 p + d (k - 1) + op + 1; outputPadding adds at the end', () => {
    const x = tensor([[1, 1, 1]]);
    const w = tensor([[[1, 1, 1]]]);
    expect(F.convTranspose1d(x, w, null, { stride: 2, padding: 1 }).toArray()).toEqual([[1, 2, 1, 2, 1]]);
    expect(F.convTranspose1d(x, w, null, { stride: 2, padding: 1, outputPadding: 1 }).toArray()).toEqual([
      [1, 2, 1, 2, 1, 1],
    ]);
  });
});

describe('laws', () => {
  const cases = [
    { stride: 1, padding: 0, dilation: 1, groups: 1 },
    { stride: [2, 1], padding: [1, 2], dilation: 1, groups: 2 },
    { stride: 2, padding: 1, dilation: [1, 2], groups: 4 },
    { stride: 3, padding: 2, dilation: 2, groups: 1 },
  ] as const;

  test.each(cases)('<conv(x), y> = <x, convT(y)>: %o', (options) => {
    const x = wave([2, 4, 9, 8]);
    const w = wave([8, 4 / options.groups, 3, 2], 1);
    const y = wave([...F.conv2d(x, w, null, options).shape], 2);
    const forward = dot(F.conv2d(x, w, null, options), y);
    // Several sizes have the same output: the right outputPadding leads back to this one.
    const small = F.convTranspose2d(y, w, null, options).shape;
    const outputPadding = [9 - small[2], 8 - small[3]] as const;
    expect(dot(x, F.convTranspose2d(y, w, null, { ...options, outputPadding }))).toBeCloseTo(forward, 10);
  });

  test.each(cases)('linear in the input and in the weight: %o', (options) => {
    const [x, z] = [wave([1, 4, 7, 6]), wave([1, 4, 7, 6], 3)];
    const [w, v] = [wave([4, 4 / options.groups, 2, 3], 1), wave([4, 4 / options.groups, 2, 3], 2)];
    const run = (a: Tensor, b: Tensor): Tensor => F.conv2d(a, b, null, options);
    expectClose(run(x.add(z.mul(2)), w), run(x, w).add(run(z, w).mul(2)));
    expectClose(run(x, w.sub(v)), run(x, w).sub(run(x, v)));
  });

  test('as many groups as channels are separate convolutions', () => {
    const x = wave([2, 3, 6, 5]);
    const w = wave([6, 1, 3, 2], 1);
    const together = F.conv2d(x, w, null, { groups: 3, padding: 1 });
    for (let c = 0; c < 3; c++)
      expectClose(
        together.narrow(1, 2 * c, 2),
        F.conv2d(x.narrow(1, c, 1), w.narrow(0, 2 * c, 2), null, { padding: 1 }),
      );
  });

  test('dilation is a kernel with zeros between', () => {
    const x = wave([1, 2, 9, 9]);
    const w = wave([3, 2, 2, 3], 1);
    const stuffed = zeros([3, 2, 4, 5], { dtype: 'float64' });
    for (let o = 0; o < 3; o++)
      for (let c = 0; c < 2; c++)
        for (let i = 0; i < 2; i++)
          for (let j = 0; j < 3; j++) {
            const to = stuffed.offset + ((o * 2 + c) * 4 + 3 * i) * 5 + 2 * j;
            stuffed.elements[to] = w.elements[w.offset + ((o * 2 + c) * 2 + i) * 3 + j];
          }
    expectClose(F.conv2d(x, w, null, { dilation: [3, 2] }), F.conv2d(x, stuffed));
  });

  test('a batch is its samples one by one, also where the image is worked on in tiles', () => {
    const x = wave([3, 8, 40, 30]);
    const w = wave([4, 8, 5, 5], 1);
    const whole = F.conv2d(x, w, null, { padding: 2 });
    for (let n = 0; n < 3; n++)
      expectClose(whole.narrow(0, n, 1), F.conv2d(x.narrow(0, n, 1), w, null, { padding: 2 }));
  });

  test('a line is a plane of height 1, a plane a volume of depth 1', () => {
    const x = wave([2, 2, 9]);
    const w = wave([3, 2, 3], 1);
    const options = { stride: 2, padding: 1, dilation: 2 } as const;
    const line = F.conv1d(x, w, null, options);
    const plane = F.conv2d(x.unsqueeze(2), w.unsqueeze(2), null, {
      stride: [1, 2],
      padding: [0, 1],
      dilation: [1, 2],
    });
    const volume = F.conv3d(x.reshape([2, 2, 1, 1, 9]), w.reshape([3, 2, 1, 1, 3]), null, {
      stride: [1, 1, 2],
      padding: [0, 0, 1],
      dilation: [1, 1, 2],
    });
    expectClose(plane.squeeze(2), line);
    expectClose(volume.reshape(line.shape), line);
  });

  test('a convolution is unfold, a matrix product, and nothing else', () => {
    const x = wave([2, 3, 6, 5]);
    const w = wave([4, 3, 3, 2], 1);
    const columns = F.unfold(x, [3, 2], { padding: 1, stride: 2 });
    const product = w.reshape([4, -1]).matmul(columns);
    expectClose(product.reshape([2, 4, 3, 3]), F.conv2d(x, w, null, { padding: 1, stride: 2 }));
  });

  test('derivatives of any order: of the sum of (w x)², by x, w, w and x, is 4', () => {
    const x = tensor([[3, 5]], { dtype: 'float64', requiresGrad: true });
    const w = tensor([[[7]]], { dtype: 'float64', requiresGrad: true });
    const y = F.conv1d(x, w);
    const [gx] = grad(y.mul(y).sum(), x, { createGraph: true });
    const [gxw] = grad(gx.sum(), w, { createGraph: true });
    const [gxww] = grad(gxw.sum(), w, { createGraph: true });
    const [gxwwx] = grad(gxww.sum(), x);
    expect([gx, gxw, gxww, gxwwx].map((g) => g.toArray())).toEqual([
      [[294, 490]],
      [[[224]]],
      [[[32]]],
      [[4, 4]],
    ]);
  });
});

test.each([
  [
    'a kernel larger than the input',
    () => F.conv2d(zeros([1, 1, 2, 2]), zeros([1, 1, 3, 3])),
    /Calculated padded input size per channel: \(2 x 2\)\. Kernel size: \(3 x 3\)\. Kernel size can't be greater/,
  ],
  [
    'channels that do not fit',
    () => F.conv2d(zeros([1, 4, 5, 5]), zeros([2, 3, 3, 3])),
    /conv2d: given groups=1, weight of size \(2, 3, 3, 3\), expected input \(1, 4, 5, 5\) to have 3 channels, but got 4/,
  ],
  [
    'outputs that the groups do not divide',
    () => F.conv2d(zeros([1, 4, 5, 5]), zeros([3, 2, 3, 3]), null, { groups: 2 }),
    /conv2d: given groups=2, expected weight \(3, 2, 3, 3\) to be divisible by 2 at dimension 0/,
  ],
  [
    'a bias of another length',
    () => F.conv1d(zeros([1, 1, 5]), zeros([2, 1, 3]), zeros([3])),
    /conv1d: given weight of size \(2, 1, 3\), expected bias to be 1-dimensional with 2 elements, but got \(3,\)/,
  ],
  [
    'too many dimensions',
    () => F.conv1d(zeros([1, 1, 5, 5]), zeros([2, 1, 3])),
    /conv1d: expected 2D \(unbatched\) or 3D \(batched\) input, but got input of size \(1, 1, 5, 5\)/,
  ],
  [
    'two dtypes',
    () => F.conv1d(zeros([1, 1, 5], { dtype: 'float64' }), zeros([1, 1, 3])),
    /conv1d: the input is float64 but the weight float32: convert one with to\('float64'\)/,
  ],
  [
    'whole numbers',
    () => F.conv1d(zeros([1, 1, 5], { dtype: 'int32' }), zeros([1, 1, 3])),
    /conv1d: the input is int32: convert it with to\('float32'\)/,
  ],
  [
    'stride 0',
    () => F.conv1d(zeros([1, 1, 5]), zeros([1, 1, 3]), null, { stride: 0 }),
    /conv1d: stride 0 must be whole numbers from 1/,
  ],
  [
    'NaN as padding',
    () => F.conv1d(zeros([1, 1, 5]), zeros([1, 1, 3]), null, { padding: Number.NaN }),
    /conv1d: padding is NaN: give a number/,
  ],
  [
    'two numbers for one dimension',
    () => F.conv1d(zeros([1, 1, 5]), zeros([1, 1, 3]), null, { stride: [1, 2] as unknown as [number] }),
    /conv1d: stride \[1,2\] has 2 numbers: give one, or one for each of the 1 spatial dimensions/,
  ],
  [
    "'same' with a stride",
    () =>
      // @ts-expect-error: the types refuse it too
      F.conv2d(zeros([1, 1, 5, 5]), zeros([1, 1, 3, 3]), null, { padding: 'same', stride: 2 }),
    /conv2d: padding='same' is not supported for strided convolutions \(stride \[2,2\]\)/,
  ],
  [
    'an unknown padding',
    // @ts-expect-error: the types refuse it too
    () => F.conv2d(zeros([1, 1, 5, 5]), zeros([1, 1, 3, 3]), null, { padding: 'full' }),
    /conv2d: padding 'full' is unknown: use 'same', 'valid' or numbers/,
  ],
  [
    'an outputPadding as large as the stride',
    () => F.convTranspose1d(zeros([1, 1, 5]), zeros([1, 1, 3]), null, { stride: 2, outputPadding: 2 }),
    /convTranspose1d: output padding must be smaller than either stride or dilation/,
  ],
  [
    'an output without size',
    () => F.convTranspose1d(zeros([1, 1, 1]), zeros([1, 1, 2]), null, { padding: 1 }),
    /convTranspose1d: given input size per channel: \(1\), calculated output size per channel: \(0\)/,
  ],
])('%s is refused', (_, call, message) => {
  expect(call).toThrow(message);
});
