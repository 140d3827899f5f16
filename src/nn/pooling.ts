import type { Tensor } from '../tensor/tensor.ts';
import { maxUnpool1d, maxUnpool2d, maxUnpool3d } from './functional/maxUnpool.ts';
import {
  type AdaptiveSize,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type DivisorOverride,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Stride,
  strideAndOptions,
  type WithStride,
} from './functional/pooling.ts';
import { type Rank, type Size, sizes } from './functional/spatial.ts';
import { Module } from './module.ts';
import { repr } from './repr.ts';

/** The stride that is used: the kernel size where none was given. */
const strideOr = <S>(stride: S | readonly [] | null | undefined, kernelSize: S): S =>
  stride === null || stride === undefined || (Array.isArray(stride) && stride.length === 0)
    ? kernelSize
    : (stride as S);

/** What a max-pooling layer gives: with `returnIndices` the places too. */
export type Pooled<R extends boolean> = R extends true ? [output: Tensor, indices: Tensor] : Tensor;

type MaxPoolLayerOptions<N extends Rank, R extends boolean> = Omit<MaxPoolOptions<N>, 'returnIndices'> & {
  /** Gives `[output, indices]`, for `MaxUnpool`. Default false. */
  returnIndices?: R;
};

/** The functions take tuples of one length; a layer holds what it was given. */
type AnyPool = (input: Tensor, kernelSize: never, stride: never, options: never) => unknown;

abstract class MaxPoolNd<N extends Rank, R extends boolean> extends Module<[Tensor], Pooled<R>> {
  readonly kernelSize: Size<N>;
  readonly stride: Size<N>;
  readonly padding: Size<N>;
  readonly dilation: Size<N>;
  readonly ceilMode: boolean;
  readonly returnIndices: boolean;

  /** @param stride default: the kernel size; it may stand among the options. */
  constructor(
    kernelSize: Size<N>,
    stride?: Stride<N> | WithStride<N, MaxPoolLayerOptions<N, R>>,
    options?: MaxPoolLayerOptions<N, R>,
  ) {
    super();
    const given = strideAndOptions<N, MaxPoolLayerOptions<N, R>>(stride, options);
    this.kernelSize = kernelSize;
    this.stride = strideOr<Size<N>>(given.stride, kernelSize);
    this.padding = given.padding ?? 0;
    this.dilation = given.dilation ?? 1;
    this.ceilMode = given.ceilMode ?? false;
    this.returnIndices = given.returnIndices ?? false;
  }

  protected pool(call: AnyPool, input: Tensor): Pooled<R> {
    const { padding, dilation, ceilMode, returnIndices } = this;
    const options = { padding, dilation, ceilMode, returnIndices };
    return call(input, this.kernelSize as never, this.stride as never, options as never) as Pooled<R>;
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return repr([], { kernelSize, stride, padding, dilation, ceilMode });
  }
}

abstract class AvgPoolNd<N extends Rank> extends Module {
  readonly kernelSize: Size<N>;
  readonly stride: Size<N>;
  readonly padding: Size<N>;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;

  /** @param stride default: the kernel size; it may stand among the options. */
  constructor(
    kernelSize: Size<N>,
    stride?: Stride<N> | WithStride<N, AvgPoolOptions<N> & DivisorOverride>,
    options?: AvgPoolOptions<N> & DivisorOverride,
  ) {
    super();
    const given = strideAndOptions<N, AvgPoolOptions<N> & DivisorOverride>(stride, options);
    this.kernelSize = kernelSize;
    this.stride = strideOr<Size<N>>(given.stride, kernelSize);
    this.padding = given.padding ?? 0;
    this.ceilMode = given.ceilMode ?? false;
    this.countIncludePad = given.countIncludePad ?? true;
    this.divisorOverride = given.divisorOverride ?? null;
  }

  protected pool(call: AnyPool, input: Tensor): Tensor {
    const { padding, ceilMode, countIncludePad, divisorOverride } = this;
    const options = { padding, ceilMode, countIncludePad, divisorOverride };
    return call(input, this.kernelSize as never, this.stride as never, options as never) as Tensor;
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return repr([], { kernelSize, stride, padding });
  }
}

abstract class AdaptiveAvgPoolNd<N extends Rank> extends Module {
  readonly outputSize: AdaptiveSize<N>;

  /** @param outputSize one number for all dimensions, or one for each; `null` keeps a dimension's size. */
  constructor(outputSize: AdaptiveSize<N>) {
    super();
    this.outputSize = outputSize;
  }

  override extraRepr(): string {
    return repr([], { outputSize: this.outputSize });
  }
}

abstract class AdaptiveMaxPoolNd<N extends Rank, R extends boolean> extends Module<[Tensor], Pooled<R>> {
  readonly outputSize: AdaptiveSize<N>;
  readonly returnIndices: boolean;

  /** @param outputSize one number for all dimensions, or one for each; `null` keeps a dimension's size. */
  constructor(outputSize: AdaptiveSize<N>, { returnIndices }: { returnIndices?: R } = {}) {
    super();
    this.outputSize = outputSize;
    this.returnIndices = returnIndices ?? false;
  }

  protected pool(
    call: (input: Tensor, outputSize: never, options: never) => unknown,
    input: Tensor,
  ): Pooled<R> {
    const options = { returnIndices: this.returnIndices };
    return call(input, this.outputSize as never, options as never) as Pooled<R>;
  }

  override extraRepr(): string {
    return repr([], { outputSize: this.outputSize });
  }
}

abstract class LPPoolNd<N extends Rank> extends Module {
  readonly normType: number;
  readonly kernelSize: Size<N>;
  readonly stride: Stride<N>;
  readonly ceilMode: boolean;

  /** @param normType p: 1 sums, large ones come near the maximum. @param stride default: the kernel size. */
  constructor(
    normType: number,
    kernelSize: Size<N>,
    stride?: Stride<N> | WithStride<N, { ceilMode?: boolean }>,
    options?: { ceilMode?: boolean },
  ) {
    super();
    const given = strideAndOptions<N, { ceilMode?: boolean }>(stride, options);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = given.stride ?? null;
    this.ceilMode = given.ceilMode ?? false;
  }

  override extraRepr(): string {
    const { normType, kernelSize, stride, ceilMode } = this;
    return repr([], { normType, kernelSize, stride, ceilMode });
  }
}

type Unpooled = [input: Tensor, indices: Tensor, outputSize?: readonly number[] | null];

abstract class MaxUnpoolNd<N extends Rank> extends Module<Unpooled> {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];

  /** The pooling's own numbers. @param stride default: the kernel size. */
  constructor(
    rank: N,
    kernelSize: Size<N>,
    stride?: Stride<N> | WithStride<N, { padding?: Size<N> }>,
    options?: { padding?: Size<N> },
  ) {
    super();
    const given = strideAndOptions<N, { padding?: Size<N> }>(stride, options);
    this.kernelSize = sizes(this.typeName, 'kernelSize', kernelSize, rank, 1);
    this.stride = sizes(this.typeName, 'stride', strideOr<Size<N>>(given.stride, kernelSize), rank, 1);
    this.padding = sizes(this.typeName, 'padding', given.padding ?? 0, rank, 0);
  }

  protected unpool(
    call: (input: Tensor, indices: Tensor, kernelSize: never, stride: never, options: never) => Tensor,
    input: Tensor,
    indices: Tensor,
    outputSize: readonly number[] | null | undefined,
  ): Tensor {
    const options = { padding: this.padding, outputSize };
    return call(input, indices, this.kernelSize as never, this.stride as never, options as never);
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return repr([], { kernelSize, stride, padding });
  }
}

/** The greatest of each window of a line: `(N, C, L)` or `(C, L)`. Source: `torch.nn.MaxPool1d`. */
export class MaxPool1d<R extends boolean = false> extends MaxPoolNd<1, R> {
  forward(input: Tensor): Pooled<R> {
    return this.pool(maxPool1d, input);
  }
}

/** The greatest of each window of a plane: `(N, C, H, W)` or `(C, H, W)`.
 *
 * @example
 * new nn.MaxPool2d(2)(images)                         // halves height and width
 * new nn.MaxPool2d(3, 2, { padding: 1 })
 * const [y, places] = new nn.MaxPool2d(2, { returnIndices: true })(images)
 *
 * Source: `torch.nn.MaxPool2d`. */
export class MaxPool2d<R extends boolean = false> extends MaxPoolNd<2, R> {
  forward(input: Tensor): Pooled<R> {
    return this.pool(maxPool2d, input);
  }
}

/** The greatest of each window of a volume: `(N, C, D, H, W)` or `(C, D, H, W)`. Source: `torch.nn.MaxPool3d`. */
export class MaxPool3d<R extends boolean = false> extends MaxPoolNd<3, R> {
  forward(input: Tensor): Pooled<R> {
    return this.pool(maxPool3d, input);
  }
}

/**
 * The average of each window of a line: `(N, C, L)` or `(C, L)`. The padding counts unless `countIncludePad` is false.
 * Source: `torch.nn.AvgPool1d`.
 */
export class AvgPool1d extends AvgPoolNd<1> {
  forward(input: Tensor): Tensor {
    return this.pool(avgPool1d, input);
  }

  override extraRepr(): string {
    return repr([], {
      kernelSize: [this.kernelSize].flat(),
      stride: [this.stride].flat(),
      padding: [this.padding].flat(),
    });
  }
}

/**
 * The average of each window of a plane: `(N, C, H, W)` or `(C, H, W)`. The padding counts unless `countIncludePad` is false.
 * Source: `torch.nn.AvgPool2d`.
 */
export class AvgPool2d extends AvgPoolNd<2> {
  forward(input: Tensor): Tensor {
    return this.pool(avgPool2d, input);
  }
}

/**
 * The average of each window of a volume: `(N, C, D, H, W)` or `(C, D, H, W)`. The padding counts unless `countIncludePad` is false.
 * Source: `torch.nn.AvgPool3d`.
 */
export class AvgPool3d extends AvgPoolNd<3> {
  forward(input: Tensor): Tensor {
    return this.pool(avgPool3d, input);
  }
}

/** Averages of a line in `outputSize` windows, whatever its size: `(N, C, L)` or `(C, L)`. Source: `torch.nn.AdaptiveAvgPool1d`. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPoolNd<1> {
  forward(input: Tensor): Tensor {
    return adaptiveAvgPool1d(input, this.outputSize);
  }
}

/** Averages of a plane in `outputSize` windows, whatever its size: `(N, C, H, W)` or `(C, H, W)`. `new nn.AdaptiveAvgPool2d(1)` is global average pooling. Source: `torch.nn.AdaptiveAvgPool2d`. */
export class AdaptiveAvgPool2d extends AdaptiveAvgPoolNd<2> {
  forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize);
  }
}

/** Averages of a volume in `outputSize` windows, whatever its size: `(N, C, D, H, W)` or `(C, D, H, W)`. Source: `torch.nn.AdaptiveAvgPool3d`. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPoolNd<3> {
  forward(input: Tensor): Tensor {
    return adaptiveAvgPool3d(input, this.outputSize);
  }
}

/** The greatest of a line in each of `outputSize` windows: `(N, C, L)` or `(C, L)`. Source: `torch.nn.AdaptiveMaxPool1d`. */
export class AdaptiveMaxPool1d<R extends boolean = false> extends AdaptiveMaxPoolNd<1, R> {
  forward(input: Tensor): Pooled<R> {
    return this.pool(adaptiveMaxPool1d, input);
  }
}

/** The greatest of a plane in each of `outputSize` windows: `(N, C, H, W)` or `(C, H, W)`. Source: `torch.nn.AdaptiveMaxPool2d`. */
export class AdaptiveMaxPool2d<R extends boolean = false> extends AdaptiveMaxPoolNd<2, R> {
  forward(input: Tensor): Pooled<R> {
    return this.pool(adaptiveMaxPool2d, input);
  }
}

/** The greatest of a volume in each of `outputSize` windows: `(N, C, D, H, W)` or `(C, D, H, W)`. Source: `torch.nn.AdaptiveMaxPool3d`. */
export class AdaptiveMaxPool3d<R extends boolean = false> extends AdaptiveMaxPoolNd<3, R> {
  forward(input: Tensor): Pooled<R> {
    return this.pool(adaptiveMaxPool3d, input);
  }
}

/** The p-norm of each window of a line: (sum of x^p)^(1/p). Source: `torch.nn.LPPool1d`. */
export class LPPool1d extends LPPoolNd<1> {
  forward(input: Tensor): Tensor {
    return lpPool1d(input, this.normType, this.kernelSize, this.stride, { ceilMode: this.ceilMode });
  }
}

/** The p-norm of each window of a plane: (sum of x^p)^(1/p). Source: `torch.nn.LPPool2d`. */
export class LPPool2d extends LPPoolNd<2> {
  forward(input: Tensor): Tensor {
    return lpPool2d(input, this.normType, this.kernelSize, this.stride, { ceilMode: this.ceilMode });
  }
}

/** The p-norm of each window of a volume: (sum of x^p)^(1/p). Source: `torch.nn.LPPool3d`. */
export class LPPool3d extends LPPoolNd<3> {
  forward(input: Tensor): Tensor {
    return lpPool3d(input, this.normType, this.kernelSize, this.stride, { ceilMode: this.ceilMode });
  }
}

/**
 * Puts each value of a pooled line back at its index, zeros elsewhere: `unpool(output, indices, outputSize?)` with what
 * `MaxPool1d` gave. Source: `torch.nn.MaxUnpool1d`.
 */
export class MaxUnpool1d extends MaxUnpoolNd<1> {
  constructor(
    kernelSize: Size<1>,
    stride?: Stride<1> | WithStride<1, { padding?: Size<1> }>,
    options?: { padding?: Size<1> },
  ) {
    super(1, kernelSize, stride, options);
  }

  forward(...[input, indices, outputSize]: Unpooled): Tensor {
    return this.unpool(maxUnpool1d, input, indices, outputSize);
  }
}

/**
 * Puts each value of a pooled plane back at its index, zeros elsewhere: `unpool(output, indices, outputSize?)` with what
 * `MaxPool2d` gave. Source: `torch.nn.MaxUnpool2d`.
 */
export class MaxUnpool2d extends MaxUnpoolNd<2> {
  constructor(
    kernelSize: Size<2>,
    stride?: Stride<2> | WithStride<2, { padding?: Size<2> }>,
    options?: { padding?: Size<2> },
  ) {
    super(2, kernelSize, stride, options);
  }

  forward(...[input, indices, outputSize]: Unpooled): Tensor {
    return this.unpool(maxUnpool2d, input, indices, outputSize);
  }
}

/**
 * Puts each value of a pooled volume back at its index, zeros elsewhere: `unpool(output, indices, outputSize?)` with what
 * `MaxPool3d` gave. Source: `torch.nn.MaxUnpool3d`.
 */
export class MaxUnpool3d extends MaxUnpoolNd<3> {
  constructor(
    kernelSize: Size<3>,
    stride?: Stride<3> | WithStride<3, { padding?: Size<3> }>,
    options?: { padding?: Size<3> },
  ) {
    super(3, kernelSize, stride, options);
  }

  forward(...[input, indices, outputSize]: Unpooled): Tensor {
    return this.unpool(maxUnpool3d, input, indices, outputSize);
  }
}
