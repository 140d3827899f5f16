import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';
import { cast, copyKernel, scalar } from './cast.ts';
import { checkedIndex, scattered } from './gather.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';
import { where } from './where.ts';

/** out[i] = a[index[i]] along `dim`; `index` is 1-d. */
const selectKernel = kernel('index.select', (out: Tensor, a: Tensor, index: Tensor, dim: number) => {
  const [target, source, at] = [out.elements, a.elements, index.elements];
  const [so, sa, si] = [laneStep(out, dim), laneStep(a, dim), laneStep(index, 0)];
  const length = laneLength(index, 0);
  eachLane([out, a], dim, ([po, pa]) => {
    for (let i = 0; i < length; i++) target[po + i * so] = source[pa + at[index.offset + i * si] * sa];
  });
});

/** out[index[i]] += alpha * source[i] along `dim`; `index` is 1-d, repeated indices add up. */
const addKernel = kernel(
  'index.add',
  (out: Tensor, index: Tensor, source: Tensor, dim: number, alpha: number) => {
    const [target, values, at] = [out.elements, source.elements, index.elements];
    const [so, ss, si] = [laneStep(out, dim), laneStep(source, dim), laneStep(index, 0)];
    const length = laneLength(index, 0);
    eachLane([out, source], dim, ([po, ps]) => {
      for (let i = 0; i < length; i++)
        target[po + at[index.offset + i * si] * so] += alpha * values[ps + i * ss];
    });
  },
);

const selectPrimitive: Primitive<{ dim: number; from: Shape }> = {
  name: 'indexSelect',
  forward(ctx, inputs, { dim }) {
    const [a, index] = inputs as [Tensor, Tensor];
    const shape = a.shape.map((size, d) => (d === dim ? index.size : size));
    const out = Tensor.allocate(shape, a.dtype);
    selectKernel(out, a, index, dim);
    ctx.save(index);
    return out;
  },
  gradient: (ctx, [g], { dim, from }) => [g && indexAdded(from, dim, ctx.saved[0], g), null],
};

const addPrimitive: Primitive<{ dim: number; alpha: number }> = {
  name: 'indexAdd',
  forward(ctx, inputs, { dim, alpha }) {
    const [input, index, source] = inputs as [Tensor, Tensor, Tensor];
    const out = Tensor.allocate(input.shape, input.dtype);
    copyKernel(out, input);
    addKernel(out, index, source, dim, alpha);
    ctx.save(index);
    return out;
  },
  gradient: (ctx, [g], { dim, alpha }) => {
    const [index] = ctx.saved;
    if (!g) return [null, null, null];
    return [g, null, ctx.needs(2) ? mul(indexSelected(g, dim, index), alpha) : null];
  },
};

/** `indexSelect` with an index that is known to be right. */
export const indexSelected = (input: Tensor, dim: number, index: Tensor): Tensor =>
  applyOne(selectPrimitive, [input, index], { dim, from: input.shape });

/** Zeros of `shape` to which the slices of `source` are added at `index` along `dim`: the gradient of `indexSelect`. */
export const indexAdded = (shape: Shape, dim: number, index: Tensor, source: Tensor): Tensor =>
  applyOne(addPrimitive, [Tensor.allocate(shape, source.dtype, true), index, source], { dim, alpha: 1 });

/** The dimension, and the index as a checked int32 vector. Error: an index with more dimensions. */
function prepare(name: string, input: Tensor, dim: number, index: Tensor): { place: number; at: Tensor } {
  const place = normalizeDim(name, dim, input.ndim);
  if (index.ndim > 1)
    throw new RangeError(`${name}: the index ${formatShape(index.shape)} must be a vector: use gather`);
  const at = checkedIndex(name, index, laneLength(input, place));
  return { place, at: at.ndim === 0 ? reshape(at, [1]) : at };
}

/** Error: a source whose shape is not the input's with as many slices as indices. */
function checkSource(name: string, input: Tensor, place: number, at: Tensor, source: Tensor): void {
  const wanted = input.shape.map((size, d) => (d === place ? at.size : size));
  if (source.dtype !== input.dtype)
    throw new TypeError(`${name}: the source is ${source.dtype} and the input ${input.dtype}: convert one`);
  if (formatShape(source.shape) !== formatShape(wanted) && !(input.ndim <= 1 && source.size === at.size))
    throw new RangeError(
      `${name}: the source ${formatShape(source.shape)} must be ${formatShape(wanted)}: the input ${formatShape(input.shape)} with one slice for each index`,
    );
}

const vector = { shape: [2], data: [2, 0], dtype: 'int32' } as const;

/**
 * Slices of one dimension in the order of `index`, repeated where it repeats.
 *
 * @param index a vector of whole numbers. Errors: an index outside; an index that is not a vector. Source: `torch.index_select`.
 */
export const indexSelect: (input: Tensor, dim: number, index: Tensor) => Tensor = op(
  {
    name: 'indexSelect',
    torch: 'index_select(input, dim, index)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1, { shape: [4], data: [2, 0, 0, 1], dtype: 'int32' }]],
  },
  (input: Tensor, dim: number, index: Tensor) => {
    const { place, at } = prepare('indexSelect', input, dim, index);
    if (input.ndim === 0) return reshape(indexSelected(reshape(input, [1]), 0, at), []);
    return indexSelected(input, place, at);
  },
);

/** The input with the slices of `source`, times `alpha`, added at `index`; repeated indices add up. Source: `torch.index_add`. */
export const indexAdd: (
  input: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options?: { alpha?: number },
) => Tensor = op(
  {
    name: 'indexAdd',
    torch: 'index_add(input, dim, index, source, *, alpha=1)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1, vector, { shape: [2, 2] }, { alpha: 2 }]],
  },
  (input: Tensor, dim: number, index: Tensor, source: Tensor, { alpha = 1 }: { alpha?: number } = {}) => {
    const { place, at } = prepare('indexAdd', input, dim, index);
    checkSource('indexAdd', input, place, at, source);
    return applyOne(addPrimitive, [input, at, source], { dim: place, alpha });
  },
);

/** The vector `at` as an index for `scatter` along `place` of a tensor like `source`. */
function everywhere(at: Tensor, place: number, source: Tensor): Tensor {
  if (source.ndim === 0) return reshape(at, []);
  return expand(
    reshape(
      at,
      source.shape.map((_, d) => (d === place ? -1 : 1)),
    ),
    source.shape,
  );
}

/** The input with the slices of `source` written at `index`; where an index is repeated the last one counts. Source: `torch.index_copy`. */
export const indexCopy: (input: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor = op(
  {
    name: 'indexCopy',
    torch: 'index_copy(input, dim, index, source)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1, vector, { shape: [2, 2] }]],
  },
  (input: Tensor, dim: number, index: Tensor, source: Tensor) => {
    const { place, at } = prepare('indexCopy', input, dim, index);
    checkSource('indexCopy', input, place, at, source);
    const src = input.ndim === 0 ? reshape(source, []) : source;
    return scattered(input, place, everywhere(at, place, src), src);
  },
);

/** The input with the slices at `index` filled with one value (a number or a 0-d tensor). Source: `torch.index_fill`. */
export const indexFill: (input: Tensor, dim: number, index: Tensor, value: number | Tensor) => Tensor = op(
  {
    name: 'indexFill',
    torch: 'index_fill(input, dim, index, value)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, 1, vector, 2.5],
      [{ shape: [2, 3] }, 1, { shape: [3], data: [1, 1, 0], dtype: 'int32' }, { shape: [] }],
    ],
  },
  (input: Tensor, dim: number, index: Tensor, value: number | Tensor) => {
    const { place, at } = prepare('indexFill', input, dim, index);
    if (value instanceof Tensor && value.ndim > 0)
      throw new RangeError(
        `indexFill: the value ${formatShape(value.shape)} must be a number or a 0-d tensor`,
      );
    const hit = Tensor.allocate([laneLength(input, place)], 'bool', true);
    for (let i = 0; i < at.size; i++)
      hit.elements[hit.offset + at.elements[at.offset + i * at.strides[0]]] = 1;
    const mask = reshape(
      hit,
      input.shape.map((_, d) => (d === place ? -1 : 1)),
    );
    const fill = value instanceof Tensor ? cast(value, input.dtype) : scalar(value, input.dtype);
    return where(mask, fill, input);
  },
);
