import { noGrad } from '../autograd/mode.ts';
import { copyKernel } from '../ops/cast.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface EMAOptions {
  /** How much of the average is kept at each update. Default 0.999. */
  decay?: number;
  /** Lets the decay grow from 0 as (1 + n) / (10 + n), so that early averages are not dominated by the start. Default false. */
  warmup?: boolean;
}

/**
 * Exponential moving averages of parameters: `average = decay * average + (1 - decay) * parameter`.
 *
 * @example
 * const ema = new optim.EMA(model.parameters(), { decay: 0.99 });
 * // after each optimizer.step(): ema.update()
 * ema.within(() => evaluate(model)); // with the averages in place of the parameters
 *
 * Source: Polyak and Juditsky 1992; `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn`.
 */
export class EMA {
  readonly parameters: readonly Tensor[];
  readonly averages: readonly Tensor[];
  readonly decay: number;
  readonly #warmup: boolean;
  updates = 0;

  constructor(parameters: Iterable<Tensor>, { decay = 0.999, warmup = false }: EMAOptions = {}) {
    if (!(decay >= 0 && decay <= 1)) throw new RangeError(`EMA: decay is ${decay}: it lies between 0 and 1`);
    this.parameters = [...parameters];
    this.decay = decay;
    this.#warmup = warmup;
    this.averages = this.parameters.map((p) => p.detach().clone());
  }

  /** Moves the averages towards the present parameters. */
  update(): void {
    const decay = this.#warmup ? Math.min(this.decay, (1 + this.updates) / (10 + this.updates)) : this.decay;
    this.updates++;
    noGrad(() => {
      this.parameters.forEach((parameter, t) => {
        const { elements: a, offset: ao, size } = this.averages[t];
        const dense = parameter.contiguous();
        const { elements: p, offset: po } = dense;
        for (let i = 0; i < size; i++) a[ao + i] = decay * a[ao + i] + (1 - decay) * p[po + i];
        this.averages[t].storage.version++;
      });
    });
  }

  /** Overwrites the parameters with the averages. */
  copyTo(): void {
    this.parameters.forEach((p, i) => {
      copyKernel(p, this.averages[i]);
      p.storage.version++;
    });
  }

  /** Runs `body` with the averages in place of the parameters, and puts the parameters back, also after an error. */
  within<T>(body: () => T): T {
    const kept = this.parameters.map((p) => p.detach().clone());
    const restore = (): void =>
      this.parameters.forEach((p, i) => {
        copyKernel(p, kept[i]);
        p.storage.version++;
      });
    this.copyTo();
    let result: T;
    try {
      result = body();
    } catch (error) {
      restore();
      throw error;
    }
    if (result instanceof Promise) return result.finally(restore) as T;
    restore();
    return result;
  }
}
