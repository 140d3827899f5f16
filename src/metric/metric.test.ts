import { describe, expect, test } from 'vitest';
import { grad, metric, type Tensor, tensor, zeros } from '../index.ts';

// torch.manual_seed(1); x = torch.randn(6, 3, dtype=torch.float64); y = [0, 0, 1, 1, 2, 2]
const x = (): Tensor =>
  tensor(
    [
      [-0.31128955419003207, -0.7130302768401124, 0.5739008402091161],
      [1.5697184649359581, 0.8734455849426772, -3.704663800207429],
      [-1.8141539905872015, -1.8425712793844078, 0.09412786590968454],
      [0.5119431551289874, 1.052307808929565, -0.15636439667930063],
      [-2.1010054062092243, 1.5797411191469026, 1.0833573008638342],
      [0.8896745158287568, -1.928583354008078, -0.27100795326519517],
    ],
    { dtype: 'float64', requiresGrad: true },
  );
const y = tensor([0, 0, 1, 1, 2, 2], { dtype: 'int32' });

/** The loss and the first row of its gradient, by PyTorch 2.13 from the formulas written out with loops. */
const byPyTorch: Record<string, { loss: (x: Tensor) => Tensor; value: number; row?: number[] }> = {
  'contrastive, margin 1.5': {
    loss: (e) => metric.contrastiveLoss(e, y, { margin: 1.5 }),
    value: 2.0433941232584414,
    row: [-0.12540053460839934, -0.10576505745218599, 0.2852376426944363],
  },
  'triplets, batch-hard, margin 0.3': {
    loss: (e) => metric.tripletLoss(e, y, { margin: 0.3 }),
    value: 2.374258156739246,
    row: [0.019833924947379553, -0.27528885716108076, 0.041488975092265],
  },
  'all triplets, squared distances': {
    loss: (e) => metric.tripletLoss(e, y, { margin: 0.3, mining: 'all', distance: 'squared' }),
    value: 9.431398077758352,
  },
  'all triplets, mean of those above 0': {
    loss: (e) =>
      metric.tripletLoss(e, y, { margin: 0.3, mining: 'all', distance: 'squared', reduction: 'nonzero' }),
    value: 11.317677693310022,
  },
  'NT-Xent, temperature 0.2': {
    loss: (e) => metric.ntXentLoss(e.narrow(0, 0, 3), e.narrow(0, 3, 3), { temperature: 0.2 }),
    value: 4.665043842166766,
    row: [-0.723118004820185, -0.8497850054432088, -1.4480228304426304],
  },
};

describe('losses', () => {
  test.each(Object.entries(byPyTorch))('%s', (_, { loss, value, row }) => {
    const e = x();
    const result = loss(e);
    expect(result.item()).toBeCloseTo(value, 12);
    const first = grad(result, e)[0].select(0, 0).toArray() as number[];
    for (const [i, g] of (row ?? []).entries()) expect(first[i]).toBeCloseTo(g, 12);
  });

  test('equal embeddings have finite gradients, and a batch of one class costs nothing', () => {
    const same = zeros([4, 2], { requiresGrad: true });
    const labels = tensor([0, 0, 1, 1], { dtype: 'int32' });
    for (const loss of [metric.contrastiveLoss(same, labels), metric.tripletLoss(same, labels)])
      expect((grad(loss, same)[0].toArray() as number[][]).flat().every(Number.isFinite)).toBe(true);
    const one = metric.tripletLoss(same, tensor([1, 1, 1, 1], { dtype: 'int32' }));
    one.backward();
    expect([one.item(), same.grad?.toArray()]).toEqual([
      0,
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  test('what does not belong together is refused', () => {
    expect(() => metric.tripletLoss(x(), y.narrow(0, 0, 5))).toThrow(/\(6, 3\) and \(5,\)/);
    expect(() => metric.ntXentLoss(zeros([2, 3]), zeros([3, 3]))).toThrow(/two views/);
    expect(() => metric.mineTriplets(x(), y, { type: 'easy' as never })).toThrow(/semihard/);
  });
});

describe('miners', () => {
  // On a line, distances can be read off.
  const line = tensor([[0], [1], [1.5], [5]]);
  const labels = tensor([0, 0, 1, 1], { dtype: 'int32' });
  const mined = (type: metric.Mining, margin?: number): number[][] => {
    const { anchors, positives, negatives } = metric.mineTriplets(line, labels, { type, margin });
    const rows = [anchors, positives, negatives].map((t) => t.toArray() as number[]);
    return rows[0].map((_, i) => rows.map((row) => row[i]));
  };

  test('all triplets: every anchor with each positive and each negative', () => {
    expect(mined('all')).toHaveLength(8);
  });

  test('hard: the negative is nearer than the positive', () => {
    expect(mined('hard')).toEqual([
      [1, 0, 2],
      [2, 3, 0],
      [2, 3, 1],
    ]);
  });

  test('semi-hard: farther than the positive, by less than the margin', () => {
    expect(mined('semihard', 0.6)).toEqual([
      [0, 1, 2],
      [3, 2, 1],
    ]);
  });

  test('batch-hard: the farthest positive and the nearest negative of each', () => {
    expect(mined('batchHard')).toEqual([
      [0, 1, 2],
      [1, 0, 2],
      [2, 3, 1],
      [3, 2, 1],
    ]);
  });
});

test('recall at k counts rows with one of their class among the k nearest others', () => {
  const points = tensor([[0], [1], [1.5], [5], [9]]);
  const labels = tensor([0, 0, 1, 1, 2], { dtype: 'int32' });
  // Nearest others: 0 -> 1 (same); 1 -> 2, 0; 2 -> 1, 0, 3; 3 -> 2 (same); 4 has no partner.
  expect(metric.recallAtK(points, labels, [1, 2, 3])).toEqual([0.4, 0.6, 0.8]);
  expect(() => metric.recallAtK(points, labels, 5)).toThrow(/between 1 and 4/);
});
