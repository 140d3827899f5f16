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

export interface LionOptions {
  /** The learning rate, about a tenth of Adam's. Default 1e-4. */
  lr: number;
  /** Weights of the momentum in the step, and in its own running mean. Default [0.9, 0.99]. */
  betas: readonly [number, number];
  /** Shrinks the parameter by `lr * weightDecay`. Default 0. */
  weightDecay: number;
}

interface LionState extends OptimizerState {
  expAvg: Tensor;
}

const lionKernel = kernel(
  'optim.lion',
  (
    param: Tensor,
    grad: Tensor,
    mean: Tensor,
    lr: number,
    beta1: number,
    beta2: number,
    weightDecay: number,
  ) => {
    const [p, g, m] = [param, grad, mean].map((t) => t.elements);
    const [po, go, mo] = [param, grad, mean].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      const gradient = g[go + i];
      const step = Math.sign(beta1 * m[mo + i] + (1 - beta1) * gradient);
      p[po + i] = p[po + i] * (1 - lr * weightDecay) - lr * step;
      m[mo + i] = beta2 * m[mo + i] + (1 - beta2) * gradient;
    }
  },
);

/** Steps of one size in the direction of the sign of an interpolated momentum. Source: Chen et al. 2023, algorithm 2. */
export class Lion extends Optimizer<LionOptions> {
  constructor(params: Params<LionOptions>, options: Partial<LionOptions> = {}) {
    super(params, { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, ...options });
  }

  protected override check(group: ParamGroup<LionOptions>): void {
    super.check(group);
    this.atLeast(group.betas[0], 'betas[0]', 0, 1);
    this.atLeast(group.betas[1], 'betas[1]', 0, 1);
    this.atLeast(group.weightDecay, 'weightDecay', 0);
  }

  protected override update(group: ParamGroup<LionOptions>, batch: Batch): void {
    const { lr, betas, weightDecay } = group;
    batch.params.forEach((param, i) => {
      const { expAvg } = batch.stateOf<LionState>(i, (p) => ({ expAvg: zerosLike(p) }));
      lionKernel(param, batch.grads[i], expAvg, lr, betas[0], betas[1], weightDecay);
    });
  }
}
