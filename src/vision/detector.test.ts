import { describe, expect, test } from 'vitest';
import { nn, type Tensor, tensor, vision, zeros } from '../index.ts';

/** sin(1.7 i + phase) * scale: numbers that Python makes too. */
const wave = (shape: number[], scale: number, phase: number): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + phase) * scale),
    { dtype: 'float64' },
  ).reshape(shape);

/** Two maps, of 4 x 4 and 2 x 2 cells. */
class Maps extends nn.Module<[Tensor], Tensor[]> {
  forward(images: Tensor): Tensor[] {
    return [4, 2].map((size) => zeros([images.shape[0], 1, size, size], { dtype: 'float64' }));
  }
}

/** A head that says the same of every image. */
class Fixed extends vision.DenseHead {
  readonly output: vision.HeadOutput;

  constructor(anchors: number) {
    super();
    this.output = {
      clsLogits: wave([2, anchors, 3], 2, 0.3).clone().requiresGrad_(),
      bboxRegression: wave([2, anchors, 4], 1, 0.9).clone().requiresGrad_(),
    };
  }

  forward(): vision.HeadOutput {
    return this.output;
  }
}

const images = zeros([2, 3, 64, 64], { dtype: 'float64' });
const truths = [
  {
    boxes: tensor([
      [4, 6, 30, 40],
      [20, 20, 60, 58],
    ]),
    labels: tensor([1, 2], { dtype: 'int32' }),
  },
  { boxes: tensor([[10, 12, 26, 25]]), labels: tensor([2], { dtype: 'int32' }) },
];

// What torchvision's SSD and RetinaNet give for these logits, offsets and boxes: losses, the sum of the magnitudes of their
// gradients, and for each image the number of detections, the sum of the scores, the best labels, scores and box.
const cases = [
  {
    name: 'SSD',
    head: new Fixed(80),
    make: (head: Fixed) => new vision.SSD(new Maps(), head, new vision.DefaultBoxGenerator([[2], [2]])),
    classification: 13.51657105650714,
    bboxRegression: 5.991011685220681,
    gradients: [6.908994007167173, 3.5753539677377444],
    found: [
      [94, 43.04846994370141, [2, 2, 2, 2, 2, 2], [0.917163, 0.916627], [0.5472, 37.8791, 14.4511, 43.4368]],
      [95, 44.0502216488281, [2, 2, 2, 2, 2, 2], [0.9172, 0.916501], [19.5411, 15.6918, 27.5588, 30.5244]],
    ],
  },
  {
    name: 'RetinaNet',
    head: new Fixed(60),
    make: (head: Fixed) =>
      new vision.RetinaNet(new Maps(), head, new vision.AnchorGenerator([[8], [16]]), { backgroundIou: 0.1 }),
    classification: 50.96248470481494,
    bboxRegression: 3.3108183871687658,
    gradients: [44.17839068794626, 4],
    found: [
      [175, 88.26208167275846, [1, 2, 0, 2, 1, 2], [0.880757, 0.880685], [48.0199, 8.1291, 51.5467, 13.6762]],
      [161, 83.53940693809909, [2, 1, 0, 1, 2, 1], [0.880789, 0.880746], [0, 8.9116, 10.9423, 14.041]],
    ],
  },
] as const;

describe.each(cases)('$name equals torchvision', ({ head, make, ...wanted }) => {
  test('losses and their gradients', () => {
    const loss = make(head).loss(images, truths);
    expect(loss.classification.item()).toBeCloseTo(wanted.classification, 5);
    expect(loss.bboxRegression.item()).toBeCloseTo(wanted.bboxRegression, 5);
    loss.classification.add(loss.bboxRegression).backward();
    const { clsLogits, bboxRegression } = head.output;
    const sums = [clsLogits, bboxRegression].map(({ grad }) => grad!.abs().sum().item());
    expect(sums[0]).toBeCloseTo(wanted.gradients[0], 5);
    expect(sums[1]).toBeCloseTo(wanted.gradients[1], 5);
  });

  test.each([0, 1])('detections in image %i', (image) => {
    const { boxes, scores, labels } = make(head).detect(images)[image];
    const [count, total, firstLabels, firstScores, firstBox] = wanted.found[image];
    expect(boxes.shape).toEqual([count, 4]);
    expect(scores.sum().item()).toBeCloseTo(total, 4);
    expect((labels.toArray() as number[]).slice(0, 6)).toEqual(firstLabels);
    (scores.toArray() as number[]).slice(0, 2).forEach((score, i) => {
      expect(score).toBeCloseTo(firstScores[i], 5);
    });
    (boxes.toArray() as number[][])[0].forEach((corner, i) => {
      expect(corner).toBeCloseTo(firstBox[i], 3);
    });
  });
});

test('an image without boxes counts as background', () => {
  const nothing = { boxes: zeros([0, 4]), labels: zeros([0], { dtype: 'int32' }) };
  for (const { head, make } of cases) {
    const { classification, bboxRegression } = make(head).loss(images, [nothing, nothing]);
    expect(bboxRegression.item()).toBe(0);
    expect(Number.isFinite(classification.item())).toBe(true);
  }
});

test.each([
  ['too few targets', () => cases[0].make(cases[0].head).loss(images, []), /SSD: 0 targets for 2 images/],
  [
    'a box that is turned round',
    () =>
      cases[1]
        .make(cases[1].head)
        .loss(images, [truths[0], { ...truths[1], boxes: tensor([[10, 10, 5, 20]]) }]),
    /RetinaNet: all boxes should have positive height and width, but image 1 has \[10,10,5,20\]/,
  ],
  [
    'a head for other anchors',
    () => cases[0].make(new Fixed(12)).detect(images),
    /SSD: the head gives 12 boxes for 80 anchors: it must have 4,4 anchors a cell/,
  ],
  [
    'one image without batch',
    () => cases[0].make(cases[0].head).detect(zeros([3, 64, 64])),
    /SSD: the images \(3, 64, 64\) must be a batch \(N, C, H, W\)/,
  ],
  [
    'levels without anchors',
    () => new vision.SSDHead([4, 4], [6], 3),
    /SSDHead: 2 levels of channels, 1 of anchors/,
  ],
])('%s is refused', (_, call, message) => {
  expect(call).toThrow(message);
});
