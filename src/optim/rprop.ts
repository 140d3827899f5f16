import { kernel } from '../engine/kernel.ts';
import { Tensor } from '../tensor/tensor.ts';
import {
  type Batch,
  Optimizer,
  type OptimizerState,
  type ParamGroup,
  type Params,
  zerosLike,
} from './optimizer.ts';

export interface RpropOptions {
  /** The first step of every element. Default 0.01. */
  lr: number;
  /** Factors of an element's step when its gradient changes sign, and when it does not. Default [0.5, 1.2]. */
  etas: readonly [number, number];
  /** The smallest and the largest step. Default [1e-6, 50]. */
  stepSizes: readonly [number, number];
  /** Climbs instead of descending. Default false. */
  maximize: boolean;
}

interface RpropState extends OptimizerState {
  step: number;
  prev: Tensor;
  stepSize: Tensor;
}

const rpropKernel = kernel(
  'optim.rprop',
  (
    param: Tensor,
    grad: Tensor,
    previous: Tensor,
    steps: Tensor,
    etaMinus: number,
    etaPlus: number,
    smallest: number,
    largest: number,
    sign: number,
  ) => {
    const [p, g, q, s] = [param, grad, previous, steps].map((t) => t.elements);
    const [po, go, qo, so] = [param, grad, previous, steps].map((t) => t.offset);
    for (let i = 0; i < param.size; i++) {
      let gradient = sign * g[go + i];
      const agreement = gradient * q[qo + i];
      if (agreement !== 0) {
        const scaled = s[so + i] * (agreement > 0 ? etaPlus : etaMinus);
        s[so + i] = Math.min(Math.max(scaled, smallest), largest);
      }
      if (agreement < 0) gradient = 0;
      p[po + i] -= Math.sign(gradient) * s[so + i];
      q[qo + i] = gradient;
    }
  },
);

/** Steps by the gradient's sign, with a step size of its own for each element; for whole-batch gradients. Source: `torch.optim.Rprop`. */
export class Rprop extends Optimizer<RpropOptions> {
  constructor(params: Params<RpropOptions>, options: Partial<RpropOptions> = {}) {
    super(params, { lr: 0.01, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false, ...options });
  }

  protected override check(group: ParamGroup<RpropOptions>): void {
    super.check(group);
    const [minus, plus] = group.etas;
    if (!(minus > 0 && minus < 1 && plus > 1))
      throw new RangeError(
        `Rprop: etas are [${minus}, ${plus}]: the first lies between 0 and 1, the second above 1`,
      );
  }

  protected override update(group: ParamGroup<RpropOptions>, batch: Batch): void {
    const { lr, etas, stepSizes, maximize } = group;
    batch.params.forEach((param, i) => {
      const state = batch.stateOf<RpropState>(i, (p) => {
        const stepSize = Tensor.allocate(p.shape, p.dtype);
        stepSize.elements.fill(lr, stepSize.offset, stepSize.offset + stepSize.size);
        return { step: 0, prev: zerosLike(p), stepSize };
      });
      state.step++;
      const sign = maximize ? -1 : 1;
      rpropKernel(
        param,
        batch.grads[i],
        state.prev,
        state.stepSize,
        etas[0],
        etas[1],
        stepSizes[0],
        stepSizes[1],
        sign,
      );
    });
  }
}
