import { describe, expect, test } from 'vitest';
import { F, grad, type Tensor, tensor, zeros } from '../../index.ts';

const list = (t: Tensor): number[] => t.reshape([-1]).toArray() as number[];
const rounded = (t: Tensor): number[] => list(t).map((v) => Math.round(v * 1e4) / 1e4);
const row = (...values: number[]): Tensor => tensor([[values]], { dtype: 'float64' });
const wave = (shape: number[], phase = 0): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + phase)),
    { dtype: 'float64' },
  ).reshape(shape);

describe('pad', () => {
  test('the last dimension comes first, negative sizes cut', () => {
    expect(F.pad(tensor([[1, 2]]), [1, 0, 0, 1]).toArray()).toEqual([
      [0, 1, 2],
      [0, 0, 0],
    ]);
    expect(F.pad(tensor([1, 2, 3]), [-1, 1], 'constant', 7).toArray()).toEqual([2, 3, 7]);
  });

  test('the values of PyTorch for each mode', () => {
    const x = row(1, 2, 3);
    expect(list(F.pad(x, [2, 2], 'reflect'))).toEqual([3, 2, 1, 2, 3, 2, 1]);
    expect(list(F.pad(x, [2, 2], 'circular'))).toEqual([2, 3, 1, 2, 3, 1, 2]);
    expect(list(F.pad(x, [2, 1], 'replicate'))).toEqual([1, 1, 1, 2, 3, 3]);
  });

  test('a padded place sends its gradient to what it shows; a constant none', () => {
    const x = row(1, 2, 3).requiresGrad_();
    expect(list(grad(F.pad(x, [2, 1], 'replicate').sum(), x)[0])).toEqual([3, 1, 2]);
    expect(list(grad(F.pad(x, [2, 1], 'constant', 5).sum(), x)[0])).toEqual([1, 1, 1]);
  });

  test.each([
    [
      'a reflection as wide as the input',
      () => F.pad(row(1, 2, 3), [3, 0], 'reflect'),
      /pad: padding size should be less than the corresponding input dimension, but got padding \(3, 0\) at dimension 2 of input \(1, 1, 3\)/,
    ],
    [
      'going round twice',
      () => F.pad(row(1, 2, 3), [4, 0], 'circular'),
      /pad: padding value causes wrapping around more than once: \(4, 0\)/,
    ],
    ['an odd number of sizes', () => F.pad(row(1, 2), [1]), /pad: \[1\] must hold a pair of sizes/],
    [
      'more pairs than dimensions',
      () => F.pad(tensor([1]), [1, 1, 1, 1]),
      /at most 1 pairs for input \(1,\)/,
    ],
    ['cutting too much', () => F.pad(row(1, 2), [-2, -1]), /pad: the padding \(-2, -1\) leaves size -1/],
    [
      'a value with another mode',
      () => F.pad(row(1, 2), [1, 1], 'reflect', 3),
      /pad: mode 'reflect' takes no value, but 3 was given/,
    ],
    ['half a pixel', () => F.pad(row(1, 2), [0.5, 0]), /pad: \[0.5,0\] must be whole numbers/],
  ])('%s is refused', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('interpolate', () => {
  test('linear, twice as long', () => {
    const twice = F.interpolate(row(1, 2, 3, 4), { scaleFactor: 2, mode: 'linear' });
    expect(list(twice)).toEqual([1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4]);
    const aligned = F.interpolate(row(1, 2, 3, 4), { size: 7, mode: 'linear', alignCorners: true });
    expect(list(aligned)).toEqual([1, 1.5, 2, 2.5, 3, 3.5, 4]);
    expect(list(F.interpolate(row(5, 2), { size: 1, mode: 'linear', alignCorners: true }))).toEqual([5]);
  });

  test('nearest takes the floor, nearest-exact the centre', () => {
    expect(list(F.interpolate(row(1, 2, 3, 4), { size: 3 }))).toEqual([1, 2, 3]);
    expect(list(F.interpolate(row(1, 2, 3, 4), { size: 3, mode: 'nearest-exact' }))).toEqual([1, 3, 4]);
  });

  test('the factor gives the coordinates, unless it is computed again from the size', () => {
    const x = row(1, 2, 3, 4);
    const given = F.interpolate(x, { scaleFactor: 1.6, mode: 'linear' });
    expect(rounded(given).slice(0, 2)).toEqual([1, 1.4375]);
    const again = F.interpolate(x, { scaleFactor: 1.6, mode: 'linear', recomputeScaleFactor: true });
    expect(rounded(again).slice(0, 3)).toEqual([1, 1.5, 2.1667]);
  });

  test('bicubic is the cubic convolution with a = -0.75, area averages, antialias covers all pixels', () => {
    const ramp = tensor(
      Array.from({ length: 8 }, () => [0, 1, 2, 3, 4, 5, 6, 7]),
      { dtype: 'float64' },
    ).reshape([1, 1, 8, 8]);
    // A quarter of the way from 3 to 4: weights -0.1055, 0.8789, 0.2617, -0.0352 of 2, 3, 4 and 5.
    const cubic = F.interpolate(ramp, { scaleFactor: 2, mode: 'bicubic' });
    expect(rounded(cubic.select(2, 8)).slice(6, 8)).toEqual([2.7031, 3.2969]);
    expect(rounded(F.interpolate(ramp, { size: [1, 4], mode: 'area' }))).toEqual([0.5, 2.5, 4.5, 6.5]);
    // A triangle of half-width 2 around 3.5 of the ramp, cut at the ends: symmetric, so the middle stays the middle.
    const halves = rounded(F.interpolate(ramp, { size: [1, 2], mode: 'bilinear', antialias: true }));
    expect(halves[0] + halves[1]).toBeCloseTo(7, 10);
  });

  test.each([
    ['nearest', {}],
    ['bilinear', {}],
    ['bilinear', { alignCorners: true }],
    ['bilinear', { antialias: true }],
    ['bicubic', {}],
    ['bicubic', { antialias: true }],
    ['area', {}],
  ] as const)('weights sum to 1, so the gradient sums to that of the output: %s %o', (mode, options) => {
    const x = wave([1, 2, 5, 7]).clone().requiresGrad_();
    const y = F.interpolate(x, { size: [3, 9], mode, ...options });
    const g = wave([...y.shape], 1);
    expect(grad(y, x, { gradOutputs: g })[0].sum().item()).toBeCloseTo(g.sum().item(), 10);
  });

  test.each([
    [
      'both sizes',
      () => F.interpolate(row(1), { size: 2, scaleFactor: 2 }),
      /only one of size or scaleFactor/,
    ],
    ['no size', () => F.interpolate(row(1), {}), /either size or scaleFactor should be given/],
    [
      'bilinear on a line',
      () => F.interpolate(row(1), { size: 2, mode: 'bilinear' }),
      /interpolate: got 3D input \(1, 1, 1\), but mode 'bilinear' needs 4D/,
    ],
    [
      'linear on a plane',
      () => F.interpolate(zeros([1, 1, 2, 2]), { size: 2, mode: 'linear' }),
      /needs 3D \(N, C, ...\): use 'bilinear'/,
    ],
    [
      'alignCorners with nearest',
      () => F.interpolate(row(1), { size: 2, alignCorners: true }),
      /alignCorners can only be set with the modes linear, bilinear, bicubic and trilinear, not 'nearest'/,
    ],
    [
      'antialias with nearest',
      () => F.interpolate(row(1), { size: 2, antialias: true }),
      /antialias is supported for the modes bilinear and bicubic, not 'nearest'/,
    ],
    [
      'nothing left',
      () => F.interpolate(row(1), { scaleFactor: 0.5 }),
      /should be greater than 0, but got input \(1\) and output \(0\)/,
    ],
    [
      'a factor of NaN',
      () => F.interpolate(row(1), { scaleFactor: Number.NaN }),
      /interpolate: scaleFactor is NaN: give a number/,
    ],
    [
      'an unknown mode',
      () => F.interpolate(row(1), { size: 2, mode: 'cubic' as 'bicubic' }),
      /mode 'cubic' is unknown/,
    ],
  ])('%s is refused', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('gridSample and affineGrid', () => {
  const plane = tensor(
    [
      [
        [
          [0, 1],
          [2, 3],
        ],
      ],
    ],
    { dtype: 'float64' },
  );
  const diagonal = tensor(
    [
      [
        [
          [-1, -1],
          [0, 0],
          [1, 1],
        ],
      ],
    ],
    { dtype: 'float64' },
  );

  test('the corners of the image, or (aligned) of its pixels', () => {
    expect(list(F.gridSample(plane, diagonal))).toEqual([0, 1.5, 0.75]);
    expect(list(F.gridSample(plane, diagonal, { alignCorners: true }))).toEqual([0, 1.5, 3]);
  });

  test.each([true, false])('the identity map gives the image back, alignCorners %s', (alignCorners) => {
    const x = wave([2, 3, 4, 5]);
    const identity = tensor([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0], { dtype: 'float64' }).reshape([2, 2, 3]);
    const grid = F.affineGrid(identity, [2, 3, 4, 5], { alignCorners });
    for (const mode of ['bilinear', 'nearest', 'bicubic'] as const) {
      const back = F.gridSample(x, grid, { mode, alignCorners, paddingMode: 'border' });
      expect(back.sub(x).abs().amax().item()).toBeLessThan(1e-12);
    }
  });

  test.each([
    ['another batch', () => F.gridSample(zeros([2, 1, 2, 2]), zeros([1, 1, 1, 2])), /same batch size/],
    [
      'points of the plane in a volume',
      () => F.gridSample(zeros([1, 1, 2, 2, 2]), zeros([1, 1, 1, 1, 2])),
      /expected grid to have size 3 in last dimension/,
    ],
    [
      'bicubic volumes',
      () => F.gridSample(zeros([1, 1, 2, 2, 2]), zeros([1, 1, 1, 1, 3]), { mode: 'bicubic' }),
      /bicubic works on 4D input only/,
    ],
    [
      'maps of another size',
      () => F.affineGrid(zeros([1, 3, 4]), [1, 1, 2, 2]),
      /expected a batch of 2D affine matrices of shape \(1, 2, 3\)/,
    ],
  ])('%s is refused', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('patches and pixel shuffles', () => {
  test('fold(unfold(x)) counts in how many patches each pixel lies', () => {
    const x = zeros([1, 1, 3, 3], { dtype: 'float64' }).add(1);
    const folded = F.fold(F.unfold(x, 2), 3, 2);
    expect(list(folded)).toEqual([1, 2, 1, 2, 4, 2, 1, 2, 1]);
  });

  test('<unfold(x), y> = <x, fold(y)>', () => {
    const options = { dilation: [2, 1], padding: 1, stride: 2 } as const;
    const x = wave([2, 3, 6, 5]);
    const y = wave([...F.unfold(x, [2, 3], options).shape], 1);
    const left = F.unfold(x, [2, 3], options).mul(y).sum().item();
    expect(
      x
        .mul(F.fold(y, [6, 5], [2, 3], options))
        .sum()
        .item(),
    ).toBeCloseTo(left, 10);
  });

  test('pixelShuffle lays the channels of a pixel out row by row, pixelUnshuffle takes them back', () => {
    const x = tensor([[[1]], [[2]], [[3]], [[4]]]);
    expect(F.pixelShuffle(x, 2).toArray()).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    const y = wave([2, 3, 4, 6]);
    expect(list(F.pixelShuffle(F.pixelUnshuffle(y, 2), 2))).toEqual(list(y));
  });

  test('channelShuffle deals the groups out in turn', () => {
    const x = tensor([0, 1, 2, 3, 4, 5]).reshape([1, 6, 1]);
    expect(list(F.channelShuffle(x, 2))).toEqual([0, 3, 1, 4, 2, 5]);
  });

  test.each([
    [
      'no patch',
      () => F.unfold(zeros([1, 1, 2, 2]), 3),
      /unfold: given spatial size \(2, 2\), kernelSize \[3,3\]/,
    ],
    [
      'rows of another kernel',
      () => F.fold(zeros([1, 5, 4]), 3, 2),
      /fold: expected size of input's dimension 1 to be divisible/,
    ],
    [
      'another number of patches',
      () => F.fold(zeros([1, 4, 5]), 3, 2),
      /sliding blocks 2 \* 2 = 4, but got 5/,
    ],
    [
      'three channels for r = 2',
      () => F.pixelShuffle(zeros([3, 2, 2]), 2),
      /3 of \(3, 2, 2\) is not divisible by 4/,
    ],
    [
      'an odd height',
      () => F.pixelUnshuffle(zeros([1, 3, 2]), 2),
      /divisible by downscaleFactor 2, but got input \(1, 3, 2\)/,
    ],
    [
      'groups that do not divide',
      () => F.channelShuffle(zeros([1, 5, 2]), 2),
      /5 of \(1, 5, 2\) is not divisible by 2/,
    ],
    [
      'sizes that do not fit',
      () => F.bilinear(zeros([2, 3]), zeros([2, 4]), zeros([5, 4, 4])),
      /bilinear: input1 \(2, 3\), input2 \(2, 4\) and weight \(5, 4, 4\) do not fit/,
    ],
  ])('%s is refused', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
