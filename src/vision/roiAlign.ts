import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { op } from '../ops/record.ts';
import { formatShape, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

interface Geometry {
  input: Shape;
  size: readonly [number, number];
  scale: number;
  ratio: number;
  aligned: boolean;
}

/** Calls `visit` with the place in the plane and the weight of each of the four neighbours of each sample of each bin. */
function eachSample(
  rois: Tensor,
  { input, size, scale, ratio, aligned }: Geometry,
  visit: (roi: number, image: number, bin: number, place: number, weight: number) => void,
): void {
  const [, , height, width] = input;
  const [rows, columns] = size;
  const shift = aligned ? 0.5 : 0;
  const at = (r: number, c: number): number =>
    rois.elements[rois.offset + r * rois.strides[0] + c * rois.strides[1]];
  for (let r = 0; r < rois.shape[0]; r++) {
    const x0 = at(r, 1) * scale - shift;
    const y0 = at(r, 2) * scale - shift;
    let w = at(r, 3) * scale - shift - x0;
    let h = at(r, 4) * scale - shift - y0;
    if (!aligned) {
      w = Math.max(w, 1);
      h = Math.max(h, 1);
    }
    const gridY = ratio > 0 ? ratio : Math.ceil(h / rows);
    const gridX = ratio > 0 ? ratio : Math.ceil(w / columns);
    const share = 1 / Math.max(gridX * gridY, 1);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let sy = 0; sy < gridY; sy++) {
          const y = y0 + (i * h) / rows + ((sy + 0.5) * h) / (rows * gridY);
          for (let sx = 0; sx < gridX; sx++) {
            const x = x0 + (j * w) / columns + ((sx + 0.5) * w) / (columns * gridX);
            if (y < -1 || y > height || x < -1 || x > width) continue;
            const cy = Math.max(y, 0);
            const cx = Math.max(x, 0);
            const top = Math.min(Math.floor(cy), height - 1);
            const left = Math.min(Math.floor(cx), width - 1);
            const bottom = Math.min(top + 1, height - 1);
            const right = Math.min(left + 1, width - 1);
            const fy = top === height - 1 ? 0 : cy - top;
            const fx = left === width - 1 ? 0 : cx - left;
            const bin = i * columns + j;
            visit(r, at(r, 0), bin, top * width + left, (1 - fy) * (1 - fx) * share);
            visit(r, at(r, 0), bin, top * width + right, (1 - fy) * fx * share);
            visit(r, at(r, 0), bin, bottom * width + left, fy * (1 - fx) * share);
            visit(r, at(r, 0), bin, bottom * width + right, fy * fx * share);
          }
        }
  }
}

const geometryOf = (
  input: Shape,
  size: readonly number[],
  scale: number,
  ratio: number,
  aligned: boolean,
): Geometry => ({ input, size: [size[0], size[1]], scale, ratio, aligned });

/** out (K, C, h, w) += samples of input (N, C, H, W) in rois (K, 5); out is zero before; both row-major. */
export const roiAlignKernel = kernel(
  'vision.roiAlign',
  (
    out: Tensor,
    input: Tensor,
    rois: Tensor,
    size: readonly number[],
    scale: number,
    ratio: number,
    aligned: boolean,
  ) => {
    const [, channels, height, width] = input.shape;
    const bins = size[0] * size[1];
    const [target, source] = [out.elements, input.elements];
    const sums = new Float64Array(out.size);
    eachSample(
      rois,
      geometryOf(input.shape, size, scale, ratio, aligned),
      (roi, image, bin, place, weight) => {
        for (let c = 0; c < channels; c++)
          sums[(roi * channels + c) * bins + bin] +=
            weight * source[input.offset + (image * channels + c) * height * width + place];
      },
    );
    for (let i = 0; i < sums.length; i++) target[out.offset + i] = sums[i];
  },
);

/** grad of the input (N, C, H, W), zero before, += what `grad` (K, C, h, w) sends back; both row-major. */
export const roiAlignBackwardKernel = kernel(
  'vision.roiAlignBackward',
  (
    out: Tensor,
    grad: Tensor,
    rois: Tensor,
    size: readonly number[],
    scale: number,
    ratio: number,
    aligned: boolean,
  ) => {
    const [, channels, height, width] = out.shape;
    const bins = size[0] * size[1];
    const [target, source] = [out.elements, grad.elements];
    eachSample(rois, geometryOf(out.shape, size, scale, ratio, aligned), (roi, image, bin, place, weight) => {
      for (let c = 0; c < channels; c++)
        target[out.offset + (image * channels + c) * height * width + place] +=
          weight * source[grad.offset + (roi * channels + c) * bins + bin];
    });
  },
);

const roiAlignPrimitive: Primitive<Geometry> = {
  name: 'roiAlign',
  forward(ctx, [input, rois], { size, scale, ratio, aligned }) {
    const x = (input as Tensor).contiguous();
    const boxes = rois as Tensor;
    const out = Tensor.allocate([boxes.shape[0], x.shape[1], ...size], x.dtype, true);
    roiAlignKernel(out, x, boxes, size, scale, ratio, aligned);
    ctx.save(boxes);
    return out;
  },
  gradient: (ctx, [g], geometry) => [g && applyOne(roiAlignBackward, [g, ctx.saved[0]], geometry), null],
};

const roiAlignBackward: Primitive<Geometry> = {
  name: 'roiAlignBackward',
  forward(ctx, [grad, rois], { input, size, scale, ratio, aligned }) {
    const g = (grad as Tensor).contiguous();
    const out = Tensor.allocate(input, g.dtype, true);
    roiAlignBackwardKernel(out, g, rois as Tensor, size, scale, ratio, aligned);
    ctx.save(rois);
    return out;
  },
  gradient: (ctx, [g], geometry) => [g && applyOne(roiAlignPrimitive, [g, ctx.saved[0]], geometry), null],
};

export interface RoiAlignOptions {
  /** Multiplies the boxes' coordinates: 1 / stride of the feature map. Default 1. */
  spatialScale?: number;
  /** Samples a bin and side; -1 (default) takes ceil(roi size / output size). */
  samplingRatio?: number;
  /** Shifts coordinates by half a pixel, so that pixels are areas. Default false. */
  aligned?: boolean;
}

/**
 * Features of regions, by bilinear sampling.
 *
 * @param input `(N, C, H, W)`.
 * @param rois `(K, 5)`: index of the image, then corners. They get no gradient.
 * @param outputSize `[h, w]`, or one number for both.
 * @returns `(K, C, h, w)`.
 * Source: He et al. 2017; `torchvision.ops.roi_align`.
 */
export const roiAlign: (
  input: Tensor,
  rois: Tensor,
  outputSize: number | readonly [number, number],
  options?: RoiAlignOptions,
) => Tensor = op(
  {
    name: 'roiAlign',
    torch:
      'torchvision.ops.roi_align(input, boxes, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=False)',
    family: 'vision',
    differentiable: 'with respect to the features; the boxes get no gradient',
    samples: () => [],
  },
  (
    input: Tensor,
    rois: Tensor,
    outputSize: number | readonly [number, number],
    { spatialScale = 1, samplingRatio = -1, aligned = false }: RoiAlignOptions = {},
  ) => {
    if (input.ndim !== 4)
      throw new RangeError(`roiAlign: the input ${formatShape(input.shape)} must be (N, C, H, W)`);
    if (rois.ndim !== 2 || rois.shape[1] !== 5)
      throw new RangeError(
        `roiAlign: rois ${formatShape(rois.shape)} must be (K, 5): image index, x1, y1, x2, y2`,
      );
    for (let r = 0; r < rois.shape[0]; r++) {
      const image = rois.elements[rois.offset + r * rois.strides[0]];
      if (!Number.isInteger(image) || image < 0 || image >= input.shape[0])
        throw new RangeError(`roiAlign: roi ${r} names image ${image}, but the batch has ${input.shape[0]}`);
    }
    const size: readonly [number, number] =
      typeof outputSize === 'number' ? [outputSize, outputSize] : outputSize;
    return applyOne(roiAlignPrimitive, [input, rois], {
      input: input.shape,
      size,
      scale: spatialScale,
      ratio: samplingRatio,
      aligned,
    });
  },
);
