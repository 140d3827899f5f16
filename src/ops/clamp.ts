import { Tensor } from '../tensor/tensor.ts';
import { add, mul, sub, trueDivide } from './arithmetic.ts';
import { ge, le } from './comparison.ts';
import type { Arg } from './elementwise.ts';
import { maximum, minimum } from './pairwise.ts';
import { op } from './record.ts';
import { where } from './where.ts';

type Bound = Arg | null | undefined;

/** Where the input is at or inside a bound it keeps its gradient; outside, the bound (when it is a tensor) gets it. */
function atLeast(x: Tensor, low: Arg): Tensor {
  return where(
    ge(x, low),
    x,
    where(ge(x, low), 0, low instanceof Tensor ? low : add(mul(x.detach(), 0), low)),
  );
}

function atMost(x: Tensor, high: Arg): Tensor {
  return where(
    le(x, high),
    x,
    where(le(x, high), 0, high instanceof Tensor ? high : add(mul(x.detach(), 0), high)),
  );
}

/**
 * The elements cut to `[min, max]`; either bound may be left out. The gradient at a bound is 1. Where `min` is above `max`, `max` wins.
 *
 * Error: no bound. Source: `torch.clamp`.
 */
export const clamp: (input: Tensor, min?: Bound, max?: Bound) => Tensor = op(
  {
    name: 'clamp',
    torch: 'clamp(input, min=None, max=None)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 3], data: [-2, -0.5, 0.3, 0.7, 1.5, 3] }, 0, 1]],
  },
  (input: Tensor, min?: Bound, max?: Bound) => {
    const low = min ?? null;
    const high = max ?? null;
    if (low === null && high === null) throw new TypeError('clamp: give min, max or both');
    const raised = low === null ? input : bound(input, low, maximum, atLeast);
    return high === null ? raised : bound(raised, high, minimum, atMost);
  },
);

/** NaN stays NaN: comparisons with it are false, so the extremum is taken there. */
function bound(
  x: Tensor,
  limit: Arg,
  extremum: typeof maximum,
  cut: (x: Tensor, limit: Arg) => Tensor,
): Tensor {
  if (!x.requiresGrad && !(limit instanceof Tensor && limit.requiresGrad)) return extremum(x, limit);
  return cut(x, limit);
}

/** `clamp` from below. */
export const clampMin: (input: Tensor, min: Arg) => Tensor = op(
  {
    name: 'clampMin',
    torch: 'clamp_min(input, min)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 2], data: [-2, -0.5, 0.3, 3] }, 0]],
  },
  (input: Tensor, min: Arg) => clamp(input, min),
);

/** `clamp` from above. */
export const clampMax: (input: Tensor, max: Arg) => Tensor = op(
  {
    name: 'clampMax',
    torch: 'clamp_max(input, max)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 2], data: [-2, -0.5, 0.3, 3] }, 1]],
  },
  (input: Tensor, max: Arg) => clamp(input, undefined, max),
);

/** input + weight * (end - input). */
export const lerp: (input: Tensor, end: Tensor, weight: Arg) => Tensor = op(
  {
    name: 'lerp',
    torch: 'lerp(input, end, weight)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [3] }, 0.25]],
  },
  (input: Tensor, end: Tensor, weight: Arg) => add(input, mul(sub(end, input), weight)),
);

export interface Value {
  value?: number;
}

/** input + value * tensor1 * tensor2. */
export const addcmul: (input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: Value) => Tensor = op(
  {
    name: 'addcmul',
    torch: 'addcmul(input, tensor1, tensor2, *, value=1)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [3] }, { shape: [2, 1] }, { value: 0.5 }]],
  },
  (input: Tensor, tensor1: Tensor, tensor2: Tensor, { value = 1 }: Value = {}) =>
    add(input, mul(mul(tensor1, tensor2), value)),
);

/** input + value * tensor1 / tensor2. */
export const addcdiv: (input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: Value) => Tensor = op(
  {
    name: 'addcdiv',
    torch: 'addcdiv(input, tensor1, tensor2, *, value=1)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [3] }, { shape: [2, 1], low: 0.5, high: 2 }, { value: 0.5 }],
    ],
  },
  (input: Tensor, tensor1: Tensor, tensor2: Tensor, { value = 1 }: Value = {}) =>
    add(input, mul(trueDivide(tensor1, tensor2), value)),
);
