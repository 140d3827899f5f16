import { type AnyOptimizer, checkCount, LRScheduler, type SchedulerOptions } from './scheduler.ts';

/** A group's momentum, under either of its names: `momentum` (SGD) or the first of `betas` (Adam). */
interface Momentum {
  momentum?: number;
  betas?: readonly [number, number];
}

const momentumOf = (group: Momentum): number | undefined => group.betas?.[0] ?? group.momentum;

function setMomentum(group: Momentum, value: number): void {
  if (group.betas) group.betas = [value, group.betas[1]];
  else group.momentum = value;
}

/** Error: an optimizer without momentum, whose momentum is to be cycled. */
function requireMomentum(scheduler: string, optimizer: AnyOptimizer): void {
  for (const group of optimizer.paramGroups as Momentum[])
    if (momentumOf(group) === undefined)
      throw new Error(
        `${scheduler}: the optimizer has neither momentum nor betas to cycle: pass {cycleMomentum: false}`,
      );
}

const perGroup = (
  scheduler: string,
  name: string,
  value: number | readonly number[],
  groups: number,
): number[] => {
  const values = typeof value === 'number' ? new Array<number>(groups).fill(value) : [...value];
  if (values.length !== groups)
    throw new RangeError(`${scheduler}: ${values.length} values of ${name} for ${groups} groups`);
  return values;
};

export interface CyclicOptions extends SchedulerOptions {
  /** Steps from the base rate up. Default 2000. */
  stepSizeUp?: number;
  /** Steps down again. Default stepSizeUp. */
  stepSizeDown?: number;
  /** The peak stays (`triangular`), halves each cycle (`triangular2`), or shrinks by `gamma` a step (`expRange`). */
  mode?: 'triangular' | 'triangular2' | 'expRange';
  /** Default 1. */
  gamma?: number;
  /** A peak of one's own: the factor at a cycle's number, or at the step's, by `scaleMode`; mode is not used then. */
  scaleFn?: (x: number) => number;
  /** Default cycle. */
  scaleMode?: 'cycle' | 'iterations';
  /** Cycles the momentum the other way. Default true. */
  cycleMomentum?: boolean;
  /** Default 0.8. */
  baseMomentum?: number | readonly number[];
  /** Default 0.9. */
  maxMomentum?: number | readonly number[];
}

/** Moves the rate between two bounds, up and down in straight lines; `step()` after each batch. Source: Smith 2017. */
export class CyclicLR extends LRScheduler {
  readonly #maxLrs: number[];
  readonly #momenta: readonly [number[], number[]] | null;
  readonly #total: number;
  readonly #ratio: number;
  readonly #scale: (x: number) => number;
  readonly #byCycle: boolean;

  constructor(
    optimizer: AnyOptimizer,
    baseLr: number | readonly number[],
    maxLr: number | readonly number[],
    {
      stepSizeUp = 2000,
      stepSizeDown = stepSizeUp,
      mode = 'triangular',
      gamma = 1,
      scaleFn,
      scaleMode = 'cycle',
      cycleMomentum = true,
      baseMomentum = 0.8,
      maxMomentum = 0.9,
      ...options
    }: CyclicOptions = {},
  ) {
    super(optimizer, options);
    const groups = optimizer.paramGroups.length;
    checkCount('CyclicLR', 'stepSizeUp', stepSizeUp);
    checkCount('CyclicLR', 'stepSizeDown', stepSizeDown);
    const bases = perGroup('CyclicLR', 'baseLr', baseLr, groups);
    this.#maxLrs = perGroup('CyclicLR', 'maxLr', maxLr, groups);
    if (cycleMomentum) requireMomentum('CyclicLR', optimizer);
    if (this.lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.initialLr = group.lr = bases[i];
      });
      this.baseLrs = bases;
    }
    this.#momenta = cycleMomentum
      ? [
          perGroup('CyclicLR', 'baseMomentum', baseMomentum, groups),
          perGroup('CyclicLR', 'maxMomentum', maxMomentum, groups),
        ]
      : null;
    this.#total = stepSizeUp + stepSizeDown;
    this.#ratio = stepSizeUp / this.#total;
    this.#byCycle = scaleFn ? scaleMode === 'cycle' : mode !== 'expRange';
    this.#scale =
      scaleFn ??
      {
        triangular: () => 1,
        triangular2: (cycle: number) => 0.5 ** (cycle - 1),
        expRange: (n: number) => gamma ** n,
      }[mode];
    if (!this.#scale)
      throw new RangeError(`CyclicLR: mode '${mode}' is unknown: use triangular, triangular2 or expRange`);
    this.start();
  }

  protected override rates(): number[] {
    const cycle = Math.floor(1 + this.lastEpoch / this.#total);
    const place = 1 + this.lastEpoch / this.#total - cycle;
    const height = place <= this.#ratio ? place / this.#ratio : (place - 1) / (this.#ratio - 1);
    const scaled = height * this.#scale(this.#byCycle ? cycle : this.lastEpoch);
    if (this.#momenta) {
      const [low, high] = this.#momenta;
      (this.optimizer.paramGroups as Momentum[]).forEach((group, i) => {
        setMomentum(group, high[i] - (high[i] - low[i]) * scaled);
      });
    }
    return this.baseLrs.map((low, i) => low + (this.#maxLrs[i] - low) * scaled);
  }
}

export interface OneCycleOptions extends SchedulerOptions {
  /** All steps of the cycle; or epochs and stepsPerEpoch. */
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** The part of the steps on which the rate rises. Default 0.3. */
  pctStart?: number;
  /** Default cos. */
  annealStrategy?: 'cos' | 'linear';
  /** Cycles the momentum the other way. Default true. */
  cycleMomentum?: boolean;
  /** Default 0.85. */
  baseMomentum?: number | readonly number[];
  /** Default 0.95. */
  maxMomentum?: number | readonly number[];
  /** The first rate is maxLr / divFactor. Default 25. */
  divFactor?: number;
  /** The last rate is the first / finalDivFactor. Default 1e4. */
  finalDivFactor?: number;
  /** Three phases instead of two: up, down the same way, then to the last rate. Default false. */
  threePhase?: boolean;
}

interface Phase {
  end: number;
  lr: readonly [number, number];
  momentum: readonly [number, number];
}

/** Up to `maxLr` and far down again within a known number of steps; `step()` after each batch. Source: Smith and Topin 2018. */
export class OneCycleLR extends LRScheduler {
  readonly totalSteps: number;
  readonly #phases: Phase[][];
  readonly #cycleMomentum: boolean;
  readonly #anneal: (from: number, to: number, way: number) => number;

  constructor(optimizer: AnyOptimizer, maxLr: number | readonly number[], options: OneCycleOptions) {
    super(optimizer, options);
    const {
      epochs,
      stepsPerEpoch,
      pctStart = 0.3,
      annealStrategy = 'cos',
      cycleMomentum = true,
      divFactor = 25,
      finalDivFactor = 1e4,
      threePhase = false,
    } = options;
    const total = options.totalSteps ?? (epochs ?? 0) * (stepsPerEpoch ?? 0);
    checkCount('OneCycleLR', 'totalSteps (or epochs * stepsPerEpoch)', total);
    if (!(pctStart >= 0 && pctStart <= 1))
      throw new RangeError(`OneCycleLR: pctStart is ${pctStart}: it lies between 0 and 1`);
    if (cycleMomentum) requireMomentum('OneCycleLR', optimizer);
    const groups = optimizer.paramGroups.length;
    const peaks = perGroup('OneCycleLR', 'maxLr', maxLr, groups);
    const low = perGroup('OneCycleLR', 'baseMomentum', options.baseMomentum ?? 0.85, groups);
    const high = perGroup('OneCycleLR', 'maxMomentum', options.maxMomentum ?? 0.95, groups);
    const firsts = peaks.map((peak) => peak / divFactor);
    if (this.lastEpoch === -1)
      optimizer.paramGroups.forEach((group, i) => {
        group.initialLr = firsts[i];
      });
    this.baseLrs = firsts;
    this.totalSteps = total;
    this.#cycleMomentum = cycleMomentum;
    this.#anneal =
      annealStrategy === 'cos'
        ? (from, to, way) => to + ((from - to) / 2) * (1 + Math.cos(Math.PI * way))
        : (from, to, way) => from + (to - from) * way;
    const rise = pctStart * total - 1;
    this.#phases = peaks.map((peak, i) => {
      const [first, last] = [firsts[i], firsts[i] / finalDivFactor];
      const up: Phase = { end: rise, lr: [first, peak], momentum: [high[i], low[i]] };
      return threePhase
        ? [
            up,
            { end: 2 * rise, lr: [peak, first], momentum: [low[i], high[i]] },
            { end: total - 1, lr: [first, last], momentum: [high[i], high[i]] },
          ]
        : [up, { end: total - 1, lr: [peak, last], momentum: [low[i], high[i]] }];
    });
    this.start();
  }

  protected override rates(): number[] {
    const step = this.lastEpoch;
    if (step > this.totalSteps)
      throw new RangeError(
        `OneCycleLR: step ${step} is one too many: the cycle has ${this.totalSteps} steps`,
      );
    return this.#phases.map((phases, i) => {
      let start = 0;
      let phase = phases[0];
      for (let k = 0; k < phases.length; k++) {
        phase = phases[k];
        if (step <= phase.end || k === phases.length - 1) break;
        start = phase.end;
      }
      const way = (step - start) / (phase.end - start);
      if (this.#cycleMomentum)
        setMomentum(this.optimizer.paramGroups[i] as Momentum, this.#anneal(...phase.momentum, way));
      return this.#anneal(...phase.lr, way);
    });
  }
}
