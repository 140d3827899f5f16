import { add, mul } from '../ops/arithmetic.ts';
import { empty, zeros } from '../ops/creation.ts';
import { cat } from '../ops/join.ts';
import { linear, matmul } from '../ops/matmul.ts';
import { narrow, squeeze, transpose, unsqueeze } from '../ops/shape.ts';
import { mean } from '../ops/statistics.ts';
import { expand, reshape } from '../ops/views.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { additiveMask, causalMask, maskedSoftmax } from './functional/attention.ts';
import { dropout } from './functional/dropout.ts';
import { xavierNormal_, xavierUniform_, zeros_ } from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/** PyTorch's class of the output projection, by its name in print. */
class NonDynamicallyQuantizableLinear extends Linear {}

export interface MultiheadAttentionOptions {
  /** The probability that an attention weight is dropped while training. Default 0. */
  dropout?: number;
  /** Default true. */
  bias?: boolean;
  /** Whether a learnt key and value are appended. Default false. */
  addBiasKv?: boolean;
  /** Whether a key and value of zeros are appended. Default false. */
  addZeroAttn?: boolean;
  /** Features of the keys. Default: embedDim. */
  kdim?: number;
  /** Features of the values. Default: embedDim. */
  vdim?: number;
  /** Whether tensors are `(N, L, E)` instead of `(L, N, E)`. Default false. */
  batchFirst?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

export interface AttentionCall {
  /** `(N, S)`. Bool: true hides the key; floating: added. */
  keyPaddingMask?: Tensor | null;
  /** Whether the attention weights are returned. Default true. */
  needWeights?: boolean;
  /** `(L, S)` or `(N heads, L, S)`. Bool: true hides (unlike `scaledDotProductAttention`); floating: added. */
  attnMask?: Tensor | null;
  /** Whether the returned weights are averaged over the heads. Default true. */
  averageAttnWeights?: boolean;
  /** Whether position i sees the keys 0 to i only; then no `attnMask` is needed. Default false. */
  isCausal?: boolean;
}

/**
 * Attention with several heads, each with its own projections of queries, keys and values.
 *
 * Shapes: query `(L, N, E)`, key `(S, N, kdim)`, value `(S, N, vdim)`, or N first with `batchFirst`, or without N; output like the query,
 * weights `(N, L, S)`.
 *
 * @example
 * const [output, weights] = new nn.MultiheadAttention(64, 8, { batchFirst: true })(x, x, x);
 *
 * Error: embedDim that does not divide by the heads. Source: `torch.nn.MultiheadAttention`; Vaswani et al. 2017.
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, options?: AttentionCall],
  [output: Tensor, weights: Tensor | null]
> {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;
  inProjWeight: Parameter | null = null;
  qProjWeight: Parameter | null = null;
  kProjWeight: Parameter | null = null;
  vProjWeight: Parameter | null = null;
  inProjBias: Parameter | null = null;
  biasK: Parameter | null = null;
  biasV: Parameter | null = null;
  outProj: Linear;

  constructor(
    embedDim: number,
    numHeads: number,
    {
      dropout = 0,
      bias = true,
      addBiasKv = false,
      addZeroAttn = false,
      kdim = embedDim,
      vdim = embedDim,
      batchFirst = false,
      dtype,
    }: MultiheadAttentionOptions = {},
  ) {
    super();
    if (!(embedDim > 0) || !(numHeads > 0) || embedDim % numHeads !== 0)
      throw new RangeError(
        `MultiheadAttention: embedDim ${embedDim} must be divisible by numHeads ${numHeads}`,
      );
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.dropout = dropout;
    this.batchFirst = batchFirst;
    this.addZeroAttn = addZeroAttn;
    const weight = (rows: number, columns: number): Parameter =>
      new Parameter(empty([rows, columns], { dtype }));
    if (kdim === embedDim && vdim === embedDim) this.inProjWeight = weight(3 * embedDim, embedDim);
    else {
      this.qProjWeight = weight(embedDim, embedDim);
      this.kProjWeight = weight(embedDim, kdim);
      this.vProjWeight = weight(embedDim, vdim);
    }
    if (bias) this.inProjBias = new Parameter(zeros([3 * embedDim], { dtype }));
    this.outProj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias, dtype });
    if (addBiasKv) {
      this.biasK = new Parameter(empty([1, 1, embedDim], { dtype }));
      this.biasV = new Parameter(empty([1, 1, embedDim], { dtype }));
    }
    this.resetParameters();
  }

  /** Draws the projections anew; biases become 0. */
  resetParameters(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight])
      if (weight) xavierUniform_(weight);
    if (this.inProjBias) zeros_(this.inProjBias);
    if (this.outProj.bias) zeros_(this.outProj.bias);
    if (this.biasK) xavierNormal_(this.biasK);
    if (this.biasV) xavierNormal_(this.biasV);
  }

  /** The projections of queries, keys and values, `(L, N, E)`. */
  private project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const size = this.embedDim;
    const part = (i: number, tensor: Tensor, own: Tensor | null): Tensor =>
      linear(
        tensor,
        own ?? narrow(this.inProjWeight!, 0, i * size, size),
        this.inProjBias && narrow(this.inProjBias, 0, i * size, size),
      );
    return [
      part(0, query, this.qProjWeight),
      part(1, key, this.kProjWeight),
      part(2, value, this.vProjWeight),
    ];
  }

  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    {
      keyPaddingMask = null,
      needWeights = true,
      attnMask = null,
      averageAttnWeights = true,
      isCausal = false,
    }: AttentionCall = {},
  ): [Tensor, Tensor | null] {
    const batched = query.ndim === 3;
    if (query.ndim < 2 || query.ndim > 3 || key.ndim !== query.ndim || value.ndim !== query.ndim)
      throw new RangeError(
        `MultiheadAttention: query ${formatShape(query.shape)}, key ${formatShape(key.shape)} and value ${formatShape(value.shape)} should all have 3 dimensions, or 2 without a batch`,
      );
    if (query.shape[query.ndim - 1] !== this.embedDim)
      throw new RangeError(
        `MultiheadAttention: the query ${formatShape(query.shape)} has ${query.shape.at(-1)} features, expected ${this.embedDim}`,
      );
    const lengthFirst = (t: Tensor): Tensor =>
      !batched ? unsqueeze(t, 1) : this.batchFirst ? transpose(t, 0, 1) : t;
    let [q, k, v] = this.project(lengthFirst(query), lengthFirst(key), lengthFirst(value));
    const [length, batch] = q.shape;
    const heads = this.numHeads;
    const width = this.embedDim / heads;
    let padding =
      keyPaddingMask && additiveMask(batched ? keyPaddingMask : unsqueeze(keyPaddingMask, 0), true, q);
    let mask =
      isCausal && !attnMask ? causalMask(length, k.shape[0], q) : attnMask && additiveMask(attnMask, true, q);
    const append = (keys: Tensor, values: Tensor): void => {
      k = cat([k, keys], 0);
      v = cat([v, values], 0);
      const column = (t: Tensor): Tensor =>
        cat([t, zeros([...t.shape.slice(0, -1), 1], { dtype: t.dtype })], -1);
      mask = mask && column(mask);
      padding = padding && column(padding);
    };
    if (this.biasK && this.biasV)
      append(expand(this.biasK, [1, batch, this.embedDim]), expand(this.biasV, [1, batch, this.embedDim]));
    if (this.addZeroAttn) {
      const none = zeros([1, batch, this.embedDim], { dtype: q.dtype });
      append(none, none);
    }
    const keys = k.shape[0];
    const split = (t: Tensor): Tensor => transpose(reshape(t, [t.shape[0], batch * heads, width]), 0, 1);
    const scores = matmul(mul(split(q), 1 / Math.sqrt(width)), transpose(split(k), 1, 2));
    if (padding) {
      const wide = reshape(expand(reshape(padding, [batch, 1, 1, keys]), [batch, heads, 1, keys]), [
        batch * heads,
        1,
        keys,
      ]);
      mask = mask ? add(mask, wide) : wide;
    }
    const weights = dropout(maskedSoftmax(scores, mask), this.dropout, { training: this.training });
    const joined = reshape(transpose(matmul(weights, split(v)), 0, 1), [length, batch, this.embedDim]);
    const output = this.outProj(joined);
    const shown = !batched ? squeeze(output, 1) : this.batchFirst ? transpose(output, 0, 1) : output;
    if (!needWeights) return [shown, null];
    const byHead = reshape(weights, [batch, heads, length, keys]);
    const returned = averageAttnWeights ? mean(byHead, 1) : byHead;
    return [shown, batched ? returned : squeeze(returned, 0)];
  }
}
