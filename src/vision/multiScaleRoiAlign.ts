import { zeros } from '../ops/creation.ts';
import { indexSelect } from '../ops/indexSelect.ts';
import { cat } from '../ops/join.ts';
import { tensor } from '../tensor/creation.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { roiAlign } from './roiAlign.ts';

export interface MultiScaleRoiAlignOptions {
  /** Samples a bin and side; -1 takes ceil(roi size / output size). Default 2. */
  samplingRatio?: number;
  /** A box of this size, in pixels of the image, ... Default 224. */
  canonicalScale?: number;
  /** ... is read from this level (the level of stride 2^level). Default 4. */
  canonicalLevel?: number;
}

/** Feature maps by name, the finest first. */
export type Features = Readonly<Record<string, Tensor>>;

/**
 * `roiAlign` over a feature pyramid: each box is read from the level that suits its size, floor(level + log2(sqrt(area) / scale)).
 *
 * Source: Lin et al. 2017 (FPN), equation 1; `torchvision.ops.MultiScaleRoIAlign`.
 */
export class MultiScaleRoiAlign {
  readonly featureNames: readonly string[];
  readonly outputSize: readonly [number, number];
  readonly samplingRatio: number;
  readonly canonicalScale: number;
  readonly canonicalLevel: number;

  /** @param featureNames the levels to use. @param outputSize `[h, w]`, or one number for both. */
  constructor(
    featureNames: readonly string[],
    outputSize: number | readonly [number, number],
    { samplingRatio = 2, canonicalScale = 224, canonicalLevel = 4 }: MultiScaleRoiAlignOptions = {},
  ) {
    this.featureNames = featureNames;
    this.outputSize = typeof outputSize === 'number' ? [outputSize, outputSize] : outputSize;
    this.samplingRatio = samplingRatio;
    this.canonicalScale = canonicalScale;
    this.canonicalLevel = canonicalLevel;
  }

  /**
   * @param features maps `(N, C, H, W)` by name. @param boxes for each image `(K, 4)`, corners in pixels of the image.
   * @param imageSize `[height, width]` of the images that the maps were made from.
   * @returns `(sum of K, C, h, w)`, the boxes of the first image first.
   * Errors: a map that is missing; another number of images than of lists of boxes.
   */
  pool(features: Features, boxes: readonly Tensor[], imageSize: readonly [number, number]): Tensor {
    const maps = this.featureNames.map((name) => {
      const map = features[name];
      if (!map)
        throw new RangeError(
          `MultiScaleRoiAlign: no feature map '${name}': there are ${Object.keys(features).join(', ')}`,
        );
      return map;
    });
    if (maps[0].shape[0] !== boxes.length)
      throw new RangeError(
        `MultiScaleRoiAlign: ${boxes.length} lists of boxes for ${maps[0].shape[0]} images`,
      );
    // Strides are powers of two: what rounding in the network did to the size is rounded away.
    const levels = maps.map(({ shape }) => -Math.round(Math.log2(shape[2] / imageSize[0])));
    const rows = boxes.flatMap((list, image) => {
      if (list.ndim !== 2 || list.shape[1] !== 4)
        throw new RangeError(`MultiScaleRoiAlign: boxes ${formatShape(list.shape)} must be (K, 4)`);
      return (list.toArray() as number[][]).map((corners) => [image, ...corners]);
    });
    const [, channels] = maps[0].shape;
    const { dtype } = maps[0];
    if (rows.length === 0) return zeros([0, channels, ...this.outputSize], { dtype });
    const levelOf = ([, x1, y1, x2, y2]: readonly number[]): number => {
      const size = Math.sqrt((x2 - x1) * (y2 - y1));
      const wanted = Math.floor(this.canonicalLevel + Math.log2(size / this.canonicalScale) + 1e-6);
      return Math.min(Math.max(wanted, levels[0]), levels[levels.length - 1]) - levels[0];
    };
    const byLevel: number[][] = maps.map(() => []);
    for (const [i, row] of rows.entries()) byLevel[levelOf(row)].push(i);
    const pooled = maps.flatMap((map, level) => {
      const members = byLevel[level];
      if (members.length === 0) return [];
      const rois = tensor(
        members.map((i) => rows[i]),
        { dtype },
      );
      const { samplingRatio } = this;
      return [roiAlign(map, rois, this.outputSize, { spatialScale: 2 ** -levels[level], samplingRatio })];
    });
    const order = byLevel.flat();
    const back = new Int32Array(order.length);
    order.forEach((row, place) => {
      back[row] = place;
    });
    return indexSelect(cat(pooled, 0), 0, tensor(back));
  }
}
