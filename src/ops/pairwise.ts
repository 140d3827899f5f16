import type { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, neg, sub, trueDivide } from './arithmetic.ts';
import { eq, gt, lt, ne } from './comparison.ts';
import { type Binary, binary } from './elementwise.ts';
import { log, sigmoid } from './pointwise.ts';
import { where } from './where.ts';

const apart = () => [
  [
    { shape: [3], data: [1, -2, 0.5] },
    { shape: [2, 3], data: [2, -3, 0.25, 0.5, 1.5, -1] },
  ],
];
const positive = () => [
  [
    { shape: [3], low: 0.5, high: 2 },
    { shape: [2, 3], low: 0.5, high: 2 },
  ],
];

/** Where both tie, each gets half. */
const share = (g: Tensor, x: Tensor, y: Tensor, wins: Binary): Tensor =>
  mul(g, add(wins(x, y), mul(eq(x, y), 0.5)));

/** The greater of two; NaN if either is. A tie shares the gradient. */
export const maximum: Binary = binary({
  name: 'maximum',
  result: 'same',
  element: Math.max,
  save: 'both',
  gradient: { left: (g, x, y) => share(g, x, y, gt), right: (g, x, y) => share(g, x, y, lt) },
  samples: apart,
});

/** The smaller of two; NaN if either is. A tie shares the gradient. */
export const minimum: Binary = binary({
  name: 'minimum',
  result: 'same',
  element: Math.min,
  save: 'both',
  gradient: { left: (g, x, y) => share(g, x, y, lt), right: (g, x, y) => share(g, x, y, gt) },
  samples: apart,
});

/** The greater of two; a NaN loses against a number. */
export const fmax: Binary = binary({
  name: 'fmax',
  result: 'same',
  element: (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.max(x, y)),
  save: 'both',
  gradient: {
    left: (g, x, y) => where(chosenLeft(x, y, false), g, mul(g, 0)),
    right: (g, x, y) => where(chosenLeft(x, y, false), mul(g, 0), g),
  },
  samples: apart,
});

/** The smaller of two; a NaN loses against a number. */
export const fmin: Binary = binary({
  name: 'fmin',
  result: 'same',
  element: (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.min(x, y)),
  save: 'both',
  gradient: {
    left: (g, x, y) => where(chosenLeft(x, y, true), g, mul(g, 0)),
    right: (g, x, y) => where(chosenLeft(x, y, true), mul(g, 0), g),
  },
  samples: apart,
});

/** x is taken: it wins or ties, or y is NaN. */
const chosenLeft = (x: Tensor, y: Tensor, smaller: boolean): Tensor =>
  gt(add(smaller ? lt(x, y) : gt(x, y), add(eq(x, y), ne(y, y))), 0);

/** input^other. */
export const pow: Binary = binary({
  name: 'pow',
  torch: 'pow(input, exponent)',
  result: 'same',
  element: (x, y) => (x === 1 || y === 0 ? 1 : x ** y),
  save: 'both',
  gradient: {
    left: (g, x, y) => where(eq(y, 0), mul(g, 0), mul(g, mul(y, pow(x, sub(y, 1))))),
    right: (g, x, y) => {
      const safe = where(eq(x, 0), add(mul(x, 0), 1), x);
      return where(eq(x, 0), mul(g, 0), mul(g, mul(pow(x, y), log(safe))));
    },
  },
  samples: positive,
});

/** The remainder with the sign of the divisor, as Python's `%`. */
export const remainder: Binary = binary({
  name: 'remainder',
  result: 'same',
  element: (x, y) => {
    const rest = x % y;
    return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
  },
  save: 'both',
  gradient: { left: (g) => g, right: (g, x, y) => neg(mul(g, div(x, y, { roundingMode: 'floor' }))) },
  samples: positive,
});

/** The remainder with the sign of the dividend, as JavaScript's `%`. */
export const fmod: Binary = binary({
  name: 'fmod',
  result: 'same',
  element: (x, y) => x % y,
  save: 'both',
  gradient: { left: (g) => g, right: (g, x, y) => neg(mul(g, div(x, y, { roundingMode: 'trunc' }))) },
  samples: positive,
});

/** The angle of (other, input) in radians, in [-π, π]. */
export const atan2: Binary = binary({
  name: 'atan2',
  result: 'float',
  element: Math.atan2,
  save: 'both',
  gradient: {
    left: (g, y, x) => div(mul(g, x), add(mul(x, x), mul(y, y))),
    right: (g, y, x) => neg(div(mul(g, y), add(mul(x, x), mul(y, y)))),
  },
  samples: positive,
});

/** sqrt(input² + other²). */
export const hypot: Binary = binary({
  name: 'hypot',
  result: 'same',
  element: Math.hypot,
  save: 'both',
  gradient: {
    left: (g, x, y) => mul(g, div(x, hypot(x, y))),
    right: (g, x, y) => mul(g, div(y, hypot(x, y))),
  },
  samples: positive,
});

/** log(e^input + e^other), without overflow. */
export const logaddexp: Binary = binary({
  name: 'logaddexp',
  result: 'float',
  element: (x, y) => (x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)))),
  save: 'both',
  gradient: { left: (g, x, y) => mul(g, sigmoid(sub(x, y))), right: (g, x, y) => mul(g, sigmoid(sub(y, x))) },
  samples: positive,
});

/** log2(2^input + 2^other), without overflow. */
export const logaddexp2: Binary = binary({
  name: 'logaddexp2',
  result: 'float',
  element: (x, y) => (x === y ? x + 1 : Math.max(x, y) + Math.log1p(2 ** -Math.abs(x - y)) / Math.LN2),
  save: 'both',
  gradient: {
    left: (g, x, y) => mul(g, sigmoid(mul(sub(x, y), Math.LN2))),
    right: (g, x, y) => mul(g, sigmoid(mul(sub(y, x), Math.LN2))),
  },
  samples: positive,
});

/** input * log(other), 0 where input is 0. */
export const xlogy: Binary = binary({
  name: 'xlogy',
  result: 'float',
  element: (x, y) => (Number.isNaN(y) ? Number.NaN : x === 0 ? 0 : x * Math.log(y)),
  save: 'both',
  gradient: {
    left: (g, x, y) => where(mul(eq(x, 0), lt(y, 1e-300)), mul(g, 0), mul(g, log(y))),
    right: (g, x, y) => trueDivide(mul(g, x), y),
  },
  samples: positive,
});

/** 0 below 0, 1 above, `values` at 0. */
export const heaviside: Binary = binary({
  name: 'heaviside',
  torch: 'heaviside(input, values)',
  result: 'same',
  element: (x, y) => (x === 0 ? y : x > 0 ? 1 : 0),
  save: 'nothing',
  gradient: 'a step',
  samples: positive,
});
