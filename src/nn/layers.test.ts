import { describe, expect, test } from 'vitest';
import { F, full, grad, manualSeed, nn, noGrad, ones, randn, type Tensor, tensor, zeros } from '../index.ts';

const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' });
const closeTo = (actual: Tensor, expected: readonly number[], digits = 6): void => {
  const flat = actual.detach().reshape([actual.size]).toArray() as number[];
  expect(flat).toHaveLength(expected.length);
  for (const [i, value] of flat.entries()) expect(value).toBeCloseTo(expected[i], digits);
};

// The numbers are PyTorch's.
describe('batch norm', () => {
  const x = f64([
    [1, 10],
    [2, 20],
    [3, 60],
    [6, 30],
  ]);

  test('normalises by the biased variance and remembers the unbiased one', () => {
    const bn = new nn.BatchNorm1d(2).double();
    closeTo(bn(x).select(1, 0), [-1.0690434, -0.5345217, 0, 1.6035652]);
    closeTo(bn.runningMean!, [0.3, 3], 12);
    closeTo(bn.runningVar!, [0.9 + 0.1 * (14 / 3), 0.9 + 0.1 * (1400 / 3)], 10);
    expect(bn.numBatchesTracked!.item()).toBe(1);
  });

  test('momentum is the share of the new batch; null averages all batches', () => {
    const quick = new nn.BatchNorm1d(2, { momentum: 0.9 }).double();
    quick(x);
    closeTo(quick.runningMean!, [2.7, 27], 12);
    const average = new nn.BatchNorm1d(2, { momentum: null }).double();
    for (const times of [1, 2, 3]) average(x.mul(times));
    closeTo(average.runningMean!, [6, 60], 10);
  });

  test('train() under noGrad still updates; eval() uses what was remembered, and its gradient is a plain scale', () => {
    const bn = new nn.BatchNorm1d(2).double();
    noGrad(() => bn(x));
    expect(bn.numBatchesTracked!.item()).toBe(1);
    bn.eval();
    const before = bn.runningMean!.toArray();
    const input = f64([[1, 2]]).requiresGrad_();
    const [slope] = grad(bn(input).sum(), [input]);
    const scale = bn.runningVar!.add(1e-5).rsqrt();
    closeTo(slope, scale.toArray() as number[], 12);
    expect(bn.runningMean!.toArray()).toEqual(before);
  });

  test('without tracking there are no buffers, and evaluation uses the batch too', () => {
    const bn = new nn.BatchNorm1d(2, { trackRunningStats: false }).double().eval();
    expect(Object.keys(bn.stateDict())).toEqual(['weight', 'bias']);
    expect(bn(x).mean(0).abs().amax().item()).toBeLessThan(1e-12);
  });

  test('frozen parameters do not stop the running statistics; a frozen layer has four buffers and nothing to learn', () => {
    const bn = new nn.BatchNorm1d(2).double().requiresGrad_(false);
    bn(x);
    closeTo(bn.runningMean!, [0.3, 3], 12);
    const frozen = new nn.FrozenBatchNorm2d(2);
    expect(frozen.parameters()).toEqual([]);
    expect(Object.keys(frozen.stateDict())).toEqual(['weight', 'bias', 'running_mean', 'running_var']);
    expect(String(frozen)).toBe('FrozenBatchNorm2d(2, eps=1e-05)');
  });

  test('one value per channel is refused while training', () => {
    expect(() => new nn.BatchNorm1d(3)(ones([1, 3]))).toThrow(
      /Expected more than 1 value per channel when training, got input size \[1, 3\]/,
    );
    expect(() => new nn.InstanceNorm1d(3)(ones([1, 3, 1]))).toThrow(/more than 1 spatial element/);
    expect(() => new nn.BatchNorm2d(3)(ones([2, 3]))).toThrow(/BatchNorm2d: the input \(2, 3\) needs 4/);
    expect(() => new nn.BatchNorm1d(3)(ones([2, 4]))).toThrow(/has 4 channels, expected 3/);
  });
});

describe('other norms', () => {
  test('layer norm has the biased variance with eps inside the root', () => {
    closeTo(new nn.LayerNorm(3).double()(f64([1, 2, 4])), [-1.0690415, -0.2672604, 1.3363019], 6);
  });

  test('group norm of one group per channel is instance norm; of one group, layer norm', () => {
    manualSeed(3);
    const x = randn([2, 4, 5], { dtype: 'float64' });
    const instance = F.instanceNorm(x);
    expect(F.groupNorm(x, 4).sub(instance).abs().amax().item()).toBeLessThan(1e-12);
    expect(
      F.groupNorm(x, 1)
        .sub(F.layerNorm(x, [4, 5]))
        .abs()
        .amax()
        .item(),
    ).toBeLessThan(1e-12);
  });

  test('local response norm divides alpha by the size', () => {
    closeTo(F.localResponseNorm(ones([1, 3, 1]), 3, { alpha: 1 }), [0.6817, 0.5946, 0.6817], 4);
  });

  test('RMS norm uses the machine epsilon unless told otherwise', () => {
    closeTo(new nn.RMSNorm(2).double()(f64([3, 4])), [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)], 12);
    expect(() => new nn.RMSNorm(3)(ones([2, 4]))).toThrow(/does not end with the normalized shape \(3,\)/);
  });
});

describe('embedding', () => {
  const index = tensor([0, 2, 2, 1], { dtype: 'int32' });

  test('the padding row starts at 0 and never learns', () => {
    const layer = new nn.Embedding(3, 2, { paddingIdx: 2 });
    expect(layer.weight.select(0, 2).toArray()).toEqual([0, 0]);
    layer(index).sum().backward();
    expect(layer.weight.grad!.toArray()).toEqual([
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
  });

  test('repeated rows add up, or are averaged by frequency; long rows are shortened in place', () => {
    const weight = f64([
      [3, 4],
      [0.3, 0.4],
      [6, 8],
    ]).requiresGrad_();
    F.embedding(index, weight).sum().backward();
    expect(weight.grad!.select(1, 0).toArray()).toEqual([1, 1, 2]);
    weight.grad = null;
    F.embedding(index, weight, { scaleGradByFreq: true }).sum().backward();
    expect(weight.grad!.select(1, 0).toArray()).toEqual([1, 1, 1]);
    const short = F.embedding(index, weight.detach().clone(), { maxNorm: 1 });
    closeTo(short, [0.6, 0.8, 0.6, 0.8, 0.6, 0.8, 0.3, 0.4], 6);
    expect(() => F.embedding(tensor([3], { dtype: 'int32' }), weight)).toThrow(
      /index 3 is out of range.*0 to 2/,
    );
  });

  test('bags with offsets; an empty bag is 0', () => {
    const layer = new nn.EmbeddingBag(3, 1, { mode: 'max' });
    layer.loadStateDict({ weight: tensor([[1], [5], [3]]) });
    const offsets = tensor([0, 2, 2], { dtype: 'int32' });
    expect(layer(index, offsets).toArray()).toEqual([[3], [0], [5]]);
    expect(F.embeddingBag(index, layer.weight, { offsets, mode: 'mean' }).toArray()).toEqual([[2], [0], [4]]);
  });

  test('one-hot rows', () => {
    expect(F.oneHot(tensor([1, 0], { dtype: 'int32' }), 3).toArray()).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ]);
    expect(() => F.oneHot(tensor([4], { dtype: 'int32' }), 3)).toThrow(/class 4 is out of range/);
  });
});

describe('dropout', () => {
  test('keeps 1 - p of the elements, scaled; p = 1 is all zeros; nothing in evaluation', () => {
    manualSeed(0);
    const drop = new nn.Dropout(0.25);
    const out = drop(ones([10000]));
    const kept = out.gt(0).sum().item();
    expect(kept).toBeGreaterThan(7300);
    expect(kept).toBeLessThan(7700);
    expect(out.amax().item()).toBeCloseTo(4 / 3, 6);
    expect(new nn.Dropout(1)(ones([3])).toArray()).toEqual([0, 0, 0]);
    const x = ones([3]);
    expect(drop.eval()(x)).toBe(x);
    expect(() => new nn.Dropout(1.5)).toThrow(/between 0 and 1, but got 1.5/);
  });

  test('channel dropout drops whole channels', () => {
    manualSeed(0);
    const out = new nn.Dropout2d(0.5)(ones([4, 8, 3, 3])).reshape([32, 9]);
    expect(out.amax(1).sub(out.amin(1)).abs().amax().item()).toBe(0);
    expect(new Set(out.amax(1).toArray() as number[])).toEqual(new Set([0, 2]));
  });

  test('alpha dropout keeps mean 0 and variance 1', () => {
    manualSeed(0);
    const out = new nn.AlphaDropout(0.3)(randn([20000]));
    expect(Math.abs(out.mean().item())).toBeLessThan(0.03);
    expect(Math.abs(out.std().item() - 1)).toBeLessThan(0.03);
  });
});

describe('activations as layers', () => {
  test('print as PyTorch prints', () => {
    const printed = [
      new nn.ReLU(),
      new nn.ReLU({ inplace: true }),
      new nn.LeakyReLU(0.2, { inplace: true }),
      new nn.PReLU(),
      new nn.RReLU(),
      new nn.ELU(),
      new nn.GELU(),
      new nn.Hardtanh(),
      new nn.Softplus(),
      new nn.Softshrink(),
      new nn.Threshold(0.1, 20),
      new nn.GLU(),
      new nn.Softmax(1),
      new nn.Dropout(),
      new nn.BatchNorm2d(3, { momentum: null, affine: false }),
      new nn.LayerNorm([3, 8]),
      new nn.GroupNorm(2, 4),
      new nn.RMSNorm(4),
      new nn.LocalResponseNorm(4),
      new nn.Embedding(7, 8, { paddingIdx: 2, maxNorm: 1 }),
      new nn.EmbeddingBag(7, 8),
      new nn.CrossEntropyLoss(),
    ].map(String);
    expect(printed).toEqual([
      'ReLU()',
      'ReLU(inplace=True)',
      'LeakyReLU(negative_slope=0.2, inplace=True)',
      'PReLU(num_parameters=1)',
      'RReLU(lower=0.125, upper=0.3333333333333333)',
      'ELU(alpha=1.0)',
      "GELU(approximate='none')",
      'Hardtanh(min_val=-1.0, max_val=1.0)',
      'Softplus(beta=1.0, threshold=20.0)',
      'Softshrink(0.5)',
      'Threshold(threshold=0.1, value=20)',
      'GLU(dim=-1)',
      'Softmax(dim=1)',
      'Dropout(p=0.5, inplace=False)',
      'BatchNorm2d(3, eps=1e-05, momentum=None, affine=False, bias=False, track_running_stats=True)',
      'LayerNorm((3, 8), eps=1e-05, elementwise_affine=True, bias=True)',
      'GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)',
      'RMSNorm((4,), eps=None, elementwise_affine=True)',
      'LocalResponseNorm(4, alpha=0.0001, beta=0.75, k=1.0)',
      'Embedding(7, 8, padding_idx=2, max_norm=1.0)',
      "EmbeddingBag(7, 8, mode='mean')",
      'CrossEntropyLoss()',
    ]);
  });

  test('inplace writes over the input', () => {
    const x = tensor([-1, 2]);
    expect(new nn.ReLU({ inplace: true })(x)).toBe(x);
    expect(x.toArray()).toEqual([0, 2]);
  });

  test('gelu is exact unless asked for tanh; random slopes have a middle in evaluation', () => {
    expect(F.gelu(f64([1])).item()).toBeCloseTo(0.841345, 6);
    expect(F.gelu(f64([1]), { approximate: 'tanh' }).item()).toBeCloseTo(0.841192, 6);
    expect(
      new nn.RReLU(0.1, 0.3)
        .eval()(f64([-1]))
        .item(),
    ).toBeCloseTo(-0.2, 15);
    manualSeed(0);
    const hard = F.gumbelSoftmax(zeros([5, 3]), { hard: true });
    expect(hard.sum(1).toArray()).toEqual([1, 1, 1, 1, 1]);
    expect(full([1], 1).item()).toBe(1);
  });
});

describe('laws that need no oracle', () => {
  const x = (): Tensor => randn([6, 4, 5], { dtype: 'float64' });
  const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().amax().item();

  test('batch norm gives mean 0 and variance 1, and does not see a shift or a scale of its input', () => {
    manualSeed(5);
    const bn = new nn.BatchNorm1d(4, { eps: 0 }).double();
    const input = x();
    const out = bn(input);
    expect(out.mean([0, 2]).abs().amax().item()).toBeLessThan(1e-12);
    expect(gap(out.mul(out).mean([0, 2]), ones([4], { dtype: 'float64' }))).toBeLessThan(1e-12);
    expect(gap(bn(input.mul(3).add(7)), out)).toBeLessThan(1e-12);
  });

  test('cross-entropy of one-hot probabilities is that of their indices, and ignores a shift of the logits', () => {
    manualSeed(6);
    const logits = randn([5, 3], { dtype: 'float64' });
    const index = tensor([0, 2, 1, 1, 0], { dtype: 'int32' });
    const loss = F.crossEntropy(logits, index);
    expect(gap(F.crossEntropy(logits, F.oneHot(index, 3).to('float64')), loss)).toBeLessThan(1e-14);
    expect(gap(F.crossEntropy(logits.add(100), index), loss)).toBeLessThan(1e-12);
    expect(gap(F.nllLoss(F.logSoftmax(logits, 1), index), loss)).toBeLessThan(1e-14);
  });

  test('attention does not see the order of keys and their values', () => {
    manualSeed(7);
    const [q, k, v] = [x(), x(), x()];
    const out = F.scaledDotProductAttention(q, k, v);
    expect(gap(F.scaledDotProductAttention(q, k.flip([1]), v.flip([1])), out)).toBeLessThan(1e-12);
  });

  test('evaluating a batch in two parts gives the same', () => {
    manualSeed(8);
    const net = new nn.Sequential(
      new nn.BatchNorm1d(4),
      new nn.Flatten(),
      new nn.Linear(20, 3),
      new nn.GELU(),
    )
      .double()
      .eval();
    const input = x();
    const parts = [net(input.narrow(0, 0, 2)), net(input.narrow(0, 2, 4))];
    expect(gap(net(input).narrow(0, 0, 2), parts[0])).toBeLessThan(1e-14);
    expect(gap(net(input).narrow(0, 2, 4), parts[1])).toBeLessThan(1e-14);
  });

  test('a state dict survives the way through another model, training modes and all buffers included', () => {
    manualSeed(9);
    const make = (): nn.Sequential =>
      new nn.Sequential(new nn.BatchNorm1d(4), new nn.Flatten(), new nn.Linear(20, 3)).double();
    const [one, two] = [make(), make()];
    one(x());
    two.loadStateDict(one.stateDict());
    const input = x();
    expect(gap(two.eval()(input), one.eval()(input))).toBe(0);
  });
});

describe('layers refuse what cannot work, and say why', () => {
  const long = tensor([1], { dtype: 'int32' });
  test.each<[string, () => unknown, RegExp]>([
    ['Linear sizes', () => new nn.Linear(-1, 2), /Linear: inFeatures -1 must be a whole number/],
    ['Linear input', () => new nn.Linear(3, 2)(ones([4, 5])), /linear: .*\(4, 5\).*5 and 3 differ/],
    ['BatchNorm features', () => new nn.BatchNorm1d(0), /numFeatures 0 must be a whole number above 0/],
    ['GroupNorm groups', () => new nn.GroupNorm(3, 4), /4 channels do not divide into 3 groups/],
    ['Softmax without a dimension', () => new nn.Softmax(undefined as never), /give the dimension/],
    ['Hardtanh bounds', () => new nn.Hardtanh(1, -1), /maxVal -1 must be above minVal 1/],
    ['Embedding padding', () => new nn.Embedding(3, 2, { paddingIdx: 3 }), /paddingIdx 3 is not a row of 3/],
    ['Embedding dtype', () => new nn.Embedding(3, 2)(ones([1])), /indices are float32: they must be int32/],
    [
      'bags without offsets',
      () => new nn.EmbeddingBag(3, 2)(long),
      /should be \(B, N\), or \(N,\) with offsets/,
    ],
    ['reduction', () => new nn.MSELoss({ reduction: 'average' as never }), /'average' is unknown: use none/],
    ['LSTM sizes', () => new nn.LSTM(3, 0), /hiddenSize 0 must be a whole number above 0/],
    ['attention heads', () => new nn.MultiheadAttention(6, 4), /embedDim 6 must be divisible by numHeads 4/],
    ['list forward', () => new nn.ModuleList()(), /it has no forward/],
    ['not a module', () => new nn.Sequential(3 as never), /layer 0 is not a module: 3/],
    ['no such item', () => new nn.ModuleList().at(0), /index 0 is out of range for 0 items/],
    ['no such key', () => new nn.ModuleDict({ a: new nn.Identity() }).get('b' as 'a'), /no 'b' among a/],
    ['dtype of a module', () => new nn.Linear(2, 2).to('int32'), /dtype is floating, not int32/],
    [
      'triplet margin',
      () => F.tripletMarginLoss(ones([2, 2]), ones([2, 2]), ones([2, 2]), { margin: 0 }),
      /above 0/,
    ],
  ])('%s', (_name, attempt, message) => {
    expect(attempt).toThrow(message);
  });
});
