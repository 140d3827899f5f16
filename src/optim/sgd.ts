import { kernel } from '../engine/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type Batch,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type Params,
  pick,
} from './optimizer.ts';

export interface SGDOptions {
  /** The learning rate. Default 1e-3. */
  lr: number;
  /** How much of the last step's velocity is kept, 0 to 1. Default 0. */
  momentum: number;
  /** How much of the gradient is held back from the velocity; not applied at the first step. Default 0. */
  dampening: number;
  /** L2 penalty: added to the gradient as `weightDecay * parameter`. Default 0. */
  weightDecay: number;
  /** Nesterov's momentum: looks one velocity ahead. Needs momentum and no dampening. Default false. */
  nesterov: boolean;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface SGDState extends OptimizerState {
  momentumBuffer: Tensor;
}

/** params -= lr * step, over lists of row-major tensors; `buffers` is empty without momentum, `first` marks new buffers. */
export const sgdKernel = kernel(
  'optim.sgd',
  (
    params: readonly Tensor[],
    grads: readonly Tensor[],
    buffers: readonly Tensor[],
    lr: number,
    momentum: number,
    dampening: number,
    weightDecay: number,
    nesterov: boolean,
    maximize: boolean,
    first: boolean,
  ) => {
    params.forEach((param, t) => {
      const { elements: p, offset: po, size } = param;
      const { elements: g, offset: go } = grads[t];
      const buffer = buffers.length > 0 ? buffers[t] : null;
      const v = buffer?.elements;
      const vo = buffer?.offset ?? 0;
      for (let i = 0; i < size; i++) {
        let step = (maximize ? -g[go + i] : g[go + i]) + weightDecay * p[po + i];
        if (v) {
          const velocity = first ? step : momentum * v[vo + i] + (1 - dampening) * step;
          v[vo + i] = velocity;
          step = nesterov ? step + momentum * velocity : velocity;
        }
        p[po + i] -= lr * step;
      }
    });
  },
);

/**
 * Stochastic gradient descent, with momentum where asked for: `v = momentum * v + (1 - dampening) * g`, `p -= lr * v`.
 *
 * @example
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
 *
 * Errors: negative options; Nesterov without momentum or with dampening. Source: `torch.optim.SGD`.
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(params, {
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
      ...options,
    });
  }

  protected override check(group: ParamGroup<SGDOptions>): void {
    super.check(group);
    this.atLeast(group.momentum, 'momentum', 0);
    this.atLeast(group.weightDecay, 'weightDecay', 0);
    if (group.nesterov && (group.momentum <= 0 || group.dampening !== 0))
      throw new RangeError(
        `SGD: nesterov needs a momentum above 0 and no dampening, got momentum ${group.momentum} and dampening ${group.dampening}`,
      );
  }

  protected override update(group: ParamGroup<SGDOptions>, batch: Batch): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    if (momentum === 0) {
      sgdKernel(batch.params, batch.grads, [], lr, 0, 0, weightDecay, false, maximize, false);
      return;
    }
    const isNew = batch.owners.map((owner) => !this.state.has(owner));
    for (const [first, places] of batch.split((i) => isNew[i])) {
      const buffers = places.map(
        (i) => batch.stateOf<SGDState>(i, (p) => ({ momentumBuffer: p.detach().clone() })).momentumBuffer,
      );
      const [params, grads] = [pick(batch.params, places), pick(batch.grads, places)];
      sgdKernel(params, grads, buffers, lr, momentum, dampening, weightDecay, nesterov, maximize, first);
    }
  }
}
