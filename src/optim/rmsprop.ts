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

export interface RMSpropOptions {
  /** The learning rate. Default 0.01. */
  lr: number;
  /** How much of the mean square is kept at each step. Default 0.99. */
  alpha: number;
  /** Added to the root. Default 1e-8. */
  eps: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay: number;
  /** Momentum on the normalised gradient. Default 0. */
  momentum: number;
  /** Divides by the standard deviation instead of the root mean square. Default false. */
  centered: boolean;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface RMSpropState extends OptimizerState {
  step: number;
  squareAvg: Tensor;
}

/** One step over lists of row-major tensors; `means` is empty unless centered, `buffers` without momentum. */
export const rmspropKernel = kernel(
  'optim.rmsprop',
  (
    params: readonly Tensor[],
    grads: readonly Tensor[],
    squares: readonly Tensor[],
    means: readonly Tensor[],
    buffers: readonly Tensor[],
    lr: number,
    alpha: number,
    eps: number,
    weightDecay: number,
    momentum: number,
    maximize: boolean,
  ) => {
    params.forEach((param, t) => {
      const { elements: p, offset: po, size } = param;
      const { elements: g, offset: go } = grads[t];
      const { elements: v, offset: vo } = squares[t];
      const mean = means.length > 0 ? means[t] : null;
      const buffer = buffers.length > 0 ? buffers[t] : null;
      for (let i = 0; i < size; i++) {
        const gradient = (maximize ? -g[go + i] : g[go + i]) + weightDecay * p[po + i];
        v[vo + i] = alpha * v[vo + i] + (1 - alpha) * gradient * gradient;
        let square = v[vo + i];
        if (mean) {
          const at = mean.offset + i;
          mean.elements[at] += (1 - alpha) * (gradient - mean.elements[at]);
          square -= mean.elements[at] ** 2;
        }
        let step = gradient / (Math.sqrt(square) + eps);
        if (buffer) {
          const at = buffer.offset + i;
          step = buffer.elements[at] = momentum * buffer.elements[at] + step;
        }
        p[po + i] -= lr * step;
      }
    });
  },
);

/** Steps by the gradient over the root of its running mean square. Source: Hinton's lecture 6e; `torch.optim.RMSprop`. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(params, {
      lr: 0.01,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      maximize: false,
      ...options,
    });
  }

  protected override check(group: ParamGroup<RMSpropOptions>): void {
    super.check(group);
    for (const option of ['alpha', 'eps', 'weightDecay', 'momentum'] as const)
      this.atLeast(group[option], option, 0);
  }

  protected override update(group: ParamGroup<RMSpropOptions>, batch: Batch): void {
    const { lr, alpha, eps, weightDecay, momentum, centered, maximize } = group;
    const states = batch.owners.map((_, i) =>
      batch.stateOf<RMSpropState>(i, (p) => ({
        step: 0,
        squareAvg: zerosLike(p),
        ...(centered ? { gradAvg: zerosLike(p) } : {}),
        ...(momentum > 0 ? { momentumBuffer: zerosLike(p) } : {}),
      })),
    );
    for (const state of states) state.step++;
    rmspropKernel(
      batch.params,
      batch.grads,
      states.map((s) => s.squareAvg),
      centered ? states.map((s) => s.gradAvg as Tensor) : [],
      momentum > 0 ? states.map((s) => s.momentumBuffer as Tensor) : [],
      lr,
      alpha,
      eps,
      weightDecay,
      momentum,
      maximize,
    );
  }
}
