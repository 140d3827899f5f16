import { formatShape, normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';
import { copy_ } from './fill.ts';
import { matmul } from './matmul.ts';
import { op } from './record.ts';
import { permute, select, sliceDim, tensorSplit } from './shape.ts';
import { clone } from './views.ts';

type Sections = (input: Tensor, sections: number | readonly number[]) => Tensor[];

/** Splits along a dimension into equal pieces, or at indices. */
function sectionsOf(name: string, rank: number, dimension: (ndim: number) => number): Sections {
  return op(
    {
      name,
      torch: `${name}(input, indices_or_sections)`,
      family: 'shape',
      differentiable: true,
      samples: () => [[{ shape: [2, 4, 2].slice(0, Math.max(rank, 2)) }, 2]],
    },
    (input: Tensor, sections: number | readonly number[]) => {
      if (input.ndim < rank)
        throw new RangeError(`${name}: ${formatShape(input.shape)} needs at least ${rank} dimensions`);
      const dim = dimension(input.ndim);
      const size = input.shape[dim];
      if (typeof sections === 'number' && size % sections !== 0)
        throw new RangeError(`${name}: ${sections} sections do not divide dimension ${dim} of size ${size}`);
      return tensorSplit(input, sections, dim);
    },
  );
}

/** Pieces side by side: along dimension 1, of a vector along 0. */
export const hsplit: Sections = sectionsOf('hsplit', 1, (ndim) => (ndim === 1 ? 0 : 1));
/** Pieces below each other: along dimension 0. */
export const vsplit: Sections = sectionsOf('vsplit', 2, () => 0);
/** Pieces behind each other: along dimension 2. */
export const dsplit: Sections = sectionsOf('dsplit', 3, () => 2);

/** A copy of the input with `src` written at one index of a dimension. */
export const selectScatter: (input: Tensor, src: Tensor, dim: number, index: number) => Tensor = op(
  {
    name: 'selectScatter',
    torch: 'select_scatter(input, src, dim, index)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [2] }, 1, -1]],
  },
  (input: Tensor, src: Tensor, dim: number, index: number) => {
    const out = clone(input);
    copy_(select(out, normalizeDim('selectScatter', dim, input.ndim), index), src);
    return out;
  },
);

/** A copy of the input with `src` written over a range of a dimension. */
export const sliceScatter: (
  input: Tensor,
  src: Tensor,
  dim?: number,
  start?: number | null,
  end?: number | null,
  step?: number,
) => Tensor = op(
  {
    name: 'sliceScatter',
    torch: 'slice_scatter(input, src, dim=0, start=None, end=None, step=1)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [5, 2] }, { shape: [2, 2] }, 0, 1, 4, 2]],
  },
  (input: Tensor, src: Tensor, dim = 0, start: number | null = null, end: number | null = null, step = 1) => {
    const out = clone(input);
    copy_(sliceDim(out, normalizeDim('sliceScatter', dim, input.ndim), start, end, step), src);
    return out;
  },
);

/** The products of the last dimensions, summed: `(..., K)` and `(..., K)` give one number for each pair of the rest. */
export const inner: (input: Tensor, other: Tensor) => Tensor = op(
  {
    name: 'inner',
    torch: 'inner(input, other)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [3] }, { shape: [3] }],
      [{ shape: [2, 3] }, { shape: [4, 3] }],
    ],
  },
  (input: Tensor, other: Tensor) => {
    if (input.ndim === 0 || other.ndim === 0) return mul(input, other);
    const depth = input.shape[input.ndim - 1];
    if (depth !== other.shape[other.ndim - 1])
      throw new RangeError(
        `inner: ${formatShape(input.shape)} and ${formatShape(other.shape)}: the last sizes ${depth} and ${other.shape[other.ndim - 1]} differ`,
      );
    const rows = input.reshape([-1, depth]);
    const columns = permute(other.reshape([-1, depth]), [1, 0]);
    return matmul(rows, columns).reshape([...input.shape.slice(0, -1), ...other.shape.slice(0, -1)]);
  },
);

/** The smallest and the greatest element, over one dimension or all. */
export const aminmax: (
  input: Tensor,
  options?: { dim?: number | null; keepdim?: boolean },
) => [min: Tensor, max: Tensor] = op(
  {
    name: 'aminmax',
    torch: 'aminmax(input, *, dim=None, keepdim=False)',
    family: 'reduction',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { dim: 1 }]],
  },
  (input: Tensor, { dim = null, keepdim = false }: { dim?: number | null; keepdim?: boolean } = {}) => {
    if (dim !== null) normalizeDim('aminmax', dim, input.ndim);
    const dims = dim ?? undefined;
    return [input.amin(dims, { keepdim }), input.amax(dims, { keepdim })] as [Tensor, Tensor];
  },
);
