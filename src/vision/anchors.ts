import { tensor } from '../tensor/creation.ts';
import type { Tensor } from '../tensor/tensor.ts';

type Size = readonly [number, number];

const roundHalfEven = (x: number): number => {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
};

/**
 * Anchors of a feature pyramid: at each cell of each level, boxes of that level's sizes and aspect ratios (height / width), centred
 * on multiples of the stride, their corners rounded to whole pixels.
 *
 * Source: `torchvision.models.detection.anchor_utils.AnchorGenerator`.
 */
export class AnchorGenerator {
  readonly sizes: readonly (readonly number[])[];
  readonly aspectRatios: readonly (readonly number[])[];

  /**
   * @param sizes for each level, lengths in pixels of the image.
   * @param aspectRatios for each level.
   * Error: a different number of levels.
   */
  constructor(
    sizes: readonly (readonly number[])[] = [[128, 256, 512]],
    aspectRatios: readonly (readonly number[])[] = sizes.map(() => [0.5, 1, 2]),
  ) {
    if (sizes.length !== aspectRatios.length)
      throw new RangeError(
        `AnchorGenerator: ${sizes.length} levels of sizes, ${aspectRatios.length} of aspect ratios: give one of each a level`,
      );
    this.sizes = sizes;
    this.aspectRatios = aspectRatios;
  }

  /** Anchors a cell, for each level. */
  numAnchorsPerLocation(): number[] {
    return this.sizes.map((s, i) => s.length * this.aspectRatios[i].length);
  }

  /** The anchors of a cell at the origin, corners. */
  cellAnchors(level: number): number[][] {
    return this.aspectRatios[level].flatMap((ratio) =>
      this.sizes[level].map((size) => {
        const h = Math.sqrt(ratio) * size;
        const w = size / Math.sqrt(ratio);
        return [-w / 2, -h / 2, w / 2, h / 2].map((v) => roundHalfEven(Math.fround(v)));
      }),
    );
  }

  /**
   * @param imageSize `[height, width]`. @param featureSizes `[height, width]` of each level.
   * @returns `(sum of cells x anchors, 4)`, corners: level by level, row by row, then the anchors of the cell.
   */
  generate(imageSize: Size, featureSizes: readonly Size[]): Tensor {
    if (featureSizes.length !== this.sizes.length)
      throw new RangeError(
        `AnchorGenerator: ${featureSizes.length} feature maps for ${this.sizes.length} levels`,
      );
    const out: number[] = [];
    featureSizes.forEach(([rows, columns], level) => {
      const strideY = Math.floor(imageSize[0] / rows);
      const strideX = Math.floor(imageSize[1] / columns);
      const cell = this.cellAnchors(level);
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++)
          for (const [x1, y1, x2, y2] of cell)
            out.push(x1 + j * strideX, y1 + i * strideY, x2 + j * strideX, y2 + i * strideY);
    });
    return tensor(Float32Array.from(out)).reshape([-1, 4]);
  }
}

export interface DefaultBoxOptions {
  minRatio?: number;
  maxRatio?: number;
  /** Scales relative to the image; one more than levels. Default: evenly from minRatio to maxRatio, then 1. */
  scales?: readonly number[];
  /** Pixels a cell, for each level; default: the image divided by the feature map. */
  steps?: readonly number[];
  /** Cuts widths and heights to the image. Default true. */
  clip?: boolean;
}

/**
 * SSD's default boxes: at each cell of each level a box of that level's scale, one between it and the next level's, and two for each
 * aspect ratio.
 *
 * Source: Liu et al. 2016; `torchvision.models.detection.anchor_utils.DefaultBoxGenerator`.
 */
export class DefaultBoxGenerator {
  readonly aspectRatios: readonly (readonly number[])[];
  readonly scales: readonly number[];
  readonly steps: readonly number[] | undefined;
  readonly clip: boolean;

  constructor(
    aspectRatios: readonly (readonly number[])[],
    { minRatio = 0.15, maxRatio = 0.9, scales, steps, clip = true }: DefaultBoxOptions = {},
  ) {
    const levels = aspectRatios.length;
    if (steps && steps.length !== levels)
      throw new RangeError(`DefaultBoxGenerator: ${steps.length} steps for ${levels} levels`);
    if (scales && scales.length !== levels + 1)
      throw new RangeError(
        `DefaultBoxGenerator: ${scales.length} scales for ${levels} levels: one more than levels is needed`,
      );
    this.aspectRatios = aspectRatios;
    const range = maxRatio - minRatio;
    this.scales =
      scales ??
      (levels > 1
        ? [...aspectRatios.map((_, k) => minRatio + (range * k) / (levels - 1)), 1]
        : [minRatio, maxRatio]);
    this.steps = steps;
    this.clip = clip;
  }

  /** Boxes a cell, for each level. */
  numAnchorsPerLocation(): number[] {
    return this.aspectRatios.map((ratios) => 2 + 2 * ratios.length);
  }

  /** Widths and heights of a cell's boxes, relative to the image. */
  cellSizes(level: number): Size[] {
    const scale = this.scales[level];
    const between = Math.sqrt(scale * this.scales[level + 1]);
    const pairs: Size[] = [
      [scale, scale],
      [between, between],
    ];
    for (const ratio of this.aspectRatios[level]) {
      const root = Math.sqrt(ratio);
      pairs.push([scale * root, scale / root], [scale / root, scale * root]);
    }
    return pairs;
  }

  /**
   * @param imageSize `[height, width]`. @param featureSizes `[height, width]` of each level.
   * @returns `(sum of cells x boxes, 4)`, corners in pixels.
   */
  generate(imageSize: Size, featureSizes: readonly Size[]): Tensor {
    if (featureSizes.length !== this.aspectRatios.length)
      throw new RangeError(
        `DefaultBoxGenerator: ${featureSizes.length} feature maps for ${this.aspectRatios.length} levels`,
      );
    const f = Math.fround;
    const [height, width] = imageSize;
    const out: number[] = [];
    featureSizes.forEach(([rows, columns], level) => {
      const cellsY = this.steps ? height / this.steps[level] : rows;
      const cellsX = this.steps ? width / this.steps[level] : columns;
      const sizes = this.cellSizes(level).map(([w, h]): Size => {
        const cut = (v: number): number => f(this.clip ? Math.min(Math.max(v, 0), 1) : v);
        return [cut(f(w)), cut(f(h))];
      });
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          const cy = f(f(i + 0.5) / f(cellsY));
          const cx = f(f(j + 0.5) / f(cellsX));
          for (const [w, h] of sizes)
            out.push(
              f(f(cx - f(0.5 * w)) * width),
              f(f(cy - f(0.5 * h)) * height),
              f(f(cx + f(0.5 * w)) * width),
              f(f(cy + f(0.5 * h)) * height),
            );
        }
    });
    return tensor(Float32Array.from(out)).reshape([-1, 4]);
  }
}
