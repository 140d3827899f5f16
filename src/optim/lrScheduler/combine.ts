import { type AnyOptimizer, LRScheduler, type SchedulerStateDict } from './scheduler.ts';

/** One scheduler after another: the i-th runs until the i-th milestone, each counting its epochs from 0. */
export class SequentialLR extends LRScheduler {
  readonly schedulers: readonly LRScheduler[];
  readonly milestones: readonly number[];

  constructor(optimizer: AnyOptimizer, schedulers: readonly LRScheduler[], milestones: readonly number[]) {
    if (schedulers.length === 0) throw new RangeError('SequentialLR: got no schedulers');
    if (milestones.length !== schedulers.length - 1)
      throw new RangeError(
        `SequentialLR: ${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got ${milestones.length}`,
      );
    if (schedulers.some((s) => s.optimizer !== optimizer))
      throw new Error('SequentialLR: a scheduler belongs to another optimizer');
    for (const group of optimizer.paramGroups) group.lr = group.initialLr ?? group.lr;
    super(optimizer);
    this.schedulers = schedulers;
    this.milestones = milestones;
    // Each scheduler has set its first rate already when it was made; only the first one's counts.
    for (const scheduler of schedulers) scheduler.lastEpoch--;
    schedulers[0].step();
    this.lastEpoch = 0;
    this.setLastLr(schedulers[0].getLastLr());
  }

  protected override rates(): number[] {
    return this.current;
  }

  override step(): void {
    this.lastEpoch++;
    const index = this.milestones.filter((m) => m <= this.lastEpoch).length;
    const scheduler = this.schedulers[index];
    if (index > 0 && this.milestones[index - 1] === this.lastEpoch) scheduler.step(0);
    else scheduler.step();
    this.setLastLr(scheduler.getLastLr());
  }

  override stateDict(): SchedulerStateDict {
    return { ...super.stateDict(), schedulers: this.schedulers.map((s) => s.stateDict()) };
  }

  override loadStateDict(state: SchedulerStateDict): void {
    super.loadStateDict(state);
    (state.schedulers as SchedulerStateDict[]).forEach((own, i) => {
      this.schedulers[i].loadStateDict(own);
    });
  }
}

/** Several schedulers at once: each multiplies what the others leave. */
export class ChainedScheduler {
  readonly schedulers: readonly LRScheduler[];

  constructor(schedulers: readonly LRScheduler[]) {
    if (schedulers.length === 0) throw new RangeError('ChainedScheduler: got no schedulers');
    if (schedulers.some((s) => s.optimizer !== schedulers[0].optimizer))
      throw new Error('ChainedScheduler: the schedulers belong to different optimizers');
    this.schedulers = schedulers;
  }

  step(): void {
    for (const scheduler of this.schedulers) scheduler.step();
  }

  getLastLr(): number[] {
    return this.schedulers[0].optimizer.paramGroups.map((group) => group.lr);
  }

  stateDict(): { schedulers: SchedulerStateDict[] } {
    return { schedulers: this.schedulers.map((s) => s.stateDict()) };
  }

  loadStateDict(state: { schedulers: SchedulerStateDict[] }): void {
    state.schedulers.forEach((own, i) => {
      this.schedulers[i].loadStateDict(own);
    });
  }
}
