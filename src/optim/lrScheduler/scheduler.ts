import type { LearningRate, Optimizer } from '../optimizer.ts';

/** The groups that schedulers see: a learning rate, and whatever else the optimizer has (momentum, betas). */
export type AnyOptimizer = Optimizer<LearningRate>;

export interface SchedulerOptions {
  /** The epoch to go on from, with optimizers that were loaded; -1 starts anew. Default -1. */
  lastEpoch?: number;
}

export interface SchedulerStateDict {
  lastEpoch: number;
  baseLrs: number[];
  lastLr: number[];
  [key: string]: unknown;
}

/**
 * The base of all schedulers: sets the learning rate of every group when it is made and after each `step()`, which is called after
 * `optimizer.step()`, once an epoch (or once a batch, where the schedule counts batches).
 *
 * Source: `torch.optim.lr_scheduler`. Most rules multiply the present rate, so that schedulers can be chained.
 */
export abstract class LRScheduler {
  readonly optimizer: AnyOptimizer;
  /** How many steps were made. */
  lastEpoch: number;
  /** The rate of each group when the schedule began. */
  baseLrs: number[];
  #lastLr: number[] = [];

  constructor(optimizer: AnyOptimizer, { lastEpoch = -1 }: SchedulerOptions = {}) {
    this.optimizer = optimizer;
    this.lastEpoch = lastEpoch;
    for (const group of optimizer.paramGroups) {
      if (lastEpoch === -1) group.initialLr ??= group.lr;
      else if (group.initialLr === undefined)
        throw new Error(
          `${this.constructor.name}: lastEpoch ${lastEpoch} goes on with a schedule, but a group has no initialLr: load the optimizer's state first`,
        );
    }
    this.baseLrs = optimizer.paramGroups.map((group) => group.initialLr as number);
  }

  /** Subclasses call it at the end of their constructor: sets the first rate. Error: NaN among their numbers. */
  protected start(): void {
    checkNumbers(this.constructor.name, this);
    this.step();
  }

  /** The rates after the present step, from the groups' present rates. */
  protected abstract rates(): number[];

  /** The rates at `lastEpoch` from the base rates alone, where the rule has such a form. */
  protected closedForm(): number[] | null {
    return null;
  }

  /** Goes on by one epoch, or to the given one. */
  step(epoch?: number): void {
    this.lastEpoch = epoch ?? this.lastEpoch + 1;
    this.apply(epoch === undefined ? this.rates() : (this.closedForm() ?? this.rates()));
  }

  protected apply(rates: readonly number[]): void {
    if (rates.some(Number.isNaN))
      throw new RangeError(
        `${this.constructor.name}: the learning rate becomes NaN at step ${this.lastEpoch}: one of the numbers that the schedule was given is NaN`,
      );
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = rates[i];
    });
    this.#lastLr = [...rates];
  }

  /** The rate of each group, as last set. */
  getLastLr(): number[] {
    return [...this.#lastLr];
  }

  protected setLastLr(rates: readonly number[]): void {
    this.#lastLr = [...rates];
  }

  /** The groups' present rates. */
  protected get current(): number[] {
    return this.optimizer.paramGroups.map((group) => group.lr);
  }

  /** The numbers that the schedule needs to go on. */
  stateDict(): SchedulerStateDict {
    return { lastEpoch: this.lastEpoch, baseLrs: [...this.baseLrs], lastLr: this.getLastLr() };
  }

  /** Goes on where another scheduler of the same kind stopped. The optimizer's own state is loaded apart. */
  loadStateDict(state: SchedulerStateDict): void {
    if (state.baseLrs.length !== this.baseLrs.length)
      throw new RangeError(
        `${this.constructor.name}.loadStateDict: the state is of ${state.baseLrs.length} groups, the optimizer has ${this.baseLrs.length}`,
      );
    this.lastEpoch = state.lastEpoch;
    this.baseLrs = [...state.baseLrs];
    this.setLastLr(state.lastLr);
  }
}

/** Error: NaN among the numbers that a schedule is given. */
export function checkNumbers(scheduler: string, settings: object): void {
  for (const [name, value] of Object.entries(settings))
    if ([value].flat().some(Number.isNaN))
      throw new RangeError(`${scheduler}: ${name} is NaN: give a number`);
}

/** Error: not a whole number from `low`. */
export function checkCount(scheduler: string, name: string, value: number, low = 1): void {
  if (!Number.isInteger(value) || value < low)
    throw new RangeError(`${scheduler}: ${name} is ${value}: it must be a whole number from ${low}`);
}
