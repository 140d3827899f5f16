import { avgPool } from '../../ops/pooling.ts';
import { op } from '../../ops/record.ts';
import { type Resampling, resample } from '../../ops/resample.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { sizes, withSpatial } from './spatial.ts';

export type InterpolateMode =
  | 'nearest'
  | 'nearest-exact'
  | 'linear'
  | 'bilinear'
  | 'bicubic'
  | 'trilinear'
  | 'area';

export interface InterpolateOptions {
  /** The spatial sizes wanted; one number stands for all. Either this or `scaleFactor`. */
  size?: number | readonly number[] | null;
  /** What the spatial sizes are multiplied with. */
  scaleFactor?: number | readonly number[] | null;
  /**
   * `nearest` (default; floor, as old image libraries), `nearest-exact` (of the pixel's centre), `linear` (N, C, L), `bilinear` and
   * `bicubic` (N, C, H, W), `trilinear` (N, C, D, H, W), `area` (averages).
   */
  mode?: InterpolateMode;
  /** Puts the centres of the corner pixels on each other instead of the corners of the image. Default false. */
  alignCorners?: boolean | null;
  /** Computes coordinates from the resulting size instead of the given factor, which differ when the size was rounded. */
  recomputeScaleFactor?: boolean | null;
  /** Averages over all covered pixels when shrinking; `bilinear` and `bicubic` only. Default false. */
  antialias?: boolean;
}

const methods: Record<Exclude<InterpolateMode, 'area'>, Resampling['method']> = {
  nearest: 'nearest',
  'nearest-exact': 'nearest',
  linear: 'linear',
  bilinear: 'linear',
  trilinear: 'linear',
  bicubic: 'cubic',
};

/** Dimensions of the input that a mode works on; none: any from 3 to 5. */
const ranks: Partial<Record<InterpolateMode, number>> = { linear: 3, bilinear: 4, bicubic: 4, trilinear: 5 };

function checkOptions(
  input: Tensor,
  mode: InterpolateMode,
  { size, scaleFactor, alignCorners, recomputeScaleFactor, antialias }: InterpolateOptions,
): void {
  if (!(mode in methods) && mode !== 'area')
    throw new RangeError(
      `interpolate: mode '${mode}' is unknown: use ${Object.keys(methods).join(', ')} or area`,
    );
  if (input.ndim < 3 || input.ndim > 5 || (ranks[mode] ?? input.ndim) !== input.ndim)
    throw new RangeError(
      `interpolate: got ${input.ndim}D input ${formatShape(input.shape)}, but mode '${mode}' needs ${ranks[mode] ?? '3D, 4D or 5'}D (N, C, ...)${input.ndim === 4 && mode === 'linear' ? ": use 'bilinear'" : ''}`,
    );
  if (input.shape.slice(1).some((n) => n === 0))
    throw new RangeError(
      `interpolate: non-empty input expected (but for the batch), got ${formatShape(input.shape)}`,
    );
  const hasSize = size !== undefined && size !== null;
  const hasFactor = scaleFactor !== undefined && scaleFactor !== null;
  if (hasSize === hasFactor)
    throw new RangeError(
      `interpolate: ${hasSize ? 'only one of size or scaleFactor should be given' : 'either size or scaleFactor should be given'}`,
    );
  if (alignCorners !== undefined && alignCorners !== null && (mode === 'area' || methods[mode] === 'nearest'))
    throw new RangeError(
      `interpolate: alignCorners can only be set with the modes linear, bilinear, bicubic and trilinear, not '${mode}': leave it out`,
    );
  if (recomputeScaleFactor && hasSize)
    throw new RangeError(
      'interpolate: recomputeScaleFactor is not meaningful with a given size: leave it out',
    );
  if (antialias && mode !== 'bilinear' && mode !== 'bicubic')
    throw new RangeError(
      `interpolate: antialias is supported for the modes bilinear and bicubic, not '${mode}': leave it out`,
    );
}

/**
 * Resizes (N, C, ...) images: up or down.
 *
 * @param options `size` or `scaleFactor`, `mode`, `alignCorners`, `recomputeScaleFactor`, `antialias`.
 * @returns `(N, C, ...)` with the new spatial sizes: `size`, or floor(size * scaleFactor).
 *
 * @example
 * F.interpolate(x, { scaleFactor: 2 })
 * F.interpolate(x, { size: [224, 224], mode: 'bilinear', antialias: true })
 *
 * Errors: both or none of `size` and `scaleFactor`; a mode that does not fit the dimensions; options that the mode has not.
 * Source: `torch.nn.functional.interpolate`.
 */
export const interpolate: (input: Tensor, options: InterpolateOptions) => Tensor = op(
  {
    name: 'interpolate',
    torch:
      "nn.functional.interpolate(input, *, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None, antialias=False)",
    family: 'resampling',
    differentiable: true,
    samples: () => [
      [{ shape: [1, 2, 4] }, { scaleFactor: 1.7 }],
      [{ shape: [1, 2, 3, 4] }, { size: [5, 2], mode: 'nearest-exact' }],
      [{ shape: [1, 2, 4] }, { scaleFactor: 1.6, mode: 'linear' }],
      [{ shape: [1, 2, 3, 4] }, { size: [5, 2], mode: 'bilinear', alignCorners: true }],
      [{ shape: [1, 1, 5, 4] }, { size: [2, 3], mode: 'bilinear', antialias: true }],
      [{ shape: [1, 2, 3, 4] }, { scaleFactor: 1.5, mode: 'bicubic', recomputeScaleFactor: true }],
      [{ shape: [1, 1, 5, 4] }, { size: [2, 6], mode: 'bicubic', antialias: true }],
      [{ shape: [1, 1, 2, 3, 2] }, { scaleFactor: 2, mode: 'trilinear' }],
      [{ shape: [1, 2, 3, 4] }, { size: 2, mode: 'area' }],
    ],
  },
  (input: Tensor, options: InterpolateOptions) => {
    const { size, scaleFactor, mode = 'nearest', alignCorners, recomputeScaleFactor } = options;
    checkOptions(input, mode, options);
    const from = input.shape.slice(2);
    const rank = from.length;
    const given = scaleFactor ?? null;
    const factors = given === null ? null : typeof given === 'number' ? from.map(() => given) : given;
    if (factors && (factors.length !== rank || factors.some((f) => !(f > 0 && Number.isFinite(f)))))
      throw new RangeError(
        `interpolate: scaleFactor [${factors}] must be one number above 0, or one for each of the ${rank} spatial dimensions`,
      );
    const to = factors
      ? from.map((n, d) => Math.floor(n * factors[d]))
      : sizes('interpolate', 'size', size as number | readonly number[], rank, 1);
    if (to.some((n) => n < 1))
      throw new RangeError(
        `interpolate: input and output sizes should be greater than 0, but got input (${from}) and output (${to}): use a larger scaleFactor`,
      );
    const shape = withSpatial(input.shape, to);
    if (mode === 'area') return avgPool(input, shape, null);
    const steps = from.map((n, d) => {
      if (alignCorners) return to[d] > 1 ? (n - 1) / (to[d] - 1) : 0;
      return factors && !recomputeScaleFactor ? 1 / factors[d] : n / to[d];
    });
    return resample(input, shape, {
      method: methods[mode],
      steps,
      flag: mode === 'nearest-exact' || alignCorners === true,
      antialias: options.antialias ?? false,
    });
  },
);

/** `interpolate` under its older name. Source: `torch.nn.functional.upsample`. */
export const upsample: (input: Tensor, options: InterpolateOptions) => Tensor = op(
  {
    name: 'upsample',
    torch:
      "nn.functional.upsample(input, *, size=None, scale_factor=None, mode='nearest', align_corners=None)",
    family: 'resampling',
    differentiable: true,
    samples: () => [[{ shape: [1, 1, 3] }, { scaleFactor: 2 }]],
  },
  (input: Tensor, options: InterpolateOptions) => interpolate(input, options),
);

type UpsampleOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>;

/** `interpolate` with mode `nearest`. Source: `torch.nn.functional.upsample_nearest`. */
export const upsampleNearest: (input: Tensor, options: UpsampleOptions) => Tensor = op(
  {
    name: 'upsampleNearest',
    torch: 'nn.functional.upsample_nearest(input, *, size=None, scale_factor=None)',
    family: 'resampling',
    differentiable: true,
    samples: () => [[{ shape: [1, 1, 3] }, { scaleFactor: 2 }]],
  },
  (input: Tensor, options: UpsampleOptions) => interpolate(input, { ...options, mode: 'nearest' }),
);

/** `interpolate` with mode `bilinear` and aligned corners. Source: `torch.nn.functional.upsample_bilinear`. */
export const upsampleBilinear: (input: Tensor, options: UpsampleOptions) => Tensor = op(
  {
    name: 'upsampleBilinear',
    torch: 'nn.functional.upsample_bilinear(input, *, size=None, scale_factor=None)',
    family: 'resampling',
    differentiable: true,
    samples: () => [[{ shape: [1, 1, 2, 3] }, { scaleFactor: 2 }]],
  },
  (input: Tensor, options: UpsampleOptions) =>
    interpolate(input, { ...options, mode: 'bilinear', alignCorners: true }),
);
