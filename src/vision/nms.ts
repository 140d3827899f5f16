import { kernel } from '../engine/kernel.ts';
import { tensor } from '../tensor/creation.ts';
import { formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkBoxes } from './boxes.ts';

/**
 * keep[i] = 1 where box order[i] survives: boxes (N, 4) are visited in `order`; one is dropped when its IoU with a kept one is
 * greater than the threshold. The IoU of two empty boxes is NaN, which drops nothing.
 */
export const nmsKernel = kernel(
  'vision.nms',
  (keep: Tensor, boxes: Tensor, order: Tensor, threshold: number) => {
    const count = order.size;
    const [row, column] = boxes.strides;
    const source = boxes.elements;
    const ranked = new Float64Array(count * 5);
    for (let i = 0; i < count; i++) {
      const place = boxes.offset + order.elements[order.offset + i] * row;
      for (let c = 0; c < 4; c++) ranked[i * 5 + c] = source[place + c * column];
      ranked[i * 5 + 4] = (ranked[i * 5 + 2] - ranked[i * 5]) * (ranked[i * 5 + 3] - ranked[i * 5 + 1]);
    }
    const alive = keep.elements;
    for (let i = 0; i < count; i++) alive[keep.offset + i] = 1;
    for (let i = 0; i < count; i++) {
      if (alive[keep.offset + i] === 0) continue;
      const a = i * 5;
      for (let j = i + 1; j < count; j++) {
        if (alive[keep.offset + j] === 0) continue;
        const b = j * 5;
        const w = Math.max(0, Math.min(ranked[a + 2], ranked[b + 2]) - Math.max(ranked[a], ranked[b]));
        const h = Math.max(
          0,
          Math.min(ranked[a + 3], ranked[b + 3]) - Math.max(ranked[a + 1], ranked[b + 1]),
        );
        const intersection = w * h;
        if (intersection / (ranked[a + 4] + ranked[b + 4] - intersection) > threshold)
          alive[keep.offset + j] = 0;
      }
    }
  },
);

/** Indices by falling score, NaN first, equal scores in their order. */
function byScore(scores: Tensor): Int32Array {
  const values = Array.from(
    { length: scores.size },
    (_, i) => scores.elements[scores.offset + i * scores.strides[0]],
  );
  return Int32Array.from(values.keys()).sort((i, j) => {
    const [a, b] = [values[i], values[j]];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a)) || i - j;
    return b - a || i - j;
  });
}

function checkScores(name: string, boxes: Tensor, scores: Tensor, iouThreshold: number): void {
  checkBoxes(name, boxes);
  if (Number.isNaN(iouThreshold)) throw new RangeError(`${name}: iouThreshold is NaN: give a number`);
  if (boxes.ndim !== 2 || scores.ndim !== 1 || boxes.shape[0] !== scores.shape[0])
    throw new RangeError(
      `${name}: boxes ${formatShape(boxes.shape)} and scores ${formatShape(scores.shape)} must be (N, 4) and (N,) with the same N`,
    );
}

/**
 * Non-maximum suppression: indices `(K,)` of the boxes that are kept, by falling score. A box goes when its IoU with a better one
 * that was kept is strictly greater than `iouThreshold`.
 *
 * @param boxes `(N, 4)`, corners. @param scores `(N,)`.
 * Source: `torchvision.ops.nms`.
 */
export function nms(boxes: Tensor, scores: Tensor, iouThreshold: number): Tensor {
  checkScores('nms', boxes, scores, iouThreshold);
  const order = byScore(scores);
  if (order.length === 0) return tensor([], { dtype: 'int32' });
  const ranked = tensor(order);
  const keep = Tensor.allocate([order.length], 'uint8');
  nmsKernel(keep, boxes, ranked, iouThreshold);
  return tensor(order.filter((_, i) => keep.elements[keep.offset + i] !== 0));
}

/**
 * `nms` within each class: boxes of different classes never suppress each other.
 *
 * @param classes `(N,)`, integers. Source: `torchvision.ops.batched_nms`.
 */
export function batchedNms(boxes: Tensor, scores: Tensor, classes: Tensor, iouThreshold: number): Tensor {
  checkScores('batchedNms', boxes, scores, iouThreshold);
  if (classes.ndim !== 1 || classes.shape[0] !== scores.shape[0])
    throw new RangeError(
      `batchedNms: classes ${formatShape(classes.shape)} must be (N,) with N = ${scores.shape[0]}`,
    );
  const members = new Map<number, number[]>();
  for (const i of byScore(scores)) {
    const label = classes.elements[classes.offset + i * classes.strides[0]];
    const list = members.get(label);
    if (list) list.push(i);
    else members.set(label, [i]);
  }
  const kept = new Set<number>();
  for (const list of members.values()) {
    const keep = Tensor.allocate([list.length], 'uint8');
    nmsKernel(keep, boxes, tensor(Int32Array.from(list)), iouThreshold);
    list.forEach((i, place) => {
      if (keep.elements[keep.offset + place] !== 0) kept.add(i);
    });
  }
  return tensor(byScore(scores).filter((i) => kept.has(i)));
}
