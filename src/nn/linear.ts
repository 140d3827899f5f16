import { empty } from '../ops/creation.ts';
import { linear } from '../ops/matmul.ts';
import { flatten, unflatten } from '../ops/shape.ts';
import type { DType } from '../tensor/dtype.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { bilinear } from './functional/bilinear.ts';
import { uniform_ } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { repr } from './repr.ts';
import { resetLinear } from './resetLinear.ts';

export interface LinearOptions {
  /** Whether a bias is learnt and added. Default true. */
  bias?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

const countable = (name: string, sizes: Readonly<Record<string, number>>): void => {
  for (const [what, size] of Object.entries(sizes))
    if (!Number.isInteger(size) || size < 0)
      throw new RangeError(`${name}: ${what} ${size} must be a whole number of at least 0`);
};

/**
 * input x weightᵀ + bias.
 *
 * Shapes: input `(..., inFeatures)`, output `(..., outFeatures)`; weight `(outFeatures, inFeatures)`, bias `(outFeatures,)`.
 * Both start evenly within 1 / sqrt(inFeatures) of 0.
 *
 * @example
 * new nn.Linear(784, 10)(randn(32, 784)).shape // [32, 10]
 *
 * Source: `torch.nn.Linear`.
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, { bias = true, dtype }: LinearOptions = {}) {
    super();
    countable('Linear', { inFeatures, outFeatures });
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(empty([outFeatures, inFeatures], { dtype }));
    this.bias = bias ? new Parameter(empty([outFeatures], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws the weights anew. */
  resetParameters(): void {
    resetLinear(this.weight, this.bias);
  }

  forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    return repr([], {
      inFeatures: this.inFeatures,
      outFeatures: this.outFeatures,
      bias: this.bias !== null,
    });
  }
}

/**
 * x1ᵀ A x2 + b, for each output feature.
 *
 * Shapes: inputs `(..., in1Features)` and `(..., in2Features)`, output `(..., outFeatures)`; weight
 * `(outFeatures, in1Features, in2Features)`. Weight and bias start evenly within 1 / sqrt(in1Features) of 0.
 * Source: `torch.nn.Bilinear`.
 */
export class Bilinear extends Module<[Tensor, Tensor]> {
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    in1Features: number,
    in2Features: number,
    outFeatures: number,
    { bias = true, dtype }: LinearOptions = {},
  ) {
    super();
    countable('Bilinear', { in2Features, outFeatures });
    if (!Number.isInteger(in1Features) || in1Features < 1)
      throw new RangeError(`Bilinear: in1Features ${in1Features} must be a whole number above 0`);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features], { dtype }));
    this.bias = bias ? new Parameter(empty([outFeatures], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws the weights anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias) uniform_(this.bias, -bound, bound);
  }

  forward(input1: Tensor, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias);
  }

  override extraRepr(): string {
    return repr([], {
      in1Features: this.in1Features,
      in2Features: this.in2Features,
      outFeatures: this.outFeatures,
      bias: this.bias !== null,
    });
  }
}

/** Gives back its input. Arguments are taken and ignored, so that it can stand for any layer. Source: `torch.nn.Identity`. */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }

  forward(input: Tensor): Tensor {
    return input;
  }
}

/**
 * Joins the dimensions from `startDim` to `endDim`, by default all but the first.
 *
 * @example
 * new nn.Flatten()(randn(8, 16, 5, 5)).shape // [8, 400]
 *
 * Source: `torch.nn.Flatten`.
 */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    this.startDim = startDim;
    this.endDim = endDim;
  }

  forward(input: Tensor): Tensor {
    return flatten(input, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return repr([], { startDim: this.startDim, endDim: this.endDim });
  }
}

/**
 * Splits one dimension into several; one size may be -1.
 *
 * @example
 * new nn.Unflatten(1, [16, 5, 5])(randn(8, 400)).shape // [8, 16, 5, 5]
 *
 * Source: `torch.nn.Unflatten`.
 */
export class Unflatten extends Module {
  readonly dim: number;
  readonly unflattenedSize: Shape;

  constructor(dim: number, unflattenedSize: Shape) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  forward(input: Tensor): Tensor {
    return unflatten(input, this.dim, this.unflattenedSize);
  }

  override extraRepr(): string {
    return repr([], { dim: this.dim, unflattenedSize: this.unflattenedSize });
  }
}
