import { describe, expect, test } from 'vitest';
import { F, full, type Tensor, tensor, zeros } from '../../index.ts';

const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' });
const index = (data: number[]): Tensor => tensor(data, { dtype: 'int32' });

// The numbers are PyTorch's.
describe('losses have PyTorch values at the places where libraries differ', () => {
  test('cross-entropy of a perfect softmax output has the floor ln(1 + (C - 1) / e)', () => {
    for (const [classes, floor] of [
      [2, 0.3133],
      [3, 0.5514],
      [10, 1.4612],
      [1000, 5.9095],
    ]) {
      const hot = f64([Array.from({ length: classes }, (_, c) => (c === 0 ? 1 : 0))]);
      expect(F.crossEntropy(hot, index([0])).item()).toBeCloseTo(floor, 4);
    }
  });

  test('class weights with label smoothing: the mean divides by the weights of the targets', () => {
    const input = f64([
      [0.5, -0.2, 0.1],
      [1.2, 0.3, -0.7],
    ]);
    const weight = f64([1, 2, 3]);
    const options = { weight, labelSmoothing: 0.1 };
    expect(F.crossEntropy(input, index([0, 2]), options).item()).toBeCloseTo(1.8999244639, 9);
    expect(F.crossEntropy(input, index([0, 1]), options).item()).toBeCloseTo(1.2305704316, 9);
  });

  test('ignored targets leave the mean; all ignored, or none at all, is NaN', () => {
    const input = f64([
      [1, 2],
      [3, 5],
    ]);
    const one = F.crossEntropy(input, index([-100, 1])).item();
    expect(one).toBeCloseTo(Math.log1p(Math.exp(-2)), 12);
    expect(F.crossEntropy(input, index([-100, -100])).item()).toBeNaN();
    expect(F.crossEntropy(zeros([0, 2]), index([])).item()).toBeNaN();
    expect(() => F.crossEntropy(input, index([0, -1]))).toThrow(/Target -1 is out of bounds/);
    expect(() => F.crossEntropy(input, index([0, 2]))).toThrow(/Target 2 is out of bounds.*0 to 1/);
  });

  test('binary cross-entropy clamps the logarithm at -100 and the denominator at 1e-12', () => {
    const p = f64([0]).requiresGrad_();
    const loss = F.binaryCrossEntropy(p, f64([1]));
    expect(loss.item()).toBe(100);
    loss.backward();
    expect(p.grad!.item()).toBe(-1e12);
    expect(() => F.binaryCrossEntropy(f64([1.5]), f64([1]))).toThrow(/between 0 and 1, one is 1.5/);
  });

  test('posWeight multiplies the positive term only', () => {
    const loss = F.binaryCrossEntropyWithLogits(f64([0.5]), f64([1]), { posWeight: f64([3]) });
    expect(loss.item()).toBeCloseTo(1.422231, 6);
    expect(F.binaryCrossEntropyWithLogits(f64([-1000, 1000]), f64([1, 0])).item()).toBe(1000);
  });

  test('huber is delta times smooth L1', () => {
    const input = f64([1, 3]);
    const target = zeros([2], { dtype: 'float64' });
    expect(F.smoothL1Loss(input, target, { beta: 2, reduction: 'none' }).toArray()).toEqual([0.25, 2]);
    expect(F.huberLoss(input, target, { delta: 2, reduction: 'none' }).toArray()).toEqual([0.5, 4]);
  });

  test('the divergence is the batchmean, not the mean', () => {
    const input = f64([[0.2, 0.3, 0.5]]).log();
    const target = f64([[0.5, 0.4, 0.1]]);
    const sum = 0.5 * Math.log(2.5) + 0.4 * Math.log(4 / 3) + 0.1 * Math.log(0.2);
    expect(F.klDiv(input, target, { reduction: 'batchmean' }).item()).toBeCloseTo(sum, 12);
    expect(F.klDiv(input, target).item()).toBeCloseTo(sum / 3, 12);
  });

  test('triplet: eps is added to the difference, and swap takes the nearer negative', () => {
    const [a, p, n] = [f64([[0]]), f64([[2]]), f64([[2.5]])];
    expect(F.tripletMarginLoss(a, p, n).item()).toBeCloseTo(0.5, 6);
    expect(F.tripletMarginLoss(a, p, n, { swap: true }).item()).toBeCloseTo(2.5, 5);
    const same = f64([[1, 1]]);
    expect(F.pairwiseDistance(same, same).item()).toBeCloseTo(Math.SQRT2 * 1e-6, 12);
  });

  test('a zero vector has norm 0 and gradient 0, and stays 0 when normalized', () => {
    const x = zeros([1, 3], { dtype: 'float64' }).requiresGrad_();
    const unit = F.normalize(x);
    expect(unit.toArray()).toEqual([[0, 0, 0]]);
    expect(F.cosineSimilarity(x, f64([[1, 2, 3]])).item()).toBe(0);
    F.pairwiseDistance(x, x.detach(), { eps: 0 }).sum().backward();
    expect(x.grad!.toArray()).toEqual([[0, 0, 0]]);
  });

  test('multi-label soft margin equals binary cross-entropy with logits', () => {
    const input = f64([[0.3, -1, 2]]);
    const target = f64([[1, 0, 1]]);
    expect(F.multilabelSoftMarginLoss(input, target).item()).toBeCloseTo(
      F.binaryCrossEntropyWithLogits(input, target).item(),
      14,
    );
  });
});

describe('losses refuse what does not fit', () => {
  const pair = [f64([[1], [2]]), f64([1, 2])] as const;
  test.each([
    ['mseLoss', F.mseLoss],
    ['l1Loss', F.l1Loss],
    ['smoothL1Loss', F.smoothL1Loss],
    ['huberLoss', F.huberLoss],
    ['klDiv', F.klDiv],
    ['binaryCrossEntropyWithLogits', F.binaryCrossEntropyWithLogits],
    ['poissonNllLoss', F.poissonNllLoss],
    ['softMarginLoss', F.softMarginLoss],
    ['hingeEmbeddingLoss', F.hingeEmbeddingLoss],
    ['multilabelSoftMarginLoss', F.multilabelSoftMarginLoss],
  ])('%s: (2, 1) against (2,) does not broadcast', (name, loss) => {
    expect(() => loss(...pair)).toThrow(`${name}: the input (2, 1) and the target (2,) differ`);
  });

  test('cross-entropy names the shapes, dtypes and the cure', () => {
    const input = full([2, 3], 0);
    expect(() => F.crossEntropy(input, index([1]))).toThrow(/target \(1,\) should be \(2,\)/);
    expect(() => F.crossEntropy(input, full([2], 0))).toThrow(/class indices are int32/);
    expect(() => F.crossEntropy(input, index([0, 1]), { labelSmoothing: 2 })).toThrow(/between 0 and 1/);
    expect(() => F.crossEntropy(input, index([0, 1]), { weight: full([2], 1) })).toThrow(/3 classes/);
  });
});
