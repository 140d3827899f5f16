import { noGrad } from '../../autograd/mode.ts';
import { Generator } from '../../tensor/generator.ts';
import { formatShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';

/** Changes an image `(C, H, W)`; what is random in it is drawn anew at each call. */
export type ImageTransform = (image: Tensor) => Tensor;

export interface RandomTransformOptions {
  /** Where the randomness comes from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Error: not an image. */
export function imageSize(name: string, image: Tensor): [channels: number, height: number, width: number] {
  if (image.ndim !== 3)
    throw new RangeError(`${name}: needs an image (C, H, W), got ${formatShape(image.shape)}`);
  return image.shape as unknown as [number, number, number];
}

/** Error: a number that is no probability. */
export function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${name}: p is ${p}: it lies between 0 and 1`);
}

export const generatorOf = ({ generator }: RandomTransformOptions): Generator =>
  generator ?? Generator.default;

/** Evenly from [low, high). */
export const between = (generator: Generator, low: number, high: number): number =>
  low + (high - low) * generator.uniform53();

/** One transform after the other. */
export const compose =
  (...transforms: readonly ImageTransform[]): ImageTransform =>
  (image) =>
    transforms.reduce((x, transform) => transform(x), image);

/** A new image computed from a row-major one: `(target, source)` are the elements, from 0. Never recorded for autograd. */
export function redraw(
  image: Tensor,
  shape: readonly number[],
  draw: (target: Float32Array | Float64Array, source: ArrayLike<number>) => void,
): Tensor {
  return noGrad(() => {
    const source = (image.isFloating ? image.detach() : image.to('float32')).contiguous();
    const out = Tensor.allocate(shape, source.dtype, true);
    const window = (t: Tensor) => t.elements.subarray(t.offset, t.offset + t.size);
    draw(window(out) as Float32Array, window(source));
    return out;
  });
}
