import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { contiguousStrides, formatShape, isContiguous, numel, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel } from './cast.ts';
import { op } from './record.ts';
import { sumTo } from './sumTo.ts';

const clonePrimitive: Primitive<null> = {
  name: 'clone',
  forward(_ctx, [input]) {
    const out = Tensor.allocate((input as Tensor).shape, (input as Tensor).dtype);
    copyKernel(out, input as Tensor);
    return out;
  },
  gradient: (_ctx, [g]) => [g],
};

/** A copy with memory of its own, row-major. Gradients flow through. */
export const clone: (input: Tensor) => Tensor = op(
  {
    name: 'clone',
    torch: 'clone(input)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor) => applyOne(clonePrimitive, [input], null),
);

/** The tensor itself when its elements lie in row-major order, else a row-major copy. */
export const contiguous = (input: Tensor): Tensor => (input.isContiguous ? input : clone(input));

const viewPrimitive: Primitive<{ from: Shape; shape: Shape; strides: readonly number[] }> = {
  name: 'view',
  view: true,
  forward: (_ctx, [input], { shape, strides }) =>
    (input as Tensor).alias(shape, strides, (input as Tensor).offset),
  gradient: (_ctx, [g], { from }) => [g && reshape(g, from)],
};

/** `shape` with -1 replaced by what is left. Errors: two -1; a size that does not divide; another number of elements. */
export function inferShape(name: string, input: Shape, shape: Shape): number[] {
  const count = numel(input);
  const out = [...shape];
  const unknown = out.indexOf(-1);
  if (unknown !== out.lastIndexOf(-1))
    throw new RangeError(`${name}: only one size can be -1, got ${formatShape(shape)}`);
  if (unknown >= 0) {
    const rest = out.reduce((product, size, i) => (i === unknown ? product : product * size), 1);
    if (rest === 0 || count % rest !== 0)
      throw new RangeError(`${name}: shape ${formatShape(shape)} is invalid for input of size ${count}`);
    out[unknown] = count / rest;
  }
  if (numel(out) !== count || out.some((size) => size < 0))
    throw new RangeError(
      `${name}: shape ${formatShape(shape)} is invalid for input ${formatShape(input)} of size ${count}`,
    );
  return out;
}

/** Strides under which `shape` views the same elements in the same order, or null where a copy is needed. */
export function viewStrides(from: Shape, strides: readonly number[], shape: Shape): number[] | null {
  if (isContiguous(from, strides)) return contiguousStrides(shape);
  const out = new Array<number>(shape.length);
  let target = shape.length - 1;
  let chunk = 1;
  let base = strides[strides.length - 1];
  for (let d = from.length - 1; d >= 0; d--) {
    chunk *= from[d];
    const ends = d === 0 || (from[d - 1] !== 1 && strides[d - 1] !== chunk * base);
    if (!ends) continue;
    let covered = 1;
    while (target >= 0 && (covered < chunk || shape[target] === 1)) {
      out[target] = covered * base;
      covered *= shape[target--];
    }
    if (covered !== chunk) return null;
    if (d > 0) {
      chunk = 1;
      base = strides[d - 1];
    }
  }
  return target === -1 ? out : null;
}

/** The same elements in the same order under another shape; a view where the strides allow it, else a copy. One size may be -1. */
export const reshape: (input: Tensor, shape: Shape) => Tensor = op(
  {
    name: 'reshape',
    torch: 'reshape(input, shape)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 6] }, [3, -1]]],
  },
  (input: Tensor, shape: Shape) => {
    const to = inferShape('reshape', input.shape, shape);
    const strides = viewStrides(input.shape, input.strides, to);
    if (strides === null) return reshape(clone(input), to);
    return applyOne(viewPrimitive, [input], { from: input.shape, shape: to, strides });
  },
);

/** The same memory under another shape. Error: strides that do not allow it: use reshape, which copies then. */
export const view: (input: Tensor, shape: Shape) => Tensor = op(
  {
    name: 'view',
    torch: 'view(input, shape)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 6] }, [3, -1]]],
  },
  (input: Tensor, shape: Shape) => {
    const to = inferShape('view', input.shape, shape);
    if (viewStrides(input.shape, input.strides, to) === null)
      throw new RangeError(
        `view: ${formatShape(shape)} is not compatible with the shape ${formatShape(input.shape)} and strides [${input.strides}]: at least one dimension spans two subspaces. Use reshape`,
      );
    return reshape(input, to);
  },
);

const expandPrimitive: Primitive<{ from: Shape; shape: Shape; strides: readonly number[] }> = {
  name: 'expand',
  view: true,
  forward: (_ctx, [input], { shape, strides }) =>
    (input as Tensor).alias(shape, strides, (input as Tensor).offset),
  gradient: (_ctx, [g], { from }) => [g && sumTo(g, from)],
};

/** A view with dimensions of size 1 repeated (stride 0) and dimensions added in front; -1 keeps a size. */
export const expand: (input: Tensor, shape: Shape) => Tensor = op(
  {
    name: 'expand',
    torch: 'expand(input, size)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [3, 1] }, [2, 3, 4]]],
  },
  (input: Tensor, shape: Shape) => {
    const lead = shape.length - input.ndim;
    if (lead < 0)
      throw new RangeError(
        `expand: ${formatShape(shape)} has fewer dimensions than ${formatShape(input.shape)}`,
      );
    const to = shape.map((size, d) => (size === -1 && d >= lead ? input.shape[d - lead] : size));
    const strides = to.map((size, d) => {
      if (d < lead) return 0;
      const own = input.shape[d - lead];
      if (own !== size && own !== 1)
        throw new RangeError(
          `expand: ${formatShape(input.shape)} to ${formatShape(shape)}: size ${own} at dimension ${d - lead} is neither 1 nor ${size}`,
        );
      return own === size ? input.strides[d - lead] : 0;
    });
    return applyOne(expandPrimitive, [input], { from: input.shape, shape: to, strides });
  },
);

const asStridedPrimitive: Primitive<{
  base: { shape: Shape; strides: readonly number[]; offset: number };
  shape: Shape;
  strides: readonly number[];
  offset: number;
}> = {
  name: 'asStrided',
  view: true,
  forward: (_ctx, [input], { shape, strides, offset }) => (input as Tensor).alias(shape, strides, offset),
  gradient: (_ctx, [g], geometry) => [g && applyOne(asStridedGradient, [g], geometry)],
};

/** Adds a view's gradient into zeros of its base's geometry. */
const asStridedGradient: typeof asStridedPrimitive = {
  name: 'asStridedBackward',
  forward(_ctx, [g], { base, shape, strides, offset }) {
    const out = Tensor.allocate(base.shape, (g as Tensor).dtype, true);
    // The usual case, a view of a row-major base that reads each place once and nothing beside the base, is one copy.
    if (isContiguous(base.shape, base.strides) && readsOnce(shape, strides)) {
      const last = shape.reduce((sum, size, d) => sum + (size - 1) * strides[d], offset);
      if (offset >= base.offset && last < base.offset + out.size) {
        copyKernel(out.alias(shape, strides, offset - base.offset + out.offset), g as Tensor);
        return out;
      }
    }
    const own = contiguousStrides(base.shape);
    const place = new Map<number, number>();
    eachIndex(base.shape, (index) => place.set(dot(index, base.strides) + base.offset, dot(index, own)));
    const { elements } = out;
    const source = g as Tensor;
    eachIndex(shape, (index) => {
      const target = place.get(dot(index, strides) + offset);
      if (target !== undefined)
        elements[out.offset + target] += source.elements[source.offset + dot(index, source.strides)];
    });
    return out;
  },
  gradient: (_ctx, [g], { base, shape, strides, offset }) => {
    if (!g) return [null];
    // The gradient is row-major: find the view's geometry in it when the base is row-major too.
    const dense = contiguous(g);
    const scale = isContiguous(base.shape, base.strides);
    if (!scale) throw new Error('asStrided: the second derivative needs a row-major base: clone() it first');
    return [
      applyOne(asStridedPrimitive, [dense], {
        base: { shape: dense.shape, strides: dense.strides, offset: dense.offset },
        shape,
        strides,
        offset: offset - base.offset + dense.offset,
      }),
    ];
  },
};

const dot = (a: readonly number[], b: readonly number[]): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
};

/** Whether no element is at two places of a view, as far as the strides tell: each steps over all that the smaller ones reach. */
function readsOnce(shape: Shape, strides: readonly number[]): boolean {
  if (numel(shape) === 0) return false;
  let reach = 0;
  const order = shape.map((_, d) => d).filter((d) => shape[d] > 1);
  for (const d of order.sort((a, b) => strides[a] - strides[b])) {
    if (strides[d] <= reach) return false;
    reach += (shape[d] - 1) * strides[d];
  }
  return true;
}

function eachIndex(shape: Shape, visit: (index: readonly number[]) => void): void {
  const count = numel(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let n = 0; n < count; n++) {
    visit(index);
    for (let d = shape.length - 1; d >= 0; d--) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
}

/** `asStrided` whose offset is a place in `input.elements`, not counted from the storage's start. */
export function asStridedAt(input: Tensor, shape: Shape, strides: readonly number[], offset: number): Tensor {
  const { start, length } = input.storage;
  const last =
    numel(shape) === 0 ? start : offset + shape.reduce((sum, size, d) => sum + (size - 1) * strides[d], 0);
  if (
    shape.length !== strides.length ||
    offset < start ||
    shape.some((size) => !Number.isInteger(size) || size < 0) ||
    strides.some((s) => !Number.isInteger(s) || s < 0) ||
    !Number.isInteger(offset) ||
    last >= start + Math.max(length, 1)
  )
    throw new RangeError(
      `asStrided: shape ${formatShape(shape)}, strides [${strides}], offset ${offset - start} reach outside the storage of ${length} elements`,
    );
  return applyOne(asStridedPrimitive, [input], {
    base: { shape: input.shape, strides: input.strides, offset: input.offset },
    shape,
    strides,
    offset,
  });
}

/** A view of the same storage with any shape, strides and offset (in elements from the storage's start). */
export const asStrided: (input: Tensor, shape: Shape, strides: readonly number[], offset?: number) => Tensor =
  op(
    {
      name: 'asStrided',
      torch: 'as_strided(input, size, stride, storage_offset=None)',
      family: 'shape',
      differentiable: true,
      samples: () => [[{ shape: [3, 4] }, [2, 2], [4, 2], 1]],
    },
    (input: Tensor, shape: Shape, strides: readonly number[], offset?: number) =>
      asStridedAt(input, shape, strides, offset === undefined ? input.offset : offset + input.storage.start),
  );
