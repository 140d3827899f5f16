import { type AnyOptimizer, checkCount, LRScheduler, type SchedulerOptions } from './scheduler.ts';

/**
 * Lowers the rate along half a cosine to `etaMin` within `tMax` epochs, and up again after that. Default etaMin 0.
 *
 * Sources: Loshchilov and Hutter 2017; `torch.optim.lr_scheduler.CosineAnnealingLR`.
 */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number;
  readonly etaMin: number;
  constructor(
    optimizer: AnyOptimizer,
    tMax: number,
    { etaMin = 0, ...options }: SchedulerOptions & { etaMin?: number } = {},
  ) {
    super(optimizer, options);
    checkCount('CosineAnnealingLR', 'tMax', tMax);
    this.tMax = tMax;
    this.etaMin = etaMin;
    this.start();
  }
  protected override rates(): number[] {
    const { lastEpoch, tMax, etaMin } = this;
    if (lastEpoch === 0) return this.current;
    if ((lastEpoch - 1 - tMax) % (2 * tMax) === 0)
      return this.current.map(
        (lr, i) => lr + ((this.baseLrs[i] - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2,
      );
    const now = 1 + Math.cos((Math.PI * lastEpoch) / tMax);
    const before = 1 + Math.cos((Math.PI * (lastEpoch - 1)) / tMax);
    return this.current.map((lr) => (now / before) * (lr - etaMin) + etaMin);
  }
  protected override closedForm(): number[] {
    const way = (1 + Math.cos((Math.PI * this.lastEpoch) / this.tMax)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * way);
  }
}

/**
 * Half a cosine down, then a restart at the base rate; each period is `tMult` times as long as the last. Defaults tMult 1, etaMin 0.
 *
 * `step(epoch)` takes fractions, for a step after each batch.
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  readonly t0: number;
  readonly tMult: number;
  readonly etaMin: number;
  constructor(
    optimizer: AnyOptimizer,
    t0: number,
    { tMult = 1, etaMin = 0, ...options }: SchedulerOptions & { tMult?: number; etaMin?: number } = {},
  ) {
    super(optimizer, options);
    checkCount('CosineAnnealingWarmRestarts', 't0', t0);
    checkCount('CosineAnnealingWarmRestarts', 'tMult', tMult);
    this.t0 = t0;
    this.tMult = tMult;
    this.etaMin = etaMin;
    this.start();
  }
  protected override rates(): number[] {
    let period = this.t0;
    let place = this.lastEpoch;
    if (this.tMult === 1) place %= period;
    else
      while (place >= period) {
        place -= period;
        period *= this.tMult;
      }
    const way = (1 + Math.cos((Math.PI * place) / period)) / 2;
    return this.baseLrs.map((lr) => this.etaMin + (lr - this.etaMin) * way);
  }
}
