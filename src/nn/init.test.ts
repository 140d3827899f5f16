import { describe, expect, test } from 'vitest';
import { manualSeed, nn, type Tensor, zeros } from '../index.ts';

/** The first six values after seed 1, in float64. */
function drawn(shape: number[], fill: (weight: Tensor) => Tensor): number[] {
  manualSeed(1);
  const weight = fill(zeros(shape, { dtype: 'float64' }));
  return [...weight.reshape([weight.size]).elements.subarray(weight.offset, weight.offset + 6)];
}

describe('initial weights equal PyTorch for the same seed', () => {
  // torch.manual_seed(1), torch.empty(shape, dtype=torch.float64), torch.nn.init.*
  test.each<[string, number[], (w: Tensor) => Tensor, number[]]>([
    [
      'truncNormal_, drawing again',
      [4, 5],
      (w) => nn.init.truncNormal_(w, 0, 1.5),
      [-0.4669343, -1.0695454, -1.0936022, -0.4488035, 1.3101684, -1.7576649],
    ],
    [
      'truncNormal_, far from the mean',
      [4, 5],
      (w) => nn.init.truncNormal_(w, 0, 1, 2, 3),
      [2.1875075, 2.2806786, 2.3492963, 2.4440724, 2.4068728, 2.1094439],
    ],
    [
      'orthogonal_, wide',
      [3, 5],
      (w) => nn.init.orthogonal_(w, 2),
      [1.2596079, 0.5083822, 0.1174702, 1.1833577, -0.8606977, 0.4042453],
    ],
    [
      'orthogonal_, tall',
      [5, 3],
      (w) => nn.init.orthogonal_(w),
      [0.353634, 0.1813105, -0.1930787, 0.3322268, -0.3089083, -0.8266172],
    ],
    ['sparse_', [5, 3], (w) => nn.init.sparse_(w, 0.4), [0.0066135, 0, 0, 0.0062132, -0.0045191, -0.0016613]],
    [
      'xavierUniform_',
      [3, 4, 2],
      (w) => nn.init.xavierUniform_(w),
      [-0.5747162, -0.3606428, -0.3479451, -0.4227764, 0.0734103, -0.511358],
    ],
    [
      'xavierNormal_',
      [3, 4, 2],
      (w) => nn.init.xavierNormal_(w, 2),
      [-0.2353128, -0.5390002, -0.5511237, -0.2261757, -0.1911733, -0.2722705],
    ],
    [
      'kaimingNormal_',
      [3, 4, 2],
      (w) => nn.init.kaimingNormal_(w, { mode: 'fanOut', nonlinearity: 'relu' }),
      [-0.1797231, -0.4116682, -0.4209277, -0.1727445, -0.146011, -0.20795],
    ],
    [
      'kaimingUniform_',
      [3, 4, 2],
      (w) => nn.init.kaimingUniform_(w),
      [-0.760278, -0.4770856, -0.4602881, -0.5592805, 0.0971127, -0.6764631],
    ],
  ])('%s', (_name, shape, fill, expected) => {
    const values = drawn(shape, fill);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i], 6);
  });

  test('Linear and Bilinear, bit by bit', () => {
    manualSeed(0);
    const linear = new nn.Linear(3, 2);
    expect(linear.weight.toArray()).toEqual([
      [-0.004322517663240433, 0.3097158372402191, -0.4751853346824646],
      [-0.4248946011066437, -0.2223689705133438, 0.15482072532176971],
    ]);
    expect(linear.bias!.toArray()).toEqual([-0.011439144611358643, 0.45777493715286255]);
    const bilinear = new nn.Bilinear(2, 3, 2);
    expect(bilinear.weight.at(0, 0, 0).item()).toBe(-0.06275151669979095);
    expect(bilinear.bias!.toArray()).toEqual([0.2568332850933075, 0.5871729254722595]);
  });
});

test('gains, fans, and the fills without chance', () => {
  expect(nn.init.calculateGain('tanh')).toBe(5 / 3);
  expect(nn.init.calculateGain('leakyRelu', 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 15);
  expect(nn.init.fans(zeros([4, 6, 3, 3]))).toEqual({ fanIn: 54, fanOut: 36 });
  expect(nn.init.eye_(zeros([2, 3])).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(
    nn.init
      .dirac_(zeros([4, 1, 3]), 4)
      .sum()
      .item(),
  ).toBe(4);
  expect(nn.init.dirac_(zeros([2, 2, 3])).toArray()).toEqual([
    [
      [0, 1, 0],
      [0, 0, 0],
    ],
    [
      [0, 0, 0],
      [0, 1, 0],
    ],
  ]);
  const q = nn.init.orthogonal_(zeros([6, 4], { dtype: 'float64' }));
  expect(
    q
      .t()
      .matmul(q)
      .sub(nn.init.eye_(zeros([4, 4], { dtype: 'float64' })))
      .abs()
      .amax()
      .item(),
  ).toBeLessThan(1e-14);
  expect(() => nn.init.xavierUniform_(zeros([3]))).toThrow(/no fan in and out/);
});

test('layers print as PyTorch prints', () => {
  expect(String(new nn.Linear(2, 3, { bias: false }))).toBe(
    'Linear(in_features=2, out_features=3, bias=False)',
  );
  expect(String(new nn.Bilinear(2, 3, 4))).toBe(
    'Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)',
  );
  expect(String(new nn.Flatten())).toBe('Flatten(start_dim=1, end_dim=-1)');
  expect(String(new nn.Unflatten(1, [2, 3]))).toBe('Unflatten(dim=1, unflattened_size=(2, 3))');
  expect(String(new nn.Identity(5))).toBe('Identity()');
});
