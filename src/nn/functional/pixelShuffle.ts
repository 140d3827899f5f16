import { op } from '../../ops/record.ts';
import { permute } from '../../ops/shape.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Error: not a whole number from 1, or too few dimensions. */
function checkFactor(name: string, input: Tensor, what: string, factor: number): void {
  if (input.ndim < 3)
    throw new RangeError(
      `${name}: expects input to have at least 3 dimensions (C, H, W), but got input of size ${formatShape(input.shape)}`,
    );
  if (!Number.isInteger(factor) || factor < 1)
    throw new RangeError(`${name}: expects a positive whole ${what}, but got ${factor}`);
}

/**
 * Trades channels for resolution: `(..., C r², H, W)` to `(..., C, H r, W r)`.
 *
 * Error: channels that r² does not divide. Source: Shi et al. 2016; `torch.nn.functional.pixel_shuffle`.
 */
export const pixelShuffle: (input: Tensor, upscaleFactor: number) => Tensor = op(
  {
    name: 'pixelShuffle',
    torch: 'nn.functional.pixel_shuffle(input, upscale_factor)',
    family: 'resampling',
    differentiable: true,
    samples: () => [[{ shape: [2, 8, 2, 3] }, 2]],
  },
  (input: Tensor, upscaleFactor: number) => {
    checkFactor('pixelShuffle', input, 'upscaleFactor', upscaleFactor);
    const r = upscaleFactor;
    const lead = input.shape.slice(0, -3);
    const [channels, height, width] = input.shape.slice(-3);
    if (channels % (r * r) !== 0)
      throw new RangeError(
        `pixelShuffle: expects its input's channel dimension to be divisible by the square of upscaleFactor, but ${channels} of ${formatShape(input.shape)} is not divisible by ${r * r}`,
      );
    const out = channels / (r * r);
    const n = lead.length;
    const split = reshape(input, [...lead, out, r, r, height, width]);
    const order = [...lead.keys(), n, n + 3, n + 1, n + 4, n + 2];
    return reshape(permute(split, order), [...lead, out, height * r, width * r]);
  },
);

/**
 * Trades resolution for channels, the inverse of `pixelShuffle`: `(..., C, H r, W r)` to `(..., C r², H, W)`.
 *
 * Error: a height or width that r does not divide. Source: `torch.nn.functional.pixel_unshuffle`.
 */
export const pixelUnshuffle: (input: Tensor, downscaleFactor: number) => Tensor = op(
  {
    name: 'pixelUnshuffle',
    torch: 'nn.functional.pixel_unshuffle(input, downscale_factor)',
    family: 'resampling',
    differentiable: true,
    samples: () => [[{ shape: [2, 2, 4, 6] }, 2]],
  },
  (input: Tensor, downscaleFactor: number) => {
    checkFactor('pixelUnshuffle', input, 'downscaleFactor', downscaleFactor);
    const r = downscaleFactor;
    const lead = input.shape.slice(0, -3);
    const [channels, height, width] = input.shape.slice(-3);
    if (height % r !== 0 || width % r !== 0)
      throw new RangeError(
        `pixelUnshuffle: expects height and width to be divisible by downscaleFactor ${r}, but got input ${formatShape(input.shape)}: pad or crop it`,
      );
    const n = lead.length;
    const split = reshape(input, [...lead, channels, height / r, r, width / r, r]);
    const order = [...lead.keys(), n, n + 2, n + 4, n + 1, n + 3];
    return reshape(permute(split, order), [...lead, channels * r * r, height / r, width / r]);
  },
);

/**
 * Deals the channels of `groups` groups out in turn, so that grouped convolutions see all of them: `(N, C, ...)`.
 *
 * Error: channels that `groups` does not divide. Source: Zhang et al. 2018 (ShuffleNet); `torch.nn.functional.channel_shuffle`.
 */
export const channelShuffle: (input: Tensor, groups: number) => Tensor = op(
  {
    name: 'channelShuffle',
    torch: 'nn.functional.channel_shuffle(input, groups)',
    family: 'resampling',
    differentiable: true,
    samples: () => [[{ shape: [2, 6, 2, 3] }, 3]],
  },
  (input: Tensor, groups: number) => {
    checkFactor('channelShuffle', input, 'groups', groups);
    const [batch, channels, ...rest] = input.shape;
    if (channels % groups !== 0)
      throw new RangeError(
        `channelShuffle: the number of channels must be divisible by groups, but ${channels} of ${formatShape(input.shape)} is not divisible by ${groups}`,
      );
    const split = reshape(input, [batch, groups, channels / groups, ...rest]);
    return reshape(permute(split, [0, 2, 1, ...rest.map((_, d) => d + 3)]), input.shape);
  },
);
