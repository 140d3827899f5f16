import type { Tensor } from '../tensor/tensor.ts';
import type { Reduced, Reduction, TripletOptions } from './functional/index.ts';
import * as F from './functional/index.ts';
import { Module } from './module.ts';
import { Buffer } from './parameter.ts';

/** A loss of an input and a target: what all losses share. */
abstract class Loss<I extends readonly unknown[] = [input: Tensor, target: Tensor]> extends Module<
  I,
  Tensor
> {
  /** What becomes of the single losses. */
  readonly reduction: Reduction;

  constructor({ reduction = 'mean' }: Reduced = {}) {
    super();
    if (!['none', 'mean', 'sum'].includes(reduction))
      throw new RangeError(
        `${this.typeName}: reduction '${String(reduction)}' is unknown: use none, mean or sum`,
      );
    this.reduction = reduction;
  }
}

const asBuffer = (weight: Tensor | null | undefined): Buffer | null => (weight ? new Buffer(weight) : null);

/** (input - target)². Source: `torch.nn.MSELoss`. */
export class MSELoss extends Loss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.mseLoss(input, target, { reduction: this.reduction });
  }
}

/** |input - target|. Source: `torch.nn.L1Loss`. */
export class L1Loss extends Loss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.l1Loss(input, target, { reduction: this.reduction });
  }
}

/** log(1 + e^(-target * input)), target 1 or -1. Source: `torch.nn.SoftMarginLoss`. */
export class SoftMarginLoss extends Loss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.softMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** For samples with several classes: the margins between theirs and the others. Source: `torch.nn.MultiLabelMarginLoss`. */
export class MultiLabelMarginLoss extends Loss {
  forward(input: Tensor, target: Tensor): Tensor {
    return F.multilabelMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** Half the square over beta within beta of the target, linear beyond. Source: `torch.nn.SmoothL1Loss`. */
export class SmoothL1Loss extends Loss {
  readonly beta: number;

  constructor({ beta = 1, ...options }: Reduced & { /** Default 1. */ beta?: number } = {}) {
    super(options);
    this.beta = beta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, beta } = this;
    return F.smoothL1Loss(input, target, { reduction, beta });
  }
}

/** Half the square within delta of the target, delta times the distance less delta / 2 beyond. Source: `torch.nn.HuberLoss`. */
export class HuberLoss extends Loss {
  readonly delta: number;

  constructor({ delta = 1, ...options }: Reduced & { /** Default 1. */ delta?: number } = {}) {
    super(options);
    this.delta = delta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, delta } = this;
    return F.huberLoss(input, target, { reduction, delta });
  }
}

/** The negative log-likelihood of counts under a Poisson distribution. Source: `torch.nn.PoissonNLLLoss`. */
export class PoissonNLLLoss extends Loss {
  readonly logInput: boolean;
  readonly full: boolean;
  readonly eps: number;

  constructor({
    logInput = true,
    full = false,
    eps = 1e-8,
    ...options
  }: Reduced & {
    /** Whether the input is the logarithm of the rate. Default true. */ logInput?: boolean /** Whether Stirling's term is added. Default false. */;
    full?: boolean /** Default 1e-8. */;
    eps?: number;
  } = {}) {
    super(options);
    this.logInput = logInput;
    this.full = full;
    this.eps = eps;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, logInput, full, eps } = this;
    return F.poissonNllLoss(input, target, { reduction, logInput, full, eps });
  }
}

/** The input for like pairs (target 1), max(margin - input, 0) for unlike ones (-1). Source: `torch.nn.HingeEmbeddingLoss`. */
export class HingeEmbeddingLoss extends Loss {
  readonly margin: number;

  constructor({ margin = 1, ...options }: Reduced & { /** Default 1. */ margin?: number } = {}) {
    super(options);
    this.margin = margin;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, margin } = this;
    return F.hingeEmbeddingLoss(input, target, { reduction, margin });
  }
}

/** The negative log-likelihood of the target under a normal distribution. Source: `torch.nn.GaussianNLLLoss`. */
export class GaussianNLLLoss extends Loss<[input: Tensor, target: Tensor, variance: Tensor]> {
  readonly full: boolean;
  readonly eps: number;

  constructor({
    full = false,
    eps = 1e-6,
    ...options
  }: Reduced & {
    /** Whether the constant term is added. Default false. */ full?: boolean /** The least variance. Default 1e-6. */;
    eps?: number;
  } = {}) {
    super(options);
    this.full = full;
    this.eps = eps;
  }

  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { reduction, full, eps } = this;
    return F.gaussianNllLoss(input, target, variance, { reduction, full, eps });
  }
}

/** max(-target * (input1 - input2) + margin, 0), target 1 or -1. Source: `torch.nn.MarginRankingLoss`. */
export class MarginRankingLoss extends Loss<[input1: Tensor, input2: Tensor, target: Tensor]> {
  readonly margin: number;

  constructor({ margin = 0, ...options }: Reduced & { /** Default 0. */ margin?: number } = {}) {
    super(options);
    this.margin = margin;
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { reduction, margin } = this;
    return F.marginRankingLoss(input1, input2, target, { reduction, margin });
  }
}

/** 1 - cos(x1, x2) for like pairs (target 1), max(cos(x1, x2) - margin, 0) for unlike ones (-1). Source: `torch.nn.CosineEmbeddingLoss`. */
export class CosineEmbeddingLoss extends Loss<[input1: Tensor, input2: Tensor, target: Tensor]> {
  readonly margin: number;

  constructor({ margin = 0, ...options }: Reduced & { /** Default 0. */ margin?: number } = {}) {
    super(options);
    this.margin = margin;
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { reduction, margin } = this;
    return F.cosineEmbeddingLoss(input1, input2, target, { reduction, margin });
  }
}

/** max(d(anchor, positive) - d(anchor, negative) + margin, 0). Source: `torch.nn.TripletMarginLoss`. */
export class TripletMarginLoss extends Loss<[anchor: Tensor, positive: Tensor, negative: Tensor]> {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;

  constructor({
    margin = 1,
    p = 2,
    eps = 1e-6,
    swap = false,
    ...options
  }: Reduced & {
    /** Default 1. */ margin?: number /** The norm. Default 2. */;
    p?: number /** Added to the differences. Default 1e-6. */;
    eps?: number /** Whether the positive may stand for the anchor. Default false. */;
    swap?: boolean;
  } = {}) {
    super(options);
    this.margin = margin;
    this.p = p;
    this.eps = eps;
    this.swap = swap;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { reduction, margin, p, eps, swap } = this;
    return F.tripletMarginLoss(anchor, positive, negative, { reduction, margin, p, eps, swap });
  }
}

/** The triplet loss with any distance, by default the Euclidean one. Source: `torch.nn.TripletMarginWithDistanceLoss`. */
export class TripletMarginWithDistanceLoss extends Loss<
  [anchor: Tensor, positive: Tensor, negative: Tensor]
> {
  readonly options: Omit<TripletOptions, 'reduction'> & {
    distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null;
  };

  constructor({
    reduction,
    ...options
  }: TripletOptions & { distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null } = {}) {
    super({ reduction });
    this.options = options;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { reduction, options } = this;
    return F.tripletMarginWithDistanceLoss(anchor, positive, negative, { reduction, ...options });
  }
}

/**
 * The cross-entropy of logits, with class indices or probabilities as targets. Give it logits, not what a softmax gave.
 *
 * Shapes: input `(N, C, ...)` or `(C,)`, target `(N, ...)` or `()` int32, or probabilities of the input's shape.
 * Source: `torch.nn.CrossEntropyLoss`.
 */
export class CrossEntropyLoss extends Loss {
  weight: Buffer | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor({
    weight,
    ignoreIndex = -100,
    labelSmoothing = 0,
    ...options
  }: F.ClassLossOptions & {
    /** How much is spread evenly over the classes. Default 0. */ labelSmoothing?: number;
  } = {}) {
    super(options);
    this.weight = asBuffer(weight);
    this.ignoreIndex = ignoreIndex;
    this.labelSmoothing = labelSmoothing;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, labelSmoothing, reduction } = this;
    return F.crossEntropy(input, target, { weight, ignoreIndex, labelSmoothing, reduction });
  }
}

/** The negative of the input, log-probabilities, at the target class. Source: `torch.nn.NLLLoss`. */
export class NLLLoss extends Loss {
  weight: Buffer | null;
  readonly ignoreIndex: number;

  constructor({ weight, ignoreIndex = -100, ...options }: F.ClassLossOptions = {}) {
    super(options);
    this.weight = asBuffer(weight);
    this.ignoreIndex = ignoreIndex;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return F.nllLoss(input, target, { weight, ignoreIndex, reduction });
  }
}

/** Binary cross-entropy of probabilities. Source: `torch.nn.BCELoss`. */
export class BCELoss extends Loss {
  weight: Buffer | null;

  constructor({
    weight,
    ...options
  }: Reduced & { /** Broadcasts to the input. */ weight?: Tensor | null } = {}) {
    super(options);
    this.weight = asBuffer(weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** Binary cross-entropy of logits, which overflows nowhere. Source: `torch.nn.BCEWithLogitsLoss`. */
export class BCEWithLogitsLoss extends Loss {
  weight: Buffer | null;
  posWeight: Buffer | null;

  constructor({
    weight,
    posWeight,
    ...options
  }: Reduced & {
    /** Broadcasts to the input. */
    weight?: Tensor | null;
    /** Multiplies the positive term; broadcasts to the input. */
    posWeight?: Tensor | null;
  } = {}) {
    super(options);
    this.weight = asBuffer(weight);
    this.posWeight = asBuffer(posWeight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return F.binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/** The mean over the classes of the binary cross-entropy of logits. Source: `torch.nn.MultiLabelSoftMarginLoss`. */
export class MultiLabelSoftMarginLoss extends Loss {
  weight: Buffer | null;

  constructor({
    weight,
    ...options
  }: Reduced & { /** Broadcasts to the input. */ weight?: Tensor | null } = {}) {
    super(options);
    this.weight = asBuffer(weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.multilabelSoftMarginLoss(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** The margins between a sample's class and the others. Source: `torch.nn.MultiMarginLoss`. */
export class MultiMarginLoss extends Loss {
  readonly p: 1 | 2;
  readonly margin: number;
  weight: Buffer | null;

  constructor({
    p = 1,
    margin = 1,
    weight,
    ...options
  }: Reduced & {
    /** The power of the margins. Default 1. */
    p?: 1 | 2;
    /** Default 1. */
    margin?: number;
    /** A factor for each class. */
    weight?: Tensor | null;
  } = {}) {
    super(options);
    this.p = p;
    this.margin = margin;
    this.weight = asBuffer(weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this;
    return F.multiMarginLoss(input, target, { p, margin, weight, reduction });
  }
}

/**
 * The Kullback-Leibler divergence of the target from the input, which holds log-probabilities. `batchmean` is the divergence as
 * mathematics has it. Source: `torch.nn.KLDivLoss`.
 */
export class KLDivLoss extends Module<[input: Tensor, target: Tensor]> {
  readonly reduction: Reduction | 'batchmean';
  readonly logTarget: boolean;

  constructor({
    reduction = 'mean',
    logTarget = false,
  }: {
    /** Default mean. */
    reduction?: Reduction | 'batchmean';
    /** Whether the target holds log-probabilities too. Default false. */
    logTarget?: boolean;
  } = {}) {
    super();
    this.reduction = reduction;
    this.logTarget = logTarget;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return F.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}

/** The cosine of the angle between vectors along a dimension. Source: `torch.nn.CosineSimilarity`. */
export class CosineSimilarity extends Module<[x1: Tensor, x2: Tensor]> {
  readonly dim: number;
  readonly eps: number;

  constructor({ dim = 1, eps = 1e-8 }: { dim?: number; eps?: number } = {}) {
    super();
    this.dim = dim;
    this.eps = eps;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return F.cosineSimilarity(x1, x2, { dim: this.dim, eps: this.eps });
  }
}

/** The p-norm of the difference along the last dimension. Source: `torch.nn.PairwiseDistance`. */
export class PairwiseDistance extends Module<[x1: Tensor, x2: Tensor]> {
  readonly p: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor({ p = 2, eps = 1e-6, keepdim = false }: { p?: number; eps?: number; keepdim?: boolean } = {}) {
    super();
    this.p = p;
    this.eps = eps;
    this.keepdim = keepdim;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return F.pairwiseDistance(x1, x2, { p: this.p, eps: this.eps, keepdim: this.keepdim });
  }
}
