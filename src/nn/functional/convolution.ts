import { add } from '../../ops/arithmetic.ts';
import { type Convolution, conv, convGradInput } from '../../ops/convolution.ts';
import { padded } from '../../ops/pad.ts';
import { op } from '../../ops/record.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { batched, checkSpatial, type Each, type Rank, type Size, sizes } from './spatial.ts';

/**
 * How a weight moves over the input. `padding: 'same'` keeps the size, and so needs stride 1: another stride does not compile.
 */
export type ConvOptions<N extends Rank> = {
  /** Pixels between neighbouring kernel elements. Default 1. */
  dilation?: Size<N>;
  /** Splits the channels: each group of outputs sees its own group of inputs. Default 1. */
  groups?: number;
} & (
  | {
      /** Steps of the kernel. Default 1. */
      stride?: Size<N>;
      /** Zeros on both sides; `'valid'` is none. Default 0. */
      padding?: Size<N> | 'valid';
    }
  | {
      stride?: 1 | Each<N, 1>;
      /** As many zeros as keep the size, the odd one on the right. */
      padding: 'same';
    }
);

export interface ConvTransposeOptions<N extends Rank> {
  /** Steps between the inputs' footprints in the output. Default 1. */
  stride?: Size<N>;
  /** What the convolution that this one undoes was padded with: cut from both sides. Default 0. */
  padding?: Size<N>;
  /** Added to the size at the end: a stride above 1 maps several sizes to the same one. Default 0. */
  outputPadding?: Size<N>;
  /** Default 1. */
  groups?: number;
  /** Pixels between neighbouring kernel elements. Default 1. */
  dilation?: Size<N>;
}

/** Checks what convolutions of both directions share: dtypes, dimensions, groups, channels, bias. */
function checkTensors(
  name: string,
  rank: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  groups: number,
  transposed: boolean,
): void {
  checkSpatial(name, input, rank);
  if (!input.isFloating)
    throw new TypeError(`${name}: the input is ${input.dtype}: convert it with to('${weight.dtype}')`);
  for (const [what, t] of [['weight', weight] as const, ['bias', bias] as const])
    if (t && t.dtype !== input.dtype)
      throw new TypeError(
        `${name}: the input is ${input.dtype} but the ${what} ${t.dtype}: convert one with to('${input.dtype}')`,
      );
  if (weight.ndim !== rank + 2)
    throw new RangeError(
      `${name}: the weight ${formatShape(weight.shape)} must have ${rank + 2} dimensions: ${transposed ? '(in, out / groups' : '(out, in / groups'}, kernel...)`,
    );
  if (weight.shape.slice(2).some((size) => size === 0))
    throw new RangeError(`${name}: the kernel of weight ${formatShape(weight.shape)} is empty`);
  if (!Number.isInteger(groups) || groups < 1)
    throw new RangeError(`${name}: groups ${groups} must be a whole number from 1`);
  const channels = input.shape[input.ndim - rank - 1];
  const first = weight.shape[0];
  if (first % groups !== 0)
    throw new RangeError(
      `${name}: given groups=${groups}, expected weight ${formatShape(weight.shape)} to be divisible by ${groups} at dimension 0`,
    );
  const wanted = transposed ? first : weight.shape[1] * groups;
  if (channels !== wanted)
    throw new RangeError(
      `${name}: given ${transposed ? 'transposed weight' : `groups=${groups}, weight`} of size ${formatShape(weight.shape)}, expected input ${formatShape(input.shape)} to have ${wanted} channels, but got ${channels} channels instead`,
    );
  const filters = transposed ? weight.shape[1] * groups : first;
  if (bias && (bias.ndim !== 1 || bias.shape[0] !== filters))
    throw new RangeError(
      `${name}: given weight of size ${formatShape(weight.shape)}, expected bias to be 1-dimensional with ${filters} elements, but got ${formatShape(bias.shape)}`,
    );
}

type Conv<N extends Rank> = (
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: ConvOptions<N>,
) => Tensor;

/** What `convNd` takes once the types have done their work. */
interface LooseOptions {
  stride?: number | readonly number[];
  padding?: number | readonly number[] | 'same' | 'valid';
  dilation?: number | readonly number[];
  groups?: number;
}

function convNd<N extends Rank>(rank: N): Conv<N> {
  const name = `conv${rank}d`;
  const shape = (channels: number, ...spatial: number[]) => ({
    shape: [2, channels, ...spatial.slice(0, rank)],
  });
  const kernel = (filters: number, channels: number, ...spatial: number[]) => ({
    shape: [filters, channels, ...spatial.slice(0, rank)],
  });
  return op(
    {
      name,
      torch: `nn.functional.${name}(input, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1)`,
      family: 'convolution',
      differentiable: true,
      samples: () => [
        [shape(2, 4, 3, 3), kernel(3, 2, 2, 3, 1), { shape: [3] }],
        [shape(2, 5, 4, 3), kernel(4, 1, 2, 2, 2), null, { groups: 2, stride: 2, padding: 1, dilation: 2 }],
        [shape(1, 4, 3, 2), kernel(2, 1, 2, 3, 2), null, { padding: 'same' }],
      ],
    },
    (input: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions<N> = {}) => {
      const given = options as LooseOptions;
      const groups = given.groups ?? 1;
      checkTensors(name, rank, input, weight, bias, groups, false);
      const stride = sizes(name, 'stride', given.stride ?? 1, rank, 1);
      const dilation = sizes(name, 'dilation', given.dilation ?? 1, rank, 1);
      const reach = weight.shape.slice(2).map((k, d) => dilation[d] * (k - 1));
      let padding: number[];
      let source = input;
      if (given.padding === 'same') {
        if (stride.some((s) => s !== 1))
          throw new RangeError(
            `${name}: padding='same' is not supported for strided convolutions (stride [${stride}]): give the padding as numbers`,
          );
        padding = reach.map((r) => Math.floor(r / 2));
        // An even reach pads both sides alike; an odd one has one zero more at the end.
        if (reach.some((r) => r % 2 === 1)) {
          const lead = new Array<number>(input.ndim - rank).fill(0);
          source = padded(
            input,
            new Array<number>(input.ndim).fill(0),
            [...lead, ...reach.map((r) => r % 2)],
            'constant',
          );
        }
      } else if (given.padding === 'valid') padding = new Array<number>(rank).fill(0);
      else if (typeof given.padding === 'string')
        throw new RangeError(
          `${name}: padding '${given.padding as string}' is unknown: use 'same', 'valid' or numbers`,
        );
      else padding = sizes(name, 'padding', given.padding ?? 0, rank, 0);
      return batched(source, rank, (x) => {
        const room = x.shape.slice(2).map((size, d) => size + 2 * padding[d]);
        if (room.some((size, d) => size <= reach[d]))
          throw new RangeError(
            `${name}: Calculated padded input size per channel: (${room.join(' x ')}). Kernel size: (${reach.map((r) => r + 1).join(' x ')}). Kernel size can't be greater than actual input size: pad more, or use a smaller kernel or dilation`,
          );
        const spatial = room.map((size, d) => Math.floor((size - reach[d] - 1) / stride[d]) + 1);
        const geometry: Convolution = {
          input: x.shape,
          weight: weight.shape,
          output: [x.shape[0], weight.shape[0], ...spatial],
          stride,
          padding,
          dilation,
          groups,
        };
        return conv(x, weight, bias, geometry);
      });
    },
  ) as Conv<N>;
}

type ConvTranspose<N extends Rank> = (
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: ConvTransposeOptions<N>,
) => Tensor;

function convTransposeNd<N extends Rank>(rank: N): ConvTranspose<N> {
  const name = `convTranspose${rank}d`;
  const shape = (channels: number, ...spatial: number[]) => ({
    shape: [2, channels, ...spatial.slice(0, rank)],
  });
  const kernel = (channels: number, filters: number, ...spatial: number[]) => ({
    shape: [channels, filters, ...spatial.slice(0, rank)],
  });
  return op(
    {
      name,
      torch: `nn.functional.conv_transpose${rank}d(input, weight, bias=None, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1)`,
      family: 'convolution',
      differentiable: true,
      samples: () => [
        [shape(2, 3, 2, 2), kernel(2, 3, 2, 3, 1), { shape: [3] }],
        [
          shape(4, 3, 2, 2),
          kernel(4, 1, 2, 2, 2),
          null,
          { groups: 2, stride: 2, padding: 1, outputPadding: 1, dilation: 2 },
        ],
        [shape(2, 3, 2, 2), kernel(2, 1, 3, 2, 2), null, { dilation: 2, outputPadding: 1 }],
      ],
    },
    (input: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvTransposeOptions<N> = {}) => {
      const { groups = 1 } = options;
      checkTensors(name, rank, input, weight, bias, groups, true);
      const stride = sizes(name, 'stride', options.stride ?? 1, rank, 1);
      const padding = sizes(name, 'padding', options.padding ?? 0, rank, 0);
      const dilation = sizes(name, 'dilation', options.dilation ?? 1, rank, 1);
      const extra = sizes(name, 'outputPadding', options.outputPadding ?? 0, rank, 0);
      if (extra.some((e, d) => e >= Math.max(stride[d], dilation[d])))
        throw new RangeError(
          `${name}: output padding must be smaller than either stride or dilation, but got outputPadding [${extra}], stride [${stride}], dilation [${dilation}]`,
        );
      return batched(input, rank, (x) => {
        const spatial = x.shape
          .slice(2)
          .map(
            (n, d) =>
              (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (weight.shape[d + 2] - 1) + extra[d] + 1,
          );
        if (spatial.some((size) => size < 1))
          throw new RangeError(
            `${name}: given input size per channel: (${x.shape.slice(2).join(' x ')}), calculated output size per channel: (${spatial.join(' x ')}): output size is too small, use less padding`,
          );
        const geometry: Convolution = {
          input: [x.shape[0], weight.shape[1] * groups, ...spatial],
          weight: weight.shape,
          output: x.shape,
          stride,
          padding,
          dilation,
          groups,
        };
        const out = convGradInput(x, weight, geometry);
        return bias ? add(out, reshape(bias, [bias.shape[0], ...new Array<number>(rank).fill(1)])) : out;
      });
    },
  ) as ConvTranspose<N>;
}

/**
 * Slides the kernels along a line (cross-correlation: nothing is flipped).
 *
 * @param input `(N, C, L)` or `(C, L)`. @param weight `(O, C / groups, k)`. @param bias `(O,)`.
 * @returns `(N, O, floor((L + 2 padding - dilation (k - 1) - 1) / stride) + 1)`.
 *
 * @example
 * F.conv1d(tensor([[1, 2, 3]]), tensor([[[1, 0]]])) // [[1, 2]]
 *
 * Errors: channels that do not fit the weight and groups; a kernel larger than the padded input; `'same'` with a stride.
 * Source: `torch.nn.functional.conv1d`.
 */
export const conv1d: Conv<1> = convNd(1);

/**
 * Slides the kernels over a plane (cross-correlation: nothing is flipped).
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`. @param weight `(O, C / groups, kH, kW)`. @param bias `(O,)`.
 * @returns `(N, O, H', W')`, each size `floor((H + 2 padding - dilation (k - 1) - 1) / stride) + 1`.
 *
 * @example
 * F.conv2d(randn([8, 3, 32, 32]), randn([16, 3, 3, 3]), null, { padding: 1 }) // (8, 16, 32, 32)
 *
 * Errors: channels that do not fit the weight and groups; a kernel larger than the padded input; `'same'` with a stride.
 * Source: `torch.nn.functional.conv2d`.
 */
export const conv2d: Conv<2> = convNd(2);

/**
 * Slides the kernels through a volume (cross-correlation: nothing is flipped).
 *
 * @param input `(N, C, D, H, W)` or `(C, D, H, W)`. @param weight `(O, C / groups, kD, kH, kW)`. @param bias `(O,)`.
 * @returns `(N, O, D', H', W')`.
 * Errors and sizes as `conv2d`. Source: `torch.nn.functional.conv3d`.
 */
export const conv3d: Conv<3> = convNd(3);

/**
 * The transposed convolution along a line: each input adds a scaled kernel to the output, the adjoint of `conv1d`.
 *
 * @param input `(N, C, L)` or `(C, L)`. @param weight `(C, O / groups, k)`. @param bias `(O,)`.
 * @returns `(N, O, (L - 1) stride - 2 padding + dilation (k - 1) + outputPadding + 1)`.
 * Errors: channels that do not fit; `outputPadding` not below stride or dilation; an output without size.
 * Source: `torch.nn.functional.conv_transpose1d`.
 */
export const convTranspose1d: ConvTranspose<1> = convTransposeNd(1);

/**
 * The transposed convolution in a plane: each input pixel adds a scaled kernel to the output, the adjoint of `conv2d`.
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`. @param weight `(C, O / groups, kH, kW)`. @param bias `(O,)`.
 * @returns `(N, O, H', W')`, each size `(H - 1) stride - 2 padding + dilation (k - 1) + outputPadding + 1`.
 * Errors as `convTranspose1d`. Source: `torch.nn.functional.conv_transpose2d`.
 */
export const convTranspose2d: ConvTranspose<2> = convTransposeNd(2);

/**
 * The transposed convolution in a volume, the adjoint of `conv3d`.
 *
 * @param input `(N, C, D, H, W)` or `(C, D, H, W)`. @param weight `(C, O / groups, kD, kH, kW)`. @param bias `(O,)`.
 * @returns `(N, O, D', H', W')`. Errors and sizes as `convTranspose2d`. Source: `torch.nn.functional.conv_transpose3d`.
 */
export const convTranspose3d: ConvTranspose<3> = convTransposeNd(3);
