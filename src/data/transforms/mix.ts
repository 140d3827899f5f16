import { indexSelect } from '../../ops/indexSelect.ts';
import { where } from '../../ops/where.ts';
import { tensor } from '../../tensor/creation.ts';
import { Generator } from '../../tensor/generator.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { oneHotOf } from '../oneHot.ts';
import { permutation } from '../permutation.ts';
import { between, type RandomTransformOptions } from './transform.ts';

export interface MixOptions extends RandomTransformOptions {
  /** Both parameters of the beta distribution that the share is drawn from. Default 1: evenly from [0, 1]. */
  alpha?: number;
  /** How many classes the labels have. */
  numClasses: number;
}

/** A draw from the gamma distribution of shape `a` (Marsaglia and Tsang 2000). */
function gamma(generator: Generator, a: number): number {
  if (a < 1) return gamma(generator, a + 1) * generator.uniform53() ** (1 / a);
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = generator.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    const u = generator.uniform53();
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

function share(generator: Generator, alpha: number): number {
  if (!(alpha > 0)) throw new RangeError(`mixup: alpha is ${alpha}: it must be above 0`);
  const [x, y] = [gamma(generator, alpha), gamma(generator, alpha)];
  return x / (x + y);
}

function partner(name: string, images: Tensor, labels: Tensor, generator: Generator): Tensor {
  if (images.ndim !== 4 || labels.ndim !== 1 || labels.shape[0] !== images.shape[0])
    throw new RangeError(
      `${name}: needs images (N, C, H, W) and labels (N,), got ${formatShape(images.shape)} and ${formatShape(labels.shape)}`,
    );
  return tensor(permutation(images.shape[0], generator), { dtype: 'int32' });
}

/** Shares of the classes of two images, `(N, numClasses)`. */
function mixLabels(labels: Tensor, order: Tensor, own: number, numClasses: number): Tensor {
  const classes = oneHotOf(labels, numClasses);
  return classes.mul(own).add(indexSelect(classes, 0, order).mul(1 - own));
}

/**
 * Blends each image of a batch with another one, and their labels in the same share.
 *
 * @param images `(N, C, H, W)`. @param labels `(N,)` class numbers.
 * @returns images of the same shape, and labels `(N, numClasses)` for `crossEntropy`. Source: Zhang et al. 2018.
 */
export function mixup(images: Tensor, labels: Tensor, options: MixOptions): [images: Tensor, labels: Tensor] {
  const { alpha = 1, numClasses, generator = Generator.default } = options;
  const own = share(generator, alpha);
  const order = partner('mixup', images, labels, generator);
  const mixed = images.mul(own).add(indexSelect(images, 0, order).mul(1 - own));
  return [mixed, mixLabels(labels, order, own, numClasses)];
}

/**
 * Pastes a rectangle of another image of the batch into each image, and mixes the labels by the areas.
 *
 * @param images `(N, C, H, W)`. @param labels `(N,)` class numbers.
 * @returns images of the same shape, and labels `(N, numClasses)` for `crossEntropy`. Source: Yun et al. 2019.
 */
export function cutmix(
  images: Tensor,
  labels: Tensor,
  options: MixOptions,
): [images: Tensor, labels: Tensor] {
  const { alpha = 1, numClasses, generator = Generator.default } = options;
  const side = Math.sqrt(1 - share(generator, alpha));
  const order = partner('cutmix', images, labels, generator);
  const [height, width] = images.shape.slice(2);
  const span = (size: number): [from: number, length: number] => {
    const middle = between(generator, 0, size);
    const from = Math.max(0, Math.floor(middle - (side * size) / 2));
    return [from, Math.min(size, Math.floor(middle + (side * size) / 2)) - from];
  };
  const [top, h] = span(height);
  const [left, w] = span(width);
  const inside = tensor(
    Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => y >= top && y < top + h && x >= left && x < left + w),
    ),
  );
  const mixed = where(inside, indexSelect(images, 0, order), images);
  return [mixed, mixLabels(labels, order, 1 - (h * w) / (height * width), numClasses)];
}
