import { optim, type Tensor, tensor } from '../../src/index.ts';
import { camel } from './bind.ts';
import type { GoldenTensor } from './cases.ts';
import type { GoldenOptions, Verdict } from './operators.ts';

/** Parameters, the gradients fed at each step, and the parameters after each. */
export interface OptimizerCase {
  optimizer: string;
  kwargs: Record<string, unknown>;
  start: GoldenTensor[];
  grads: (GoldenTensor | null)[][];
  after: GoldenTensor[][];
}

const make = ({ data, shape }: GoldenTensor, dtype: 'float32' | 'float64'): Tensor =>
  tensor(data as number[], { dtype })
    .reshape(shape)
    .clone();

/** Rounding accumulates over the steps in float32; each step adds about one. */
const tolerances = { float64: [1e-7, 1e-7], float32: [1.3e-5, 1e-5] } as const;

type Constructor = new (params: Tensor[], options: Record<string, unknown>) => optim.Optimizer;

/** Feeds an optimizer a case's gradients and compares the parameters after each step. */
export function runOptimizer(golden: OptimizerCase, { dtype }: GoldenOptions): Verdict {
  const make_ = (optim as unknown as Record<string, Constructor | undefined>)[golden.optimizer];
  if (!make_) return { status: 'skipped', reason: `${golden.optimizer} is not an optimizer here` };
  const params = golden.start.map((t) => make(t, dtype).requiresGrad_());
  const options = Object.fromEntries(
    Object.entries(golden.kwargs).map(([key, value]) => [camel(key), value]),
  );
  const optimizer = new make_(params, options);
  const [relative, absolute] = tolerances[dtype];
  for (const [step, grads] of golden.grads.entries()) {
    for (const [i, grad] of grads.entries()) params[i].grad = grad && make(grad, dtype);
    optimizer.step();
    for (const [i, { data }] of golden.after[step].entries()) {
      const { elements, offset } = params[i];
      for (const [j, value] of (data as number[]).entries()) {
        const actual = elements[offset + j];
        if (!(Math.abs(actual - value) <= absolute + relative * Math.abs(value)))
          return {
            status: 'failed',
            reason: `step ${step + 1}: ${actual} instead of ${value} at ${j} of ${i}`,
          };
      }
    }
  }
  return { status: 'passed' };
}
