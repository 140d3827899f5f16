import { add, mul } from '../../ops/arithmetic.ts';
import { cast } from '../../ops/cast.ts';
import { gt } from '../../ops/comparison.ts';
import { matmul } from '../../ops/matmul.ts';
import { op } from '../../ops/record.ts';
import { transpose } from '../../ops/shape.ts';
import { amax, softmax } from '../../ops/statistics.ts';
import { expand, reshape } from '../../ops/views.ts';
import { where } from '../../ops/where.ts';
import type { Generator } from '../../tensor/generator.ts';
import { broadcastShapes, formatShape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { dropout } from './dropout.ts';

/** -Infinity where row i must not see column j > i, else 0, `(L, S)`. */
export function causalMask(length: number, keys: number, like: Tensor): Tensor {
  const mask = Tensor.allocate([length, keys], like.dtype, true);
  for (let i = 0; i < length; i++)
    for (let j = i + 1; j < keys; j++) mask.elements[mask.offset + i * keys + j] = -Infinity;
  return mask;
}

/** A mask to add: what a boolean one hides becomes -Infinity. */
export function additiveMask(mask: Tensor, hides: boolean, like: Tensor): Tensor {
  if (mask.dtype !== 'bool') return cast(mask, like.dtype);
  const [shown, hidden] = hides ? [-Infinity, 0] : [0, -Infinity];
  return cast(where(mask, shown, hidden), like.dtype);
}

/** Softmax over the last dimension of scores + mask; rows that are hidden entirely give 0 instead of NaN. */
export function maskedSoftmax(scores: Tensor, mask: Tensor | null): Tensor {
  if (!mask) return softmax(scores, -1);
  const alive = gt(amax(mask.detach(), -1, { keepdim: true }), -Infinity);
  const safe = where(alive, mask, 0);
  return where(alive, softmax(add(scores, safe), -1), 0);
}

export interface AttentionOptions {
  /** Bool: true takes part; floating: added to the scores. Broadcasts to `(..., L, S)`. */
  attnMask?: Tensor | null;
  /** The probability that a weight is dropped. Default 0: give 0 in evaluation. */
  dropoutP?: number;
  /** Whether position i sees the keys 0 to i only. Default false. */
  isCausal?: boolean;
  /** The factor of the scores. Default 1 / sqrt(E). */
  scale?: number | null;
  /** Whether groups of query heads share the key and value heads of dimension -3. Default false. */
  enableGqa?: boolean;
  /** Where the numbers of the dropout come from. */
  generator?: Generator;
}

/** Repeats key or value heads for the query heads that share them. */
function shared(tensor: Tensor, heads: number): Tensor {
  const own = tensor.shape[tensor.ndim - 3];
  if (heads % own !== 0)
    throw new RangeError(
      `scaledDotProductAttention: ${heads} query heads do not share ${own} key heads evenly`,
    );
  const lead = tensor.shape.slice(0, -3);
  const last = tensor.shape.slice(-2);
  const spread = expand(reshape(tensor, [...lead, own, 1, ...last]), [...lead, own, heads / own, ...last]);
  return reshape(spread, [...lead, heads, ...last]);
}

/**
 * Attention: softmax(query x keyᵀ * scale + mask) x value.
 *
 * @param query `(..., L, E)`. @param key `(..., S, E)`. @param value `(..., S, V)`. @returns `(..., L, V)`; 0 where all is hidden.
 * Errors: shapes that do not fit; a mask together with `isCausal`. Source: `torch.nn.functional.scaled_dot_product_attention`;
 * Vaswani et al. 2017.
 */
export const scaledDotProductAttention: (
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options?: AttentionOptions,
) => Tensor = op(
  {
    name: 'scaledDotProductAttention',
    torch:
      'nn.functional.scaled_dot_product_attention(query, key, value, *, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False)',
    family: 'attention',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3, 4] }, { shape: [2, 5, 4] }, { shape: [2, 5, 2] }],
      [{ shape: [3, 4] }, { shape: [3, 4] }, { shape: [3, 4] }, { isCausal: true, scale: 0.7 }],
    ],
  },
  (
    query,
    key,
    value,
    { attnMask = null, dropoutP = 0, isCausal = false, scale = null, enableGqa = false, generator } = {},
  ) => {
    const name = 'scaledDotProductAttention';
    const [length, width] = query.shape.slice(-2);
    const [keys, keyWidth] = key.shape.slice(-2);
    if (query.ndim < 2 || key.ndim < 2 || value.ndim < 2 || width !== keyWidth || keys !== value.shape.at(-2))
      throw new RangeError(
        `${name}: query ${formatShape(query.shape)}, key ${formatShape(key.shape)} and value ${formatShape(value.shape)} should be (..., L, E), (..., S, E) and (..., S, V)`,
      );
    if (attnMask && isCausal) throw new RangeError(`${name}: give attnMask or isCausal, not both`);
    const heads = enableGqa ? query.shape[query.ndim - 3] : 0;
    const k = enableGqa ? shared(key, heads) : key;
    const v = enableGqa ? shared(value, heads) : value;
    const scores = mul(matmul(query, transpose(k, -2, -1)), scale ?? 1 / Math.sqrt(width));
    if (attnMask && !sameShape(broadcastShapes(name, attnMask.shape, scores.shape), scores.shape))
      throw new RangeError(
        `${name}: attnMask ${formatShape(attnMask.shape)} does not broadcast to the scores ${formatShape(scores.shape)}`,
      );
    const mask = isCausal
      ? causalMask(length, keys, scores)
      : attnMask && additiveMask(attnMask, false, scores);
    const weights = maskedSoftmax(scores, mask);
    return matmul(dropout(weights, dropoutP, { generator }), v);
  },
);
