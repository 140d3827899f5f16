import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

type Pair = readonly number[];

/**
 * Visits every (column row, position) of the patch matrix of images (N, C, H, W) with the place in an image of strides `steps`, -1
 * for the padding.
 */
function eachTap(
  [batch, channels, height, width]: Shape,
  steps: readonly number[],
  [kernelY, kernelX]: Pair,
  [dilationY, dilationX]: Pair,
  [paddingY, paddingX]: Pair,
  [strideY, strideX]: Pair,
  [rows, columns]: Pair,
  visit: (image: number, tap: number, position: number, place: number) => void,
): void {
  const [byImage, byChannel, byRow, byColumn] = steps;
  for (let n = 0; n < batch; n++)
    for (let c = 0, tap = 0; c < channels; c++)
      for (let i = 0; i < kernelY; i++)
        for (let j = 0; j < kernelX; j++, tap++)
          for (let oy = 0, position = 0; oy < rows; oy++) {
            const y = oy * strideY - paddingY + i * dilationY;
            for (let ox = 0; ox < columns; ox++, position++) {
              const x = ox * strideX - paddingX + j * dilationX;
              const inside = y >= 0 && y < height && x >= 0 && x < width;
              const place = n * byImage + c * byChannel + y * byRow + x * byColumn;
              visit(n, tap, position, inside ? place : -1);
            }
          }
}

/** out (N, C kH kW, L), row-major = the patches of input (N, C, H, W) as columns; `counts`: how many fit each way. */
const unfoldKernel = kernel(
  'patches.unfold',
  (
    out: Tensor,
    input: Tensor,
    kernelSize: Pair,
    dilation: Pair,
    padding: Pair,
    stride: Pair,
    counts: Pair,
  ) => {
    const [target, source] = [out.elements, input.elements];
    const [, taps, positions] = out.shape;
    eachTap(
      input.shape,
      input.strides,
      kernelSize,
      dilation,
      padding,
      stride,
      counts,
      (n, tap, position, place) => {
        target[out.offset + (n * taps + tap) * positions + position] =
          place < 0 ? 0 : source[input.offset + place];
      },
    );
  },
);

/** out (N, C, H, W), row-major = columns (N, C kH kW, L) added up where their patches lie. float64 accumulators. */
const foldKernel = kernel(
  'patches.fold',
  (
    out: Tensor,
    columns: Tensor,
    kernelSize: Pair,
    dilation: Pair,
    padding: Pair,
    stride: Pair,
    counts: Pair,
  ) => {
    const [target, source] = [out.elements, columns.elements];
    const [byImage, byTap, byPosition] = columns.strides;
    const sums = new Float64Array(out.size);
    const [, channels, height, width] = out.shape;
    const steps = [channels * height * width, height * width, width, 1];
    eachTap(out.shape, steps, kernelSize, dilation, padding, stride, counts, (n, tap, position, place) => {
      if (place >= 0)
        sums[place] += source[columns.offset + n * byImage + tap * byTap + position * byPosition];
    });
    for (let i = 0; i < sums.length; i++) target[out.offset + i] = sums[i];
  },
);

/** How patches lie in an image; each pair is (vertical, horizontal). */
export interface Patches {
  /** (N, C, H, W) */
  readonly image: Shape;
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
  readonly stride: Pair;
  /** How many patches fit. */
  readonly counts: Pair;
}

const unfoldPrimitive: Primitive<Patches> = {
  name: 'unfold',
  forward(_ctx, [input], { image, kernel: size, dilation, padding, stride, counts }) {
    const [n, c] = image;
    const out = Tensor.allocate([n, c * size[0] * size[1], counts[0] * counts[1]], (input as Tensor).dtype);
    unfoldKernel(out, input as Tensor, size, dilation, padding, stride, counts);
    return out;
  },
  gradient: (_ctx, [g], patches) => [g && applyOne(foldPrimitive, [g], patches)],
};

const foldPrimitive: Primitive<Patches> = {
  name: 'fold',
  forward(_ctx, [columns], { image, kernel: size, dilation, padding, stride, counts }) {
    const out = Tensor.allocate(image, (columns as Tensor).dtype);
    foldKernel(out, columns as Tensor, size, dilation, padding, stride, counts);
    return out;
  },
  gradient: (_ctx, [g], patches) => [g && applyOne(unfoldPrimitive, [g], patches)],
};

/** The patches of an image as columns. All sizes have been checked. */
export const unfoldPatches = (image: Tensor, patches: Patches): Tensor =>
  applyOne(unfoldPrimitive, [image], patches);

/** The adjoint of `unfoldPatches`: columns added up into an image. */
export const foldPatches = (columns: Tensor, patches: Patches): Tensor =>
  applyOne(foldPrimitive, [columns], patches);
