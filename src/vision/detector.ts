import { noGrad } from '../autograd/mode.ts';
import { crossEntropy } from '../nn/functional/crossEntropy.ts';
import { l1Loss, smoothL1Loss } from '../nn/functional/loss.ts';
import { Module } from '../nn/module.ts';
import { zeros } from '../ops/creation.ts';
import { indexSelect } from '../ops/indexSelect.ts';
import { cat } from '../ops/join.ts';
import { sigmoid } from '../ops/pointwise.ts';
import { narrow, select } from '../ops/shape.ts';
import { softmax } from '../ops/statistics.ts';
import { reshape } from '../ops/views.ts';
import { tensor } from '../tensor/creation.ts';
import { formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { AnchorGenerator, DefaultBoxGenerator } from './anchors.ts';
import { BoxCoder } from './boxCoder.ts';
import { boxIou, clipBoxesToImage } from './boxes.ts';
import { sigmoidFocalLoss } from './focalLoss.ts';
import { hardNegatives } from './hardNegatives.ts';
import type { DenseHead, HeadOutput } from './heads.ts';
import { Matcher } from './matcher.ts';
import type { Detection, GroundTruth } from './meanAveragePrecision.ts';
import { batchedNms } from './nms.ts';

/** A network from images to feature maps, the finest first. */
export type Backbone = Module<[Tensor], readonly Tensor[]>;

/** What training minimizes: add the two up. */
export interface DetectorLoss {
  classification: Tensor;
  bboxRegression: Tensor;
}

export interface DetectOptions {
  /** Scores must be above this. */
  scoreThreshold?: number;
  /** Of two boxes of a class with a greater IoU the worse goes. */
  nmsThreshold?: number;
  /** How many boxes a class (SSD) or a level (RetinaNet) go into suppression. */
  topCandidates?: number;
  /** How many are given an image. */
  maxDetections?: number;
}

/** A box that may become a detection: its anchor, class and score. */
interface Candidate {
  anchor: number;
  label: number;
  score: number;
}

const best = (candidates: Candidate[], count: number): Candidate[] =>
  candidates.sort((a, b) => b.score - a.score || a.anchor - b.anchor).slice(0, count);

/**
 * What single-stage detectors share: `forward` gives what the head says of every anchor, `loss` compares that with the truth, `detect`
 * makes boxes of it.
 *
 * Images are a batch `(N, C, H, W)` of one size, already scaled as the backbone wants them; boxes are in pixels of these images.
 */
export abstract class SingleStageDetector extends Module<[Tensor], HeadOutput> {
  readonly backbone: Backbone;
  readonly head: DenseHead;
  abstract readonly anchorGenerator: AnchorGenerator | DefaultBoxGenerator;
  protected abstract readonly coder: BoxCoder;

  constructor(backbone: Backbone, head: DenseHead) {
    super();
    this.backbone = backbone;
    this.head = head;
  }

  forward(images: Tensor): HeadOutput {
    return this.head(this.backbone(images));
  }

  /** Everything of one pass: what the head says, the anchors `(A, 4)`, and how many each level has. */
  protected predict(images: Tensor): HeadOutput & { anchors: Tensor; levels: number[] } {
    if (images.ndim !== 4)
      throw new RangeError(
        `${this.typeName}: the images ${formatShape(images.shape)} must be a batch (N, C, H, W)`,
      );
    const features = this.backbone(images);
    const sizes = features.map(({ shape }) => [shape[2], shape[3]] as const);
    const [, , height, width] = images.shape;
    const anchors = this.anchorGenerator.generate([height, width], sizes).to(images.dtype);
    const perCell = this.anchorGenerator.numAnchorsPerLocation();
    const levels = sizes.map(([h, w], i) => h * w * perCell[i]);
    const output = this.head(features);
    if (output.clsLogits.shape[1] !== anchors.shape[0])
      throw new RangeError(
        `${this.typeName}: the head gives ${output.clsLogits.shape[1]} boxes for ${anchors.shape[0]} anchors: it must have ${perCell} anchors a cell`,
      );
    return { ...output, anchors, levels };
  }

  /** The ground truth of each anchor: its index, -1 for background, -2 for ignored. */
  protected abstract match(boxes: Tensor, anchors: Tensor): Int32Array;

  protected matches(targets: readonly GroundTruth[], anchors: Tensor): Int32Array[] {
    return targets.map(({ boxes }, i) => {
      for (const [x1, y1, x2, y2] of boxes.toArray() as number[][])
        if (!(x2 > x1 && y2 > y1))
          throw new RangeError(
            `${this.typeName}: all boxes should have positive height and width, but image ${i} has [${[x1, y1, x2, y2]}]`,
          );
      if (boxes.shape[0] === 0) return new Int32Array(anchors.shape[0]).fill(Matcher.belowLowThreshold);
      return noGrad(() => this.match(boxes.to(anchors.dtype), anchors));
    });
  }

  /** Predicted and wanted offsets of the anchors that have a ground truth, `(F, 4)` each. */
  protected foreground(
    regression: Tensor,
    targets: readonly GroundTruth[],
    anchors: Tensor,
    matches: readonly Int32Array[],
  ): [predicted: Tensor, wanted: Tensor] {
    const count = anchors.shape[0];
    const places: number[] = [];
    const own: number[] = [];
    const truths: number[] = [];
    let before = 0;
    for (const [image, list] of matches.entries()) {
      for (const [anchor, truth] of list.entries())
        if (truth >= 0) {
          places.push(image * count + anchor);
          own.push(anchor);
          truths.push(before + truth);
        }
      before += targets[image].boxes.shape[0];
    }
    const pick = (rows: Tensor, list: number[]): Tensor =>
      indexSelect(rows, 0, tensor(Int32Array.from(list)));
    const predicted = pick(reshape(regression, [-1, 4]), places);
    if (places.length === 0) return [predicted, predicted.detach()];
    const boxes = cat(
      targets.map((target) => target.boxes.to(anchors.dtype)),
      0,
    );
    return [predicted, noGrad(() => this.coder.encode(pick(boxes, truths), pick(anchors, own)))];
  }

  protected checkTargets(images: Tensor, targets: readonly GroundTruth[]): void {
    if (targets.length !== images.shape[0])
      throw new RangeError(`${this.typeName}: ${targets.length} targets for ${images.shape[0]} images`);
  }

  /** The loss of a batch. Errors: another number of targets than of images; a box without size. */
  abstract loss(images: Tensor, targets: readonly GroundTruth[]): DetectorLoss;

  /** What is found in each image, the best first. Call `eval()` before. */
  abstract detect(images: Tensor, options?: DetectOptions): Detection[];

  /** Decodes the candidates' boxes, cuts them to the image, and suppresses what overlaps within a class. */
  protected decide(
    candidates: readonly Candidate[],
    regression: Tensor,
    anchors: Tensor,
    size: readonly [number, number],
    nmsThreshold: number,
    maxDetections: number,
  ): Detection {
    if (candidates.length === 0)
      return {
        boxes: zeros([0, 4], { dtype: anchors.dtype }),
        scores: zeros([0], { dtype: anchors.dtype }),
        labels: zeros([0], { dtype: 'int32' }),
      };
    const rows = tensor(Int32Array.from(candidates, ({ anchor }) => anchor));
    const decoded = this.coder.decode(indexSelect(regression, 0, rows), indexSelect(anchors, 0, rows));
    const boxes = clipBoxesToImage(decoded, size);
    const scores = tensor(
      candidates.map(({ score }) => score),
      { dtype: anchors.dtype },
    );
    const labels = tensor(Int32Array.from(candidates, ({ label }) => label));
    const all = batchedNms(boxes, scores, labels, nmsThreshold);
    const kept = narrow(all, 0, 0, Math.min(maxDetections, all.shape[0]));
    return {
      boxes: indexSelect(boxes, 0, kept),
      scores: indexSelect(scores, 0, kept),
      labels: indexSelect(labels, 0, kept),
    };
  }
}

/** The numbers of one image's `(A, K)` scores. */
function scoresOf(all: Tensor, image: number): { at(anchor: number, label: number): number } {
  const own = select(all, 0, image).contiguous();
  const [, classes] = own.shape;
  const { elements, offset } = own;
  return { at: (anchor, label) => elements[offset + anchor * classes + label] };
}

/**
 * A single-shot detector: classes by softmax with 0 as background, trained on the positives and the hardest negatives.
 *
 * Defaults of `detect`: score above 0.01, IoU 0.45, 400 candidates a class, 200 detections.
 * Source: Liu et al. 2016; `torchvision.models.detection.ssd.SSD`, whose parameter names it has.
 */
export class SSD extends SingleStageDetector {
  readonly anchorGenerator: DefaultBoxGenerator;
  protected readonly coder = new BoxCoder([10, 10, 5, 5]);
  readonly iouThreshold: number;
  readonly negativesPerPositive: number;

  constructor(
    backbone: Backbone,
    head: DenseHead,
    anchorGenerator: DefaultBoxGenerator,
    { iouThreshold = 0.5, negativesPerPositive = 3 } = {},
  ) {
    super(backbone, head);
    this.anchorGenerator = anchorGenerator;
    this.iouThreshold = iouThreshold;
    this.negativesPerPositive = negativesPerPositive;
  }

  protected match(boxes: Tensor, anchors: Tensor): Int32Array {
    const quality = boxIou(boxes, anchors);
    const { iouThreshold: threshold } = this;
    const matched = new Matcher({ highThreshold: threshold, lowThreshold: threshold }).match(quality);
    const matches = Int32Array.from(matched.toArray() as number[]);
    // Every ground truth keeps its best anchor, however bad.
    for (const [truth, row] of (quality.toArray() as number[][]).entries()) {
      let top = 0;
      for (let anchor = 1; anchor < row.length; anchor++) if (row[anchor] > row[top]) top = anchor;
      matches[top] = truth;
    }
    return matches;
  }

  loss(images: Tensor, targets: readonly GroundTruth[]): DetectorLoss {
    this.checkTargets(images, targets);
    const { clsLogits, bboxRegression, anchors } = this.predict(images);
    const matches = this.matches(targets, anchors);
    const [predicted, wanted] = this.foreground(bboxRegression, targets, anchors, matches);
    const [batch, count, classes] = clsLogits.shape;
    const labels = new Int32Array(batch * count);
    for (const [image, list] of matches.entries()) {
      const own = targets[image].labels.toArray() as number[];
      for (const [anchor, truth] of list.entries())
        if (truth >= 0) labels[image * count + anchor] = own[truth];
    }
    const flat = crossEntropy(reshape(clsLogits, [-1, classes]), tensor(labels), { reduction: 'none' });
    const each = reshape(flat, [batch, count]);
    const positive = reshape(tensor(labels), [batch, count]).gt(0);
    const chosen = positive.logicalOr(hardNegatives(each.detach(), positive, this.negativesPerPositive));
    const positives = Math.max(1, predicted.shape[0]);
    return {
      classification: each.mul(chosen.to(each.dtype)).sum().div(positives),
      bboxRegression: smoothL1Loss(predicted, wanted, { reduction: 'sum' }).div(positives),
    };
  }

  detect(
    images: Tensor,
    {
      scoreThreshold = 0.01,
      nmsThreshold = 0.45,
      topCandidates = 400,
      maxDetections = 200,
    }: DetectOptions = {},
  ): Detection[] {
    return noGrad(() => {
      const { clsLogits, bboxRegression, anchors } = this.predict(images);
      const scores = softmax(clsLogits, -1);
      const [batch, count, classes] = scores.shape;
      return Array.from({ length: batch }, (_, image) => {
        const { at } = scoresOf(scores, image);
        const candidates: Candidate[] = [];
        for (let label = 1; label < classes; label++) {
          const own: Candidate[] = [];
          for (let anchor = 0; anchor < count; anchor++) {
            const score = at(anchor, label);
            if (score > scoreThreshold) own.push({ anchor, label, score });
          }
          candidates.push(...best(own, topCandidates));
        }
        const size = [images.shape[2], images.shape[3]] as const;
        const regression = select(bboxRegression, 0, image);
        return this.decide(candidates, regression, anchors, size, nmsThreshold, maxDetections);
      });
    });
  }
}

/**
 * A detector over a feature pyramid: classes by sigmoid, trained on all anchors with the focal loss.
 *
 * Defaults of `detect`: score above 0.05, IoU 0.5, 1000 candidates a level, 300 detections.
 * Source: Lin et al. 2017; `torchvision.models.detection.RetinaNet`, whose parameter names it has.
 */
export class RetinaNet extends SingleStageDetector {
  readonly anchorGenerator: AnchorGenerator;
  protected readonly coder = new BoxCoder();
  readonly matcher: Matcher;

  constructor(
    backbone: Backbone,
    head: DenseHead,
    anchorGenerator: AnchorGenerator,
    { foregroundIou = 0.5, backgroundIou = 0.4 } = {},
  ) {
    super(backbone, head);
    this.anchorGenerator = anchorGenerator;
    this.matcher = new Matcher({
      highThreshold: foregroundIou,
      lowThreshold: backgroundIou,
      allowLowQualityMatches: true,
    });
  }

  protected match(boxes: Tensor, anchors: Tensor): Int32Array {
    return Int32Array.from(this.matcher.match(boxIou(boxes, anchors)).toArray() as number[]);
  }

  loss(images: Tensor, targets: readonly GroundTruth[]): DetectorLoss {
    this.checkTargets(images, targets);
    const { clsLogits, bboxRegression, anchors } = this.predict(images);
    const matches = this.matches(targets, anchors);
    const [batch, count, classes] = clsLogits.shape;
    const truth = Tensor.allocate([batch, count, classes], clsLogits.dtype, true);
    // Each image counts the same, whatever the number of its boxes; anchors between the thresholds do not count.
    const share = Tensor.allocate([batch, count, 1], clsLogits.dtype, true);
    const boxShare: number[] = [];
    for (const [image, list] of matches.entries()) {
      const own = targets[image].labels.toArray() as number[];
      const found = list.filter((match) => match >= 0).length;
      const weight = 1 / (Math.max(1, found) * batch);
      for (const [anchor, match] of list.entries()) {
        const place = image * count + anchor;
        if (match >= 0) {
          truth.elements[truth.offset + place * classes + own[match]] = 1;
          boxShare.push(weight);
        }
        if (match !== Matcher.betweenThresholds) share.elements[share.offset + place] = weight;
      }
    }
    const [predicted, wanted] = this.foreground(bboxRegression, targets, anchors, matches);
    const distances = l1Loss(predicted, wanted, { reduction: 'none' });
    const boxWeights = tensor(boxShare, { dtype: predicted.dtype }).reshape([-1, 1]);
    return {
      classification: sigmoidFocalLoss(clsLogits, truth).mul(share).sum(),
      bboxRegression: distances.mul(boxWeights).sum(),
    };
  }

  detect(
    images: Tensor,
    {
      scoreThreshold = 0.05,
      nmsThreshold = 0.5,
      topCandidates = 1000,
      maxDetections = 300,
    }: DetectOptions = {},
  ): Detection[] {
    return noGrad(() => {
      const { clsLogits, bboxRegression, anchors, levels } = this.predict(images);
      const scores = sigmoid(clsLogits);
      const [batch, , classes] = scores.shape;
      return Array.from({ length: batch }, (_, image) => {
        const { at } = scoresOf(scores, image);
        const candidates: Candidate[] = [];
        let first = 0;
        for (const count of levels) {
          const own: Candidate[] = [];
          for (let anchor = first; anchor < first + count; anchor++)
            for (let label = 0; label < classes; label++) {
              const score = at(anchor, label);
              if (score > scoreThreshold) own.push({ anchor, label, score });
            }
          candidates.push(...best(own, topCandidates));
          first += count;
        }
        const size = [images.shape[2], images.shape[3]] as const;
        const regression = select(bboxRegression, 0, image);
        return this.decide(candidates, regression, anchors, size, nmsThreshold, maxDetections);
      });
    });
  }
}
