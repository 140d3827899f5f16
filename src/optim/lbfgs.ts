import { enableGrad, noGrad } from '../autograd/mode.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { strongWolfe } from './lineSearch.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';

export interface LBFGSOptions {
  /** The step size without a line search, and its first trial with one. Default 1. */
  lr: number;
  /** Iterations in one `step`. Default 20. */
  maxIter: number;
  /** Evaluations of the closure in one `step`. Default maxIter * 1.25. */
  maxEval: number | null;
  /** Stops when no element of the gradient is larger. Default 1e-7. */
  toleranceGrad: number;
  /** Stops when the parameters or the loss change by less. Default 1e-9. */
  toleranceChange: number;
  /** How many steps the curvature is estimated from. Default 100. */
  historySize: number;
  /** `strongWolfe`, or null for the fixed step `lr`. Default null. */
  lineSearchFn: 'strongWolfe' | null;
}

interface History {
  iterations: number;
  evaluations: number;
  direction: Float64Array;
  stepSize: number;
  /** Changes of the gradient and of the parameters, and the reciprocals of their products. */
  gradientChanges: Float64Array[];
  steps: Float64Array[];
  reciprocals: number[];
  scale: number;
  gradient: Float64Array;
  loss: number;
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
};
const largest = (a: Float64Array): number => a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/**
 * Limited-memory BFGS: steps along an estimate of the inverse Hessian times the gradient. For whole-batch losses with few parameters.
 *
 * @example
 * const optimizer = new optim.LBFGS(params, { lineSearchFn: 'strongWolfe' });
 * optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const loss = computeLoss();
 *   loss.backward();
 *   return loss;
 * });
 *
 * Errors: more than one group; a step without a closure. Source: `torch.optim.LBFGS`.
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  #history: History | null = null;

  constructor(params: Params<LBFGSOptions>, options: Partial<LBFGSOptions> = {}) {
    super(params, {
      lr: 1,
      maxIter: 20,
      maxEval: null,
      toleranceGrad: 1e-7,
      toleranceChange: 1e-9,
      historySize: 100,
      lineSearchFn: null,
      ...options,
    });
    if (this.paramGroups.length !== 1)
      throw new RangeError(`LBFGS: takes one group of parameters, got ${this.paramGroups.length}`);
  }

  protected override update(_group: ParamGroup<LBFGSOptions>): void {
    throw new Error('LBFGS: steps only with a closure that computes the loss again: step(() => loss)');
  }

  override step(): undefined;
  override step<T>(closure: () => T): T;
  override step<T>(closure?: () => T): T | undefined {
    if (!closure) return this.update(this.paramGroups[0]) as undefined;
    return noGrad(() => this.#minimize(closure));
  }

  #minimize<T>(closure: () => T): T {
    const { lr, maxIter, toleranceGrad, toleranceChange, historySize, lineSearchFn, params } =
      this.paramGroups[0];
    const maxEval = this.paramGroups[0].maxEval ?? Math.floor(maxIter * 1.25);
    let evaluations = 0;
    const evaluate = (): { result: T; loss: number } => {
      evaluations++;
      const result = enableGrad(closure);
      const value = result as unknown;
      const loss = typeof value === 'number' ? value : (value as Tensor).item();
      return { result, loss };
    };
    const first = evaluate();
    let loss = first.loss;
    let gradient = flatGradient(params);
    if (largest(gradient) <= toleranceGrad) return first.result;
    const h = (this.#history ??= freshHistory());
    let iterations = 0;
    while (iterations < maxIter) {
      iterations++;
      h.iterations++;
      if (h.iterations === 1) {
        h.direction = gradient.map((g) => -g);
        h.scale = 1;
      } else this.#turn(h, gradient, historySize);
      h.gradient = gradient;
      h.loss = loss;
      h.stepSize =
        h.iterations === 1 ? Math.min(1, 1 / gradient.reduce((sum, g) => sum + Math.abs(g), 0)) * lr : lr;
      const slope = dot(gradient, h.direction);
      if (slope > -toleranceChange) break;
      let evaluated = 0;
      if (lineSearchFn === 'strongWolfe') {
        const start = flatValues(params);
        const before = evaluations;
        const found = strongWolfe(
          (t) => {
            setValues(params, start, h.direction, t);
            const { loss: value } = evaluate();
            return { loss: value, gradient: flatGradient(params) };
          },
          h.direction,
          { step: h.stepSize, loss, gradient, slope },
          { toleranceChange },
        );
        h.stepSize = found.step;
        loss = found.loss;
        gradient = found.gradient;
        evaluated = evaluations - before;
        setValues(params, start, h.direction, h.stepSize);
      } else {
        setValues(params, flatValues(params), h.direction, h.stepSize);
        if (iterations !== maxIter) {
          loss = evaluate().loss;
          gradient = flatGradient(params);
          evaluated = 1;
        }
      }
      h.evaluations += evaluated;
      if (iterations === maxIter || evaluations >= maxEval) break;
      if (largest(gradient) <= toleranceGrad) break;
      if (largest(h.direction) * h.stepSize <= toleranceChange) break;
      if (Math.abs(loss - h.loss) < toleranceChange) break;
    }
    return first.result;
  }

  /** The next direction, by the two-loop recursion over the remembered steps. */
  #turn(h: History, gradient: Float64Array, historySize: number): void {
    const change = gradient.map((g, i) => g - h.gradient[i]);
    const step = h.direction.map((d) => d * h.stepSize);
    const curvature = dot(change, step);
    if (curvature > 1e-10) {
      if (h.steps.length === historySize) {
        h.steps.shift();
        h.gradientChanges.shift();
        h.reciprocals.shift();
      }
      h.steps.push(step);
      h.gradientChanges.push(change);
      h.reciprocals.push(1 / curvature);
      h.scale = curvature / dot(change, change);
    }
    const count = h.steps.length;
    const q = gradient.map((g) => -g);
    const weights = new Float64Array(count);
    for (let i = count - 1; i >= 0; i--) {
      weights[i] = dot(h.steps[i], q) * h.reciprocals[i];
      for (let j = 0; j < q.length; j++) q[j] -= weights[i] * h.gradientChanges[i][j];
    }
    for (let j = 0; j < q.length; j++) q[j] *= h.scale;
    for (let i = 0; i < count; i++) {
      const correction = weights[i] - dot(h.gradientChanges[i], q) * h.reciprocals[i];
      for (let j = 0; j < q.length; j++) q[j] += correction * h.steps[i][j];
    }
    h.direction = q;
  }
}

const freshHistory = (): History => ({
  iterations: 0,
  evaluations: 0,
  direction: new Float64Array(0),
  stepSize: 0,
  gradientChanges: [],
  steps: [],
  reciprocals: [],
  scale: 1,
  gradient: new Float64Array(0),
  loss: 0,
});

/** All gradients in one row; zeros where there is none. */
function flatGradient(params: readonly Tensor[]): Float64Array {
  const flat = new Float64Array(params.reduce((sum, p) => sum + p.size, 0));
  let place = 0;
  for (const p of params) {
    const g = p.grad?.detach().contiguous();
    if (g) flat.set(g.elements.subarray(g.offset, g.offset + g.size), place);
    place += p.size;
  }
  return flat;
}

function flatValues(params: readonly Tensor[]): Float64Array {
  const flat = new Float64Array(params.reduce((sum, p) => sum + p.size, 0));
  let place = 0;
  for (const p of params) {
    const dense = p.contiguous();
    flat.set(dense.elements.subarray(dense.offset, dense.offset + dense.size), place);
    place += p.size;
  }
  return flat;
}

/** parameters = start + t * direction. */
function setValues(params: readonly Tensor[], start: Float64Array, direction: Float64Array, t: number): void {
  let place = 0;
  for (const p of params) {
    if (!p.isContiguous)
      throw new Error('LBFGS: a parameter is a strided view: make it contiguous() before it is optimized');
    const { elements, offset, size } = p;
    for (let i = 0; i < size; i++, place++) elements[offset + i] = start[place] + t * direction[place];
    p.storage.version++;
  }
}
