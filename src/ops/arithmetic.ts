import type { Tensor } from '../tensor/tensor.ts';
import { type Arg, type Binary, binary, type Unary, unary } from './elementwise.ts';

const pair = () => [
  [{ shape: [3, 4] }, { shape: [3, 4], low: 0.5, high: 2 }],
  [{ shape: [2, 1, 3] }, { shape: [4, 1], low: 0.5, high: 2 }],
  [{ shape: [3] }, 2.5],
];

/** -input, element by element. */
export const neg: Unary = unary({
  name: 'neg',
  result: 'same',
  element: (x) => -x,
  save: 'nothing',
  gradient: (g) => neg(g),
  samples: () => [[{ shape: [2, 3] }]],
});

/** input * other, element by element, with broadcasting and type promotion. */
export const mul: Binary = binary({
  name: 'mul',
  result: 'same',
  element: (x, y) => x * y,
  integerElement: Math.imul,
  save: 'both',
  gradient: { left: (g, _x, y) => mul(g, y), right: (g, x) => mul(g, x) },
  samples: pair,
});

/** input / other, true division: integers give the default floating dtype. */
export const trueDivide: Binary = binary({
  name: 'trueDivide',
  torch: 'true_divide(input, other)',
  result: 'float',
  element: (x, y) => x / y,
  save: 'both',
  gradient: {
    left: (g, _x, y) => trueDivide(g, y),
    right: (g, x, y) => neg(trueDivide(mul(g, x), mul(y, y))),
  },
  samples: pair,
});

const plainAdd: Binary = binary({
  name: 'addPlain',
  torch: 'add(input, other)',
  result: 'same',
  element: (x, y) => x + y,
  save: 'nothing',
  gradient: { left: (g) => g, right: (g) => g },
  samples: pair,
});

/** input + alpha * other, with broadcasting and type promotion. */
export function add(input: Arg, other: Arg, { alpha = 1 }: { alpha?: number } = {}): Tensor {
  return plainAdd(input, alpha === 1 ? other : mul(other, alpha));
}
