import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel } from './cast.ts';
import { op } from './record.ts';
import { clone, reshape } from './views.ts';

const permutePrimitive: Primitive<{ dims: readonly number[] }> = {
  name: 'permute',
  view: true,
  forward: (_ctx, [input], { dims }) => {
    const x = input as Tensor;
    return x.alias(
      dims.map((d) => x.shape[d]),
      dims.map((d) => x.strides[d]),
      x.offset,
    );
  },
  gradient: (_ctx, [g], { dims }) => {
    const inverse = dims.map((_, i) => dims.indexOf(i));
    return [g && applyOne(permutePrimitive, [g], { dims: inverse })];
  },
};

/** A view with the dimensions in another order. Error: an order that does not name each dimension once. */
export const permute: (input: Tensor, dims: readonly number[]) => Tensor = op(
  {
    name: 'permute',
    torch: 'permute(input, dims)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3, 4] }, [2, 0, -2]]],
  },
  (input: Tensor, dims: readonly number[]) => {
    const order = dims.map((d) => normalizeDim('permute', d, input.ndim));
    if (order.length !== input.ndim || new Set(order).size !== order.length)
      throw new RangeError(
        `permute: [${dims}] must name each of the ${input.ndim} dimensions of ${formatShape(input.shape)} once`,
      );
    return applyOne(permutePrimitive, [input], { dims: order });
  },
);

/** A view with two dimensions exchanged. */
export const transpose: (input: Tensor, dim0: number, dim1: number) => Tensor = op(
  {
    name: 'transpose',
    torch: 'transpose(input, dim0, dim1)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3, 4] }, 0, -1]],
  },
  (input: Tensor, dim0: number, dim1: number) => {
    const [a, b] = [dim0, dim1].map((d) => normalizeDim('transpose', d, input.ndim));
    if (input.ndim === 0) return reshape(input, []);
    const order = Array.from({ length: input.ndim }, (_, i) => (i === a ? b : i === b ? a : i));
    return permute(input, order);
  },
);

/** The transpose of a matrix; a vector or a number stays as it is. Error: more than two dimensions. */
export const t: (input: Tensor) => Tensor = op(
  {
    name: 't',
    torch: 't(input)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor) => {
    if (input.ndim > 2)
      throw new RangeError(
        `t: ${formatShape(input.shape)} has ${input.ndim} dimensions: use transpose(dim0, dim1)`,
      );
    return input.ndim < 2 ? reshape(input, input.shape) : transpose(input, 0, 1);
  },
);

/** Moves dimensions to other places; the others keep their order. */
export const movedim: (
  input: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
) => Tensor = op(
  {
    name: 'movedim',
    torch: 'movedim(input, source, destination)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3, 4] }, [0, 1], [-1, 0]]],
  },
  (input: Tensor, source: number | readonly number[], destination: number | readonly number[]) => {
    const list = (value: number | readonly number[]): number[] =>
      (typeof value === 'number' ? [value] : [...value]).map((d) => normalizeDim('movedim', d, input.ndim));
    const [from, to] = [list(source), list(destination)];
    if (from.length !== to.length || new Set(from).size !== from.length || new Set(to).size !== to.length)
      throw new RangeError(
        `movedim: source [${source}] and destination [${destination}] must be as long as each other, and repeat nothing`,
      );
    if (input.ndim === 0) return reshape(input, []);
    const order = new Array<number>(input.ndim).fill(-1);
    from.forEach((d, i) => {
      order[to[i]] = d;
    });
    const rest = order.map((_, d) => d).filter((d) => !from.includes(d));
    return permute(
      input,
      order.map((d) => (d < 0 ? rest.shift()! : d)),
    );
  },
);

/** A view with a dimension of size 1 added before `dim`. */
export const unsqueeze: (input: Tensor, dim: number) => Tensor = op(
  {
    name: 'unsqueeze',
    torch: 'unsqueeze(input, dim)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, -1]],
  },
  (input: Tensor, dim: number) => {
    const place = normalizeDim('unsqueeze', dim, input.ndim + 1);
    return reshape(input, [...input.shape.slice(0, place), 1, ...input.shape.slice(place)]);
  },
);

/** A view without the dimensions of size 1: all of them, or those that `dim` names. */
export const squeeze: (input: Tensor, dim?: number | readonly number[]) => Tensor = op(
  {
    name: 'squeeze',
    torch: 'squeeze(input, dim=None)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 1, 3] }], [{ shape: [1, 3] }, 0]],
  },
  (input: Tensor, dim?: number | readonly number[]) => {
    const named =
      dim === undefined || dim === null
        ? null
        : (typeof dim === 'number' ? [dim] : dim).map((d) => normalizeDim('squeeze', d, input.ndim));
    return reshape(
      input,
      input.shape.filter((size, d) => size !== 1 || (named !== null && !named.includes(d))),
    );
  },
);

/** The dimensions from `startDim` to `endDim` as one. Default: all. */
export const flatten: (input: Tensor, startDim?: number, endDim?: number) => Tensor = op(
  {
    name: 'flatten',
    torch: 'flatten(input, start_dim=0, end_dim=-1)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3, 4] }, 1]],
  },
  (input: Tensor, startDim = 0, endDim = -1) => {
    const start = normalizeDim('flatten', startDim, input.ndim);
    const end = normalizeDim('flatten', endDim, input.ndim);
    if (start > end) throw new RangeError(`flatten: startDim ${startDim} comes after endDim ${endDim}`);
    const size = input.shape.slice(start, end + 1).reduce((a, b) => a * b, 1);
    return reshape(input, [...input.shape.slice(0, start), size, ...input.shape.slice(end + 1)]);
  },
);

/** One dimension as several; one size may be -1. */
export const unflatten: (input: Tensor, dim: number, sizes: Shape) => Tensor = op(
  {
    name: 'unflatten',
    torch: 'unflatten(input, dim, sizes)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 6] }, 1, [2, -1]]],
  },
  (input: Tensor, dim: number, sizes: Shape) => {
    const place = normalizeDim('unflatten', dim, input.ndim);
    const known = sizes.reduce((a, b) => (b === -1 ? a : a * b), 1);
    const size = input.shape[place];
    const to = sizes.map((s) => (s === -1 ? size / known : s));
    if (to.reduce((a, b) => a * b, 1) !== size || to.some((s) => !Number.isInteger(s)))
      throw new RangeError(
        `unflatten: sizes ${formatShape(sizes)} do not make up dimension ${dim} of size ${size}`,
      );
    return reshape(input, [...input.shape.slice(0, place), ...to, ...input.shape.slice(place + 1)]);
  },
);

interface Slice {
  dim: number;
  start: number;
  step: number;
  length: number;
  from: Shape;
}

const slicePrimitive: Primitive<Slice> = {
  name: 'slice',
  view: true,
  forward: (_ctx, [input], { dim, start, step, length }) => {
    const x = input as Tensor;
    return x.alias(
      x.shape.map((size, d) => (d === dim ? length : size)),
      x.strides.map((stride, d) => (d === dim ? stride * step : stride)),
      x.offset + start * x.strides[dim],
    );
  },
  gradient: (_ctx, [g], slice) => [g && applyOne(sliceBackward, [g], slice)],
};

const sliceBackward: Primitive<Slice> = {
  name: 'sliceBackward',
  forward: (_ctx, [grad], { dim, start, step, from }) => {
    const g = grad as Tensor;
    const out = Tensor.allocate(from, g.dtype, true);
    const window = out.alias(
      g.shape,
      out.strides.map((stride, d) => (d === dim ? stride * step : stride)),
      out.offset + start * out.strides[dim],
    );
    copyKernel(window, g);
    return out;
  },
  gradient: (_ctx, [g], slice) => [g && applyOne(slicePrimitive, [g], slice)],
};

/** `length` elements of one dimension from `start`, a view. Error: a range that leaves the dimension. */
export const narrow: (input: Tensor, dim: number, start: number | Tensor, length: number) => Tensor = op(
  {
    name: 'narrow',
    torch: 'narrow(input, dim, start, length)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 5] }, 1, 1, 3]],
  },
  (input: Tensor, dim: number, begin: number | Tensor, length: number) => {
    const start = begin instanceof Tensor ? begin.elements[begin.offset] : begin;
    if (input.ndim === 0) throw new RangeError('narrow: a 0-d tensor has no dimension to narrow');
    const place = normalizeDim('narrow', dim, input.ndim);
    const size = input.shape[place];
    const first = start < 0 ? start + size : start;
    if (!Number.isInteger(start) || !Number.isInteger(length))
      throw new RangeError(`narrow: start ${start} and length ${length} must be whole numbers`);
    if (first < 0 || length < 0 || first + length > size)
      throw new RangeError(
        `narrow: start ${start} and length ${length} leave dimension ${dim} of size ${size}`,
      );
    return applyOne(slicePrimitive, [input], {
      dim: place,
      start: first,
      step: 1,
      length,
      from: input.shape,
    });
  },
);

/** The elements of one dimension from `start` to `end` (not included) by `step`, as Python slices: a view. */
export const sliceDim: (
  input: Tensor,
  dim?: number,
  start?: number | null,
  end?: number | null,
  step?: number,
) => Tensor = op(
  {
    name: 'sliceDim',
    torch: 'slice(input, dim=0, start=None, end=None, step=1)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 5] }, 1, 1, -1, 2]],
  },
  sliced,
);

function sliced(
  input: Tensor,
  dim = 0,
  start: number | null = null,
  end: number | null = null,
  step = 1,
): Tensor {
  const place = normalizeDim('slice', dim, input.ndim);
  if (!Number.isInteger(step) || step < 1)
    throw new RangeError(`slice: step ${step} must be a whole number from 1`);
  for (const bound of [start, end])
    if (bound !== null && !Number.isInteger(bound) && Math.abs(bound) !== Infinity)
      throw new RangeError(`slice: ${start} to ${end}: start and end must be whole numbers`);
  const size = input.shape[place];
  const clampTo = (value: number): number => Math.min(Math.max(value < 0 ? value + size : value, 0), size);
  const first = clampTo(start ?? 0);
  const last = clampTo(end ?? size);
  const length = Math.max(0, Math.ceil((last - first) / step));
  return applyOne(slicePrimitive, [input], { dim: place, start: first, step, length, from: input.shape });
}

/** One index of one dimension, which goes away: a view. Error: an index outside. */
export const select: (input: Tensor, dim: number, index: number) => Tensor = op(
  {
    name: 'select',
    torch: 'select(input, dim, index)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1, -1]],
  },
  (input: Tensor, dim: number, index: number) => {
    if (input.ndim === 0) throw new RangeError('select: a 0-d tensor has no dimension to select from');
    const place = normalizeDim('select', dim, input.ndim);
    const size = input.shape[place];
    const at = index < 0 ? index + size : index;
    if (!Number.isInteger(at) || at < 0 || at >= size)
      throw new RangeError(`select: index ${index} is out of range for dimension ${dim} of size ${size}`);
    const slice = applyOne(slicePrimitive, [input], {
      dim: place,
      start: at,
      step: 1,
      length: 1,
      from: input.shape,
    });
    return reshape(
      slice,
      input.shape.filter((_, d) => d !== place),
    );
  },
);

/** Marks views that one operation returned together: PyTorch refuses to write through them while gradients are recorded. */
function together(views: Tensor[]): Tensor[] {
  for (const view of views) view.viewOrigin = 'several';
  return views;
}

/** A view of each index of a dimension, in order. Written in place, they are refused where gradients are recorded: use `select`. */
export const unbind: (input: Tensor, dim?: number) => Tensor[] = op(
  {
    name: 'unbind',
    torch: 'unbind(input, dim=0)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1]],
  },
  (input: Tensor, dim = 0) => {
    const place = normalizeDim('unbind', dim, input.ndim);
    if (input.ndim === 0) throw new RangeError('unbind: a 0-d tensor has no dimension to unbind');
    return together(Array.from({ length: input.shape[place] }, (_, i) => select(input, place, i)));
  },
);

/**
 * Views of pieces of a dimension: of `size` each (the last may be smaller), or of the sizes that a list gives. Written in place, they are
 * refused where gradients are recorded: use `narrow`.
 */
export const split: (input: Tensor, size: number | readonly number[], dim?: number) => Tensor[] = op(
  {
    name: 'split',
    torch: 'split(input, split_size_or_sections, dim=0)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [5, 2] }, 2],
      [{ shape: [5] }, [1, 4]],
    ],
  },
  (input: Tensor, size: number | readonly number[], dim = 0) => {
    const place = normalizeDim('split', dim, input.ndim);
    const whole = input.shape[place];
    if (typeof size === 'number' && (size < 0 || (size === 0 && whole > 0)))
      throw new RangeError(`split: a piece of size ${size}: use a size from 1`);
    const sizes =
      typeof size === 'number'
        ? Array.from({ length: Math.max(1, Math.ceil(whole / Math.max(size, 1))) }, (_, i) =>
            Math.min(size, whole - i * size),
          )
        : size;
    if (sizes.reduce((a, b) => a + b, 0) !== whole)
      throw new RangeError(`split: sizes [${sizes}] do not add up to ${whole}, the size of dimension ${dim}`);
    let start = 0;
    return together(
      sizes.map((length) => {
        start += length;
        return narrow(input, place, start - length, length);
      }),
    );
  },
);

/** `split` with a list of sizes. */
export const splitWithSizes: (input: Tensor, sizes: readonly number[], dim?: number) => Tensor[] = op(
  {
    name: 'splitWithSizes',
    torch: 'split_with_sizes(input, split_sizes, dim=0)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [5] }, [1, 4]]],
  },
  (input: Tensor, sizes: readonly number[], dim = 0) => split(input, sizes, dim),
);

/** Views of at most `chunks` pieces of a dimension, equal but for the last. */
export const chunk: (input: Tensor, chunks: number, dim?: number) => Tensor[] = op(
  {
    name: 'chunk',
    torch: 'chunk(input, chunks, dim=0)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [5, 2] }, 2]],
  },
  (input: Tensor, chunks: number, dim = 0) => {
    if (!Number.isInteger(chunks) || chunks < 1)
      throw new RangeError(`chunk: ${chunks} chunks: use a whole number from 1`);
    const size = input.shape[normalizeDim('chunk', dim, input.ndim)];
    return split(input, Math.max(1, Math.ceil(size / chunks)), dim);
  },
);

/**
 * Views of pieces of a dimension: a number of pieces as equal as can be (the first ones longer), or cut before the places that a
 * list gives. Source: `torch.tensor_split`.
 */
export const tensorSplit: (
  input: Tensor,
  indicesOrSections: number | readonly number[] | Tensor,
  dim?: number,
) => Tensor[] = op(
  {
    name: 'tensorSplit',
    torch: 'tensor_split(input, indices_or_sections, dim=0)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [5, 2] }, 3],
      [{ shape: [5] }, [1, 4]],
    ],
  },
  (input: Tensor, indicesOrSections: number | readonly number[] | Tensor, dim = 0) => {
    if (input.ndim === 0) throw new RangeError('tensorSplit: a 0-d tensor has no dimension to split');
    const place = normalizeDim('tensorSplit', dim, input.ndim);
    const size = input.shape[place];
    const given = indicesOrSections;
    const at = (t: Tensor): number[] =>
      Array.from({ length: t.size }, (_, i) => t.elements[t.offset + i * (t.ndim === 0 ? 0 : t.strides[0])]);
    const cuts = given instanceof Tensor ? (given.ndim === 0 ? at(given)[0] : at(given)) : given;
    if (typeof cuts !== 'number') {
      const ends = [...cuts, size];
      return ends.map((end, i) => sliced(input, place, i === 0 ? 0 : ends[i - 1], end));
    }
    if (!Number.isInteger(cuts) || cuts < 1)
      throw new RangeError(`tensorSplit: ${cuts} sections: use a whole number from 1`);
    const [short, longer] = [Math.floor(size / cuts), size % cuts];
    const start = (i: number): number => i * short + Math.min(i, longer);
    return Array.from({ length: cuts }, (_, i) => narrow(input, place, start(i), start(i + 1) - start(i)));
  },
);

/** `unsqueeze` as a copy. */
export const unsqueezeCopy: (input: Tensor, dim: number) => Tensor = op(
  {
    name: 'unsqueezeCopy',
    torch: 'unsqueeze_copy(input, dim)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1]],
  },
  (input: Tensor, dim: number) => clone(unsqueeze(input, dim)),
);

/** `transpose` under NumPy's name. */
export const swapaxes: (input: Tensor, axis0: number, axis1: number) => Tensor = op(
  {
    name: 'swapaxes',
    torch: 'swapaxes(input, axis0, axis1)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 0, 1]],
  },
  (input: Tensor, axis0: number, axis1: number) => transpose(input, axis0, axis1),
);
