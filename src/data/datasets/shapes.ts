import { tensor } from '../../tensor/creation.ts';
import { Generator } from '../../tensor/generator.ts';
import { Tensor } from '../../tensor/tensor.ts';

/** The classes, in the order of their labels. */
export const shapeNames = ['circle', 'square', 'triangle'] as const;

export interface ShapesOptions {
  /** Height and width of the images in pixels. Default 64. */
  size?: number;
  /** Least and most shapes in one image. Default [1, 4]. */
  count?: readonly [number, number];
  /** Ranges of side lengths in pixels, one of which is drawn for each shape, evenly. Default [[6, 10], [14, 22], [28, 44]] at size 64. */
  scales?: readonly (readonly [number, number])[];
  /** Standard deviation of the background's noise. Default 0.1. */
  noise?: number;
  /** Where the randomness comes from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** What is in one image. */
export interface DetectionTarget {
  /** `(K, 4)`: left, top, right, bottom in pixels. */
  boxes: Tensor;
  /** `(K,)`, int32: places in `shapeNames`. */
  labels: Tensor;
  /** `(K,)`, int32: which of the scales. */
  scales: Tensor;
}

export interface Shapes {
  /** `(N, 1, size, size)`, float32, about 0 to 1. */
  images: Tensor;
  targets: DetectionTarget[];
}

type Box = [left: number, top: number, right: number, bottom: number];

const overlap = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

const inside: Record<(typeof shapeNames)[number], (u: number, v: number) => boolean> = {
  circle: (u, v) => u * u + v * v <= 1,
  square: () => true,
  // Its corners: the middle of the top, and both ends of the bottom.
  triangle: (u, v) => Math.abs(u) <= (v + 1) / 2,
};

/**
 * Scenes for detection: circles, squares and triangles of several sizes on a noisy background, with their boxes. Shapes do not overlap.
 *
 * @param n how many images.
 */
export function shapes(n: number, options: ShapesOptions = {}): Shapes {
  const { size = 64, count = [1, 4], noise = 0.1, generator = Generator.default } = options;
  const unit = size / 64;
  const scales = options.scales ?? [
    [6 * unit, 10 * unit],
    [14 * unit, 22 * unit],
    [28 * unit, 44 * unit],
  ];
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`shapes: ${n} images: the number must be a whole one from 1`);
  if (scales.some(([low, high]) => !(low >= 2 && high >= low && high < size)))
    throw new RangeError(
      `shapes: the scales [${scales.join('], [')}] must lie between 2 and the image's size ${size}`,
    );
  const images = Tensor.allocate([n, 1, size, size], 'float32');
  const targets: DetectionTarget[] = [];
  for (let i = 0; i < n; i++) {
    const from = images.offset + i * size * size;
    for (let p = 0; p < size * size; p++) images.elements[from + p] = 0.2 + noise * generator.normal();
    const boxes: Box[] = [];
    const labels: number[] = [];
    const which: number[] = [];
    const wanted = count[0] + generator.below(count[1] - count[0] + 1);
    // Big shapes may leave no room: a few tries, then fewer shapes.
    for (let tries = 0; boxes.length < wanted && tries < 20; tries++) {
      const scale = generator.below(scales.length);
      const [low, high] = scales[scale];
      const side = Math.round(low + (high - low) * generator.uniform53());
      const [left, top] = [generator.below(size - side + 1), generator.below(size - side + 1)];
      const box: Box = [left, top, left + side, top + side];
      if (boxes.some((other) => overlap(box, other))) continue;
      const label = generator.below(shapeNames.length);
      const bright = 0.6 + 0.4 * generator.uniform53();
      const test = inside[shapeNames[label]];
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++)
          if (test((2 * x + 1) / side - 1, (2 * y + 1) / side - 1))
            images.elements[from + (top + y) * size + left + x] = bright + (noise / 2) * generator.normal();
      boxes.push(box);
      labels.push(label);
      which.push(scale);
    }
    targets.push({
      boxes: tensor(boxes),
      labels: tensor(labels, { dtype: 'int32' }),
      scales: tensor(which, { dtype: 'int32' }),
    });
  }
  return { images, targets };
}
