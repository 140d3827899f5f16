import { type AnyOptimizer, checkCount, checkNumbers } from './scheduler.ts';

interface PlateauState {
  best: number;
  numBadEpochs: number;
  cooldownCounter: number;
  lastEpoch: number;
  lastLr: number[];
}

export interface PlateauOptions {
  /** Whether a lower or a higher value is better. Default min. */
  mode?: 'min' | 'max';
  /** What the rate is multiplied by. Below 1. Default 0.1. */
  factor?: number;
  /** Steps without improvement that are put up with; one more lowers the rate. Default 10. */
  patience?: number;
  /** What counts as better: by this part of the best (`rel`), or by this much (`abs`). Default 1e-4. */
  threshold?: number;
  /** Default rel. */
  thresholdMode?: 'rel' | 'abs';
  /** Steps to wait after a change before counting again. Default 0. */
  cooldown?: number;
  /** The lowest rate. Default 0. */
  minLr?: number | readonly number[];
  /** Smaller changes of the rate are not made. Default 1e-8. */
  eps?: number;
}

/**
 * Lowers the rate when a value, such as the validation loss, has stopped improving: `scheduler.step(loss)`.
 *
 * Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`.
 */
export class ReduceLROnPlateau {
  readonly optimizer: AnyOptimizer;
  best: number;
  numBadEpochs = 0;
  cooldownCounter = 0;
  lastEpoch = 0;
  readonly #options: Required<PlateauOptions>;
  readonly #minLrs: readonly number[];

  constructor(optimizer: AnyOptimizer, options: PlateauOptions = {}) {
    this.optimizer = optimizer;
    this.#options = {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel',
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...options,
    };
    const { factor, minLr, mode, patience, cooldown } = this.#options;
    checkCount('ReduceLROnPlateau', 'patience', patience, 0);
    checkCount('ReduceLROnPlateau', 'cooldown', cooldown, 0);
    checkNumbers('ReduceLROnPlateau', this.#options);
    if (!(factor < 1)) throw new RangeError(`ReduceLROnPlateau: factor is ${factor}: it must be below 1`);
    const groups = optimizer.paramGroups.length;
    this.#minLrs = typeof minLr === 'number' ? new Array<number>(groups).fill(minLr) : minLr;
    if (this.#minLrs.length !== groups)
      throw new RangeError(`ReduceLROnPlateau: ${this.#minLrs.length} values of minLr for ${groups} groups`);
    this.best = mode === 'min' ? Infinity : -Infinity;
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const bound = thresholdMode === 'rel' ? this.best * (1 + sign * threshold) : this.best + sign * threshold;
    return mode === 'min' ? value < bound : value > bound;
  }

  /** Counts one value, and lowers the rates where there have been too many bad ones. */
  step(metric: number | { item(): number }): void {
    const value = typeof metric === 'number' ? metric : metric.item();
    const { patience, cooldown, factor, eps } = this.#options;
    this.lastEpoch++;
    if (this.#isBetter(value)) {
      this.best = value;
      this.numBadEpochs = 0;
    } else this.numBadEpochs++;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs <= patience) return;
    this.optimizer.paramGroups.forEach((group, i) => {
      const lower = Math.max(group.lr * factor, this.#minLrs[i]);
      if (group.lr - lower > eps) group.lr = lower;
    });
    this.cooldownCounter = cooldown;
    this.numBadEpochs = 0;
  }

  /** The rate of each group. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map((group) => group.lr);
  }

  stateDict(): PlateauState {
    const { best, numBadEpochs, cooldownCounter, lastEpoch } = this;
    return { best, numBadEpochs, cooldownCounter, lastEpoch, lastLr: this.getLastLr() };
  }

  loadStateDict(state: PlateauState): void {
    this.best = state.best;
    this.numBadEpochs = state.numBadEpochs;
    this.cooldownCounter = state.cooldownCounter;
    this.lastEpoch = state.lastEpoch;
  }
}
