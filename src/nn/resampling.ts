import type { Tensor } from '../tensor/tensor.ts';
import { fold, type PatchOptions, unfold } from './functional/fold.ts';
import { type InterpolateOptions, interpolate } from './functional/interpolate.ts';
import { channelShuffle, pixelShuffle, pixelUnshuffle } from './functional/pixelShuffle.ts';
import type { Size } from './functional/spatial.ts';
import { Module } from './module.ts';
import { float, repr } from './repr.ts';

export type UpsampleOptions = Omit<InterpolateOptions, 'antialias'>;

/**
 * Resizes (N, C, ...) images to a `size` or by a `scaleFactor`.
 *
 * @example
 * new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' })(randn([1, 3, 8, 8])).shape // [1, 3, 16, 16]
 *
 * Source: `torch.nn.Upsample`.
 */
export class Upsample extends Module {
  readonly options: Readonly<UpsampleOptions>;

  constructor(options: UpsampleOptions) {
    super();
    this.options = options;
  }

  forward(input: Tensor): Tensor {
    return interpolate(input, this.options);
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode = 'nearest' } = this.options;
    if (scaleFactor === undefined || scaleFactor === null) return repr([], { size: size ?? null, mode });
    const factor = typeof scaleFactor === 'number' ? float(scaleFactor) : scaleFactor.map(float);
    return repr([], { scaleFactor: factor, mode });
  }
}

type Resized = Pick<UpsampleOptions, 'size' | 'scaleFactor'>;

/** `Upsample` of planes with mode `nearest`. Source: `torch.nn.UpsamplingNearest2d`. */
export class UpsamplingNearest2d extends Upsample {
  constructor(options: Resized) {
    super({ ...options, mode: 'nearest' });
  }
}

/** `Upsample` of planes with mode `bilinear` and aligned corners. Source: `torch.nn.UpsamplingBilinear2d`. */
export class UpsamplingBilinear2d extends Upsample {
  constructor(options: Resized) {
    super({ ...options, mode: 'bilinear', alignCorners: true });
  }
}

/** Trades channels for resolution: `(..., C r², H, W)` to `(..., C, H r, W r)`. Source: `torch.nn.PixelShuffle`. */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = upscaleFactor;
  }

  forward(input: Tensor): Tensor {
    return pixelShuffle(input, this.upscaleFactor);
  }

  override extraRepr(): string {
    return repr([], { upscaleFactor: this.upscaleFactor });
  }
}

/** Trades resolution for channels: `(..., C, H r, W r)` to `(..., C r², H, W)`. Source: `torch.nn.PixelUnshuffle`. */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = downscaleFactor;
  }

  forward(input: Tensor): Tensor {
    return pixelUnshuffle(input, this.downscaleFactor);
  }

  override extraRepr(): string {
    return repr([], { downscaleFactor: this.downscaleFactor });
  }
}

/** Deals the channels of `groups` groups out in turn: `(N, C, ...)`. Source: `torch.nn.ChannelShuffle`. */
export class ChannelShuffle extends Module {
  readonly groups: number;

  constructor(groups: number) {
    super();
    this.groups = groups;
  }

  forward(input: Tensor): Tensor {
    return channelShuffle(input, this.groups);
  }

  override extraRepr(): string {
    return repr([], { groups: this.groups });
  }
}

/** The patches under a sliding kernel as columns: `(N, C, H, W)` to `(N, C kH kW, L)`. Source: `torch.nn.Unfold`. */
export class Unfold extends Module {
  readonly kernelSize: Size<2>;
  readonly options: Required<PatchOptions>;

  constructor(kernelSize: Size<2>, { dilation = 1, padding = 0, stride = 1 }: PatchOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = { dilation, padding, stride };
  }

  forward(input: Tensor): Tensor {
    return unfold(input, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return repr([], { kernelSize: this.kernelSize, ...this.options });
  }
}

/** Columns of patches added up into an image: `(N, C kH kW, L)` to `(N, C, H, W)`. Source: `torch.nn.Fold`. */
export class Fold extends Module {
  readonly outputSize: Size<2>;
  readonly kernelSize: Size<2>;
  readonly options: Required<PatchOptions>;

  constructor(
    outputSize: Size<2>,
    kernelSize: Size<2>,
    { dilation = 1, padding = 0, stride = 1 }: PatchOptions = {},
  ) {
    super();
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.options = { dilation, padding, stride };
  }

  forward(input: Tensor): Tensor {
    return fold(input, this.outputSize, this.kernelSize, this.options);
  }

  override extraRepr(): string {
    return repr([], { outputSize: this.outputSize, kernelSize: this.kernelSize, ...this.options });
  }
}
