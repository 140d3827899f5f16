import type { Tensor } from '../tensor/tensor.ts';

/** What a detector found in one image. */
export interface Detection {
  /** `(N, 4)`, corners. */
  boxes: Tensor;
  /** `(N,)`. */
  scores: Tensor;
  /** `(N,)`, integers. */
  labels: Tensor;
}

/** What there is in one image. */
export interface GroundTruth {
  /** `(M, 4)`, corners. */
  boxes: Tensor;
  /** `(M,)`, integers. */
  labels: Tensor;
}

export interface MeanAveragePrecisionOptions {
  /** A detection counts when its IoU with an unclaimed ground truth reaches this. Default 0.5, 0.55, ..., 0.95 (COCO). */
  iouThresholds?: readonly number[];
  /** Only ground truths whose area is in `[low, high)`; detections matched to others are ignored, as COCO does by size. */
  areaRange?: readonly [number, number];
  /** Detections an image, the best first. Default 100. */
  maxDetections?: number;
}

export interface MeanAveragePrecision {
  /** Mean over classes and thresholds. NaN when there is no ground truth. */
  map: number;
  /** At each threshold. */
  byThreshold: Map<number, number>;
  /** Of each class, mean over thresholds. */
  byClass: Map<number, number>;
}

const cocoThresholds = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

interface Entry {
  score: number;
  outcome: 'true' | 'false' | 'ignored';
}

function iou(a: readonly number[], b: readonly number[]): number {
  const w = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const h = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return (w * h) / (area(a) + area(b) - w * h);
}

const area = ([x1, y1, x2, y2]: readonly number[]): number => (x2 - x1) * (y2 - y1);

/** Precision at 101 recalls, each the best precision at that recall or a higher one, averaged. */
function averagePrecision(entries: Entry[], positives: number): number {
  const ranked = entries.filter((e) => e.outcome !== 'ignored').sort((a, b) => b.score - a.score);
  const precision: number[] = [];
  const recall: number[] = [];
  let hits = 0;
  ranked.forEach(({ outcome }, i) => {
    if (outcome === 'true') hits++;
    precision.push(hits / (i + 1));
    recall.push(hits / positives);
  });
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1]);
  let total = 0;
  let place = 0;
  for (let r = 0; r <= 100; r++) {
    while (place < recall.length && recall[place] < r / 100) place++;
    total += place < precision.length ? precision[place] : 0;
  }
  return total / 101;
}

/**
 * COCO's mean average precision of detections over a set of images.
 *
 * Error: different numbers of detections and ground truths. Source: Lin et al. 2014 (COCO), 101-point interpolation.
 */
export function meanAveragePrecision(
  detections: readonly Detection[],
  truths: readonly GroundTruth[],
  {
    iouThresholds = cocoThresholds,
    areaRange = [0, Infinity],
    maxDetections = 100,
  }: MeanAveragePrecisionOptions = {},
): MeanAveragePrecision {
  if (detections.length !== truths.length)
    throw new RangeError(
      `meanAveragePrecision: detections of ${detections.length} images, ground truths of ${truths.length}`,
    );
  const found = detections.map(({ boxes, scores, labels }) => {
    const corners = boxes.toArray() as number[][];
    const classes = labels.toArray() as number[];
    return (scores.toArray() as number[])
      .map((score, i) => ({ score, label: classes[i], box: corners[i] }))
      .sort((a, b) => b.score - a.score)
      .slice(0, maxDetections);
  });
  const real = truths.map(({ boxes, labels }) => {
    const corners = boxes.toArray() as number[][];
    return (labels.toArray() as number[]).map((label, i) => {
      const size = area(corners[i]);
      return { label, box: corners[i], ignored: size < areaRange[0] || size >= areaRange[1] };
    });
  });
  const classes = [...new Set(real.flat().flatMap((t) => (t.ignored ? [] : [t.label])))].sort(
    (a, b) => a - b,
  );
  const scoreOf = (label: number, threshold: number): number => {
    const entries: Entry[] = [];
    let positives = 0;
    real.forEach((all, image) => {
      const mine = all.filter((t) => t.label === label).sort((a, b) => Number(a.ignored) - Number(b.ignored));
      positives += mine.filter((t) => !t.ignored).length;
      const claimed = new Set<number>();
      for (const { score, box } of found[image].filter((d) => d.label === label)) {
        let best = -1;
        let quality = Math.min(threshold, 1 - 1e-10);
        mine.forEach((t, i) => {
          if (claimed.has(i) || (best >= 0 && !mine[best].ignored && t.ignored)) return;
          const value = iou(box, t.box);
          if (value >= quality) {
            quality = value;
            best = i;
          }
        });
        if (best >= 0) claimed.add(best);
        const size = area(box);
        const outside = size < areaRange[0] || size >= areaRange[1];
        entries.push({
          score,
          outcome: best >= 0 ? (mine[best].ignored ? 'ignored' : 'true') : outside ? 'ignored' : 'false',
        });
      }
    });
    return averagePrecision(entries, positives);
  };
  const table = classes.map((label) => iouThresholds.map((threshold) => scoreOf(label, threshold)));
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    map: mean(table.flat()),
    byThreshold: new Map(iouThresholds.map((threshold, t) => [threshold, mean(table.map((row) => row[t]))])),
    byClass: new Map(classes.map((label, c) => [label, mean(table[c])])),
  };
}
