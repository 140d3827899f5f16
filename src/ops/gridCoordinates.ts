import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';

/** What is seen outside the image: nothing, the edge, the mirror image. */
export type GridPadding = 'zeros' | 'border' | 'reflection';

/** A coordinate and how fast it moves with the one it came from. */
type Moving = readonly [value: number, slope: number];

/** Mirrors at both ends, given twice so that they are whole numbers. */
function reflect([x, slope]: Moving, twiceLow: number, twiceHigh: number): Moving {
  if (twiceLow === twiceHigh) return [0, 0];
  const low = twiceLow / 2;
  const span = (twiceHigh - twiceLow) / 2;
  const sign = x < low ? -1 : 1;
  const beyond = Math.abs(x - low);
  const rest = beyond % span;
  return Math.floor(beyond / span) % 2 === 0
    ? [rest + low, slope * sign]
    : [span - rest + low, -slope * sign];
}

/** Cut to the image; where it is cut the slope is 0. */
function clip([x, slope]: Moving, size: number): Moving {
  if (x <= 0) return [0, 0];
  return x >= size - 1 ? [size - 1, 0] : [x, slope];
}

/** Brings a pixel coordinate into the image as the padding has it. */
export function insideImage(at: Moving, size: number, padding: string, alignCorners: boolean): Moving {
  if (padding === 'border') return clip(at, size);
  if (padding !== 'reflection') return at;
  return clip(alignCorners ? reflect(at, 0, 2 * (size - 1)) : reflect(at, -1, 2 * size - 1), size);
}

/**
 * out = the pixel coordinates that -1 ... 1 in `grid` stand for along a dimension of `size`, brought into the image as `padding` has
 * it; slopes = their derivatives. Row-major outputs of the shape of `grid`.
 */
const coordinatesKernel = kernel(
  'gridSample.coordinates',
  (out: Tensor, slopes: Tensor, grid: Tensor, size: number, padding: string, alignCorners: boolean) => {
    const slope = alignCorners ? (size - 1) / 2 : size / 2;
    const [source, [byImage, byPoint]] = [grid.elements, grid.strides];
    const [images, points] = grid.shape;
    for (let n = 0, i = 0; n < images; n++)
      for (let p = 0; p < points; p++, i++) {
        const x = source[grid.offset + n * byImage + p * byPoint];
        const at = alignCorners ? ((x + 1) / 2) * (size - 1) : ((x + 1) * size - 1) / 2;
        const [value, moves] = insideImage([at, slope], size, padding, alignCorners);
        out.elements[out.offset + i] = value;
        slopes.elements[slopes.offset + i] = moves;
      }
  },
);

const coordinatesPrimitive: Primitive<{ size: number; padding: GridPadding; alignCorners: boolean }> = {
  name: 'gridCoordinates',
  forward(ctx, [grid], { size, padding, alignCorners }) {
    const x = grid as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    const slopes = Tensor.allocate(x.shape, x.dtype);
    coordinatesKernel(out, slopes, x, size, padding, alignCorners);
    ctx.save(slopes);
    return out;
  },
  gradient: (ctx, [g]) => [g && mul(g, ctx.saved[0])],
};

/** Pixel coordinates for the normalized ones of (N, P) points along a dimension of `size`. */
export const gridCoordinates = (
  grid: Tensor,
  size: number,
  padding: GridPadding,
  alignCorners: boolean,
): Tensor => applyOne(coordinatesPrimitive, [grid], { size, padding, alignCorners });
