import { Tensor } from '../tensor/tensor.ts';
import { mul, neg } from './arithmetic.ts';
import { eq, ne } from './comparison.ts';
import { type Binary, binary, type Unary, unary } from './elementwise.ts';
import { op } from './record.ts';
import { notATensor } from './tensorArguments.ts';
import { where } from './where.ts';

const any = () => [[{ shape: [2, 3], low: -2, high: 2 }]];

/** Whether the sign is negative, -0 included. */
export const signbit: Unary = unary({
  name: 'signbit',
  result: 'bool',
  element: (x) => (x < 0 || Object.is(x, -0) ? 1 : 0),
  save: 'nothing',
  gradient: 'a step',
  samples: any,
});

/** Whether each element is +Infinity. */
export const isposinf: Unary = unary({
  name: 'isposinf',
  result: 'bool',
  element: (x) => (x === Infinity ? 1 : 0),
  save: 'nothing',
  gradient: 'a test',
  samples: any,
});

/** Whether each element is -Infinity. */
export const isneginf: Unary = unary({
  name: 'isneginf',
  result: 'bool',
  element: (x) => (x === -Infinity ? 1 : 0),
  save: 'nothing',
  gradient: 'a test',
  samples: any,
});

/** The size of `input` with the sign of `other`; its gradient is 0 where `input` is. */
export const copysign: Binary = binary({
  name: 'copysign',
  result: 'float',
  element: (x, y) => (y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)),
  save: 'both',
  gradient: {
    left: (g, x, y) => where(eq(x, 0), 0, where(ne(signbit(x), signbit(y)), neg(g), g)),
    right: (g) => mul(g, 0),
  },
  samples: () => [
    [
      { shape: [3], data: [1, -2, 0.5] },
      { shape: [2, 3], data: [2, 3, -0.25, -0.5, -1.5, 1] },
    ],
  ],
});

/** The input itself. Error: booleans. */
export const positive: (input: Tensor) => Tensor = op(
  {
    name: 'positive',
    torch: 'positive(input)',
    family: 'elementwise',
    differentiable: true,
    samples: any,
  },
  (input: Tensor) => {
    if (!(input instanceof Tensor)) throw notATensor('positive', 'input', input);
    if (input.dtype === 'bool') throw new TypeError('positive: booleans have no sign: convert with int()');
    return input;
  },
);
