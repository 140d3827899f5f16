import { assign } from '../autograd/inplace.ts';
import { full } from '../ops/creation.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import * as F from './functional/activation.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { float, formatPython, repr } from './repr.ts';

export interface InPlace {
  /** Writes the result over the input. Default false. */
  inplace?: boolean;
}

/** An activation that can write over its input. */
abstract class InPlaceActivation extends Module {
  readonly inplace: boolean;

  constructor({ inplace = false }: InPlace = {}) {
    super();
    this.inplace = inplace;
  }

  protected abstract compute(input: Tensor): Tensor;

  forward(input: Tensor): Tensor {
    const output = this.compute(input);
    return this.inplace ? assign(this.typeName, input, output) : output;
  }

  override extraRepr(): string {
    return this.inplace ? 'inplace=True' : '';
  }

  /** The settings, and `inplace=True` where that is so. */
  protected settings(named: Readonly<Record<string, unknown>>): string {
    return repr([], { ...named, inplace: this.inplace || undefined });
  }
}

/** max(input, 0). Source: `torch.nn.ReLU`. */
export class ReLU extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.relu(input);
  }
}

/** min(max(input, 0), 6). Source: `torch.nn.ReLU6`. */
export class ReLU6 extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.relu6(input);
  }
}

/** The self-normalizing scaled ELU. Source: `torch.nn.SELU`. */
export class SELU extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.selu(input);
  }
}

/** input * sigmoid(input), also called swish. Source: `torch.nn.SiLU`. */
export class SiLU extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.silu(input);
  }
}

/** input * tanh(softplus(input)). Source: `torch.nn.Mish`. */
export class Mish extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.mish(input);
  }
}

/** input * hardsigmoid(input). Source: `torch.nn.Hardswish`. */
export class Hardswish extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.hardswish(input);
  }
}

/** 0 below -3, 1 above 3, input / 6 + 1/2 between. Source: `torch.nn.Hardsigmoid`. */
export class Hardsigmoid extends InPlaceActivation {
  protected compute(input: Tensor): Tensor {
    return F.hardsigmoid(input);
  }
}

/** 1 / (1 + e^-input). Source: `torch.nn.Sigmoid`. */
export class Sigmoid extends Module {
  forward(input: Tensor): Tensor {
    return F.sigmoid(input);
  }
}

/** The hyperbolic tangent. Source: `torch.nn.Tanh`. */
export class Tanh extends Module {
  forward(input: Tensor): Tensor {
    return F.tanh(input);
  }
}

/** input / (1 + |input|). Source: `torch.nn.Softsign`. */
export class Softsign extends Module {
  forward(input: Tensor): Tensor {
    return F.softsign(input);
  }
}

/** input - tanh(input). Source: `torch.nn.Tanhshrink`. */
export class Tanhshrink extends Module {
  forward(input: Tensor): Tensor {
    return F.tanhshrink(input);
  }
}

/** log(sigmoid(input)). Source: `torch.nn.LogSigmoid`. */
export class LogSigmoid extends Module {
  forward(input: Tensor): Tensor {
    return F.logsigmoid(input);
  }
}

/** input above 0, negativeSlope * input below. Source: `torch.nn.LeakyReLU`. */
export class LeakyReLU extends InPlaceActivation {
  readonly negativeSlope: number;

  constructor(negativeSlope = 0.01, options: InPlace = {}) {
    super(options);
    this.negativeSlope = negativeSlope;
  }

  protected compute(input: Tensor): Tensor {
    return F.leakyRelu(input, this.negativeSlope);
  }

  override extraRepr(): string {
    return this.settings({ negativeSlope: this.negativeSlope });
  }
}

/** input above 0, alpha * (e^input - 1) below. Source: `torch.nn.ELU`; Clevert et al. 2015. */
export class ELU extends InPlaceActivation {
  readonly alpha: number;

  constructor(alpha = 1, options: InPlace = {}) {
    super(options);
    this.alpha = alpha;
  }

  protected compute(input: Tensor): Tensor {
    return F.elu(input, this.alpha);
  }

  override extraRepr(): string {
    return this.settings({ alpha: float(this.alpha) });
  }
}

/** input above 0, alpha * (e^(input / alpha) - 1) below. Source: `torch.nn.CELU`; Barron 2017. */
export class CELU extends InPlaceActivation {
  readonly alpha: number;

  constructor(alpha = 1, options: InPlace = {}) {
    super(options);
    this.alpha = alpha;
  }

  protected compute(input: Tensor): Tensor {
    return F.celu(input, this.alpha);
  }

  override extraRepr(): string {
    return this.settings({ alpha: float(this.alpha) });
  }
}

/** input cut to [minVal, maxVal]. Source: `torch.nn.Hardtanh`. */
export class Hardtanh extends InPlaceActivation {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(minVal = -1, maxVal = 1, options: InPlace = {}) {
    super(options);
    if (!(maxVal > minVal)) throw new RangeError(`Hardtanh: maxVal ${maxVal} must be above minVal ${minVal}`);
    this.minVal = minVal;
    this.maxVal = maxVal;
  }

  protected compute(input: Tensor): Tensor {
    return F.hardtanh(input, this.minVal, this.maxVal);
  }

  override extraRepr(): string {
    return this.settings({ minVal: float(this.minVal), maxVal: float(this.maxVal) });
  }
}

/** input above `threshold`, else `value`. Source: `torch.nn.Threshold`. */
export class Threshold extends InPlaceActivation {
  readonly threshold: number;
  readonly value: number;

  constructor(threshold: number, value: number, options: InPlace = {}) {
    super(options);
    this.threshold = threshold;
    this.value = value;
  }

  protected compute(input: Tensor): Tensor {
    return F.threshold(input, this.threshold, this.value);
  }

  override extraRepr(): string {
    return this.settings({ threshold: this.threshold, value: this.value });
  }
}

/** input above 0, a random slope in [lower, upper) times input below while training, their middle else. Source: `torch.nn.RReLU`. */
export class RReLU extends InPlaceActivation {
  readonly lower: number;
  readonly upper: number;

  constructor(lower = 1 / 8, upper = 1 / 3, options: InPlace = {}) {
    super(options);
    this.lower = lower;
    this.upper = upper;
  }

  protected compute(input: Tensor): Tensor {
    return F.rrelu(input, { lower: this.lower, upper: this.upper, training: this.training });
  }

  override extraRepr(): string {
    return this.settings({ lower: this.lower, upper: this.upper });
  }
}

/**
 * input above 0, weight * input below, the weight being learnt: one, or one for each channel.
 *
 * @param numParameters 1 or the number of channels. @param options `init` (0.25), `dtype`. Source: `torch.nn.PReLU`; He et al. 2015.
 */
export class PReLU extends Module {
  readonly numParameters: number;
  weight: Parameter;

  constructor(numParameters = 1, { init = 0.25, dtype }: { init?: number; dtype?: DType } = {}) {
    super();
    this.numParameters = numParameters;
    this.weight = new Parameter(full([numParameters], init, { dtype }));
  }

  forward(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }

  override extraRepr(): string {
    return repr([], { numParameters: this.numParameters });
  }
}

/** input * Φ(input), exactly or by tanh. Source: `torch.nn.GELU`; Hendrycks and Gimpel 2016. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor({ approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}) {
    super();
    this.approximate = approximate;
  }

  forward(input: Tensor): Tensor {
    return F.gelu(input, { approximate: this.approximate });
  }

  override extraRepr(): string {
    return repr([], { approximate: this.approximate });
  }
}

/** log(1 + e^(beta * input)) / beta; input itself above the threshold. Source: `torch.nn.Softplus`. */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(beta = 1, threshold = 20) {
    super();
    this.beta = beta;
    this.threshold = threshold;
  }

  forward(input: Tensor): Tensor {
    return F.softplus(input, this.beta, this.threshold);
  }

  override extraRepr(): string {
    return repr([], { beta: float(this.beta), threshold: float(this.threshold) });
  }
}

/** input where its magnitude is above lambd, else 0. Source: `torch.nn.Hardshrink`. */
export class Hardshrink extends Module {
  readonly lambd: number;

  constructor(lambd = 0.5) {
    super();
    this.lambd = lambd;
  }

  forward(input: Tensor): Tensor {
    return F.hardshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return formatPython(this.lambd);
  }
}

/** input moved towards 0 by lambd. Source: `torch.nn.Softshrink`. */
export class Softshrink extends Module {
  readonly lambd: number;

  constructor(lambd = 0.5) {
    super();
    this.lambd = lambd;
  }

  forward(input: Tensor): Tensor {
    return F.softshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return formatPython(this.lambd);
  }
}

/** The first half of a dimension times the sigmoid of the second. Source: `torch.nn.GLU`; Dauphin et al. 2016. */
export class GLU extends Module {
  readonly dim: number;

  constructor(dim = -1) {
    super();
    this.dim = dim;
  }

  forward(input: Tensor): Tensor {
    return F.glu(input, this.dim);
  }

  override extraRepr(): string {
    return repr([], { dim: this.dim });
  }
}

/** An activation along one dimension. */
abstract class AlongDimension extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    if (!Number.isInteger(dim))
      throw new TypeError(`${this.typeName}: give the dimension, for instance -1, not ${String(dim)}`);
    this.dim = dim;
  }

  override extraRepr(): string {
    return repr([], { dim: this.dim });
  }
}

/** e^input divided by its sum along a dimension. Source: `torch.nn.Softmax`. */
export class Softmax extends AlongDimension {
  forward(input: Tensor): Tensor {
    return F.softmax(input, this.dim);
  }
}

/** The logarithm of softmax. Source: `torch.nn.LogSoftmax`. */
export class LogSoftmax extends AlongDimension {
  forward(input: Tensor): Tensor {
    return F.logSoftmax(input, this.dim);
  }
}

/** softmax(-input). Source: `torch.nn.Softmin`. */
export class Softmin extends AlongDimension {
  forward(input: Tensor): Tensor {
    return F.softmin(input, this.dim);
  }
}

/** Softmax over the channels of `(N, C, H, W)` or `(C, H, W)`. Source: `torch.nn.Softmax2d`. */
export class Softmax2d extends Module {
  forward(input: Tensor): Tensor {
    if (input.ndim !== 3 && input.ndim !== 4)
      throw new RangeError(`Softmax2d: the input ${formatShape(input.shape)} needs 3 or 4 dimensions`);
    return F.softmax(input, -3);
  }
}
