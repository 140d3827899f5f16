import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { formatShape, numel, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, scalar } from './cast.ts';
import { takeAlongDim } from './gather.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';

/**
 * out = where each of `values` goes in the sorted `sequence` (both (lanes, n)): before equal ones, after them with `right` 1.
 */
const searchKernel = kernel('sort.search', (out: Tensor, sequence: Tensor, values: Tensor, right: number) => {
  const [y, s, x] = [out.elements, sequence.elements, values.elements];
  const size = laneLength(sequence, 1);
  const count = laneLength(values, 1);
  const [so, ss, sx] = [out, sequence, values].map((t) => laneStep(t, 1));
  eachLane([out, sequence, values], 1, ([po, ps, px]) => {
    for (let i = 0; i < count; i++) {
      const value = x[px + i * sx];
      let low = 0;
      let high = size;
      while (low < high) {
        const middle = (low + high) >> 1;
        const here = s[ps + middle * ss];
        if (right ? !(here > value) : !(here >= value)) low = middle + 1;
        else high = middle;
      }
      y[po + i * so] = low;
    }
  });
});

export interface SearchOptions {
  /** After equal elements instead of before them. Default false. */
  right?: boolean;
  /** 'right' is `{right: true}`. */
  side?: 'left' | 'right' | null;
  /** The indices that sort the sequence, when it is not sorted itself. */
  sorter?: Tensor | null;
  /** Accepted for PyTorch's sake: indices are int32 here. */
  outInt32?: boolean;
}

/**
 * Where each value goes in a sorted sequence so that it stays sorted: before equal elements, or after them.
 *
 * @param sortedSequence `(n,)`, or `(..., n)` with the values' other dimensions. @param input the values, or one number.
 * @returns int32 indices of the values' shape. Errors: dimensions that do not match; `side` 'left' with `right`.
 * Source: `torch.searchsorted`.
 */
export const searchsorted: (
  sortedSequence: Tensor,
  input: Tensor | number,
  options?: SearchOptions,
) => Tensor = op(
  {
    name: 'searchsorted',
    torch: 'searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None)',
    family: 'sorting',
    differentiable: 'an index',
    samples: () => [[{ shape: [4], data: [-1, 0, 1, 2] }, { shape: [2, 3] }]],
  },
  (
    sortedSequence: Tensor,
    input: Tensor | number,
    { right = false, side = null, sorter = null }: SearchOptions = {},
  ) => {
    const values = (input instanceof Tensor ? input : scalar(input, sortedSequence.dtype)).detach();
    if (side === 'left' && right) throw new RangeError("searchsorted: side 'left' contradicts right: true");
    if (sorter !== null && !sameShape(sorter.shape, sortedSequence.shape))
      throw new RangeError(
        `searchsorted: the sorter ${formatShape(sorter.shape)} must have the sequence's shape ${formatShape(sortedSequence.shape)}`,
      );
    const { ndim } = sortedSequence;
    if (ndim === 0) throw new RangeError('searchsorted: the sequence needs at least one dimension');
    const sequence =
      sorter === null ? sortedSequence.detach() : takeAlongDim(sortedSequence.detach(), sorter, -1);
    const lead = sequence.shape.slice(0, -1);
    if (ndim > 1 && (values.ndim !== ndim || !sameShape(values.shape.slice(0, -1), lead)))
      throw new RangeError(
        `searchsorted: the values ${formatShape(values.shape)} and the sequence ${formatShape(sequence.shape)} must agree in all dimensions but the last`,
      );
    const out = Tensor.allocate(values.shape, 'int32');
    if (out.size === 0) return out;
    const size = sequence.shape.at(-1)!;
    const lanes = ndim === 1 ? 1 : numel(lead);
    const each = values.size / lanes;
    const rows = ndim === 1 ? reshape(sequence, [1, size]) : reshape(sequence, [lanes, size]);
    const same = sequence.dtype === values.dtype;
    searchKernel(
      reshape(out, [lanes, each]),
      expand(same ? rows : cast(rows, 'float64'), [lanes, size]),
      reshape(same ? values : cast(values, 'float64'), [lanes, each]),
      Number(right || side === 'right'),
    );
    return out;
  },
);

/** In which bucket each value falls: the index of the first boundary that is not below it (above it, with `right`). Source: `torch.bucketize`. */
export const bucketize: (
  input: Tensor | number,
  boundaries: Tensor,
  options?: { right?: boolean; outInt32?: boolean },
) => Tensor = op(
  {
    name: 'bucketize',
    torch: 'bucketize(input, boundaries, *, out_int32=False, right=False)',
    family: 'sorting',
    differentiable: 'an index',
    samples: () => [[{ shape: [2, 3] }, { shape: [4], data: [-1, 0, 1, 2] }]],
  },
  (
    input: Tensor | number,
    boundaries: Tensor,
    { right = false }: { right?: boolean; outInt32?: boolean } = {},
  ) => {
    if (boundaries.ndim !== 1)
      throw new RangeError(`bucketize: the boundaries ${formatShape(boundaries.shape)} must be a vector`);
    return searchsorted(boundaries, input, { right });
  },
);
