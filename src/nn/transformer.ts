import { add } from '../ops/arithmetic.ts';
import { full } from '../ops/creation.ts';
import { triu } from '../ops/diagonal.ts';
import { relu } from '../ops/pointwise.ts';
import type { DType } from '../tensor/dtype.ts';
import { Generator } from '../tensor/generator.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { MultiheadAttention } from './attention.ts';
import { ModuleList } from './containers.ts';
import { Dropout } from './dropout.ts';
import { gelu } from './functional/activation.ts';
import { xavierUniform_ } from './init.ts';
import { Linear } from './linear.ts';
import { type AnyModule, Module } from './module.ts';
import { LayerNorm } from './normalization.ts';

export interface TransformerLayerOptions {
  /** Features between the two linear layers. Default 2048. */
  dimFeedforward?: number;
  /** Default 0.1. */
  dropout?: number;
  /** Between the two linear layers: a name or a function. Default relu. */
  activation?: 'relu' | 'gelu' | ((input: Tensor) => Tensor);
  /** The eps of the layer norms. Default 1e-5. */
  layerNormEps?: number;
  /** Whether tensors are `(N, L, E)` instead of `(L, N, E)`. Default false. */
  batchFirst?: boolean;
  /** Whether the norms come before attention and linear layers instead of after. Default false. */
  normFirst?: boolean;
  /** Whether linear layers and norms have biases. Default true. */
  bias?: boolean;
  /** Default: the default dtype. */
  dtype?: DType;
}

const activations = { relu, gelu: (input: Tensor): Tensor => gelu(input) };

function activationOf(given: TransformerLayerOptions['activation']): (input: Tensor) => Tensor {
  if (typeof given === 'function') return given;
  const found = activations[given ?? 'relu'];
  if (!found)
    throw new RangeError(
      `activation '${String(given)}' is unknown: use relu, gelu or a function of a tensor`,
    );
  return found;
}

export interface EncoderMasks {
  /** `(L, L)`. Bool: true hides; floating: added. */
  srcMask?: Tensor | null;
  /** `(N, L)`. Bool: true hides the position. */
  srcKeyPaddingMask?: Tensor | null;
  /** Whether each position sees only those up to it. Default false. */
  isCausal?: boolean;
}

/**
 * Self-attention and two linear layers, each with dropout, a residual connection and a layer norm.
 *
 * Shapes: `(L, N, E)` to the same, or N first with `batchFirst`. Source: `torch.nn.TransformerEncoderLayer`; Vaswani et al. 2017.
 */
export class TransformerEncoderLayer extends Module<[src: Tensor, masks?: EncoderMasks]> {
  readonly normFirst: boolean;
  selfAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  readonly #activation: (input: Tensor) => Tensor;
  readonly #make: () => TransformerEncoderLayer;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super();
    const {
      dimFeedforward = 2048,
      dropout = 0.1,
      layerNormEps: eps = 1e-5,
      batchFirst = false,
      bias = true,
      dtype,
    } = options;
    this.normFirst = options.normFirst ?? false;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, dtype });
    this.norm1 = new LayerNorm(dModel, { eps, bias, dtype });
    this.norm2 = new LayerNorm(dModel, { eps, bias, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.#activation = activationOf(options.activation);
    this.#make = () => new TransformerEncoderLayer(dModel, nhead, options);
  }

  /** A layer of its own with the same settings and values. */
  copy(): TransformerEncoderLayer {
    return copied(this, this.#make);
  }

  private attend(x: Tensor, { srcMask = null, srcKeyPaddingMask = null, isCausal }: EncoderMasks): Tensor {
    const [attended] = this.selfAttn(x, x, x, {
      attnMask: srcMask,
      keyPaddingMask: srcKeyPaddingMask,
      isCausal,
      needWeights: false,
    });
    return this.dropout1(attended);
  }

  private feed(x: Tensor): Tensor {
    return this.dropout2(this.linear2(this.dropout(this.#activation(this.linear1(x)))));
  }

  forward(src: Tensor, masks: EncoderMasks = {}): Tensor {
    if (this.normFirst) {
      const x = add(src, this.attend(this.norm1(src), masks));
      return add(x, this.feed(this.norm2(x)));
    }
    const x = this.norm1(add(src, this.attend(src, masks)));
    return this.norm2(add(x, this.feed(x)));
  }
}

/** A layer made like another, with its values; no random number is used up. */
function copied<M extends AnyModule>(layer: M, make: () => M): M {
  const before = Generator.default.getState();
  const copy = make();
  Generator.default.setState(before);
  copy.loadStateDict(layer.stateDict());
  return copy.train(layer.training);
}

export interface DecoderMasks {
  /** `(L, L)`. Bool: true hides; floating: added. */
  tgtMask?: Tensor | null;
  /** `(L, S)`, for the attention to the memory. */
  memoryMask?: Tensor | null;
  /** `(N, L)`. Bool: true hides the position. */
  tgtKeyPaddingMask?: Tensor | null;
  /** `(N, S)`. */
  memoryKeyPaddingMask?: Tensor | null;
  /** Whether each position sees only those up to it. Default false. */
  tgtIsCausal?: boolean;
}

/**
 * Self-attention, attention to the memory (an encoder's output), and two linear layers, each with dropout, a residual connection and a
 * layer norm. Source: `torch.nn.TransformerDecoderLayer`; Vaswani et al. 2017.
 */
export class TransformerDecoderLayer extends Module<[tgt: Tensor, memory: Tensor, masks?: DecoderMasks]> {
  readonly normFirst: boolean;
  selfAttn: MultiheadAttention;
  multiheadAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  norm3: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  dropout3: Dropout;
  readonly #activation: (input: Tensor) => Tensor;
  readonly #make: () => TransformerDecoderLayer;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super();
    const {
      dimFeedforward = 2048,
      dropout = 0.1,
      layerNormEps: eps = 1e-5,
      batchFirst = false,
      bias = true,
      dtype,
    } = options;
    this.normFirst = options.normFirst ?? false;
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });
    this.multiheadAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, dtype });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, dtype });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, dtype });
    this.norm1 = new LayerNorm(dModel, { eps, bias, dtype });
    this.norm2 = new LayerNorm(dModel, { eps, bias, dtype });
    this.norm3 = new LayerNorm(dModel, { eps, bias, dtype });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
    this.#activation = activationOf(options.activation);
    this.#make = () => new TransformerDecoderLayer(dModel, nhead, options);
  }

  /** A layer of its own with the same settings and values. */
  copy(): TransformerDecoderLayer {
    return copied(this, this.#make);
  }

  private attend(x: Tensor, { tgtMask, tgtKeyPaddingMask, tgtIsCausal }: DecoderMasks): Tensor {
    const [attended] = this.selfAttn(x, x, x, {
      attnMask: tgtMask,
      keyPaddingMask: tgtKeyPaddingMask,
      isCausal: tgtIsCausal,
      needWeights: false,
    });
    return this.dropout1(attended);
  }

  private recall(x: Tensor, memory: Tensor, { memoryMask, memoryKeyPaddingMask }: DecoderMasks): Tensor {
    const [attended] = this.multiheadAttn(x, memory, memory, {
      attnMask: memoryMask,
      keyPaddingMask: memoryKeyPaddingMask,
      needWeights: false,
    });
    return this.dropout2(attended);
  }

  private feed(x: Tensor): Tensor {
    return this.dropout3(this.linear2(this.dropout(this.#activation(this.linear1(x)))));
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    if (this.normFirst) {
      const x = add(tgt, this.attend(this.norm1(tgt), masks));
      const y = add(x, this.recall(this.norm2(x), memory, masks));
      return add(y, this.feed(this.norm3(y)));
    }
    const x = this.norm1(add(tgt, this.attend(tgt, masks)));
    const y = this.norm2(add(x, this.recall(x, memory, masks)));
    return this.norm3(add(y, this.feed(y)));
  }
}

/**
 * Encoder layers on top of each other: copies of the one given, with the same values at first.
 *
 * Source: `torch.nn.TransformerEncoder`.
 */
export class TransformerEncoder extends Module<[src: Tensor, masks?: EncoderMasks]> {
  layers: ModuleList<TransformerEncoderLayer>;
  norm: LayerNorm | null;

  constructor(encoderLayer: TransformerEncoderLayer, numLayers: number, norm: LayerNorm | null = null) {
    super();
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => encoderLayer.copy()));
    this.norm = norm;
  }

  forward(src: Tensor, masks: EncoderMasks = {}): Tensor {
    let x = src;
    for (const layer of this.layers) x = layer(x, masks);
    return this.norm ? this.norm(x) : x;
  }
}

/**
 * Decoder layers on top of each other: copies of the one given, with the same values at first.
 *
 * Source: `torch.nn.TransformerDecoder`.
 */
export class TransformerDecoder extends Module<[tgt: Tensor, memory: Tensor, masks?: DecoderMasks]> {
  layers: ModuleList<TransformerDecoderLayer>;
  norm: LayerNorm | null;

  constructor(decoderLayer: TransformerDecoderLayer, numLayers: number, norm: LayerNorm | null = null) {
    super();
    this.layers = new ModuleList(Array.from({ length: numLayers }, () => decoderLayer.copy()));
    this.norm = norm;
  }

  forward(tgt: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    let x = tgt;
    for (const layer of this.layers) x = layer(x, memory, masks);
    return this.norm ? this.norm(x) : x;
  }
}

export interface TransformerMasks extends DecoderMasks, Omit<EncoderMasks, 'isCausal'> {}

/**
 * The whole Transformer: an encoder of the source, and a decoder of the target that attends to what the encoder made of it. It starts
 * with Xavier's uniform weights.
 *
 * Shapes: source `(S, N, E)`, target `(T, N, E)`, output `(T, N, E)`, or N first with `batchFirst`.
 *
 * @example
 * const model = new nn.Transformer(64, 4, { numEncoderLayers: 2, numDecoderLayers: 2, batchFirst: true });
 * model(source, target, { tgtIsCausal: true });
 *
 * Error: batch sizes that differ. Source: `torch.nn.Transformer`; Vaswani et al. 2017.
 */
export class Transformer extends Module<[src: Tensor, tgt: Tensor, masks?: TransformerMasks]> {
  encoder: TransformerEncoder;
  decoder: TransformerDecoder;
  readonly batchFirst: boolean;

  constructor(
    dModel = 512,
    nhead = 8,
    {
      numEncoderLayers = 6,
      numDecoderLayers = 6,
      ...options
    }: TransformerLayerOptions & {
      /** Default 6. */
      numEncoderLayers?: number;
      /** Default 6. */
      numDecoderLayers?: number;
    } = {},
  ) {
    super();
    const { layerNormEps: eps = 1e-5, bias = true, dtype, batchFirst = false } = options;
    this.encoder = new TransformerEncoder(
      new TransformerEncoderLayer(dModel, nhead, options),
      numEncoderLayers,
      new LayerNorm(dModel, { eps, bias, dtype }),
    );
    this.decoder = new TransformerDecoder(
      new TransformerDecoderLayer(dModel, nhead, options),
      numDecoderLayers,
      new LayerNorm(dModel, { eps, bias, dtype }),
    );
    this.batchFirst = batchFirst;
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter);
  }

  /** -Infinity above the diagonal, 0 elsewhere, `(size, size)`: each position sees those up to it. */
  static generateSquareSubsequentMask(size: number): Tensor {
    return triu(full([size, size], -Infinity), 1);
  }

  forward(src: Tensor, tgt: Tensor, masks: TransformerMasks = {}): Tensor {
    const batch = this.batchFirst ? 0 : 1;
    if (src.ndim === 3 && src.shape[batch] !== tgt.shape[batch])
      throw new RangeError(
        `Transformer: the source ${formatShape(src.shape)} and the target ${formatShape(tgt.shape)} have batches of different sizes`,
      );
    return this.decoder(tgt, this.encoder(src, masks), masks);
  }
}
