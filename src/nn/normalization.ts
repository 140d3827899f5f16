import { noGrad } from '../autograd/mode.ts';
import { ones, zeros } from '../ops/creation.ts';
import { rsqrt } from '../ops/pointwise.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  rmsNorm,
} from './functional/norm.ts';
import { ones_, zeros_ } from './init.ts';
import { Module } from './module.ts';
import { Buffer, Parameter } from './parameter.ts';
import { float, repr } from './repr.ts';

export interface BatchNormOptions {
  /** Added to the variance inside the root. Default 1e-5. */
  eps?: number;
  /** The share of each new batch in the running statistics (PyTorch's sense); null: the average of all batches. Default 0.1. */
  momentum?: number | null;
  /** Whether a weight and a bias are learnt. Default true (instance norms: false). */
  affine?: boolean;
  /** Whether running statistics are kept, and used in evaluation. Default true (instance norms: false). */
  trackRunningStats?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

/** What batch and instance norms share: parameters, running statistics, print. */
abstract class ChannelNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  momentum: number | null;
  weight: Parameter | null;
  bias: Parameter | null;
  runningMean: Buffer | null;
  runningVar: Buffer | null;
  numBatchesTracked: Buffer | null;
  /** How many dimensions the input can have. */
  protected abstract readonly ranks: readonly number[];

  constructor(
    numFeatures: number,
    { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true, dtype }: BatchNormOptions,
  ) {
    super();
    if (!Number.isInteger(numFeatures) || numFeatures < 1)
      throw new RangeError(`${this.typeName}: numFeatures ${numFeatures} must be a whole number above 0`);
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(ones([numFeatures], { dtype })) : null;
    this.bias = affine ? new Parameter(zeros([numFeatures], { dtype })) : null;
    this.runningMean = trackRunningStats ? new Buffer(zeros([numFeatures], { dtype })) : null;
    this.runningVar = trackRunningStats ? new Buffer(ones([numFeatures], { dtype })) : null;
    this.numBatchesTracked = trackRunningStats ? new Buffer(zeros([], { dtype: 'int32' })) : null;
  }

  /** Whether running statistics are kept. */
  get trackRunningStats(): boolean {
    return this.runningMean !== null;
  }

  /** Puts the running statistics back to mean 0 and variance 1 of no batch. */
  resetRunningStats(): void {
    if (this.runningMean) zeros_(this.runningMean);
    if (this.runningVar) ones_(this.runningVar);
    if (this.numBatchesTracked) zeros_(this.numBatchesTracked);
  }

  /** Puts parameters and running statistics back to their start. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight) ones_(this.weight);
    if (this.bias) zeros_(this.bias);
  }

  protected checkInput(input: Tensor, channel: number): void {
    if (!this.ranks.includes(input.ndim))
      throw new RangeError(
        `${this.typeName}: the input ${formatShape(input.shape)} needs ${this.ranks.join(' or ')} dimensions`,
      );
    if (input.shape[channel] !== this.numFeatures)
      throw new RangeError(
        `${this.typeName}: the input ${formatShape(input.shape)} has ${input.shape[channel]} channels, expected ${this.numFeatures}`,
      );
  }

  override extraRepr(): string {
    return repr([this.numFeatures], {
      eps: float(this.eps),
      momentum: this.momentum === null ? null : float(this.momentum),
      affine: this.weight !== null,
      bias: this.bias !== null,
      trackRunningStats: this.trackRunningStats,
    });
  }
}

abstract class BatchNorm extends ChannelNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, options);
  }

  /** The share of this batch in the running statistics. */
  private step(): number {
    if (!this.training || !this.numBatchesTracked) return this.momentum ?? 0;
    const tracked = this.numBatchesTracked;
    noGrad(() => tracked.add_(1));
    return this.momentum ?? 1 / tracked.item();
  }

  forward(input: Tensor): Tensor {
    this.checkInput(input, 1);
    const momentum = this.step();
    const training = this.training || !this.trackRunningStats;
    const [mean, variance] =
      this.training && !this.trackRunningStats ? [null, null] : [this.runningMean, this.runningVar];
    return batchNorm(input, mean, variance, this.weight, this.bias, { training, momentum, eps: this.eps });
  }
}

/**
 * Batch normalisation of `(N, C)` or `(N, C, L)`: each channel gets mean 0 and variance 1 over the batch while training, by the running
 * statistics in evaluation. The running variance has n - 1 in its denominator, the batch's own n.
 *
 * Error: one value per channel while training. Source: `torch.nn.BatchNorm1d`; Ioffe and Szegedy 2015.
 */
export class BatchNorm1d extends BatchNorm {
  protected override readonly ranks = [2, 3];
}

/** Batch normalisation of `(N, C, H, W)`, as `BatchNorm1d`. Source: `torch.nn.BatchNorm2d`. */
export class BatchNorm2d extends BatchNorm {
  protected override readonly ranks = [4];
}

/** Batch normalisation of `(N, C, D, H, W)`, as `BatchNorm1d`. Source: `torch.nn.BatchNorm3d`. */
export class BatchNorm3d extends BatchNorm {
  protected override readonly ranks = [5];
}

/**
 * A batch norm that never changes: four buffers, no parameters. For networks that are fine-tuned with small batches.
 *
 * Source: `torchvision.ops.FrozenBatchNorm2d`.
 */
export class FrozenBatchNorm2d extends Module {
  readonly eps: number;
  weight: Buffer;
  bias: Buffer;
  runningMean: Buffer;
  runningVar: Buffer;

  constructor(numFeatures: number, { eps = 1e-5, dtype }: { eps?: number; dtype?: DType } = {}) {
    super();
    this.eps = eps;
    this.weight = new Buffer(ones([numFeatures], { dtype }));
    this.bias = new Buffer(zeros([numFeatures], { dtype }));
    this.runningMean = new Buffer(zeros([numFeatures], { dtype }));
    this.runningVar = new Buffer(ones([numFeatures], { dtype }));
  }

  forward(input: Tensor): Tensor {
    const column = [1, this.weight.size, 1, 1];
    const scale = this.weight.mul(rsqrt(this.runningVar.add(this.eps)));
    const shift = this.bias.sub(this.runningMean.mul(scale));
    return input.mul(scale.reshape(column)).add(shift.reshape(column));
  }

  override extraRepr(): string {
    return repr([this.weight.size], { eps: float(this.eps) });
  }
}

abstract class InstanceNorm extends ChannelNorm {
  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super(numFeatures, { affine: false, trackRunningStats: false, ...options });
  }

  forward(input: Tensor): Tensor {
    const batched = Math.max(...this.ranks);
    this.checkInput(input, input.ndim === batched ? 1 : 0);
    const given = input.ndim === batched ? input : input.unsqueeze(0);
    const out = instanceNorm(given, this.runningMean, this.runningVar, this.weight, this.bias, {
      useInputStats: this.training || !this.trackRunningStats,
      momentum: this.momentum ?? 0,
      eps: this.eps,
    });
    return input.ndim === batched ? out : out.squeeze(0);
  }
}

/**
 * Instance normalisation of `(N, C, L)` or `(C, L)`: each channel of each sample by itself.
 *
 * Error: one position per channel. Source: `torch.nn.InstanceNorm1d`; Ulyanov et al. 2016.
 */
export class InstanceNorm1d extends InstanceNorm {
  protected override readonly ranks = [2, 3];
}

/** Instance normalisation of `(N, C, H, W)` or `(C, H, W)`. Source: `torch.nn.InstanceNorm2d`. */
export class InstanceNorm2d extends InstanceNorm {
  protected override readonly ranks = [3, 4];
}

/** Instance normalisation of `(N, C, D, H, W)` or `(C, D, H, W)`. Source: `torch.nn.InstanceNorm3d`. */
export class InstanceNorm3d extends InstanceNorm {
  protected override readonly ranks = [4, 5];
}

export interface LayerNormOptions {
  /** Added to the variance inside the root. Default 1e-5. */
  eps?: number;
  /** Whether a weight (and a bias) of the normalized shape is learnt. Default true. */
  elementwiseAffine?: boolean;
  /** Whether there is a bias; only with a weight. Default true. */
  bias?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

const asShape = (shape: number | Shape): Shape => (typeof shape === 'number' ? [shape] : [...shape]);

/**
 * Layer normalisation over the last dimensions, of the given sizes.
 *
 * @example
 * new nn.LayerNorm(512)(randn(8, 20, 512))
 *
 * Source: `torch.nn.LayerNorm`; Ba, Kiros and Hinton 2016.
 */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    { eps = 1e-5, elementwiseAffine = true, bias = true, dtype }: LayerNormOptions = {},
  ) {
    super();
    this.normalizedShape = asShape(normalizedShape);
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape, { dtype })) : null;
  }

  /** Puts weight and bias back to 1 and 0. */
  resetParameters(): void {
    if (this.weight) ones_(this.weight);
    if (this.bias) zeros_(this.bias);
  }

  forward(input: Tensor): Tensor {
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return repr([this.normalizedShape], {
      eps: float(this.eps),
      elementwiseAffine: this.weight !== null,
      bias: this.bias !== null,
    });
  }
}

/**
 * Root-mean-square normalisation over the last dimensions, of the given sizes. `eps` null: the dtype's machine epsilon.
 *
 * Source: `torch.nn.RMSNorm`; Zhang and Sennrich 2019.
 */
export class RMSNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number | null;
  weight: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    {
      eps = null,
      elementwiseAffine = true,
      dtype,
    }: { eps?: number | null; elementwiseAffine?: boolean; dtype?: DType } = {},
  ) {
    super();
    this.normalizedShape = asShape(normalizedShape);
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, { dtype })) : null;
  }

  forward(input: Tensor): Tensor {
    return rmsNorm(input, this.normalizedShape, this.weight, { eps: this.eps });
  }

  override extraRepr(): string {
    return repr([this.normalizedShape], {
      eps: this.eps === null ? null : float(this.eps),
      elementwiseAffine: this.weight !== null,
    });
  }
}

/**
 * Normalisation of groups of channels of each sample.
 *
 * Error: channels that do not divide. Source: `torch.nn.GroupNorm`; Wu and He 2018.
 */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(
    numGroups: number,
    numChannels: number,
    {
      eps = 1e-5,
      affine = true,
      bias = true,
      dtype,
    }: { eps?: number; affine?: boolean; bias?: boolean; dtype?: DType } = {},
  ) {
    super();
    if (numChannels % numGroups !== 0)
      throw new RangeError(`GroupNorm: ${numChannels} channels do not divide into ${numGroups} groups`);
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([numChannels], { dtype })) : null;
    this.bias = affine && bias ? new Parameter(zeros([numChannels], { dtype })) : null;
  }

  forward(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return repr([this.numGroups, this.numChannels], {
      eps: float(this.eps),
      affine: this.weight !== null,
      bias: this.bias !== null,
    });
  }
}

/** Divides by a power of the squares of neighbouring channels. Source: `torch.nn.LocalResponseNorm`; Krizhevsky et al. 2012. */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(
    size: number,
    { alpha = 1e-4, beta = 0.75, k = 1 }: { alpha?: number; beta?: number; k?: number } = {},
  ) {
    super();
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  forward(input: Tensor): Tensor {
    return localResponseNorm(input, this.size, { alpha: this.alpha, beta: this.beta, k: this.k });
  }

  override extraRepr(): string {
    return repr([this.size], { alpha: float(this.alpha), beta: float(this.beta), k: float(this.k) });
  }
}
