import { noGrad } from '../autograd/mode.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Learns a shift and a scale for each column of `(N, D)` data, to be used on other data of the same columns. */
abstract class Scaler {
  protected shift: Tensor | null = null;
  protected factor: Tensor | null = null;

  protected abstract learn(data: Tensor): void;

  /** Learns from training data `(N, D)`. Errors: not two dimensions; no rows. @returns the scaler. */
  fit(data: Tensor): this {
    if (data.ndim !== 2 || data.shape[0] === 0)
      throw new RangeError(
        `${this.constructor.name}.fit: needs data (N, D) with N at least 1, got ${formatShape(data.shape)}`,
      );
    noGrad(() => this.learn(data.isFloating ? data.detach() : data.to('float32')));
    return this;
  }

  #learned(data: Tensor): [Tensor, Tensor] {
    const { shift, factor } = this;
    if (!shift || !factor)
      throw new Error(`${this.constructor.name}: call fit(trainingData) first, on the training data only`);
    if (data.ndim !== 2 || data.shape[1] !== shift.shape[0])
      throw new RangeError(
        `${this.constructor.name}: was fitted on ${shift.shape[0]} columns, got ${formatShape(data.shape)}`,
      );
    return [shift, factor];
  }

  /** The data in the learned scale. Error: not fitted, or other columns. */
  transform(data: Tensor): Tensor {
    const [shift, factor] = this.#learned(data);
    return data.sub(shift).div(factor);
  }

  /** `fit`, then `transform` of the same data. */
  fitTransform(data: Tensor): Tensor {
    return this.fit(data).transform(data);
  }

  /** Back to the original scale. */
  inverseTransform(data: Tensor): Tensor {
    const [shift, factor] = this.#learned(data);
    return data.mul(factor).add(shift);
  }
}

/** A scale of 1 where it would be 0, so that a constant column gives 0 instead of 0/0. */
const withoutZeros = (scale: Tensor): Tensor => scale.add(scale.eq(0).to(scale.dtype));

/**
 * Normalisation: (x - min) / (max - min) for each column, so that the training data fill `range` (default [0, 1]).
 *
 * A constant column gives the lower end. Other data may fall outside. Source: scikit-learn's `MinMaxScaler`.
 */
export class MinMaxScaler extends Scaler {
  readonly range: readonly [number, number];
  /** Least and greatest value of each column, after `fit`. */
  dataMin: Tensor | null = null;
  dataMax: Tensor | null = null;

  constructor({ range = [0, 1] }: { range?: readonly [number, number] } = {}) {
    super();
    if (!(range[0] < range[1])) throw new RangeError(`MinMaxScaler: the range [${range}] is empty`);
    this.range = range;
  }

  protected override learn(data: Tensor): void {
    const [low, high] = this.range;
    this.dataMin = data.amin(0);
    this.dataMax = data.amax(0);
    this.factor = withoutZeros(this.dataMax.sub(this.dataMin)).div(high - low);
    this.shift = this.dataMin.sub(this.factor.mul(low));
  }
}

/**
 * Standardisation: (x - mean) / standard deviation (divided by N) for each column.
 *
 * A constant column gives 0. Source: scikit-learn's `StandardScaler`.
 */
export class StandardScaler extends Scaler {
  /** Mean of each column, after `fit`. */
  mean: Tensor | null = null;
  /** Standard deviation of each column, after `fit`. */
  std: Tensor | null = null;

  protected override learn(data: Tensor): void {
    this.mean = data.mean(0);
    this.std = data.std(0, { correction: 0 });
    this.shift = this.mean;
    this.factor = withoutZeros(this.std);
  }
}
