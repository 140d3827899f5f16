import type { Tensor } from '../tensor/tensor.ts';
import { type Arg, type Binary, binary, type Unary, unary } from './elementwise.ts';
import { notANumber, op } from './record.ts';

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
  label: 'div',
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

const zero = { left: (g: Tensor) => mul(g, 0), right: (g: Tensor) => mul(g, 0) };

const divideFloor: Binary = binary({
  name: 'floorDivide',
  torch: 'floor_divide(input, other)',
  result: 'same',
  element: floorQuotient,
  save: 'nothing',
  gradient: zero,
  samples: pair,
});

const divideTrunc: Binary = binary({
  name: 'truncDivide',
  torch: 'div(input, other)',
  result: 'same',
  element: (x, y) => Math.trunc(x / y),
  save: 'nothing',
  gradient: zero,
  samples: pair,
});

/** The floor of the quotient, from the remainder, so that it is exact where x / y is rounded. */
function floorQuotient(x: number, y: number): number {
  if (y === 0) return x / y;
  const rest = x % y;
  const quotient = (x - rest) / y;
  const down = rest !== 0 && rest < 0 !== y < 0 ? quotient - 1 : quotient;
  if (down === 0) return x / y < 0 ? -0 : 0;
  const floor = Math.floor(down);
  return down - floor > 0.5 ? floor + 1 : floor;
}

/** input divided by other and rounded down. Source: `torch.floor_divide`. */
export const floorDivide: Binary = divideFloor;

/**
 * input / other.
 *
 * @param options `roundingMode`: `trunc` rounds towards 0, `floor` down; both keep integers. Default: true division.
 */
export const div: (input: Arg, other: Arg, options?: { roundingMode?: 'trunc' | 'floor' | null }) => Tensor =
  op(
    {
      name: 'div',
      torch: 'div(input, other, *, rounding_mode=None)',
      family: 'elementwise',
      differentiable: true,
      samples: pair,
    },
    (input: Arg, other: Arg, { roundingMode = null }: { roundingMode?: 'trunc' | 'floor' | null } = {}) => {
      if (roundingMode === null) return trueDivide(input, other);
      if (roundingMode === 'floor') return divideFloor(input, other);
      if (roundingMode === 'trunc') return divideTrunc(input, other);
      throw new RangeError(
        `div: roundingMode '${String(roundingMode)}' is unknown: use trunc, floor or null`,
      );
    },
  );

const plainAdd: Binary = binary({
  name: 'plainAdd',
  label: 'add',
  torch: 'add(input, other)',
  result: 'same',
  element: (x, y) => x + y,
  save: 'nothing',
  gradient: { left: (g) => g, right: (g) => g },
  samples: pair,
});

const plainSub: Binary = binary({
  name: 'plainSub',
  label: 'sub',
  torch: 'sub(input, other)',
  result: 'same',
  element: (x, y) => x - y,
  save: 'nothing',
  gradient: { left: (g) => g, right: (g) => neg(g) },
  samples: pair,
});

type Scaled = (input: Arg, other: Arg, options?: { alpha?: number }) => Tensor;

function scaled(name: string, alpha: number, other: Arg): Arg {
  if (Number.isNaN(alpha)) throw notANumber(name, 'alpha');
  return alpha === 1 ? other : typeof other === 'object' ? mul(other, alpha) : Number(other) * alpha;
}

/** input + alpha * other, with broadcasting and type promotion. */
export const add: Scaled = op(
  {
    name: 'add',
    torch: 'add(input, other, *, alpha=1)',
    frequent: true,
    family: 'elementwise',
    differentiable: true,
    samples: pair,
  },
  (input: Arg, other: Arg, options?: { alpha?: number }) =>
    plainAdd(input, options === undefined ? other : scaled('add', options.alpha ?? 1, other)),
);

const isBool = (value: Arg): boolean => typeof value === 'object' && value.dtype === 'bool';

/** input - alpha * other, with broadcasting and type promotion. Error: two bool tensors. */
export const sub: Scaled = op(
  {
    name: 'sub',
    torch: 'sub(input, other, *, alpha=1)',
    frequent: true,
    family: 'elementwise',
    differentiable: true,
    samples: pair,
  },
  (input: Arg, other: Arg, options?: { alpha?: number }) => {
    if (isBool(input) && isBool(other))
      throw new TypeError('sub: two bool tensors cannot be subtracted: use logicalXor or bitwiseXor');
    return plainSub(input, options === undefined ? other : scaled('sub', options.alpha ?? 1, other));
  },
);

/** other - alpha * input. */
export const rsub: Scaled = op(
  {
    name: 'rsub',
    torch: 'rsub(input, other, *, alpha=1)',
    family: 'elementwise',
    differentiable: true,
    samples: pair,
  },
  (input: Arg, other: Arg, { alpha = 1 }: { alpha?: number } = {}) =>
    plainSub(other, scaled('rsub', alpha, input)),
);
