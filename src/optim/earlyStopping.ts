export interface EarlyStoppingOptions {
  /** Epochs without improvement that are put up with. Default 10. */
  patience?: number;
  /** Smaller improvements do not count. Default 0. */
  minDelta?: number;
  /** Whether a lower or a higher value is better. Default min. */
  mode?: 'min' | 'max';
}

/**
 * Tells when a value, such as the validation loss, has stopped improving, and remembers what was best.
 *
 * @example
 * const stopper = new optim.EarlyStopping({ patience: 5 });
 * for (let epoch = 0; epoch < 100; epoch++) {
 *   trainOneEpoch();
 *   if (stopper.step(validate(), () => cloneOf(model.stateDict()))) break;
 * }
 */
export class EarlyStopping<S = undefined> {
  readonly patience: number;
  readonly minDelta: number;
  readonly mode: 'min' | 'max';
  /** The best value so far. */
  best: number;
  /** The step at which it came, counted from 0; -1 before the first. */
  bestStep = -1;
  /** What `snapshot` returned then. */
  bestState: S | undefined;
  badSteps = 0;
  #steps = 0;

  constructor({ patience = 10, minDelta = 0, mode = 'min' }: EarlyStoppingOptions = {}) {
    if (!Number.isInteger(patience) || patience < 0)
      throw new RangeError(`EarlyStopping: patience is ${patience}: it must be a whole number from 0`);
    if (!(minDelta >= 0))
      throw new RangeError(`EarlyStopping: minDelta is ${minDelta}: it must be at least 0`);
    this.patience = patience;
    this.minDelta = minDelta;
    this.mode = mode;
    this.best = mode === 'min' ? Infinity : -Infinity;
  }

  /** Counts one value. @returns whether to stop. NaN never counts as better. */
  step(metric: number | { item(): number }, snapshot?: () => S): boolean {
    const value = typeof metric === 'number' ? metric : metric.item();
    const gain = this.mode === 'min' ? this.best - value : value - this.best;
    if (gain > this.minDelta) {
      this.best = value;
      this.bestStep = this.#steps;
      this.bestState = snapshot?.();
      this.badSteps = 0;
    } else this.badSteps++;
    this.#steps++;
    return this.badSteps > this.patience;
  }
}
