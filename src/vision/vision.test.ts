import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Tensor, tensor, vision } from '../index.ts';

// What torchvision 0.14 gives for each operation.
interface Case {
  op: string;
  inputs: unknown[];
  kwargs: Record<string, never>;
  out: { data: number[]; shape: number[]; dtype: string };
}

const file = fileURLToPath(new URL('../../test/golden/data/vision/vision.jsonl.gz', import.meta.url));
const cases = gunzipSync(readFileSync(file))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

const make = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('data' in value)) return value;
  const { data, shape, dtype } = value as Case['out'];
  return tensor(data, { dtype: dtype === 'int64' ? 'int32' : 'float64' }).reshape(shape);
};

type Options = Record<string, never>;

const run: Record<string, (inputs: Tensor[], k: Options) => Tensor> = {
  nms: ([boxes, scores], k) => vision.nms(boxes, scores, k.iouThreshold),
  batchedNms: ([boxes, scores, classes], k) => vision.batchedNms(boxes, scores, classes, k.iouThreshold),
  boxIou: ([a, b]) => vision.boxIou(a, b),
  generalizedBoxIou: ([a, b]) => vision.generalizedBoxIou(a, b),
  distanceBoxIou: ([a, b]) => vision.distanceBoxIou(a, b),
  completeBoxIou: ([a, b]) => vision.completeBoxIou(a, b),
  generalizedBoxIouLoss: ([a, b], k) => vision.generalizedBoxIouLoss(a, b, k),
  distanceBoxIouLoss: ([a, b], k) => vision.distanceBoxIouLoss(a, b, k),
  completeBoxIouLoss: ([a, b], k) => vision.completeBoxIouLoss(a, b, k),
  boxArea: ([a]) => vision.boxArea(a),
  clipBoxesToImage: ([a], k) => vision.clipBoxesToImage(a, k.size),
  removeSmallBoxes: ([a], k) => vision.removeSmallBoxes(a, k.minSize),
  boxConvert: ([a], k) => vision.boxConvert(a, k.inFmt, k.outFmt),
  roiAlign: ([x, rois], k) => vision.roiAlign(x, rois, k.outputSize, k),
  'BoxCoder.encode': ([a, b], k) => new vision.BoxCoder(k.weights).encode(a, b),
  'BoxCoder.decode': ([a, b], k) => new vision.BoxCoder(k.weights).decode(a, b),
  Matcher: ([quality], k) => new vision.Matcher(k as never).match(quality),
  AnchorGenerator: (inputs, k) =>
    new vision.AnchorGenerator(k.sizes, k.aspectRatios).generate(k.imageSize, inputs as never),
  DefaultBoxGenerator: (inputs, k) =>
    new vision.DefaultBoxGenerator(k.aspectRatios).generate(k.imageSize, inputs as never),
};

test.each(cases.map((c, i) => [`${c.op} ${i}`, c] as const))(
  '%s equals torchvision',
  (_, { op, inputs, kwargs, out }) => {
    const ours = run[op](inputs.map(make) as Tensor[], kwargs);
    expect(ours.shape).toEqual(out.shape);
    const values = ours.reshape([-1]).toArray() as number[];
    values.forEach((value, i) => {
      if (!(Number.isNaN(value) && String(out.data[i]) === 'nan'))
        expect(Math.abs(value - out.data[i])).toBeLessThan(1e-6 + 1e-5 * Math.abs(out.data[i]));
    });
  },
);

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
    'thresholds the wrong way round',
    () => new vision.Matcher({ highThreshold: 0.3, lowThreshold: 0.5 }),
    /lowThreshold 0.5 is above/,
  ],
])('%s are refused', (_, call, message) => {
  expect(call).toThrow(message);
});
