import { kernel } from '../engine/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type Batch,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type Params,
  pick,
  zerosLike,
} from './optimizer.ts';

export interface AdamOptions {
  /** The learning rate. Default 1e-3. */
  lr: number;
  /** How much of the running mean and of the running mean square is kept at each step. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the mean square after its bias correction. Default 1e-8. */
  eps: number;
  /** Adam: L2 penalty, added to the gradient; default 0. AdamW: shrinks the parameter by `lr * weightDecay` first; default 0.01. */
  weightDecay: number;
  /** Divides by the largest mean square so far. Default false. */
  amsgrad: boolean;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface AdamState extends OptimizerState {
  step: number;
  expAvg: Tensor;
  expAvgSq: Tensor;
}

/** One Adam step at step number `step` over lists of row-major tensors; `maxSquares` is empty without amsgrad. */
export const adamKernel = kernel(
  'optim.adam',
  (
    params: readonly Tensor[],
    grads: readonly Tensor[],
    means: readonly Tensor[],
    squares: readonly Tensor[],
    maxSquares: readonly Tensor[],
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    decoupled: boolean,
    maximize: boolean,
    step: number,
  ) => {
    const stepSize = lr / (1 - beta1 ** step);
    const root = Math.sqrt(1 - beta2 ** step);
    params.forEach((param, t) => {
      const { elements: p, offset: po, size } = param;
      const { elements: g, offset: go } = grads[t];
      const { elements: m, offset: mo } = means[t];
      const { elements: v, offset: vo } = squares[t];
      const largest = maxSquares.length > 0 ? maxSquares[t] : null;
      for (let i = 0; i < size; i++) {
        let gradient = maximize ? -g[go + i] : g[go + i];
        if (decoupled) p[po + i] *= 1 - lr * weightDecay;
        else gradient += weightDecay * p[po + i];
        m[mo + i] += (1 - beta1) * (gradient - m[mo + i]);
        v[vo + i] = beta2 * v[vo + i] + (1 - beta2) * gradient * gradient;
        let square = v[vo + i];
        if (largest) {
          const at = largest.offset + i;
          square = largest.elements[at] = Math.max(largest.elements[at], square);
        }
        p[po + i] -= (stepSize * m[mo + i]) / (Math.sqrt(square) / root + eps);
      }
    });
  },
);

abstract class AdamBase extends Optimizer<AdamOptions> {
  protected abstract readonly decoupled: boolean;

  protected override check(group: ParamGroup<AdamOptions>): void {
    super.check(group);
    this.atLeast(group.betas[0], 'betas[0]', 0, 1);
    this.atLeast(group.betas[1], 'betas[1]', 0, 1);
    this.atLeast(group.eps, 'eps', 0);
    this.atLeast(group.weightDecay, 'weightDecay', 0);
  }

  protected override update(group: ParamGroup<AdamOptions>, batch: Batch): void {
    const { lr, betas, eps, weightDecay, amsgrad, maximize } = group;
    const states = batch.owners.map((_, i) =>
      batch.stateOf<AdamState>(i, (p) => ({
        step: 0,
        expAvg: zerosLike(p),
        expAvgSq: zerosLike(p),
        ...(amsgrad ? { maxExpAvgSq: zerosLike(p) } : {}),
      })),
    );
    for (const state of states) state.step++;
    for (const [step, places] of batch.split((i) => states[i].step)) {
      const own = pick(states, places);
      adamKernel(
        pick(batch.params, places),
        pick(batch.grads, places),
        own.map((s) => s.expAvg),
        own.map((s) => s.expAvgSq),
        amsgrad ? own.map((s) => s.maxExpAvgSq as Tensor) : [],
        lr,
        betas[0],
        betas[1],
        eps,
        weightDecay,
        this.decoupled,
        maximize,
        step,
      );
    }
  }
}

/**
 * Adam: steps by the running mean of the gradient over the root of its running mean square, both corrected for their start at 0.
 *
 * @example
 * const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
 *
 * Sources: Kingma and Ba 2015; `torch.optim.Adam`. As there, amsgrad takes the maximum before the bias correction.
 */
export class Adam extends AdamBase {
  protected override readonly decoupled = false;
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      amsgrad: false,
      maximize: false,
      ...options,
    });
  }
}

/** Adam whose weight decay shrinks the parameter itself instead of entering the averages. Sources: Loshchilov and Hutter 2019; `torch.optim.AdamW`. */
export class AdamW extends AdamBase {
  protected override readonly decoupled = true;
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 1e-2,
      amsgrad: false,
      maximize: false,
      ...options,
    });
  }
}
