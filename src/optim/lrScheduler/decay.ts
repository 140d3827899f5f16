import { type AnyOptimizer, checkCount, LRScheduler, type SchedulerOptions } from './scheduler.ts';

/** Multiplies the rate by `gamma` every `stepSize` epochs. Default gamma 0.1. */
export class StepLR extends LRScheduler {
  readonly stepSize: number;
  readonly gamma: number;
  constructor(
    optimizer: AnyOptimizer,
    stepSize: number,
    { gamma = 0.1, ...options }: SchedulerOptions & { gamma?: number } = {},
  ) {
    super(optimizer, options);
    checkCount('StepLR', 'stepSize', stepSize);
    this.stepSize = stepSize;
    this.gamma = gamma;
    this.start();
  }
  protected override rates(): number[] {
    const turn = this.lastEpoch > 0 && this.lastEpoch % this.stepSize === 0;
    return this.current.map((lr) => (turn ? lr * this.gamma : lr));
  }
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize));
  }
}

/** Multiplies the rate by `gamma` at each milestone. Default gamma 0.1. */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[];
  readonly gamma: number;
  constructor(
    optimizer: AnyOptimizer,
    milestones: readonly number[],
    { gamma = 0.1, ...options }: SchedulerOptions & { gamma?: number } = {},
  ) {
    super(optimizer, options);
    this.milestones = [...milestones].sort((a, b) => a - b);
    this.gamma = gamma;
    this.start();
  }
  protected override rates(): number[] {
    const times = this.milestones.filter((m) => m === this.lastEpoch).length;
    return this.current.map((lr) => lr * this.gamma ** times);
  }
  protected override closedForm(): number[] {
    const times = this.milestones.filter((m) => m <= this.lastEpoch).length;
    return this.baseLrs.map((lr) => lr * this.gamma ** times);
  }
}

/** Multiplies the rate by `gamma` every epoch. */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number;
  constructor(optimizer: AnyOptimizer, gamma: number, options?: SchedulerOptions) {
    super(optimizer, options);
    this.gamma = gamma;
    this.start();
  }
  protected override rates(): number[] {
    return this.current.map((lr) => (this.lastEpoch === 0 ? lr : lr * this.gamma));
  }
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch);
  }
}

/** Multiplies the rate by `factor` until `totalIters` epochs have passed. Defaults 1/3 and 5. */
export class ConstantLR extends LRScheduler {
  readonly factor: number;
  readonly totalIters: number;
  constructor(
    optimizer: AnyOptimizer,
    {
      factor = 1 / 3,
      totalIters = 5,
      ...options
    }: SchedulerOptions & { factor?: number; totalIters?: number } = {},
  ) {
    super(optimizer, options);
    if (!(factor >= 0 && factor <= 1))
      throw new RangeError(`ConstantLR: factor is ${factor}: it lies between 0 and 1`);
    this.factor = factor;
    this.totalIters = totalIters;
    this.start();
  }
  protected override rates(): number[] {
    const { lastEpoch, factor, totalIters } = this;
    const change = lastEpoch === 0 ? factor : lastEpoch === totalIters ? 1 / factor : 1;
    return this.current.map((lr) => lr * change);
  }
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * (this.lastEpoch >= this.totalIters ? 1 : this.factor));
  }
}

/** Moves the rate in a straight line from `startFactor` to `endFactor` times the base rate. Defaults 1/3, 1 and 5 epochs. */
export class LinearLR extends LRScheduler {
  readonly startFactor: number;
  readonly endFactor: number;
  readonly totalIters: number;
  constructor(
    optimizer: AnyOptimizer,
    {
      startFactor = 1 / 3,
      endFactor = 1,
      totalIters = 5,
      ...options
    }: SchedulerOptions & { startFactor?: number; endFactor?: number; totalIters?: number } = {},
  ) {
    super(optimizer, options);
    if (!(startFactor > 0 && startFactor <= 1))
      throw new RangeError(`LinearLR: startFactor is ${startFactor}: it lies above 0, up to 1`);
    if (!(endFactor >= 0 && endFactor <= 1))
      throw new RangeError(`LinearLR: endFactor is ${endFactor}: it lies between 0 and 1`);
    this.startFactor = startFactor;
    this.endFactor = endFactor;
    this.totalIters = totalIters;
    this.start();
  }
  #factor(epoch: number): number {
    const way = Math.min(this.totalIters, epoch) / this.totalIters;
    return this.startFactor + (this.endFactor - this.startFactor) * way;
  }
  protected override rates(): number[] {
    const { lastEpoch, totalIters } = this;
    if (lastEpoch === 0) return this.current.map((lr) => lr * this.startFactor);
    if (lastEpoch > totalIters) return this.current;
    return this.current.map((lr) => (lr * this.#factor(lastEpoch)) / this.#factor(lastEpoch - 1));
  }
  protected override closedForm(): number[] {
    return this.baseLrs.map((lr) => lr * this.#factor(this.lastEpoch));
  }
}

/** Lowers the rate to 0 along `(1 - epoch / totalIters) ** power`. Defaults 5 epochs and 1. */
export class PolynomialLR extends LRScheduler {
  readonly totalIters: number;
  readonly power: number;
  constructor(
    optimizer: AnyOptimizer,
    {
      totalIters = 5,
      power = 1,
      ...options
    }: SchedulerOptions & { totalIters?: number; power?: number } = {},
  ) {
    super(optimizer, options);
    this.totalIters = totalIters;
    this.power = power;
    this.start();
  }
  protected override rates(): number[] {
    const { lastEpoch, totalIters, power } = this;
    if (lastEpoch === 0 || lastEpoch > totalIters) return this.current;
    const change = ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power;
    return this.current.map((lr) => lr * change);
  }
  protected override closedForm(): number[] {
    const { lastEpoch, totalIters, power } = this;
    return this.baseLrs.map((lr) => lr * (1 - Math.min(totalIters, lastEpoch) / totalIters) ** power);
  }
}

/** The base rate times a function of the epoch; one function, or one a group. */
export class LambdaLR extends LRScheduler {
  readonly lrLambdas: readonly ((epoch: number) => number)[];
  constructor(
    optimizer: AnyOptimizer,
    lrLambda: ((epoch: number) => number) | readonly ((epoch: number) => number)[],
    options?: SchedulerOptions,
  ) {
    super(optimizer, options);
    const groups = optimizer.paramGroups.length;
    this.lrLambdas = typeof lrLambda === 'function' ? new Array(groups).fill(lrLambda) : lrLambda;
    if (this.lrLambdas.length !== groups)
      throw new RangeError(`LambdaLR: ${this.lrLambdas.length} functions for ${groups} groups`);
    this.start();
  }
  protected override rates(): number[] {
    return this.baseLrs.map((lr, i) => lr * this.lrLambdas[i](this.lastEpoch));
  }
}
