import { expect, test } from 'vitest';
import { cat, full, manualSeed, rand, randperm, tensor, vision, zeros } from '../index.ts';

test('p6 and p7 halve the coarsest result, or the coarsest input where that has the channels', () => {
  const maps = { c4: zeros([1, 4, 8, 8]), c5: zeros([1, 6, 4, 4]) };
  const ofResult = new vision.FeaturePyramidNetwork([4, 6], 8, new vision.LastLevelP6P7(8, 8))(maps);
  const ofInput = new vision.FeaturePyramidNetwork([4, 6], 8, new vision.LastLevelP6P7(6, 8))(maps);
  for (const result of [ofResult, ofInput])
    expect(Object.entries(result).map(([name, { shape }]) => [name, shape])).toEqual([
      ['c4', [1, 8, 8, 8]],
      ['c5', [1, 8, 4, 4]],
      ['p6', [1, 8, 2, 2]],
      ['p7', [1, 8, 1, 1]],
    ]);
});

test('the focal loss of a logit of 0 and of a confident mistake', () => {
  const loss = vision.sigmoidFocalLoss(tensor([0, 2]), tensor([1, 0]));
  expect((loss.toArray() as number[]).map((v) => v.toFixed(6))).toEqual(['0.043322', '1.237559']);
});

test('roiPool rounds to whole pixels and includes the end; its gradient goes to the greatest', () => {
  const x = tensor(
    Array.from({ length: 16 }, (_, i) => i),
    { dtype: 'float64' },
  ).reshape([1, 1, 4, 4]);
  x.requiresGrad_();
  const y = vision.roiPool(x, tensor([[0, 0, 0, 3, 3]], { dtype: 'float64' }), 2);
  expect(y.reshape([-1]).toArray()).toEqual([5, 7, 13, 15]);
  y.sum().backward();
  expect(x.grad!.reshape([-1]).toArray()).toEqual([0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1]);
  const outside = vision.roiPool(x, tensor([[0, 9, 9, 12, 12]], { dtype: 'float64' }), 1);
  expect(outside.item()).toBe(0);
});

test('a box is read from the level that suits its size: 224 pixels from level 4, half of that one below', () => {
  const features = Object.fromEntries(
    [2, 3, 4, 5].map((k) => [`p${k}`, full([2, 1, 512 / 2 ** k, 512 / 2 ** k], k)]),
  );
  const pooler = new vision.MultiScaleRoiAlign(['p2', 'p3', 'p4', 'p5'], 2);
  const square = (size: number): number[] => [8, 8, 8 + size, 8 + size];
  const boxes = [
    tensor([square(448), square(56), square(224)]),
    tensor([square(112), square(111), square(20)]),
  ];
  const pooled = pooler.pool(features, boxes, [512, 512]);
  expect(pooled.shape).toEqual([6, 1, 2, 2]);
  expect(pooled.select(3, 0).select(2, 0).reshape([-1]).toArray()).toEqual([5, 2, 4, 3, 2, 2]);
  expect(pooler.pool(features, [zeros([0, 4]), zeros([0, 4])], [512, 512]).shape).toEqual([0, 1, 2, 2]);
});

test('roiAlign of 0..15 as a 4x4 map: whole pixels, and aligned by half a pixel', () => {
  const x = tensor(
    Array.from({ length: 16 }, (_, i) => i),
    { dtype: 'float64' },
  ).reshape([1, 1, 4, 4]);
  const rois = tensor([[0, 0, 0, 4, 4]], { dtype: 'float64' });
  expect(vision.roiAlign(x, rois, 2).toArray()).toEqual([
    [
      [
        [5, 6.75],
        [12, 13.75],
      ],
    ],
  ]);
  expect(vision.roiAlign(x, rois, 2, { aligned: true }).toArray()).toEqual([
    [
      [
        [2.5, 4.5],
        [10.5, 12.5],
      ],
    ],
  ]);
});

test('the gradient of roiAlign sums to that of its output: every weight goes somewhere', () => {
  const x = tensor(
    Array.from({ length: 36 }, (_, i) => Math.sin(i)),
    { dtype: 'float64' },
  )
    .reshape([1, 1, 6, 6])
    .clone();
  x.requiresGrad = true;
  vision
    .roiAlign(x, tensor([[0, 1, 1, 4.5, 5]], { dtype: 'float64' }), 3)
    .sum()
    .backward();
  expect(x.grad!.sum().item()).toBeCloseTo(9, 10);
});

test('roiAlign of a ramp is exact: each cell holds the value at its centre', () => {
  const ramp = tensor(
    Array.from({ length: 12 * 12 }, (_, i) => 2 * (i % 12) + 5 * Math.floor(i / 12)),
  ).reshape([1, 1, 12, 12]);
  const [x1, y1, x2, y2] = [2.25, 1.5, 8.75, 9];
  const cells = vision.roiAlign(ramp, tensor([[0, x1, y1, x2, y2]]), [3, 2], { aligned: true });
  for (let row = 0; row < 3; row++)
    for (let column = 0; column < 2; column++) {
      const x = x1 + ((column + 0.5) * (x2 - x1)) / 2 - 0.5;
      const y = y1 + ((row + 0.5) * (y2 - y1)) / 3 - 0.5;
      expect(cells.at(0, 0, row, column).item()).toBeCloseTo(2 * x + 5 * y, 4);
    }
});

test('nms keeps the same boxes in whatever order they come', () => {
  manualSeed(4);
  const corners = rand(60, 2).mul(20);
  const boxes = cat([corners, corners.add(rand(60, 2).mul(10)).add(1)], 1);
  const scores = randperm(60).to('float32').div(60);
  const kept = vision.nms(boxes, scores, 0.3);
  expect(kept.size).toBeGreaterThan(5);
  expect(kept.size).toBeLessThan(50);
  const order = randperm(60);
  const again = vision.nms(boxes.indexSelect(0, order), scores.indexSelect(0, order), 0.3);
  expect(order.indexSelect(0, again).toArray()).toEqual(kept.toArray());
});

test('SSD300 has 8732 default boxes', () => {
  const boxes = new vision.DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]]);
  expect(boxes.numAnchorsPerLocation()).toEqual([4, 6, 6, 6, 4, 4]);
  const sizes = [38, 19, 10, 5, 3, 1].map((s) => [s, s] as const);
  expect(boxes.generate([300, 300], sizes).shape).toEqual([8732, 4]);
});

test('mean average precision: perfect detections score 1, a miss and a false alarm lower it', () => {
  const box = (...corners: number[]): number[] => corners;
  const truth = {
    boxes: tensor([box(0, 0, 10, 10), box(20, 20, 30, 30)]),
    labels: tensor([1, 1], { dtype: 'int32' }),
  };
  const perfect = { ...truth, scores: tensor([0.9, 0.8]) };
  expect(vision.meanAveragePrecision([perfect], [truth]).map).toBeCloseTo(1, 12);
  const half = {
    boxes: tensor([box(0, 0, 10, 10)]),
    scores: tensor([0.9]),
    labels: tensor([1], { dtype: 'int32' }),
  };
  // Recall stops at 1/2: 51 of the 101 recall points have precision 1.
  expect(vision.meanAveragePrecision([half], [truth]).map).toBeCloseTo(51 / 101, 12);
});

test.each([
  [
    'boxes that are not (N, 4)',
    () => vision.boxArea(tensor([[1, 2, 3]])),
    /boxArea: boxes have the shape \(1, 3\)/,
  ],
  [
    'scores of another length',
    () => vision.nms(tensor([[0, 0, 1, 1]]), tensor([1, 2]), 0.5),
    /nms: boxes \(1, 4\) and scores \(2,\)/,
  ],
  [
    'an image that the batch lacks',
    () => vision.roiAlign(tensor([[[[1]]]]), tensor([[3, 0, 0, 1, 1]]), 1),
    /roi 0 names image 3/,
  ],
  [
    'a pyramid with too few maps',
    () => new vision.FeaturePyramidNetwork([1, 2], 4)({ c2: zeros([1, 1, 4, 4]) }),
    /FeaturePyramidNetwork: 1 feature maps \(c2\) for 2 levels/,
  ],
  [
    'a feature map that is missing',
    () => new vision.MultiScaleRoiAlign(['p3'], 2).pool({ p2: zeros([1, 1, 4, 4]) }, [zeros([1, 4])], [8, 8]),
    /MultiScaleRoiAlign: no feature map 'p3': there are p2/,
  ],
  [
    'thresholds the wrong way round',
    () => new vision.Matcher({ highThreshold: 0.3, lowThreshold: 0.5 }),
    /lowThreshold 0.5 is above/,
  ],
])('%s are refused', (_, call, message) => {
  expect(call).toThrow(message);
});
