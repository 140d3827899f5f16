import { flip } from '../../ops/rearrange.ts';
import {
  between,
  checkProbability,
  generatorOf,
  type ImageTransform,
  imageSize,
  type RandomTransformOptions,
  redraw,
} from './transform.ts';

/** Mirrors left and right with probability `p` (default 0.5). */
export function randomHorizontalFlip(p = 0.5, options: RandomTransformOptions = {}): ImageTransform {
  checkProbability('randomHorizontalFlip', p);
  return (image) => {
    imageSize('randomHorizontalFlip', image);
    return generatorOf(options).uniform53() < p ? flip(image, [2]) : image;
  };
}

/** Mirrors top and bottom with probability `p` (default 0.5). */
export function randomVerticalFlip(p = 0.5, options: RandomTransformOptions = {}): ImageTransform {
  checkProbability('randomVerticalFlip', p);
  return (image) => {
    imageSize('randomVerticalFlip', image);
    return generatorOf(options).uniform53() < p ? flip(image, [1]) : image;
  };
}

export interface RandomCropOptions extends RandomTransformOptions {
  /** Pixels added on every side first. Default 0. */
  padding?: number;
  /** What they are. Default 0. */
  fill?: number;
}

const pair = (size: number | readonly [number, number]): readonly [number, number] =>
  typeof size === 'number' ? [size, size] : size;

/** A window of the given size `(height, width)` at a random place. Error: an image that is smaller, with its padding. */
export function randomCrop(
  size: number | readonly [number, number],
  options: RandomCropOptions = {},
): ImageTransform {
  const { padding = 0, fill = 0 } = options;
  const [height, width] = pair(size);
  return (image) => {
    const [channels, h, w] = imageSize('randomCrop', image);
    const [freeY, freeX] = [h + 2 * padding - height, w + 2 * padding - width];
    if (freeY < 0 || freeX < 0)
      throw new RangeError(
        `randomCrop: a window of (${height}, ${width}) does not fit into an image of (${h}, ${w}) with a padding of ${padding}`,
      );
    const generator = generatorOf(options);
    const top = generator.below(freeY + 1) - padding;
    const left = generator.below(freeX + 1) - padding;
    return redraw(image, [channels, height, width], (target, source) => {
      for (let c = 0, place = 0; c < channels; c++)
        for (let y = top; y < top + height; y++)
          for (let x = left; x < left + width; x++)
            target[place++] = y >= 0 && y < h && x >= 0 && x < w ? source[(c * h + y) * w + x] : fill;
    });
  };
}

/** The window of the given size in the middle. */
export function centerCrop(size: number | readonly [number, number]): ImageTransform {
  const [height, width] = pair(size);
  return (image) => {
    const [, h, w] = imageSize('centerCrop', image);
    if (height > h || width > w)
      throw new RangeError(`centerCrop: (${height}, ${width}) is larger than the image (${h}, ${w})`);
    const [top, left] = [Math.round((h - height) / 2), Math.round((w - width) / 2)];
    return image.narrow(1, top, height).narrow(2, left, width);
  };
}

export interface AffineOptions {
  /** Turns by this many degrees, clockwise. Default 0. */
  angle?: number;
  /** Moves by this many pixels right and down. Default [0, 0]. */
  translate?: readonly [number, number];
  /** Enlarges by this factor. Default 1. */
  scale?: number;
  /** Slants by this many degrees along x. Default 0. */
  shear?: number;
  /** What lies outside the image. Default 0. */
  fill?: number;
}

/** Turns, slants, enlarges around the middle, then moves, reading between pixels bilinearly. Error: a scale that is not above 0. */
export function affine(options: AffineOptions): ImageTransform {
  const { angle = 0, translate = [0, 0], scale = 1, shear = 0, fill = 0 } = options;
  if (!(scale > 0)) throw new RangeError(`affine: scale is ${scale}: it must be above 0`);
  const turn = (angle * Math.PI) / 180;
  const slant = Math.tan((shear * Math.PI) / 180);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  // Where a pixel of the result comes from: back by the move, the turn, the scale and the slant.
  return (image) => {
    const [channels, h, w] = imageSize('affine', image);
    const [cy, cx] = [(h - 1) / 2, (w - 1) / 2];
    return redraw(image, image.shape, (target, source) => {
      const read = (plane: number, y: number, x: number): number =>
        y >= 0 && y < h && x >= 0 && x < w ? source[plane + y * w + x] : fill;
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          const [dx, dy] = [x - cx - translate[0], y - cy - translate[1]];
          const [rx, ry] = [(cos * dx + sin * dy) / scale, (-sin * dx + cos * dy) / scale];
          const [sx, sy] = [cx + rx - slant * ry, cy + ry];
          const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
          const [fx, fy] = [sx - x0, sy - y0];
          for (let c = 0; c < channels; c++) {
            const plane = c * h * w;
            target[plane + y * w + x] =
              (read(plane, y0, x0) * (1 - fx) + read(plane, y0, x0 + 1) * fx) * (1 - fy) +
              (read(plane, y0 + 1, x0) * (1 - fx) + read(plane, y0 + 1, x0 + 1) * fx) * fy;
          }
        }
    });
  };
}

export interface RandomAffineOptions extends RandomTransformOptions {
  /** Turns by up to this many degrees either way. Default 0. */
  degrees?: number;
  /** Moves by up to this part of width and height either way. Default [0, 0]. */
  translate?: readonly [number, number];
  /** Least and greatest factor. Default [1, 1]. */
  scale?: readonly [number, number];
  /** Slants by up to this many degrees either way. Default 0. */
  shear?: number;
  /** What lies outside the image. Default 0. */
  fill?: number;
}

/** `affine` with each part drawn evenly from its range. */
export function randomAffine(options: RandomAffineOptions): ImageTransform {
  const { degrees = 0, translate = [0, 0], scale = [1, 1], shear = 0, fill = 0 } = options;
  return (image) => {
    const [, h, w] = imageSize('randomAffine', image);
    const generator = generatorOf(options);
    return affine({
      angle: between(generator, -degrees, degrees),
      translate: [
        between(generator, -translate[0], translate[0]) * w,
        between(generator, -translate[1], translate[1]) * h,
      ],
      scale: between(generator, scale[0], scale[1]),
      shear: between(generator, -shear, shear),
      fill,
    })(image);
  };
}
