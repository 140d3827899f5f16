import { noGrad } from '../autograd/mode.ts';
import { empty } from '../ops/creation.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type EmbeddingBagOptions,
  type EmbeddingOptions,
  embedding,
  embeddingBag,
} from './functional/embedding.ts';
import { normal_ } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { float, repr } from './repr.ts';

export interface EmbeddingLayerOptions extends EmbeddingOptions {
  /** Default: the default dtype. */
  dtype?: DType;
  /** A table to start from instead of a drawn one, `(numEmbeddings, embeddingDim)`; it is used itself, not copied. */
  weight?: Tensor | null;
}

/** A table `(numEmbeddings, embeddingDim)` of normal numbers, its padding row zero. */
function table(
  name: string,
  numEmbeddings: number,
  embeddingDim: number,
  { paddingIdx = null, dtype, weight: given = null }: EmbeddingLayerOptions,
): Parameter {
  if (paddingIdx !== null && (paddingIdx < -numEmbeddings || paddingIdx >= numEmbeddings))
    throw new RangeError(`${name}: paddingIdx ${paddingIdx} is not a row of ${numEmbeddings}`);
  if (given && !sameShape(given.shape, [numEmbeddings, embeddingDim]))
    throw new RangeError(
      `${name}: weight ${formatShape(given.shape)} should be ${formatShape([numEmbeddings, embeddingDim])}`,
    );
  if (given) return new Parameter(given);
  const weight = new Parameter(empty([numEmbeddings, embeddingDim], { dtype }));
  normal_(weight);
  if (paddingIdx !== null)
    noGrad(() => weight.select(0, paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx).fill_(0));
  return weight;
}

/**
 * A table of vectors that are learnt, looked up by index.
 *
 * Shapes: input `(...)` int32, output `(..., embeddingDim)`; the weight starts normal, the padding row at 0.
 *
 * @example
 * new nn.Embedding(1000, 64)(tensor([1, 5, 2], { dtype: 'int32' })).shape // [3, 64]
 *
 * Error: an index out of range. Source: `torch.nn.Embedding`.
 */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly options: Readonly<EmbeddingOptions>;
  weight: Parameter;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    { dtype, weight, ...options }: EmbeddingLayerOptions = {},
  ) {
    super();
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.options = options;
    this.weight = table('Embedding', numEmbeddings, embeddingDim, { dtype, weight, ...options });
  }

  /** An embedding with a given table `(V, D)`, frozen unless told otherwise. */
  static fromPretrained(
    embeddings: Tensor,
    { freeze = true, ...options }: EmbeddingOptions & { freeze?: boolean } = {},
  ): Embedding {
    if (embeddings.ndim !== 2)
      throw new RangeError(
        `Embedding.fromPretrained: the table ${formatShape(embeddings.shape)} needs two dimensions, (V, D)`,
      );
    const [rows, size] = embeddings.shape;
    return new Embedding(rows, size, { ...options, weight: embeddings.detach() }).requiresGrad_(!freeze);
  }

  forward(input: Tensor): Tensor {
    return embedding(input, this.weight, this.options);
  }

  override extraRepr(): string {
    return describe(this.numEmbeddings, this.embeddingDim, this.options);
  }
}

function describe(rows: number, size: number, options: EmbeddingOptions, mode?: string): string {
  const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq } = options;
  return repr([rows, size], {
    paddingIdx: paddingIdx ?? undefined,
    maxNorm: maxNorm == null ? undefined : float(maxNorm),
    normType: normType === 2 ? undefined : float(normType),
    scaleGradByFreq: scaleGradByFreq || undefined,
    mode,
  });
}

/**
 * Sums, means or maxima of the rows of a table at bags of indices.
 *
 * Shapes: input `(B, N)`, or `(N,)` with offsets `(B,)`; output `(B, embeddingDim)`. Source: `torch.nn.EmbeddingBag`.
 */
export class EmbeddingBag extends Module<
  [input: Tensor, offsets?: Tensor | null, perSampleWeights?: Tensor | null],
  Tensor
> {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly options: Readonly<Omit<EmbeddingBagOptions, 'offsets' | 'perSampleWeights'>>;
  weight: Parameter;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    {
      dtype,
      weight,
      ...options
    }: EmbeddingLayerOptions & Omit<EmbeddingBagOptions, 'offsets' | 'perSampleWeights'> = {},
  ) {
    super();
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.options = options;
    this.weight = table('EmbeddingBag', numEmbeddings, embeddingDim, { dtype, weight, ...options });
  }

  forward(input: Tensor, offsets: Tensor | null = null, perSampleWeights: Tensor | null = null): Tensor {
    return embeddingBag(input, this.weight, { ...this.options, offsets, perSampleWeights });
  }

  override extraRepr(): string {
    return describe(this.numEmbeddings, this.embeddingDim, this.options, this.options.mode ?? 'mean');
  }
}
