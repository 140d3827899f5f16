import { noGrad } from '../autograd/mode.ts';
import { stack } from '../ops/join.ts';
import { op } from '../ops/record.ts';
import { tensor } from '../tensor/creation.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** `xyxy`: corners; `xywh`: corner and size; `cxcywh`: centre and size. */
export type BoxFormat = 'xyxy' | 'xywh' | 'cxcywh';

/** Checks that `boxes` is `(..., 4)`. */
export function checkBoxes(name: string, boxes: Tensor): void {
  if (boxes.ndim === 0 || boxes.shape[boxes.ndim - 1] !== 4)
    throw new RangeError(
      `${name}: boxes have the shape ${formatShape(boxes.shape)}: the last dimension must be 4`,
    );
}

const corners = [{ shape: [3, 4], data: [0, 0, 2, 3, 1, 1, 4, 3.5, 0.5, 2, 3, 5] }];
const moreCorners = [{ shape: [2, 4], data: [0.2, 0.4, 2.5, 2.2, 1.3, 0.7, 3.1, 4.2] }];

/**
 * Converts boxes `(..., 4)` between formats.
 *
 * Error: an unknown format. Source: `torchvision.ops.box_convert`.
 */
export const boxConvert: (boxes: Tensor, inFormat: BoxFormat, outFormat: BoxFormat) => Tensor = op(
  {
    name: 'boxConvert',
    torch: 'torchvision.ops.box_convert(boxes, in_fmt, out_fmt)',
    family: 'vision',
    differentiable: true,
    samples: () => [[...corners, 'xyxy', 'cxcywh']],
  },
  (boxes: Tensor, inFormat: BoxFormat, outFormat: BoxFormat) => {
    checkBoxes('boxConvert', boxes);
    for (const format of [inFormat, outFormat])
      if (!['xyxy', 'xywh', 'cxcywh'].includes(format))
        throw new RangeError(`boxConvert: format '${format}' is unknown: use xyxy, xywh or cxcywh`);
    if (inFormat === outFormat) return boxes.clone();
    const [a, b, c, d] = boxes.unbind(-1);
    const [x1, y1, x2, y2] =
      inFormat === 'xyxy'
        ? [a, b, c, d]
        : inFormat === 'xywh'
          ? [a, b, a.add(c), b.add(d)]
          : [a.sub(c.mul(0.5)), b.sub(d.mul(0.5)), a.add(c.mul(0.5)), b.add(d.mul(0.5))];
    if (outFormat === 'xyxy') return stackLast([x1, y1, x2, y2]);
    const w = x2.sub(x1);
    const h = y2.sub(y1);
    return outFormat === 'xywh'
      ? stackLast([x1, y1, w, h])
      : stackLast([x1.add(x2).div(2), y1.add(y2).div(2), w, h]);
  },
);

const stackLast = (parts: Tensor[]): Tensor => stack(parts, -1);

/** Areas `(N,)` of boxes `(N, 4)` in corner format. Source: `torchvision.ops.box_area`. */
export const boxArea: (boxes: Tensor) => Tensor = op(
  {
    name: 'boxArea',
    torch: 'torchvision.ops.box_area(boxes)',
    family: 'vision',
    differentiable: true,
    samples: () => [corners],
  },
  (boxes: Tensor) => {
    checkBoxes('boxArea', boxes);
    const [x1, y1, x2, y2] = boxes.unbind(-1);
    return x2.sub(x1).mul(y2.sub(y1));
  },
);

interface Overlap {
  intersection: Tensor;
  union: Tensor;
  iou: Tensor;
}

/** The corners of each box against each other box, or (`paired`) against its own partner. */
function arrange(a: Tensor, b: Tensor, paired: boolean): [Tensor[], Tensor[]] {
  const left = a.unbind(-1);
  const right = b.unbind(-1);
  return paired ? [left, right] : [left.map((t) => t.unsqueeze(1)), right.map((t) => t.unsqueeze(0))];
}

function overlap(a: Tensor[], b: Tensor[], eps: number): Overlap {
  const width = a[2].minimum(b[2]).sub(a[0].maximum(b[0])).clamp(0);
  const height = a[3].minimum(b[3]).sub(a[1].maximum(b[1])).clamp(0);
  const intersection = width.mul(height);
  const area = (t: Tensor[]): Tensor => t[2].sub(t[0]).mul(t[3].sub(t[1]));
  const union = area(a).add(area(b)).sub(intersection);
  return { intersection, union, iou: intersection.div(eps > 0 ? union.add(eps) : union) };
}

/** Width and height of the smallest box around both. */
const enclosing = (a: Tensor[], b: Tensor[]): [Tensor, Tensor] => [
  a[2].maximum(b[2]).sub(a[0].minimum(b[0])).clamp(0),
  a[3].maximum(b[3]).sub(a[1].minimum(b[1])).clamp(0),
];

/** IoU less the share of the enclosing box that neither covers. */
function generalized(a: Tensor[], b: Tensor[], eps: number): Tensor {
  const { union, iou } = overlap(a, b, eps);
  const [w, h] = enclosing(a, b);
  const hull = w.mul(h);
  return iou.sub(hull.sub(union).div(eps > 0 ? hull.add(eps) : hull));
}

/** IoU less the squared distance of the centres over the squared diagonal of the enclosing box. */
function distance(a: Tensor[], b: Tensor[], eps: number): { diou: Tensor; iou: Tensor } {
  const { iou } = overlap(a, b, eps);
  const [w, h] = enclosing(a, b);
  const diagonal = w.mul(w).add(h.mul(h)).add(eps);
  const dx = a[0].add(a[2]).sub(b[0]).sub(b[2]).div(2);
  const dy = a[1].add(a[3]).sub(b[1]).sub(b[3]).div(2);
  return { iou, diou: iou.sub(dx.mul(dx).add(dy.mul(dy)).div(diagonal)) };
}

/** DIoU less a penalty on the difference of the aspect ratios, whose weight is a constant to autograd. */
function complete(a: Tensor[], b: Tensor[], eps: number): Tensor {
  const { diou, iou } = distance(a, b, eps);
  const ratio = (t: Tensor[]): Tensor => t[2].sub(t[0]).div(t[3].sub(t[1])).atan();
  const difference = ratio(b).sub(ratio(a));
  const v = difference.mul(difference).mul(4 / Math.PI ** 2);
  const alpha = noGrad(() => v.div(v.sub(iou).add(1 + eps)));
  return diou.sub(alpha.mul(v));
}

type Pairwise = (boxes1: Tensor, boxes2: Tensor) => Tensor;

function pairwise(name: string, torch: string, measure: (a: Tensor[], b: Tensor[]) => Tensor): Pairwise {
  return op(
    {
      name,
      torch: `torchvision.ops.${torch}(boxes1, boxes2)`,
      family: 'vision',
      differentiable: name === 'completeBoxIou' ? 'its aspect weight is a constant to autograd' : true,
      samples: () => [[...corners, ...moreCorners]],
    },
    (boxes1: Tensor, boxes2: Tensor) => {
      checkBoxes(name, boxes1);
      checkBoxes(name, boxes2);
      return measure(...arrange(boxes1, boxes2, false));
    },
  );
}

/** Intersection over union of every pair, `(N, M)`. Source: `torchvision.ops.box_iou`. */
export const boxIou: Pairwise = pairwise('boxIou', 'box_iou', (a, b) => overlap(a, b, 0).iou);

/** Generalized IoU of every pair, `(N, M)`, from -1 to 1. Source: Rezatofighi et al. 2019. */
export const generalizedBoxIou: Pairwise = pairwise('generalizedBoxIou', 'generalized_box_iou', (a, b) =>
  generalized(a, b, 0),
);

/** Distance IoU of every pair, `(N, M)`. Source: Zheng et al. 2020. */
export const distanceBoxIou: Pairwise = pairwise(
  'distanceBoxIou',
  'distance_box_iou',
  (a, b) => distance(a, b, 1e-7).diou,
);

/** Complete IoU of every pair, `(N, M)`. Source: Zheng et al. 2020. */
export const completeBoxIou: Pairwise = pairwise('completeBoxIou', 'complete_box_iou', (a, b) =>
  complete(a, b, 1e-7),
);

export type BoxReduction = 'none' | 'mean' | 'sum';
type BoxLoss = (
  boxes1: Tensor,
  boxes2: Tensor,
  options?: { reduction?: BoxReduction; eps?: number },
) => Tensor;

function pairedLoss(
  name: string,
  torch: string,
  measure: (a: Tensor[], b: Tensor[], eps: number) => Tensor,
): BoxLoss {
  return op(
    {
      name,
      torch: `torchvision.ops.${torch}(boxes1, boxes2, *, reduction='none', eps=1e-7)`,
      family: 'loss',
      differentiable: name === 'completeBoxIouLoss' ? 'its aspect weight is a constant to autograd' : true,
      samples: () => [[...moreCorners, { shape: [2, 4], data: [0, 0.1, 2, 3, 1, 1, 4, 3.5] }]],
    },
    (boxes1, boxes2, { reduction = 'none', eps = 1e-7 } = {}) => {
      checkBoxes(name, boxes1);
      if (boxes1.shape.join() !== boxes2.shape.join())
        throw new RangeError(
          `${name}: boxes ${formatShape(boxes1.shape)} and ${formatShape(boxes2.shape)} must pair up one to one`,
        );
      const loss = measure(...arrange(boxes1, boxes2, true), eps)
        .neg()
        .add(1);
      if (reduction === 'none') return loss;
      return reduction === 'sum' || loss.size === 0 ? loss.sum() : loss.mean();
    },
  );
}

/** 1 - GIoU of each pair, `(N,)`. Source: `torchvision.ops.generalized_box_iou_loss`. */
export const generalizedBoxIouLoss: BoxLoss = pairedLoss(
  'generalizedBoxIouLoss',
  'generalized_box_iou_loss',
  generalized,
);

/** 1 - DIoU of each pair, `(N,)`. Source: `torchvision.ops.distance_box_iou_loss`. */
export const distanceBoxIouLoss: BoxLoss = pairedLoss(
  'distanceBoxIouLoss',
  'distance_box_iou_loss',
  (a, b, eps) => distance(a, b, eps).diou,
);

/** 1 - CIoU of each pair, `(N,)`. Source: `torchvision.ops.complete_box_iou_loss`. */
export const completeBoxIouLoss: BoxLoss = pairedLoss(
  'completeBoxIouLoss',
  'complete_box_iou_loss',
  complete,
);

/** Boxes `(..., 4)` cut to an image of `[height, width]`. Source: `torchvision.ops.clip_boxes_to_image`. */
export function clipBoxesToImage(boxes: Tensor, [height, width]: readonly [number, number]): Tensor {
  checkBoxes('clipBoxesToImage', boxes);
  const [x1, y1, x2, y2] = boxes.unbind(-1);
  return stackLast([x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)]);
}

/** Indices `(K,)` of the boxes whose sides are both at least `minSize`. Source: `torchvision.ops.remove_small_boxes`. */
export function removeSmallBoxes(boxes: Tensor, minSize: number): Tensor {
  checkBoxes('removeSmallBoxes', boxes);
  const rows = boxes.toArray() as number[][];
  const kept = rows.flatMap(([x1, y1, x2, y2], i) => (x2 - x1 >= minSize && y2 - y1 >= minSize ? [i] : []));
  return tensor(kept, { dtype: 'int32' });
}
