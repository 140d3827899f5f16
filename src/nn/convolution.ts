import { empty } from '../ops/creation.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './functional/convolution.ts';
import { pad } from './functional/pad.ts';
import { type Rank, type Size, sizes } from './functional/spatial.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { formatPython } from './repr.ts';
import { resetLinear } from './resetLinear.ts';

interface Settings {
  /** Whether a bias is learnt and added. Default true. */
  bias?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

/** What stands beyond the edge of a convolution's input. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

export type ConvLayerOptions<N extends Rank> = Settings & {
  /** What the padding holds. Default zeros. */
  paddingMode?: PaddingMode;
} & ConvOptions<N>;

export type ConvTransposeLayerOptions<N extends Rank> = Settings & ConvTransposeOptions<N>;

/** What convolutions of both directions have: channels, geometry, weight and bias. */
abstract class Convolutional<I extends readonly unknown[]> extends Module<I> {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    rank: Rank,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: Settings & {
      stride?: number | readonly number[];
      padding?: number | readonly number[] | 'same' | 'valid';
      outputPadding?: number | readonly number[];
      dilation?: number | readonly number[];
      groups?: number;
      paddingMode?: PaddingMode;
    },
  ) {
    super();
    const { groups = 1, padding = 0, paddingMode = 'zeros', bias = true, dtype } = options;
    const name = this.typeName;
    if (!Number.isInteger(groups) || groups < 1)
      throw new RangeError(`${name}: groups ${groups} must be a whole number from 1`);
    for (const [what, channels] of Object.entries({ inChannels, outChannels }))
      if (!Number.isInteger(channels) || channels < 1 || channels % groups !== 0)
        throw new RangeError(
          `${name}: ${what} ${channels} must be a whole number above 0, divisible by groups ${groups}`,
        );
    if (!['zeros', 'reflect', 'replicate', 'circular'].includes(paddingMode))
      throw new RangeError(
        `${name}: paddingMode '${paddingMode}' is unknown: use zeros, reflect, replicate or circular`,
      );
    if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid')
      throw new RangeError(`${name}: padding '${padding}' is unknown: use 'same', 'valid' or numbers`);
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = sizes(name, 'kernelSize', kernelSize, rank, 1);
    this.stride = sizes(name, 'stride', options.stride ?? 1, rank, 1);
    this.padding = typeof padding === 'string' ? padding : sizes(name, 'padding', padding, rank, 0);
    this.dilation = sizes(name, 'dilation', options.dilation ?? 1, rank, 1);
    this.outputPadding = sizes(name, 'outputPadding', options.outputPadding ?? 0, rank, 0);
    this.groups = groups;
    this.paddingMode = paddingMode;
    if (padding === 'same' && this.stride.some((s) => s !== 1))
      throw new RangeError(
        `${name}: padding='same' is not supported for strided convolutions (stride [${this.stride}]): give the padding as numbers`,
      );
    const channels = transposed ? [inChannels, outChannels / groups] : [outChannels, inChannels / groups];
    this.weight = new Parameter(empty([...channels, ...this.kernelSize], { dtype }));
    this.bias = bias ? new Parameter(empty([outChannels], { dtype })) : null;
    this.resetParameters();
  }

  /** Draws weight and bias anew: evenly within 1 / sqrt(fan in) of 0. */
  resetParameters(): void {
    resetLinear(this.weight, this.bias);
  }

  override extraRepr(): string {
    const unless = (what: string, value: readonly number[], usual: number): string =>
      value.every((v) => v === usual) ? '' : `, ${what}=${formatPython(value)}`;
    const padding =
      typeof this.padding === 'string' ? `, padding=${this.padding}` : unless('padding', this.padding, 0);
    return [
      `${this.inChannels}, ${this.outChannels}, kernel_size=${formatPython(this.kernelSize)}`,
      `, stride=${formatPython(this.stride)}`,
      padding,
      unless('dilation', this.dilation, 1),
      unless('output_padding', this.outputPadding, 0),
      this.groups === 1 ? '' : `, groups=${this.groups}`,
      this.bias === null ? ', bias=False' : '',
      this.paddingMode === 'zeros' ? '' : `, padding_mode=${this.paddingMode}`,
    ].join('');
  }
}

/** The functions take tuples of one length; a layer holds checked lists. */
type AnyConv = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: {
    stride: readonly number[];
    padding: readonly number[] | number | 'same' | 'valid';
    dilation: readonly number[];
    groups: number;
  },
) => Tensor;

abstract class ConvNd extends Convolutional<[Tensor]> {
  /** The padding as `pad` takes it where it holds something else than zeros: the last dimension first. */
  private edges(): number[] {
    const { padding, kernelSize, dilation } = this;
    return kernelSize
      .map((k, d): [number, number] => {
        if (padding === 'valid') return [0, 0];
        if (padding !== 'same') return [padding[d], padding[d]];
        const total = dilation[d] * (k - 1);
        return [Math.floor(total / 2), Math.ceil(total / 2)];
      })
      .reverse()
      .flat();
  }

  protected convolve(call: AnyConv, input: Tensor): Tensor {
    const { weight, bias, stride, padding, dilation, groups, paddingMode } = this;
    if (paddingMode === 'zeros') return call(input, weight, bias, { stride, padding, dilation, groups });
    const around = pad(input, this.edges(), paddingMode);
    return call(around, weight, bias, { stride, padding: 0, dilation, groups });
  }
}

/**
 * Learnt kernels that slide along a line.
 *
 * Shapes: input `(N, C, L)` or `(C, L)`, output `(N, outChannels, L')`; weight `(outChannels, inChannels / groups, k)`.
 * Source: `torch.nn.Conv1d`.
 */
export class Conv1d extends ConvNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size<1>,
    options: ConvLayerOptions<1> = {},
  ) {
    super(1, false, inChannels, outChannels, kernelSize, options);
  }

  forward(input: Tensor): Tensor {
    return this.convolve(conv1d as AnyConv, input);
  }
}

/**
 * Learnt kernels that slide over a plane.
 *
 * Shapes: input `(N, C, H, W)` or `(C, H, W)`, output `(N, outChannels, H', W')`, each size
 * `floor((H + 2 padding - dilation (k - 1) - 1) / stride) + 1`; weight `(outChannels, inChannels / groups, kH, kW)`. Weight and bias
 * start evenly within 1 / sqrt(inChannels / groups * kH * kW) of 0.
 *
 * @example
 * new nn.Conv2d(3, 16, 3, { padding: 'same' })(randn([8, 3, 32, 32])).shape // [8, 16, 32, 32]
 * new nn.Conv2d(16, 32, 3, { stride: 2, padding: 1, bias: false })
 *
 * Errors: channels that the groups do not divide; `'same'` with a stride (it does not compile either). Source: `torch.nn.Conv2d`.
 */
export class Conv2d extends ConvNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size<2>,
    options: ConvLayerOptions<2> = {},
  ) {
    super(2, false, inChannels, outChannels, kernelSize, options);
  }

  forward(input: Tensor): Tensor {
    return this.convolve(conv2d as AnyConv, input);
  }
}

/**
 * Learnt kernels that slide through a volume.
 *
 * Shapes: input `(N, C, D, H, W)` or `(C, D, H, W)`; weight `(outChannels, inChannels / groups, kD, kH, kW)`; otherwise as `Conv2d`.
 * Source: `torch.nn.Conv3d`.
 */
export class Conv3d extends ConvNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size<3>,
    options: ConvLayerOptions<3> = {},
  ) {
    super(3, false, inChannels, outChannels, kernelSize, options);
  }

  forward(input: Tensor): Tensor {
    return this.convolve(conv3d as AnyConv, input);
  }
}

type AnyConvTranspose = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: {
    stride: readonly number[];
    padding: readonly number[];
    outputPadding: readonly number[];
    dilation: readonly number[];
    groups: number;
  },
) => Tensor;

abstract class ConvTransposeNd extends Convolutional<[Tensor, (readonly number[] | null)?]> {
  /** The output padding that leads to `outputSize`. Error: a size that no output padding leads to. */
  private paddingFor(input: Tensor, outputSize: readonly number[]): readonly number[] {
    const rank = this.kernelSize.length;
    const wanted =
      outputSize.length === rank + 1 || outputSize.length === rank + 2 ? outputSize.slice(-rank) : outputSize;
    if (wanted.length !== rank)
      throw new RangeError(
        `${this.typeName}: outputSize [${outputSize}] must have ${rank} or ${rank + 2} elements`,
      );
    const padding = this.padding as readonly number[];
    const smallest = input.shape
      .slice(-rank)
      .map(
        (n, d) => (n - 1) * this.stride[d] - 2 * padding[d] + this.dilation[d] * (this.kernelSize[d] - 1) + 1,
      );
    const largest = smallest.map((n, d) => n + this.stride[d] - 1);
    if (wanted.some((n, d) => n < smallest[d] || n > largest[d]))
      throw new RangeError(
        `${this.typeName}: requested an outputSize of [${outputSize}], but valid sizes range from [${smallest}] to [${largest}] (for an input of ${formatShape(input.shape.slice(-rank))})`,
      );
    return wanted.map((n, d) => n - smallest[d]);
  }

  protected convolve(
    call: AnyConvTranspose,
    input: Tensor,
    outputSize: readonly number[] | null | undefined,
  ): Tensor {
    const { weight, bias, stride, dilation, groups } = this;
    return call(input, weight, bias, {
      stride,
      padding: this.padding as readonly number[],
      outputPadding: outputSize ? this.paddingFor(input, outputSize) : this.outputPadding,
      dilation,
      groups,
    });
  }
}

/**
 * Learnt kernels that each element of a line adds to the output, scaled: the adjoint of `Conv1d`.
 *
 * Shapes: input `(N, C, L)` or `(C, L)`; weight `(inChannels, outChannels / groups, k)`. Source: `torch.nn.ConvTranspose1d`.
 */
export class ConvTranspose1d extends ConvTransposeNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size<1>,
    options: ConvTransposeLayerOptions<1> = {},
  ) {
    super(1, true, inChannels, outChannels, kernelSize, options);
  }

  /** @param outputSize chooses among the sizes that convolve to the input's: instead of `outputPadding`. */
  forward(input: Tensor, outputSize?: readonly number[] | null): Tensor {
    return this.convolve(convTranspose1d as AnyConvTranspose, input, outputSize);
  }
}

/**
 * Learnt kernels that each pixel adds to the output, scaled: the adjoint of `Conv2d`, for growing images.
 *
 * Shapes: input `(N, C, H, W)` or `(C, H, W)`, output sizes `(H - 1) stride - 2 padding + dilation (k - 1) + outputPadding + 1`; weight
 * `(inChannels, outChannels / groups, kH, kW)`.
 *
 * @example
 * new nn.ConvTranspose2d(16, 8, 2, { stride: 2 })(randn([1, 16, 7, 7])).shape // [1, 8, 14, 14]
 *
 * Source: `torch.nn.ConvTranspose2d`.
 */
export class ConvTranspose2d extends ConvTransposeNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size<2>,
    options: ConvTransposeLayerOptions<2> = {},
  ) {
    super(2, true, inChannels, outChannels, kernelSize, options);
  }

  /** @param outputSize chooses among the sizes that convolve to the input's: instead of `outputPadding`. */
  forward(input: Tensor, outputSize?: readonly number[] | null): Tensor {
    return this.convolve(convTranspose2d as AnyConvTranspose, input, outputSize);
  }
}

/**
 * Learnt kernels that each element of a volume adds to the output, scaled: the adjoint of `Conv3d`.
 *
 * Shapes: input `(N, C, D, H, W)` or `(C, D, H, W)`; weight `(inChannels, outChannels / groups, kD, kH, kW)`; otherwise as
 * `ConvTranspose2d`. Source: `torch.nn.ConvTranspose3d`.
 */
export class ConvTranspose3d extends ConvTransposeNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size<3>,
    options: ConvTransposeLayerOptions<3> = {},
  ) {
    super(3, true, inChannels, outChannels, kernelSize, options);
  }

  /** @param outputSize chooses among the sizes that convolve to the input's: instead of `outputPadding`. */
  forward(input: Tensor, outputSize?: readonly number[] | null): Tensor {
    return this.convolve(convTranspose3d as AnyConvTranspose, input, outputSize);
  }
}
