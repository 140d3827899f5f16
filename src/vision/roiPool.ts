import { kernel } from '../engine/kernel.ts';
import { mul } from '../ops/arithmetic.ts';
import { pick } from '../ops/pooling.ts';
import { op } from '../ops/record.ts';
import { reshape } from '../ops/views.ts';
import { formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** Half away from zero, as C rounds. */
const roundAway = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

/**
 * indices (K, C, h, w), row-major = where in input (N, C, H, W), counted row-major, the greatest of each bin of rois (K, 5) is;
 * present = 1, or 0 for a bin that holds no pixel.
 */
const roiPoolKernel = kernel(
  'vision.roiPool',
  (indices: Tensor, present: Tensor, input: Tensor, rois: Tensor, scale: number) => {
    const [, channels, height, width] = input.shape;
    const [count, , rows, columns] = indices.shape;
    const [byImage, byChannel, byRow, byColumn] = input.strides;
    const source = input.elements;
    const at = (r: number, c: number): number =>
      rois.elements[rois.offset + r * rois.strides[0] + c * rois.strides[1]];
    let place = 0;
    for (let r = 0; r < count; r++) {
      const image = at(r, 0);
      const [x1, y1, x2, y2] = [1, 2, 3, 4].map((c) => roundAway(at(r, c) * scale));
      // The end pixel belongs to the region; one that is turned round still has a pixel.
      const binHeight = Math.max(y2 - y1 + 1, 1) / rows;
      const binWidth = Math.max(x2 - x1 + 1, 1) / columns;
      const clip = (v: number, size: number): number => Math.min(Math.max(v, 0), size);
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++, place++) {
            const top = clip(Math.floor(i * binHeight) + y1, height);
            const bottom = clip(Math.ceil((i + 1) * binHeight) + y1, height);
            const left = clip(Math.floor(j * binWidth) + x1, width);
            const right = clip(Math.ceil((j + 1) * binWidth) + x1, width);
            let best = -Infinity;
            let found = -1;
            for (let y = top; y < bottom; y++)
              for (let x = left; x < right; x++) {
                const value =
                  source[input.offset + image * byImage + c * byChannel + y * byRow + x * byColumn];
                if (value > best || found < 0) {
                  best = value;
                  found = ((image * channels + c) * height + y) * width + x;
                }
              }
            indices.elements[indices.offset + place] = Math.max(found, 0);
            present.elements[present.offset + place] = found < 0 ? 0 : 1;
          }
    }
  },
);

/**
 * The greatest feature in each bin of regions, whose corners and bins are rounded to whole pixels.
 *
 * @param input `(N, C, H, W)`. @param rois `(K, 5)`: index of the image, then corners; the end pixel belongs to the region.
 * @param outputSize `[h, w]`, or one number for both. @param options `spatialScale` multiplies the corners. Default 1.
 * @returns `(K, C, h, w)`; 0 where a bin holds no pixel.
 * Error: rois of another shape, or of images that the batch lacks. Source: Girshick 2015; `torchvision.ops.roi_pool`.
 */
export const roiPool: (
  input: Tensor,
  rois: Tensor,
  outputSize: number | readonly [number, number],
  options?: { spatialScale?: number },
) => Tensor = op(
  {
    name: 'roiPool',
    torch: 'torchvision.ops.roi_pool(input, boxes, output_size, *, spatial_scale=1.0)',
    family: 'vision',
    differentiable: 'with respect to the features; the boxes get no gradient',
    samples: () => [],
  },
  (input, rois, outputSize, { spatialScale = 1 } = {}) => {
    if (input.ndim !== 4)
      throw new RangeError(`roiPool: the input ${formatShape(input.shape)} must be (N, C, H, W)`);
    if (rois.ndim !== 2 || rois.shape[1] !== 5)
      throw new RangeError(
        `roiPool: rois ${formatShape(rois.shape)} must be (K, 5): image index, x1, y1, x2, y2`,
      );
    for (let r = 0; r < rois.shape[0]; r++) {
      const image = rois.elements[rois.offset + r * rois.strides[0]];
      if (!Number.isInteger(image) || image < 0 || image >= input.shape[0])
        throw new RangeError(`roiPool: roi ${r} names image ${image}, but the batch has ${input.shape[0]}`);
    }
    const [rows, columns] = typeof outputSize === 'number' ? [outputSize, outputSize] : outputSize;
    const shape = [rois.shape[0], input.shape[1], rows, columns];
    const indices = Tensor.allocate(shape, 'int32');
    const present = Tensor.allocate(shape, input.dtype);
    roiPoolKernel(indices, present, input, rois, spatialScale);
    const picked = pick(reshape(input, [1, 1, -1]), reshape(indices, [1, 1, -1]));
    return mul(reshape(picked, shape), present);
  },
);
