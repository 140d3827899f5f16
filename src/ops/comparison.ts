import { type Binary, binary } from './elementwise.ts';

function comparison(
  name: string,
  holds: (x: number, y: number) => boolean,
  torch = `${name}(input, other)`,
): Binary {
  return binary({
    name,
    torch,
    result: 'bool',
    element: (x, y) => Number(holds(x, y)),
    save: 'nothing',
    gradient: 'a predicate',
    samples: () => [[{ shape: [2, 3] }, { shape: [3] }]],
  });
}

/** input = other. NaN equals nothing. */
export const eq: Binary = comparison('eq', (x, y) => x === y);
/** input ≠ other. */
export const ne: Binary = comparison('ne', (x, y) => x !== y);
/** input < other. */
export const lt: Binary = comparison('lt', (x, y) => x < y);
/** input ≤ other. */
export const le: Binary = comparison('le', (x, y) => x <= y);
/** input > other. */
export const gt: Binary = comparison('gt', (x, y) => x > y);
/** input ≥ other. */
export const ge: Binary = comparison('ge', (x, y) => x >= y);
/** Both are not 0. */
export const logicalAnd: Binary = comparison(
  'logicalAnd',
  (x, y) => x !== 0 && y !== 0,
  'logical_and(input, other)',
);
/** One of them is not 0. */
export const logicalOr: Binary = comparison(
  'logicalOr',
  (x, y) => x !== 0 || y !== 0,
  'logical_or(input, other)',
);
/** Exactly one of them is not 0. */
export const logicalXor: Binary = comparison(
  'logicalXor',
  (x, y) => (x !== 0) !== (y !== 0),
  'logical_xor(input, other)',
);
