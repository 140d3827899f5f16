import { kernel } from '../engine/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type Batch,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type Params,
  zerosLike,
} from './optimizer.ts';

export interface ASGDOptions {
  /** The learning rate at the start. Default 0.01. */
  lr: number;
  /** Decay of the parameter. Default 1e-4. */
  lambd: number;
  /** The power with which the rate falls. Default 0.75. */
  alpha: number;
  /** The step at which averaging starts. Default 1e6. */
  t0: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay: number;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface ASGDState extends OptimizerState {
  step: number;
  eta: number;
  mu: number;
  /** The averaged parameter. */
  ax: Tensor;
}

const asgdKernel = kernel(
  'optim.asgd',
  (
    param: Tensor,
    grad: Tensor,
    average: Tensor,
    eta: number,
    mu: number,
    lambd: number,
    weightDecay: number,
    sign: number,
  ) => {
    const [p, g, a] = [param, grad, average].map((t) => t.elements);
    const [po, go, ao] = [param, grad, average].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      const gradient = sign * g[go + i] + weightDecay * p[po + i];
      p[po + i] = p[po + i] * (1 - lambd * eta) - eta * gradient;
      a[ao + i] = mu === 1 ? p[po + i] : a[ao + i] + mu * (p[po + i] - a[ao + i]);
    }
  },
);

/** Stochastic gradient descent that also averages the parameters, as `state.get(p).ax`. Sources: Polyak and Juditsky 1992; `torch.optim.ASGD`. */
export class ASGD extends Optimizer<ASGDOptions> {
  constructor(params: Params<ASGDOptions>, options: Partial<ASGDOptions> = {}) {
    super(params, {
      lr: 0.01,
      lambd: 1e-4,
      alpha: 0.75,
      t0: 1e6,
      weightDecay: 0,
      maximize: false,
      ...options,
    });
  }

  protected override check(group: ParamGroup<ASGDOptions>): void {
    super.check(group);
    this.atLeast(group.weightDecay, 'weightDecay', 0);
  }

  protected override update(group: ParamGroup<ASGDOptions>, batch: Batch): void {
    const { lr, lambd, alpha, t0, weightDecay, maximize } = group;
    batch.params.forEach((param, i) => {
      const state = batch.stateOf<ASGDState>(i, (p) => ({ step: 0, eta: lr, mu: 1, ax: zerosLike(p) }));
      state.step++;
      asgdKernel(param, batch.grads[i], state.ax, state.eta, state.mu, lambd, weightDecay, maximize ? -1 : 1);
      state.eta = lr / (1 + lambd * lr * state.step) ** alpha;
      state.mu = 1 / Math.max(1, state.step - t0);
    });
  }
}
