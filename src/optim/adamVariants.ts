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

interface MomentOptions {
  /** The learning rate. */
  lr: number;
  /** How much of the two running averages is kept at each step. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Keeps the division finite. Default 1e-8. */
  eps: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay: number;
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface MomentState extends OptimizerState {
  step: number;
  first: Tensor;
  second: Tensor;
}

/** Adam's relatives: two running averages a parameter, and a rule that turns them into a step. */
abstract class MomentOptimizer<O extends MomentOptions> extends Optimizer<O> {
  protected override check(group: ParamGroup<O>): void {
    super.check(group);
    this.atLeast(group.betas[0], 'betas[0]', 0, 1);
    this.atLeast(group.betas[1], 'betas[1]', 0, 1);
    this.atLeast(group.eps, 'eps', 0);
    this.atLeast(group.weightDecay, 'weightDecay', 0);
  }

  protected override update(group: ParamGroup<O>, batch: Batch): void {
    batch.params.forEach((param, i) => {
      const state = batch.stateOf<MomentState>(i, (p) => ({
        step: 0,
        first: zerosLike(p),
        second: zerosLike(p),
      }));
      state.step++;
      this.move(group, param, batch.grads[i], state);
    });
  }

  protected abstract move(group: ParamGroup<O>, param: Tensor, grad: Tensor, state: MomentState): void;
}

export interface AdamaxOptions extends MomentOptions {}

const adamaxKernel = kernel(
  'optim.adamax',
  (
    param: Tensor,
    grad: Tensor,
    mean: Tensor,
    norm: Tensor,
    stepSize: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    sign: number,
  ) => {
    const [p, g, m, u] = [param, grad, mean, norm].map((t) => t.elements);
    const [po, go, mo, uo] = [param, grad, mean, norm].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      const gradient = sign * g[go + i] + weightDecay * p[po + i];
      m[mo + i] += (1 - beta1) * (gradient - m[mo + i]);
      u[uo + i] = Math.max(beta2 * u[uo + i], Math.abs(gradient) + eps);
      p[po + i] -= (stepSize * m[mo + i]) / u[uo + i];
    }
  },
);

/** Adam with the largest gradient so far (decaying) in place of the mean square. Default lr 2e-3. Source: `torch.optim.Adamax`. */
export class Adamax extends MomentOptimizer<AdamaxOptions> {
  constructor(params: Params<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    super(params, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false, ...options });
  }

  protected override move(
    group: ParamGroup<AdamaxOptions>,
    param: Tensor,
    grad: Tensor,
    state: MomentState,
  ): void {
    const [beta1, beta2] = group.betas;
    const stepSize = group.lr / (1 - beta1 ** state.step);
    const sign = group.maximize ? -1 : 1;
    adamaxKernel(
      param,
      grad,
      state.first,
      state.second,
      stepSize,
      beta1,
      beta2,
      group.eps,
      group.weightDecay,
      sign,
    );
  }
}

export interface NAdamOptions extends MomentOptions {
  /** How fast the momentum grows towards betas[0]. Default 4e-3. */
  momentumDecay: number;
  /** Decays the parameter itself, as AdamW does. Default false. */
  decoupledWeightDecay: boolean;
}

/** Adam's averages, then p -= meanStep * mean / d + gradStep * gradient / d, with d the corrected root plus eps. */
const nadamKernel = kernel(
  'optim.nadam',
  (
    param: Tensor,
    grad: Tensor,
    mean: Tensor,
    square: Tensor,
    shrink: number,
    meanStep: number,
    gradStep: number,
    correction: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    sign: number,
  ) => {
    const [p, g, m, v] = [param, grad, mean, square].map((t) => t.elements);
    const [po, go, mo, vo] = [param, grad, mean, square].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      p[po + i] *= shrink;
      const gradient = sign * g[go + i] + weightDecay * p[po + i];
      m[mo + i] += (1 - beta1) * (gradient - m[mo + i]);
      v[vo + i] = beta2 * v[vo + i] + (1 - beta2) * gradient * gradient;
      const divisor = Math.sqrt(v[vo + i] / correction) + eps;
      p[po + i] -= (gradStep * gradient + meanStep * m[mo + i]) / divisor;
    }
  },
);

/** Adam with Nesterov's momentum. Default lr 2e-3. Sources: Dozat 2016; `torch.optim.NAdam`. */
export class NAdam extends MomentOptimizer<NAdamOptions> {
  constructor(params: Params<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super(params, {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      decoupledWeightDecay: false,
      maximize: false,
      ...options,
    });
  }

  protected override move(
    group: ParamGroup<NAdamOptions>,
    param: Tensor,
    grad: Tensor,
    state: MomentState,
  ): void {
    const { lr, eps, weightDecay, momentumDecay, decoupledWeightDecay } = group;
    const [beta1, beta2] = group.betas;
    const momentum = beta1 * (1 - 0.5 * 0.96 ** (state.step * momentumDecay));
    const next = beta1 * (1 - 0.5 * 0.96 ** ((state.step + 1) * momentumDecay));
    const product = ((state.muProduct as number | undefined) ?? 1) * momentum;
    state.muProduct = product;
    nadamKernel(
      param,
      grad,
      state.first,
      state.second,
      decoupledWeightDecay ? 1 - lr * weightDecay : 1,
      (lr * next) / (1 - product * next),
      (lr * (1 - momentum)) / (1 - product),
      1 - beta2 ** state.step,
      beta1,
      beta2,
      eps,
      decoupledWeightDecay ? 0 : weightDecay,
      group.maximize ? -1 : 1,
    );
  }
}

export interface RAdamOptions extends MomentOptions {
  /** Decays the parameter itself, as AdamW does. Default false. */
  decoupledWeightDecay: boolean;
}

/** Adam's averages, then p -= stepSize * mean, over the root plus eps where `adaptive`. */
const radamKernel = kernel(
  'optim.radam',
  (
    param: Tensor,
    grad: Tensor,
    mean: Tensor,
    square: Tensor,
    shrink: number,
    stepSize: number,
    adaptive: boolean,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    sign: number,
  ) => {
    const [p, g, m, v] = [param, grad, mean, square].map((t) => t.elements);
    const [po, go, mo, vo] = [param, grad, mean, square].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      p[po + i] *= shrink;
      const gradient = sign * g[go + i] + weightDecay * p[po + i];
      m[mo + i] += (1 - beta1) * (gradient - m[mo + i]);
      v[vo + i] = beta2 * v[vo + i] + (1 - beta2) * gradient * gradient;
      p[po + i] -= adaptive ? (stepSize * m[mo + i]) / (Math.sqrt(v[vo + i]) + eps) : stepSize * m[mo + i];
    }
  },
);

/** Adam that trusts the mean square only once it has seen enough steps (rho above 5). Sources: Liu et al. 2020; `torch.optim.RAdam`. */
export class RAdam extends MomentOptimizer<RAdamOptions> {
  constructor(params: Params<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super(params, {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      decoupledWeightDecay: false,
      maximize: false,
      ...options,
    });
  }

  protected override move(
    group: ParamGroup<RAdamOptions>,
    param: Tensor,
    grad: Tensor,
    state: MomentState,
  ): void {
    const { lr, eps, weightDecay, decoupledWeightDecay } = group;
    const [beta1, beta2] = group.betas;
    const t = state.step;
    const corrected = 1 - beta2 ** t;
    const limit = 2 / (1 - beta2) - 1;
    const rho = limit - (2 * t * beta2 ** t) / corrected;
    const adaptive = rho > 5;
    const rectified = adaptive
      ? Math.sqrt(((rho - 4) * (rho - 2) * limit) / ((limit - 4) * (limit - 2) * rho)) * Math.sqrt(corrected)
      : 1;
    radamKernel(
      param,
      grad,
      state.first,
      state.second,
      decoupledWeightDecay ? 1 - lr * weightDecay : 1,
      (lr / (1 - beta1 ** t)) * rectified,
      adaptive,
      beta1,
      beta2,
      eps,
      decoupledWeightDecay ? 0 : weightDecay,
      group.maximize ? -1 : 1,
    );
  }
}
