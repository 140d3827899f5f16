import { kernel } from '../engine/kernel.ts';
import { Tensor } from '../tensor/tensor.ts';
import {
  type Batch,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type Params,
  pick,
  zerosLike,
} from './optimizer.ts';

export interface AdagradOptions {
  /** The learning rate. Default 0.01. */
  lr: number;
  /** The rate falls as `lr / (1 + (step - 1) * lrDecay)`. Default 0. */
  lrDecay: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay: number;
  /** Where the sums of squares start. Default 0. */
  initialAccumulatorValue: number;
  /** Added to the root. Default 1e-10. */
  eps: number;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface AdagradState extends OptimizerState {
  step: number;
  sum: Tensor;
}

/** One step over lists of row-major tensors, with the rate of this step. */
export const adagradKernel = kernel(
  'optim.adagrad',
  (
    params: readonly Tensor[],
    grads: readonly Tensor[],
    sums: readonly Tensor[],
    rate: number,
    eps: number,
    weightDecay: number,
    maximize: boolean,
  ) => {
    params.forEach((param, t) => {
      const { elements: p, offset: po, size } = param;
      const { elements: g, offset: go } = grads[t];
      const { elements: s, offset: so } = sums[t];
      for (let i = 0; i < size; i++) {
        const gradient = (maximize ? -g[go + i] : g[go + i]) + weightDecay * p[po + i];
        s[so + i] += gradient * gradient;
        p[po + i] -= (rate * gradient) / (Math.sqrt(s[so + i]) + eps);
      }
    });
  },
);

/** Steps by the gradient over the root of the sum of all its squares so far. Sources: Duchi et al. 2011; `torch.optim.Adagrad`. */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super(params, {
      lr: 0.01,
      lrDecay: 0,
      weightDecay: 0,
      initialAccumulatorValue: 0,
      eps: 1e-10,
      maximize: false,
      ...options,
    });
  }

  protected override check(group: ParamGroup<AdagradOptions>): void {
    super.check(group);
    for (const option of ['lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'] as const)
      this.atLeast(group[option], option, 0);
  }

  protected override update(group: ParamGroup<AdagradOptions>, batch: Batch): void {
    const { lr, lrDecay, weightDecay, initialAccumulatorValue, eps, maximize } = group;
    const states = batch.owners.map((_, i) =>
      batch.stateOf<AdagradState>(i, (p) => {
        const sum = Tensor.allocate(p.shape, p.dtype);
        sum.elements.fill(initialAccumulatorValue, sum.offset, sum.offset + sum.size);
        return { step: 0, sum };
      }),
    );
    for (const state of states) state.step++;
    for (const [step, places] of batch.split((i) => states[i].step))
      adagradKernel(
        pick(batch.params, places),
        pick(batch.grads, places),
        places.map((i) => states[i].sum),
        lr / (1 + (step - 1) * lrDecay),
        eps,
        weightDecay,
        maximize,
      );
  }
}

export interface AdadeltaOptions {
  /** Scales the step. Default 1. */
  lr: number;
  /** How much of both mean squares is kept at each step. Default 0.9. */
  rho: number;
  /** Added inside the roots. Default 1e-6. */
  eps: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay: number;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface AdadeltaState extends OptimizerState {
  step: number;
  squareAvg: Tensor;
  accDelta: Tensor;
}

const adadeltaKernel = kernel(
  'optim.adadelta',
  (
    param: Tensor,
    grad: Tensor,
    square: Tensor,
    delta: Tensor,
    lr: number,
    rho: number,
    eps: number,
    weightDecay: number,
    sign: number,
  ) => {
    const [p, g, v, d] = [param, grad, square, delta].map((t) => t.elements);
    const [po, go, vo, dO] = [param, grad, square, delta].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      const gradient = sign * g[go + i] + weightDecay * p[po + i];
      v[vo + i] = rho * v[vo + i] + (1 - rho) * gradient * gradient;
      const step = (Math.sqrt(d[dO + i] + eps) / Math.sqrt(v[vo + i] + eps)) * gradient;
      d[dO + i] = rho * d[dO + i] + (1 - rho) * step * step;
      p[po + i] -= lr * step;
    }
  },
);

/** Steps in the units of the parameter: the ratio of the running sizes of steps and gradients. Sources: Zeiler 2012; `torch.optim.Adadelta`. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(params: Params<AdadeltaOptions>, options: Partial<AdadeltaOptions> = {}) {
    super(params, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false, ...options });
  }

  protected override check(group: ParamGroup<AdadeltaOptions>): void {
    super.check(group);
    this.atLeast(group.rho, 'rho', 0, 1.0000001);
    this.atLeast(group.eps, 'eps', 0);
    this.atLeast(group.weightDecay, 'weightDecay', 0);
  }

  protected override update(group: ParamGroup<AdadeltaOptions>, batch: Batch): void {
    const { lr, rho, eps, weightDecay, maximize } = group;
    batch.params.forEach((param, i) => {
      const state = batch.stateOf<AdadeltaState>(i, (p) => ({
        step: 0,
        squareAvg: zerosLike(p),
        accDelta: zerosLike(p),
      }));
      state.step++;
      const sign = maximize ? -1 : 1;
      adadeltaKernel(param, batch.grads[i], state.squareAvg, state.accDelta, lr, rho, eps, weightDecay, sign);
    });
  }
}
