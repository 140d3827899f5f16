import { mul } from '../../ops/arithmetic.ts';
import { pow } from '../../ops/pairwise.ts';
import { abs, relu, sign } from '../../ops/pointwise.ts';
import { avgPool, maxPool, poolOutputSize, type Sliding } from '../../ops/pooling.ts';
import { op } from '../../ops/record.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { batched, checkNotEmpty, checkSpatial, type Rank, type Size, sizes, withSpatial } from './spatial.ts';

/** The step of the windows: behind the kernel size as PyTorch's users write it, or among the options. Default: the kernel size. */
export type Stride<N extends Rank> = Size<N> | readonly [] | null;

export interface MaxPoolOptions<N extends Rank> {
  /** Places of -∞ on both sides, at most half the kernel. Default 0. */
  padding?: Size<N>;
  /** Distance between neighbouring elements of a window. Default 1. */
  dilation?: Size<N>;
  /** Lets a last window reach beyond the end. Default false. */
  ceilMode?: boolean;
  /** Gives the places of the greatest too, counted in the plane of the unpadded input: for `maxUnpool`. Default false. */
  returnIndices?: boolean;
}

export interface AvgPoolOptions<N extends Rank> {
  /** Zeros on both sides, at most half the kernel. Default 0. */
  padding?: Size<N>;
  /** Lets a last window reach beyond the end. Default false. */
  ceilMode?: boolean;
  /** Whether the padding counts in the average. Default true. */
  countIncludePad?: boolean;
}

export interface DivisorOverride {
  /** What sums are divided by instead of the size of the window. */
  divisorOverride?: number | null;
}

/** Options with the stride among them. */
export type WithStride<N extends Rank, O> = O & { stride?: Stride<N> };

/** A pooling call: `(x, 2)`, `(x, 2, 2)`, `(x, 3, { stride: 2, padding: 1 })`, `(x, 3, 2, { padding: 1 })`. */
type Pool<N extends Rank, O> = {
  (input: Tensor, kernelSize: Size<N>, options?: WithStride<N, O>): Tensor;
  (input: Tensor, kernelSize: Size<N>, stride: Stride<N> | undefined, options?: O): Tensor;
};

type Indexed<O> = Omit<O, 'returnIndices'> & { returnIndices: true };
type Plain<O> = Omit<O, 'returnIndices'> & { returnIndices?: false };

/** As `Pool`; with `returnIndices: true` the result is `[output, indices]`. */
type MaxPool<N extends Rank, O = MaxPoolOptions<N>> = {
  (input: Tensor, kernelSize: Size<N>, options: WithStride<N, Indexed<O>>): [Tensor, Tensor];
  (input: Tensor, kernelSize: Size<N>, stride: Stride<N> | undefined, options: Indexed<O>): [Tensor, Tensor];
} & Pool<N, Plain<O>>;

const isOptions = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The stride and the options, from either way of passing them. */
export function strideAndOptions<N extends Rank, O extends object>(
  stride: Stride<N> | WithStride<N, O> | undefined,
  options: O | undefined,
): WithStride<N, O> {
  if (isOptions(stride)) return stride as WithStride<N, O>;
  return { ...(options ?? ({} as O)), stride: (stride as Stride<N> | undefined) ?? null };
}

/** Kernel, stride and padding, one number a dimension. Errors: numbers that are not sizes; more padding than half the window. */
export function slidingOf(
  name: string,
  rank: number,
  kernelSize: number | readonly number[],
  stride: number | readonly number[] | null | undefined,
  padding: number | readonly number[],
  dilation: readonly number[],
): Sliding {
  const kernel = sizes(name, 'kernelSize', kernelSize, rank, 1);
  const noStride =
    stride === null || stride === undefined || (typeof stride === 'object' && stride.length === 0);
  const pad = sizes(name, 'padding', padding, rank, 0);
  pad.forEach((p, d) => {
    const reach = (kernel[d] - 1) * dilation[d] + 1;
    if (p > reach / 2)
      throw new RangeError(
        `${name}: pad should be at most half of effective kernel size, but got padding ${p} with kernel ${kernel[d]} and dilation ${dilation[d]}: use at most ${Math.floor(reach / 2)}, or call pad first`,
      );
  });
  return { kernel, stride: noStride ? kernel : sizes(name, 'stride', stride, rank, 1), padding: pad };
}

/** How many windows fit each spatial dimension. Error: none. */
function outputSizes(
  name: string,
  input: Tensor,
  { kernel, stride, padding }: Sliding,
  dilation: readonly number[],
  ceilMode: boolean,
): number[] {
  const spatial = input.shape
    .slice(2)
    .map((size, d) => poolOutputSize(size, kernel[d], stride[d], padding[d], dilation[d], ceilMode));
  if (spatial.some((size) => size < 1))
    throw new RangeError(
      `${name}: given input size ${formatShape(input.shape.slice(1))}, calculated output size (${spatial.join(', ')}) is too small for kernel [${kernel}]: use a smaller kernel, or pad`,
    );
  return spatial;
}

const sampleShape = (rank: number, size: number): { shape: number[] } => ({
  shape: [1, 2, ...new Array<number>(rank).fill(size)],
});

/** Different values, so that no two in a window are near each other. */
const distinct = (rank: number, size: number): { shape: number[]; data: number[] } => {
  const { shape } = sampleShape(rank, size);
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 10 - 4) };
};

function maxPoolNd<N extends Rank>(rank: N): MaxPool<N> {
  const name = `maxPool${rank}d`;
  return op(
    {
      name,
      torch: `nn.functional.max_pool${rank}d(input, kernel_size, stride=None, *, padding=0, dilation=1, ceil_mode=False, return_indices=False)`,
      family: 'pooling',
      differentiable: true,
      samples: () => [
        [distinct(rank, 4), 2],
        [distinct(rank, 4), 3, 2, { padding: 1, ceilMode: true }],
        [distinct(rank, 4), 2, 1, { dilation: 2, returnIndices: true }],
      ],
    },
    (
      input: Tensor,
      kernelSize: Size<N>,
      strideOrOptions?: Stride<N> | WithStride<N, MaxPoolOptions<N>>,
      rest?: MaxPoolOptions<N>,
    ) => {
      const options = strideAndOptions(strideOrOptions, rest);
      checkSpatial(name, input, rank);
      checkNotEmpty(name, input, rank);
      const dilation = sizes(name, 'dilation', options.dilation ?? 1, rank, 1);
      const windows = slidingOf(name, rank, kernelSize, options.stride, options.padding ?? 0, dilation);
      const wantsIndices = options.returnIndices ?? false;
      const result = batched(input, rank, (x) => {
        const spatial = outputSizes(name, x, windows, dilation, options.ceilMode ?? false);
        return maxPool(x, withSpatial(x.shape, spatial), { ...windows, dilation }, wantsIndices);
      });
      return wantsIndices ? result : result[0];
    },
  ) as MaxPool<N>;
}

function avgPoolNd<N extends Rank, O extends AvgPoolOptions<N>>(rank: N): Pool<N, O> {
  const name = `avgPool${rank}d`;
  return op(
    {
      name,
      torch: `nn.functional.avg_pool${rank}d(input, kernel_size, stride=None, *, padding=0, ceil_mode=False, count_include_pad=True${rank === 1 ? '' : ', divisor_override=None'})`,
      family: 'pooling',
      differentiable: true,
      samples: () => [
        [sampleShape(rank, 4), 2],
        [sampleShape(rank, 4), 3, 2, { padding: 1, ceilMode: true }],
        [sampleShape(rank, 4), 3, { stride: 2, padding: 1, countIncludePad: false }],
        ...(rank === 1 ? [] : [[sampleShape(rank, 4), 2, 1, { divisorOverride: 3 }]]),
      ],
    },
    (
      input: Tensor,
      kernelSize: Size<N>,
      strideOrOptions?: Stride<N> | WithStride<N, O>,
      rest?: O & DivisorOverride,
    ) => {
      const options: WithStride<N, AvgPoolOptions<N> & DivisorOverride> = strideAndOptions(
        strideOrOptions,
        rest,
      );
      checkSpatial(name, input, rank);
      checkNotEmpty(name, input, rank);
      const divisor = options.divisorOverride ?? null;
      if (divisor !== null && (!Number.isInteger(divisor) || divisor === 0))
        throw new RangeError(
          `${name}: divisorOverride ${divisor} must be a whole number other than zero: leave it out`,
        );
      const ones = new Array<number>(rank).fill(1);
      const windows = slidingOf(name, rank, kernelSize, options.stride, options.padding ?? 0, ones);
      return batched(input, rank, (x) => {
        const spatial = outputSizes(name, x, windows, ones, options.ceilMode ?? false);
        return avgPool(x, withSpatial(x.shape, spatial), {
          ...windows,
          includePad: options.countIncludePad ?? true,
          divisor: divisor ?? 0,
        });
      });
    },
  ) as Pool<N, O>;
}

/** `null` keeps a dimension's size. */
export type AdaptiveSize<N extends Rank> =
  | number
  | null
  | (N extends 1
      ? readonly [number | null]
      : N extends 2
        ? readonly [number | null, number | null]
        : readonly [number | null, number | null, number | null]);

function adaptiveOutput(
  name: string,
  input: Tensor,
  outputSize: number | null | readonly (number | null)[],
  rank: number,
): number[] {
  const list = Array.isArray(outputSize) ? outputSize : [outputSize];
  const own = input.shape.slice(input.ndim - rank);
  const wanted = list.length === 1 ? own.map(() => list[0]) : [...list];
  return sizes(
    name,
    'outputSize',
    wanted.map((size, d) => size ?? own[d]),
    rank,
    0,
  );
}

function adaptiveAvgPoolNd<N extends Rank>(rank: N): (input: Tensor, outputSize: AdaptiveSize<N>) => Tensor {
  const name = `adaptiveAvgPool${rank}d`;
  return op(
    {
      name,
      torch: `nn.functional.adaptive_avg_pool${rank}d(input, output_size)`,
      family: 'pooling',
      differentiable: true,
      samples: () => [
        [sampleShape(rank, 5), 3],
        [sampleShape(rank, 2), 4],
      ],
    },
    (input: Tensor, outputSize: AdaptiveSize<N>) => {
      checkSpatial(name, input, rank);
      checkNotEmpty(name, input, rank);
      const spatial = adaptiveOutput(name, input, outputSize, rank);
      return batched(input, rank, (x) => avgPool(x, withSpatial(x.shape, spatial), null));
    },
  );
}

type AdaptiveMax<N extends Rank> = {
  (input: Tensor, outputSize: AdaptiveSize<N>, options: { returnIndices: true }): [Tensor, Tensor];
  (input: Tensor, outputSize: AdaptiveSize<N>, options?: { returnIndices?: false }): Tensor;
};

function adaptiveMaxPoolNd<N extends Rank>(rank: N): AdaptiveMax<N> {
  const name = `adaptiveMaxPool${rank}d`;
  return op(
    {
      name,
      torch: `nn.functional.adaptive_max_pool${rank}d(input, output_size, *, return_indices=False)`,
      family: 'pooling',
      differentiable: true,
      samples: () => [
        [distinct(rank, 4), 3],
        [distinct(rank, 4), 1, { returnIndices: true }],
      ],
    },
    (
      input: Tensor,
      outputSize: AdaptiveSize<N>,
      { returnIndices = false }: { returnIndices?: boolean } = {},
    ) => {
      checkSpatial(name, input, rank);
      checkNotEmpty(name, input, rank);
      const spatial = adaptiveOutput(name, input, outputSize, rank);
      const result = batched(input, rank, (x) =>
        maxPool(x, withSpatial(x.shape, spatial), null, returnIndices),
      );
      return returnIndices ? result : result[0];
    },
  ) as AdaptiveMax<N>;
}

type LPPool<N extends Rank> = {
  (
    input: Tensor,
    normType: number,
    kernelSize: Size<N>,
    options?: { stride?: Stride<N>; ceilMode?: boolean },
  ): Tensor;
  (
    input: Tensor,
    normType: number,
    kernelSize: Size<N>,
    stride: Stride<N> | undefined,
    options?: { ceilMode?: boolean },
  ): Tensor;
};

function lpPoolNd<N extends Rank>(rank: N, average: Pool<N, AvgPoolOptions<N>>): LPPool<N> {
  const name = `lpPool${rank}d`;
  return op(
    {
      name,
      torch: `nn.functional.lp_pool${rank}d(input, norm_type, kernel_size, stride=None, *, ceil_mode=False)`,
      family: 'pooling',
      differentiable: true,
      samples: () => [[{ ...sampleShape(rank, 4), low: 0.5, high: 2 }, 3, 2]],
    },
    (
      input: Tensor,
      normType: number,
      kernelSize: Size<N>,
      strideOrOptions?: Stride<N> | { stride?: Stride<N>; ceilMode?: boolean },
      rest?: { ceilMode?: boolean },
    ) => {
      const { stride, ceilMode } = strideAndOptions<N, { ceilMode?: boolean }>(strideOrOptions, rest);
      if (!(normType !== 0 && Number.isFinite(normType)))
        throw new RangeError(`${name}: normType ${normType} must be a finite number other than 0`);
      const window = sizes(name, 'kernelSize', kernelSize, rank, 1).reduce((a, b) => a * b, 1);
      const mean = average(pow(input, normType), kernelSize, stride, { ceilMode: ceilMode ?? false });
      // Odd powers of negative numbers may cancel to a negative mean: its sign and magnitude part here, as PyTorch has it.
      return pow(mul(mul(sign(mean), relu(abs(mean))), window), 1 / normType);
    },
  ) as LPPool<N>;
}

/**
 * The greatest of each window of a line.
 *
 * @param input `(N, C, L)` or `(C, L)`. @param kernelSize elements a window. @param stride default: the kernel size.
 * @returns `(N, C, L')`, or `[output, indices]` with `returnIndices`. Errors: padding above half the kernel; no window fits.
 *
 * @example
 * F.maxPool1d(tensor([[1, 5, 2, 0]]), 2) // [[5, 2]]
 *
 * Source: `torch.nn.functional.max_pool1d`.
 */
export const maxPool1d: MaxPool<1> = maxPoolNd(1);

/**
 * The greatest of each window of a plane: of equal ones the first gets the gradient, NaN is above all.
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`. @param kernelSize of the windows. @param stride default: the kernel size.
 * @returns `(N, C, H', W')`, each size `floor((H + 2 padding - dilation (k - 1) - 1) / stride) + 1` (`ceilMode`: ceil), or
 * `[output, indices]` with `returnIndices`.
 *
 * @example
 * F.maxPool2d(images, 2)
 * F.maxPool2d(images, 3, 2, { padding: 1 })
 *
 * Errors: padding above half the kernel; no window fits. Source: `torch.nn.functional.max_pool2d`.
 */
export const maxPool2d: MaxPool<2> = maxPoolNd(2);

/** The greatest of each window of a volume: `(N, C, D, H, W)` or `(C, D, H, W)`, otherwise as `maxPool2d`. */
export const maxPool3d: MaxPool<3> = maxPoolNd(3);

/**
 * The average of each window of a line: `(N, C, L)` or `(C, L)`. The padding counts unless `countIncludePad` is false.
 * Source: `torch.nn.functional.avg_pool1d`.
 */
export const avgPool1d: Pool<1, AvgPoolOptions<1>> = avgPoolNd<1, AvgPoolOptions<1>>(1);

/**
 * The average of each window of a plane.
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`. @param kernelSize of the windows. @param stride default: the kernel size.
 * @param options the padding counts unless `countIncludePad` is false; what reaches beyond it never does.
 * @returns `(N, C, H', W')`. Errors: padding above half the kernel; no window fits; divisor 0.
 * Source: `torch.nn.functional.avg_pool2d`.
 */
export const avgPool2d: Pool<2, AvgPoolOptions<2> & DivisorOverride> = avgPoolNd<
  2,
  AvgPoolOptions<2> & DivisorOverride
>(2);

/** The average of each window of a volume: `(N, C, D, H, W)` or `(C, D, H, W)`, otherwise as `avgPool2d`. */
export const avgPool3d: Pool<3, AvgPoolOptions<3> & DivisorOverride> = avgPoolNd<
  3,
  AvgPoolOptions<3> & DivisorOverride
>(3);

/** Averages of a line in `outputSize` windows, `[floor(i L / O), ceil((i + 1) L / O))`: they may overlap. `(N, C, L)` or `(C, L)`. */
export const adaptiveAvgPool1d: (input: Tensor, outputSize: AdaptiveSize<1>) => Tensor = adaptiveAvgPoolNd(1);

/**
 * Averages of a plane in `outputSize` windows, whatever its size: `F.adaptiveAvgPool2d(x, 1)` is global average pooling.
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`. @param outputSize `null` keeps a dimension's size.
 * @returns `(N, C, h, w)`. Source: `torch.nn.functional.adaptive_avg_pool2d`.
 */
export const adaptiveAvgPool2d: (input: Tensor, outputSize: AdaptiveSize<2>) => Tensor = adaptiveAvgPoolNd(2);

/** Averages of a volume in `outputSize` windows: `(N, C, D, H, W)` or `(C, D, H, W)`. */
export const adaptiveAvgPool3d: (input: Tensor, outputSize: AdaptiveSize<3>) => Tensor = adaptiveAvgPoolNd(3);

/** The greatest of a line in each of `outputSize` windows; with `returnIndices` `[output, indices]`. */
export const adaptiveMaxPool1d: AdaptiveMax<1> = adaptiveMaxPoolNd(1);
/** The greatest of a plane in each of `outputSize` windows; with `returnIndices` `[output, indices]`. */
export const adaptiveMaxPool2d: AdaptiveMax<2> = adaptiveMaxPoolNd(2);
/** The greatest of a volume in each of `outputSize` windows; with `returnIndices` `[output, indices]`. */
export const adaptiveMaxPool3d: AdaptiveMax<3> = adaptiveMaxPoolNd(3);

/** The p-norm of each window of a line: (sum of x^p)^(1/p). Source: `torch.nn.functional.lp_pool1d`. */
export const lpPool1d: LPPool<1> = lpPoolNd(1, avgPool1d);
/** The p-norm of each window of a plane: (sum of x^p)^(1/p); p = 1 sums. Source: `torch.nn.functional.lp_pool2d`. */
export const lpPool2d: LPPool<2> = lpPoolNd(2, avgPool2d);
/** The p-norm of each window of a volume. Source: `torch.nn.functional.lp_pool3d`. */
export const lpPool3d: LPPool<3> = lpPoolNd(3, avgPool3d);
