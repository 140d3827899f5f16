import type { Tensor } from '../tensor/tensor.ts';
import { type Arg, type Binary, binary, type Unary, unary } from './elementwise.ts';

const whole = () => [
  [
    { shape: [3], data: [5, 3, 12], dtype: 'int32' },
    { shape: [3], data: [3, 6, 10], dtype: 'int32' },
  ],
];

const isWhole = (value: Arg): boolean =>
  typeof value === 'object'
    ? !(value as Tensor).isFloating
    : typeof value === 'boolean' || Number.isInteger(value);

/** Error: floating operands, which have no bits to speak of. */
function bits(name: string, torch: string, element: (x: number, y: number) => number): Binary {
  const run = binary({
    name,
    torch: `${torch}(input, other)`,
    result: 'same',
    element,
    save: 'nothing',
    gradient: 'integers have no gradient',
    samples: whole,
  });
  return (input: Arg, other: Arg) => {
    if (!isWhole(input) || !isWhole(other))
      throw new TypeError(`${name}: needs integers or booleans: convert floating tensors with to('int32')`);
    return run(input, other);
  };
}

/** Each bit is set where both have it. Error: floating operands. */
export const bitwiseAnd: Binary = bits('bitwiseAnd', 'bitwise_and', (x, y) => x & y);
/** Each bit is set where one of them has it. Error: floating operands. */
export const bitwiseOr: Binary = bits('bitwiseOr', 'bitwise_or', (x, y) => x | y);
/** Each bit is set where exactly one of them has it. Error: floating operands. */
export const bitwiseXor: Binary = bits('bitwiseXor', 'bitwise_xor', (x, y) => x ^ y);
/** input * 2^other. Error: floating operands. */
export const bitwiseLeftShift: Binary = bits('bitwiseLeftShift', 'bitwise_left_shift', (x, y) =>
  y > 31 ? 0 : x << y,
);
/** input / 2^other, rounded down. Error: floating operands. */
export const bitwiseRightShift: Binary = bits(
  'bitwiseRightShift',
  'bitwise_right_shift',
  (x, y) => x >> Math.min(y, 31),
);

const not = unary({
  name: 'bitwiseNot',
  torch: 'bitwise_not(input)',
  result: 'same',
  element: (x) => ~x,
  save: 'nothing',
  gradient: 'integers have no gradient',
  samples: () => [[{ shape: [3], data: [5, 3, 12], dtype: 'int32' }]],
});

/** Every bit turned; for booleans the logical not. Error: a floating input. */
export const bitwiseNot: Unary = (input: Tensor) => {
  if (input.isFloating)
    throw new TypeError("bitwiseNot: needs integers or booleans: convert with to('int32')");
  return input.dtype === 'bool' ? input.logicalNot() : not(input);
};
