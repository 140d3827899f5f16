import { assign } from '../autograd/inplace.ts';
import type { Tensor } from '../tensor/tensor.ts';
import * as F from './functional/dropout.ts';
import { Module } from './module.ts';
import { float, repr } from './repr.ts';

/** What all dropouts share: the probability, active while training only. */
abstract class DropoutLayer extends Module {
  readonly p: number;
  readonly inplace: boolean;

  constructor(p = 0.5, { inplace = false }: { inplace?: boolean } = {}) {
    super();
    if (!(p >= 0 && p <= 1))
      throw new RangeError(`${this.typeName}: dropout probability has to be between 0 and 1, but got ${p}`);
    this.p = p;
    this.inplace = inplace;
  }

  protected abstract drop(input: Tensor): Tensor;

  forward(input: Tensor): Tensor {
    const output = this.drop(input);
    return this.inplace && output !== input ? assign(this.typeName, input, output) : output;
  }

  override extraRepr(): string {
    return repr([], { p: this.p === 0 || this.p === 1 ? float(this.p) : this.p, inplace: this.inplace });
  }
}

/** Sets elements to 0 with probability p while training, and divides the others by 1 - p. Source: `torch.nn.Dropout`. */
export class Dropout extends DropoutLayer {
  protected drop(input: Tensor): Tensor {
    return F.dropout(input, this.p, { training: this.training });
  }
}

/** Dropout of whole channels of `(N, C, L)` or `(C, L)`. Source: `torch.nn.Dropout1d`. */
export class Dropout1d extends DropoutLayer {
  protected drop(input: Tensor): Tensor {
    return F.dropout1d(input, this.p, { training: this.training });
  }
}

/** Dropout of whole channels of `(N, C, H, W)`. Source: `torch.nn.Dropout2d`. */
export class Dropout2d extends DropoutLayer {
  protected drop(input: Tensor): Tensor {
    return F.dropout2d(input, this.p, { training: this.training });
  }
}

/** Dropout of whole channels of `(N, C, D, H, W)` or `(C, D, H, W)`. Source: `torch.nn.Dropout3d`. */
export class Dropout3d extends DropoutLayer {
  protected drop(input: Tensor): Tensor {
    return F.dropout3d(input, this.p, { training: this.training });
  }
}

/** Dropout that keeps mean 0 and variance 1 of SELU's values. Source: `torch.nn.AlphaDropout`. */
export class AlphaDropout extends DropoutLayer {
  protected drop(input: Tensor): Tensor {
    return F.alphaDropout(input, this.p, { training: this.training });
  }
}

/** Alpha dropout of whole channels. Source: `torch.nn.FeatureAlphaDropout`. */
export class FeatureAlphaDropout extends DropoutLayer {
  protected drop(input: Tensor): Tensor {
    return F.featureAlphaDropout(input, this.p, { training: this.training });
  }
}
