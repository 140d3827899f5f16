import { expect, test } from 'vitest';
import { manualSeed, nn, ones, type Tensor } from '../index.ts';

const { weightNorm, spectralNorm, removeParametrizations } = nn.utils.parametrizations;

const expectClose = (actual: Tensor, expected: readonly number[]): void => {
  const flat = actual.detach().reshape([actual.size]).toArray() as number[];
  for (const [i, value] of flat.entries()) expect(value).toBeCloseTo(expected[i], 5);
};

// PyTorch's values for the same seed.
test('weight norm learns length and direction apart', () => {
  manualSeed(0);
  const layer = weightNorm(new nn.Linear(3, 2));
  expect(Object.keys(layer.stateDict())).toEqual([
    'bias',
    'parametrizations.weight.original0',
    'parametrizations.weight.original1',
  ]);
  expectClose(layer.weight, [-0.004323, 0.309716, -0.475185, -0.424895, -0.222369, 0.154821]);
  layer(ones([1, 3]))
    .sum()
    .backward();
  const [length, direction] = ['original0', 'original1'].map((name) =>
    layer.getParameter(`parametrizations.weight.${name}`),
  );
  expectClose(length, [0.567225, 0.503937]);
  expectClose(length.grad!, [-0.299338, -0.977191]);
  expectClose(direction.grad!, [0.997719, 1.163445, 0.749233, 0.176082, 0.568802, 1.300215]);
});

test('spectral norm divides by the greatest singular value', () => {
  manualSeed(0);
  const layer = spectralNorm(new nn.Linear(3, 2));
  expect(Object.keys(layer.stateDict())).toEqual([
    'bias',
    'parametrizations.weight.original',
    'parametrizations.weight.0._u',
    'parametrizations.weight.0._v',
  ]);
  layer.eval();
  expectClose(layer.weight, [-0.006573, 0.470957, -0.722571, -0.646098, -0.338136, 0.235422]);
  expectClose(layer.getBuffer('parametrizations.weight.0._u'), [0.785607, -0.618725]);
  layer.train();
  layer(ones([1, 3]))
    .sum()
    .backward();
  const { grad } = layer.getParameter('parametrizations.weight.original');
  expectClose(grad!, [1.99529, 2.217365, 0.662513, 1.146761, 0.97186, 2.196424]);
});

test('a parametrization is refused twice, and removed with its value', () => {
  const layer = weightNorm(new nn.Linear(3, 2));
  const before = layer.weight.toArray();
  expect(() => weightNorm(layer)).toThrow(/'weight' of Linear is parametrized already/);
  expect(() => spectralNorm(layer, { name: 'bias' })).toThrow(/needs two dimensions/);
  removeParametrizations(layer, 'weight');
  expect(layer.weight).toBeInstanceOf(nn.Parameter);
  expect(layer.weight.toArray()).toEqual(before);
  expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
  expect(() => removeParametrizations(layer, 'weight')).toThrow(/is not parametrized/);
});
