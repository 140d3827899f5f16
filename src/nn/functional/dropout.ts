import { add, mul } from '../../ops/arithmetic.ts';
import { bernoulli_ } from '../../ops/randomInPlace.ts';
import { op } from '../../ops/record.ts';
import { squeeze, unsqueeze } from '../../ops/shape.ts';
import type { Generator } from '../../tensor/generator.ts';
import { formatShape, type Shape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';

export interface DropoutOptions {
  /** Whether anything is dropped. Default true. */
  training?: boolean;
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

type Dropout = (input: Tensor, p?: number, options?: DropoutOptions) => Tensor;

const random = 'draws random numbers';

/** 1 (kept) or 0 for each element, drawn with the probability of being kept. */
function kept(shape: Shape, like: Tensor, p: number, generator?: Generator): Tensor {
  return bernoulli_(Tensor.allocate(shape, like.dtype), 1 - p, { generator });
}

/** Channels of a batch share one draw. */
const byChannel = (input: Tensor): Shape => [
  input.shape[0],
  input.shape[1],
  ...new Array<number>(input.ndim - 2).fill(1),
];

function plain(input: Tensor, p: number, shape: Shape, generator?: Generator): Tensor {
  if (p === 1) return mul(input, 0);
  return mul(input, kept(shape, input, p, generator).mul_(1 / (1 - p)));
}

// The negative saturation of SELU: scale * alpha.
const saturation = 1.7580993408473766;

/** Dropped values become the saturation value; then a scale and a shift bring mean 0 and variance 1 back. */
function alphaNoise(input: Tensor, p: number, shape: Shape, generator?: Generator): Tensor {
  if (p === 1) return mul(input, 0);
  const scale = 1 / Math.sqrt((saturation ** 2 * p + 1) * (1 - p));
  const mask = kept(shape, input, p, generator);
  const shift = add(mul(add(mask, -1), saturation * scale), saturation * scale * p);
  return add(mul(input, mul(mask, scale)), shift);
}

function dropping(
  name: string,
  torch: string,
  drop: (input: Tensor, p: number, generator?: Generator) => Tensor,
): Dropout {
  return op(
    {
      name,
      torch: `nn.functional.${torch}(input, p=0.5, *, training=True)`,
      family: 'random',
      differentiable: random,
      samples: () => [],
    },
    (input: Tensor, p = 0.5, { training = true, generator }: DropoutOptions = {}) => {
      if (!(p >= 0 && p <= 1))
        throw new RangeError(`${name}: dropout probability has to be between 0 and 1, but got ${p}`);
      return training && p > 0 && input.size > 0 ? drop(input, p, generator) : input;
    },
  );
}

/** A dropout of whole channels: of inputs with `batched` dimensions, or one fewer where there is no batch. */
function channelDropout(
  name: string,
  torch: string,
  ranks: readonly number[],
  unbatched: number | null,
): Dropout {
  return dropping(name, torch, (input, p, generator) => {
    if (!ranks.includes(input.ndim))
      throw new RangeError(
        `${name}: the input ${formatShape(input.shape)} needs ${ranks.join(' or ')} dimensions`,
      );
    if (input.ndim !== unbatched) return plain(input, p, byChannel(input), generator);
    const batch = unsqueeze(input, 0);
    return squeeze(plain(batch, p, byChannel(batch), generator), 0);
  });
}

/**
 * Sets each element to 0 with probability `p` while training, and divides the others by 1 - p.
 *
 * Error: p outside [0, 1]. Source: `torch.nn.functional.dropout`; Srivastava et al. 2014.
 */
export const dropout: Dropout = dropping('dropout', 'dropout', (input, p, generator) =>
  plain(input, p, input.shape, generator),
);

/** Dropout of whole channels of `(N, C, L)` or `(C, L)`. Source: `torch.nn.functional.dropout1d`. */
export const dropout1d: Dropout = channelDropout('dropout1d', 'dropout1d', [2, 3], 2);

/** Dropout of whole channels of `(N, C, H, W)` (or `(N, C, L)`). Source: `torch.nn.functional.dropout2d`; Tompson et al. 2015. */
export const dropout2d: Dropout = channelDropout('dropout2d', 'dropout2d', [3, 4], null);

/** Dropout of whole channels of `(N, C, D, H, W)` or `(C, D, H, W)`. Source: `torch.nn.functional.dropout3d`. */
export const dropout3d: Dropout = channelDropout('dropout3d', 'dropout3d', [4, 5], 4);

/** Dropout that keeps mean 0 and variance 1 of SELU's values. Source: `torch.nn.functional.alpha_dropout`; Klambauer et al. 2017. */
export const alphaDropout: Dropout = dropping('alphaDropout', 'alpha_dropout', (input, p, generator) =>
  alphaNoise(input, p, input.shape, generator),
);

/** Alpha dropout of whole channels of `(N, C, ...)`. Source: `torch.nn.functional.feature_alpha_dropout`. */
export const featureAlphaDropout: Dropout = dropping(
  'featureAlphaDropout',
  'feature_alpha_dropout',
  (input, p, generator) => {
    if (input.ndim < 2)
      throw new RangeError(
        `featureAlphaDropout: the input ${formatShape(input.shape)} needs (N, C) or more dimensions`,
      );
    return alphaNoise(input, p, byChannel(input), generator);
  },
);
