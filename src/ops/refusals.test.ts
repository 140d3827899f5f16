import { expect, test } from 'vitest';
import {
  cdist,
  cross,
  einsum,
  gather,
  indexAdd,
  maskedFill,
  meshgrid,
  ones,
  renorm,
  repeatInterleave,
  roll,
  scatter,
  scatterReduce,
  tensor,
  tensordot,
  zeros,
} from '../index.ts';

const index = (...values: number[]) => tensor(values, { dtype: 'int32' });

test.each<[string, () => unknown, RegExp]>([
  ['an index outside', () => gather(ones([3]), 0, index(3)), /gather: index 3 is out of bounds .* size 3/],
  ['a negative index', () => gather(ones([3]), 0, index(-1)), /gather: index -1 is out of bounds/],
  [
    'a floating index',
    () => gather(ones([3]), 0, ones([1])),
    /gather: the index is float32: it must be int32/,
  ],
  [
    'an index that is too long',
    () => gather(ones([2, 2]), 0, zeros([1, 3], { dtype: 'int32' })),
    /does not fit/,
  ],
  [
    'a source of another dtype',
    () => scatter(ones([3]), 0, index(0), ones([1], { dtype: 'float64' })),
    /scatter: the source is float64 and the input float32/,
  ],
  [
    'an unknown reduction',
    () => scatterReduce(ones([3]), 0, index(0), ones([1]), 'median' as 'mean'),
    /'median' is unknown: use sum, mean, prod, amax, amin/,
  ],
  ['slices of another size', () => indexAdd(ones([3, 2]), 0, index(0), ones([1, 3])), /must be \(1, 2\)/],
  ['a floating mask', () => maskedFill(ones([3]), ones([3]), 0), /the mask is float32: it must be bool/],
  ['shifts without dimensions', () => roll(ones([3, 3]), [1, 2]), /roll: 2 shifts without dims/],
  ['half a repeat', () => repeatInterleave(ones([3]), 1.5), /1.5 repeats: use whole numbers/],
  ['a matrix among coordinates', () => meshgrid([ones([2, 2])]), /meshgrid: \(2, 2\) is neither a vector/],
  ['rows of other lengths', () => cdist(ones([2, 3]), ones([2, 4])), /cdist: \(2, 3\) and \(2, 4\)/],
  ['a negative norm', () => renorm(ones([2, 2]), -1, 0, 1), /renorm: p -1 must be positive/],
  ['vectors in the plane', () => cross(ones([2]), ones([2])), /cross: dimension of size 3/],
  ['pairs that do not match', () => tensordot(ones([2, 3]), ones([2, 3]), 1), /tensordot: dimensions \[1\]/],
  [
    'a missing term',
    () => einsum('ij,jk->ik', ones([2, 2])),
    /einsum: 'ij,jk->ik' has 2 terms for 1 tensors/,
  ],
  [
    'sizes of one label',
    () => einsum('ij,jk->ik', ones([2, 2]), ones([3, 2])),
    /label 'j' stands for the sizes 2 and 3/,
  ],
  ['a label from nowhere', () => einsum('i->ij', ones([2])), /label 'j' of the result is in no term/],
  [
    'bits of floating numbers',
    () => ones([2]).bitwiseAnd(ones([2])),
    /bitwiseAnd: needs integers or booleans/,
  ],
  [
    'a view that needs a copy',
    () => ones([2, 3]).t().view([6]),
    /view: \(6,\) is not compatible .* Use reshape/,
  ],
  [
    'windows that are too large',
    () => ones([3]).unfold(0, 4, 1),
    /unfold: windows of 4 with step 1 do not fit/,
  ],
  ['a diagonal of a vector', () => ones([3]).diagonal(), /diagonal: /],
])('%s is refused by name, with the values and the cure', (_, call, message) => {
  expect(call).toThrow(message);
});
