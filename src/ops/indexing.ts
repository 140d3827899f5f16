import { overwrite } from '../autograd/inplace.ts';
import { applyOne, edgeOf, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { fromArray, type NestedArray, tensor } from '../tensor/creation.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { broadcastShapes, formatShape, numel, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel, scalar } from './cast.ts';
import { copy_, spreadOver } from './fill.ts';
import { op } from './record.ts';
import { permute, select, sliceDim, unsqueeze } from './shape.ts';
import { contiguous, expand, reshape } from './views.ts';

/** A range of one dimension, made by `slice`: as Python's `start:stop:step`. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
  constructor(start: number | null, stop: number | null, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** What `at` and `setAt` take for one place. */
export type Index =
  /** One index, negative from the end: the dimension goes away. */
  | number
  /** A range. `':'` is all of a dimension. */
  | Slice
  | ':'
  /** A new dimension of size 1. */
  | null
  /** As many full ranges as are left. */
  | '...'
  /** Indices (integers), or a mask (booleans, as many dimensions as it has). */
  | Tensor
  | NestedArray
  | TypedArray;

interface SliceFunction {
  (stop?: number | null): Slice;
  (start: number | null, stop: number | null, step?: number): Slice;
  (input: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number): Tensor;
}

/**
 * A range for `at` and `setAt`: `slice(stop)`, `slice(start, stop)`, `slice(start, stop, step)`, with `null` for "from the beginning" or
 * "to the end". With a tensor first, that range of one of its dimensions, a view: `slice(input, dim, start, end, step)`.
 *
 * @example x.at(slice(1, -1), slice(null, null, 2))
 */
export const slice: SliceFunction = op(
  {
    name: 'slice',
    torch: 'slice(input, dim=0, start=None, end=None, step=1)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [5, 2] }, 0, 1, null, 2]],
  },
  // biome-ignore lint/suspicious/noExplicitAny: one implementation of three overloads, typed above
  ((...args: any[]): Slice | Tensor => {
    if (args[0] instanceof Tensor) {
      const [input, dim = 0, start = null, end = null, step = 1] = args;
      return sliceDim(input, dim, start, end, step);
    }
    const [start, stop, step = 1] = args.length < 2 ? [null, args[0] ?? null] : args;
    for (const bound of [start, stop])
      if (bound !== null && bound !== undefined && !Number.isInteger(bound))
        throw new RangeError(`slice: ${String(bound)} is no whole number: use one, or null for the end`);
    if (!Number.isInteger(step) || step < 1)
      throw new RangeError(`slice: step ${step} must be a whole number from 1: use flip() to go backwards`);
    return new Slice(start ?? null, stop ?? null, step);
    // biome-ignore lint/suspicious/noExplicitAny: as above
  }) as any,
);

/** Places, counted from a tensor's offset, of the elements that one index tuple reaches in the dimensions behind the indexed ones. */
function restPlaces(shape: Shape, strides: readonly number[]): Int32Array {
  const out = new Int32Array(numel(shape));
  const index = shape.map(() => 0);
  for (let n = 0, place = 0; n < out.length; n++) {
    out[n] = place;
    for (let d = shape.length - 1; d >= 0; d--) {
      place += strides[d];
      if (++index[d] < shape[d]) break;
      place -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}

/** Where each index tuple points in `a`. */
function targets(a: Tensor, indices: readonly Tensor[]): Int32Array {
  const out = new Int32Array(indices[0].size).fill(a.offset);
  for (const [d, index] of indices.entries()) {
    const { elements, offset } = index;
    const stride = a.strides[d];
    for (let i = 0; i < out.length; i++) out[i] += elements[offset + i] * stride;
  }
  return out;
}

/** out (n, ...rest) = a (d1, ..., dk, ...rest) at n index tuples: k row-major int32 tensors (n,), already checked and not negative. */
const getKernel = kernel('index.get', (out: Tensor, a: Tensor, indices: readonly Tensor[]) => {
  const [target, source] = [out.elements, a.elements];
  const k = indices.length;
  const rest = restPlaces(a.shape.slice(k), a.strides.slice(k));
  let place = out.offset;
  for (const from of targets(a, indices))
    for (let r = 0; r < rest.length; r++) target[place++] = source[from + rest[r]];
});

/** out (d1, ..., dk, ...rest) at n index tuples = values (n, ...rest), added when `accumulate`; of repeated tuples the last one counts. */
const putKernel = kernel(
  'index.put',
  (out: Tensor, indices: readonly Tensor[], values: Tensor, accumulate: boolean) => {
    const [target, source] = [out.elements, values.elements];
    const k = indices.length;
    const rest = restPlaces(out.shape.slice(k), out.strides.slice(k));
    const from = restPlaces(values.shape.slice(1), values.strides.slice(1));
    const step = values.strides[0];
    let place = values.offset;
    for (const to of targets(out, indices)) {
      if (accumulate) for (let r = 0; r < rest.length; r++) target[to + rest[r]] += source[place + from[r]];
      else for (let r = 0; r < rest.length; r++) target[to + rest[r]] = source[place + from[r]];
      place += step;
    }
  },
);

/** x (d1, ..., dk, ...rest) and k index tensors (n,) give (n, ...rest). */
const getPrimitive: Primitive<{ from: Shape }> = {
  name: 'index',
  forward(ctx, inputs) {
    const [x, ...indices] = inputs as Tensor[];
    const out = Tensor.allocate([indices[0].size, ...x.shape.slice(indices.length)], x.dtype);
    getKernel(out, x, indices);
    ctx.save(...indices);
    return out;
  },
  gradient: (ctx, [g], attrs) => [g && applyOne(addPrimitive, [g, ...ctx.saved], attrs)],
};

/** Zeros of the indexed tensor's shape, with the gradient added where it came from. */
const addPrimitive: typeof getPrimitive = {
  name: 'indexBackward',
  forward(ctx, inputs, { from }) {
    const [g, ...indices] = inputs as Tensor[];
    const out = Tensor.allocate(from, g.dtype, true);
    putKernel(out, indices, g, true);
    ctx.save(...indices);
    return out;
  },
  gradient: (ctx, [g], attrs) => [g && applyOne(getPrimitive, [g, ...ctx.saved], attrs)],
};

/** x with values (n, ...rest) written at index tuples; `inPlace` writes into x itself and returns its memory. */
const putPrimitive: Primitive<{ accumulate: boolean; inPlace: boolean }> = {
  name: 'indexPut',
  forward(ctx, inputs, { accumulate, inPlace }) {
    const [x, values, ...indices] = inputs as Tensor[];
    const out = inPlace ? x.alias(x.shape, x.strides, x.offset) : Tensor.allocate(x.shape, x.dtype);
    if (!inPlace) copyKernel(out, x);
    putKernel(out, indices, values, accumulate);
    ctx.save(...indices);
    return out;
  },
  gradient: (ctx, [g], { accumulate }) => {
    if (!g) return [null, null];
    const indices = ctx.saved;
    const zero = (): Tensor =>
      expand(scalar(0, g.dtype), [indices[0].size, ...g.shape.slice(indices.length)]);
    return [
      !ctx.needs(0)
        ? null
        : accumulate
          ? g
          : applyOne(putPrimitive, [g, zero(), ...indices], { accumulate: false, inPlace: false }),
      ctx.needs(1) ? applyOne(getPrimitive, [g, ...indices], { from: g.shape }) : null,
    ];
  },
};

/** An index, resolved: a view by the simple places, and index tensors for some dimensions of that view. */
interface Resolved {
  view: Tensor;
  /** By dimension of the view; absent where the whole dimension is meant. */
  advanced: Map<number, Tensor>;
}

const isMask = (index: Tensor): boolean => index.dtype === 'bool' || index.dtype === 'uint8';

function asTensor(name: string, item: NestedArray | TypedArray): Tensor {
  if (ArrayBuffer.isView(item)) return tensor(item);
  let first: unknown = item;
  while (Array.isArray(first)) first = first[0];
  const made = tensor(item as NestedArray, { dtype: typeof first === 'boolean' ? 'bool' : 'float64' });
  if (made.dtype === 'bool') return made;
  for (let i = 0; i < made.size; i++)
    if (!Number.isInteger(made.elements[made.offset + i]))
      throw new TypeError(`${name}: ${made.elements[made.offset + i]} in an index list is no whole number`);
  return made.to('int32');
}

/** How many dimensions of the tensor an index takes. */
function consumed(item: Exclude<Index, NestedArray | TypedArray> | boolean | number): number {
  if (item instanceof Tensor) return isMask(item) ? item.ndim : 1;
  return typeof item === 'number' || item instanceof Slice || item === ':' ? 1 : 0;
}

/** The positions where a mask holds, a row-major int32 list for each of its dimensions. */
function maskIndices(mask: Tensor): Tensor[] {
  const flat = contiguous(mask.detach());
  const found: number[] = [];
  for (let i = 0; i < flat.size; i++) if (flat.elements[flat.offset + i] !== 0) found.push(i);
  let after = mask.size;
  return mask.shape.map((size) => {
    after = size === 0 ? 0 : after / size;
    return fromArray(
      found.map((i) => Math.floor(i / after) % size),
      [found.length],
      { dtype: 'int32' },
    );
  });
}

function resolve(name: string, input: Tensor, items: readonly Index[]): Resolved {
  const index = items.map((item) =>
    Array.isArray(item) || ArrayBuffer.isView(item) ? asTensor(name, item as NestedArray | TypedArray) : item,
  ) as Parameters<typeof consumed>[0][];
  for (const item of index)
    if (
      item !== null &&
      !['number', 'boolean'].includes(typeof item) &&
      !(item instanceof Tensor || item instanceof Slice || item === '...' || item === ':')
    )
      throw new TypeError(
        `${name}: ${String(item)} is no index: use numbers, slice(...), ':', '...', null, masks, or lists and tensors of integers`,
      );
  const taken = index.reduce((sum: number, item) => sum + consumed(item), 0);
  if (taken > input.ndim)
    throw new RangeError(
      `${name}: too many indices: ${taken} for the ${input.ndim} dimensions of ${formatShape(input.shape)}`,
    );
  if (index.filter((item) => item === '...').length > 1)
    throw new RangeError(`${name}: '...' can stand only once in an index`);
  let view = input;
  let dim = 0;
  const advanced = new Map<number, Tensor>();
  for (const item of index) {
    if (item === null) view = unsqueeze(view, dim++);
    else if (item === '...') dim += input.ndim - taken;
    else if (item === ':') dim++;
    else if (item instanceof Slice) {
      view = sliceDim(view, dim, item.start, item.stop, item.step);
      dim++;
    } else if (typeof item === 'number') view = pick(name, view, dim, item);
    else if (typeof item === 'boolean' || (isMask(item) && item.ndim === 0)) {
      const holds = typeof item === 'boolean' ? item : item.elements[item.offset] !== 0;
      view = unsqueeze(view, dim);
      advanced.set(dim++, fromArray(holds ? [0] : [], [holds ? 1 : 0], { dtype: 'int32' }));
    } else if (isMask(item)) {
      const shape = view.shape.slice(dim, dim + item.ndim);
      item.shape.forEach((size, d) => {
        if (size !== shape[d])
          throw new RangeError(
            `${name}: the mask ${formatShape(item.shape)} does not fit ${formatShape(input.shape)}: sizes ${size} and ${shape[d]} at its dimension ${d}`,
          );
      });
      for (const positions of maskIndices(item)) advanced.set(dim++, positions);
    } else if (item.dtype !== 'int32')
      throw new TypeError(`${name}: an index tensor is ${item.dtype}: use int32, or bool for a mask`);
    else if (item.ndim === 0) view = pick(name, view, dim, item.elements[item.offset]);
    else advanced.set(dim, wrapped(name, item, dim, view.shape[dim++]));
  }
  return { view, advanced };
}

function pick(name: string, view: Tensor, dim: number, index: number): Tensor {
  const size = view.shape[dim];
  if (!Number.isInteger(index) || index < -size || index >= size)
    throw new RangeError(`${name}: index ${index} is out of bounds for dimension ${dim} with size ${size}`);
  return select(view, dim, index);
}

/** A row-major copy with negative indices counted from the end. Error: an index outside. */
function wrapped(name: string, index: Tensor, dim: number, size: number): Tensor {
  const out = Tensor.allocate(index.shape, 'int32');
  copyKernel(out, index);
  const { elements, offset } = out;
  for (let i = offset; i < offset + out.size; i++) {
    const value = elements[i];
    if (value < -size || value >= size)
      throw new RangeError(`${name}: index ${value} is out of bounds for dimension ${dim} with size ${size}`);
    if (value < 0) elements[i] = value + size;
  }
  return out;
}

/** What an advanced index needs: the view with the indexed dimensions first, flat index lists, and the way back. */
interface Plan {
  source: Tensor;
  lists: Tensor[];
  /** The shape that the index lists broadcast to. */
  common: Shape;
  /** How many dimensions stand before the indexed ones in the result. */
  before: number;
}

function plan(name: string, { view, advanced }: Resolved): Plan {
  const dims = [...advanced.keys()];
  let common: Shape = [];
  for (const index of advanced.values()) {
    try {
      common = broadcastShapes(name, common, index.shape);
    } catch {
      throw new RangeError(
        `${name}: index shapes ${[...advanced.values()].map((i) => formatShape(i.shape)).join(', ')} do not broadcast together`,
      );
    }
  }
  const lists = [...advanced.values()].map((index) =>
    contiguous(reshape(contiguous(expand(index, common)), [numel(common)])),
  );
  const rest = view.shape.map((_, d) => d).filter((d) => !advanced.has(d));
  const adjacent = dims.every((d, i) => d === dims[0] + i);
  const order = [...dims, ...rest];
  const source = order.every((d, i) => d === i) ? view : permute(view, order);
  return { source, lists, common, before: adjacent ? dims[0] : 0 };
}

/** From (n, ...rest) to the result's order: the dimensions before, the common shape, the dimensions behind. */
function arrange(flat: Tensor, { common, before }: Plan): Tensor {
  const whole = reshape(flat, [...common, ...flat.shape.slice(1)]);
  if (before === 0) return whole;
  const shift = (d: number): number =>
    d < before ? common.length + d : d < before + common.length ? d - before : d;
  return permute(
    whole,
    whole.shape.map((_, d) => shift(d)),
  );
}

/** `arrange` the other way. */
function flatten(values: Tensor, { common, before }: Plan): Tensor {
  const k = common.length;
  const order = values.shape.map((_, d) => (d < k ? before + d : d < k + before ? d - k : d));
  const moved = before === 0 ? values : permute(values, order);
  return reshape(moved, [numel(common), ...moved.shape.slice(k)]);
}

/**
 * Indexing, as PyTorch's `x[...]`.
 *
 * - `x.at(0)`, `x.at(-1, 2)`: one index; the dimension goes away.
 * - `x.at(slice(1, -1), slice(null, null, 2))`: ranges. `':'` is a whole dimension, `'...'` as many as are left, `null` a new one.
 * - `x.at(mask)`: where a boolean tensor (or nested array) holds. `x.at([0, 0, 2])`, `x.at(indices)`: lists of indices, which broadcast
 *   together; their common shape stands where the first of them was, or in front when other dimensions lie between them.
 *
 * Numbers, ranges, `null` and `'...'` give a view of the same memory; masks and lists a copy. Gradients flow through both; an element
 * that is read twice gets both gradients.
 *
 * Errors: too many indices; one out of bounds; a mask of another shape; lists that do not broadcast.
 */
export const at: (input: Tensor, ...index: Index[]) => Tensor = op(
  {
    name: 'at',
    torch: 'Tensor.__getitem__(input, index)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3, 4] }, 1, new Slice(null, null, 2)],
      [{ shape: [3, 4] }, '...', null, -1],
      [{ shape: [2, 3, 4] }, new Slice(null, null, 1), { shape: [3], data: [2, 0, 2], dtype: 'int32' }],
      [{ shape: [2, 3] }, { shape: [2, 3], data: [1, 0, 1, 0, 0, 1], dtype: 'bool' }],
    ],
  },
  (input: Tensor, ...index: Index[]) => {
    const resolved = resolve('at', input, index);
    if (resolved.advanced.size === 0) return resolved.view;
    const planned = plan('at', resolved);
    const { source, lists } = planned;
    return arrange(applyOne(getPrimitive, [source, ...lists], { from: source.shape }), planned);
  },
);

/** Writes `value` (or adds it, when `accumulate`) at the places of an index, in place. */
function put(
  name: string,
  input: Tensor,
  index: readonly Index[],
  value: Tensor | number | boolean,
  accumulate: boolean,
): Tensor {
  const resolved = resolve(name, input, index);
  const { view } = resolved;
  const given = value instanceof Tensor ? value : scalar(value, view.dtype);
  if (resolved.advanced.size === 0) {
    const values = spreadOver(name, view, given);
    copy_(view, accumulate ? view.clone().add(values) : values);
    return input;
  }
  const planned = plan(name, resolved);
  const { source, lists } = planned;
  const values = flatten(spreadOver(name, resultOf(planned), given), planned);
  const write = (): ReturnType<typeof edgeOf> =>
    edgeOf(applyOne(putPrimitive, [source, values, ...lists], { accumulate, inPlace: true }));
  overwrite(name, source, write, values.requiresGrad);
  return input;
}

/** A stand-in of the shape and dtype that reading would give, without memory of its own. */
function resultOf({ source, lists, common, before }: Plan): Tensor {
  const rest = source.shape.slice(lists.length);
  const shape = [...rest.slice(0, before), ...common, ...rest.slice(before)];
  return scalar(0, source.dtype).expand(shape);
}

/**
 * Writes at the places of an index, as PyTorch's `x[index] = value`; returns the tensor.
 *
 * @param index a list of what `at` takes, or one of those by itself. @param value broadcasts to what `at` would return; it is converted
 * to the tensor's dtype. Of repeated indices the last one counts.
 * @example x.setAt([0, slice(1, 3)], 7)
 * @example x.setAt([mask], other) // gradients flow to x outside the mask, and to other
 * Errors: as `at`; a value that does not broadcast; a leaf that requires grad; an expanded tensor.
 */
export const setAt: (input: Tensor, index: readonly Index[], value: Tensor | number | boolean) => Tensor = op(
  {
    name: 'setAt',
    torch: 'Tensor.__setitem__(input, index, value)',
    family: 'indexing',
    differentiable:
      'changes its input; the gradient goes to the values that are written, and to the elements that stay',
    samples: () => [],
  },
  (input: Tensor, index: readonly Index[], value: Tensor | number | boolean) =>
    put('setAt', input, index, value, false),
);

/**
 * The tensor with `values` written (or added, when `accumulate`) at the places of index tensors, in place; returns the tensor.
 *
 * @param indices one int32 (or bool) tensor for each dimension, `null` for a whole one. With `accumulate`, repeated indices add up.
 * Source: `torch.Tensor.index_put_`.
 */
export const indexPut_: (
  input: Tensor,
  indices: readonly (Tensor | null)[],
  values: Tensor,
  options?: { accumulate?: boolean },
) => Tensor = op(
  {
    name: 'indexPut_',
    torch: 'Tensor.index_put_(input, indices, values, *, accumulate=False)',
    family: 'indexing',
    differentiable: 'changes its input; see indexPut',
    samples: () => [],
  },
  (
    input: Tensor,
    indices: readonly (Tensor | null)[],
    values: Tensor,
    { accumulate = false }: { accumulate?: boolean } = {},
  ) =>
    put(
      'indexPut_',
      input,
      indices.map((index) => index ?? ':'),
      values,
      accumulate,
    ),
);

/** `indexPut_` into a copy. Source: `torch.index_put`. */
export const indexPut: typeof indexPut_ = op(
  {
    name: 'indexPut',
    torch: 'index_put(input, indices, values, *, accumulate=False)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [4, 2] }, [{ shape: [2], data: [3, 0], dtype: 'int32' }], { shape: [2, 2] }],
      [
        { shape: [4] },
        [{ shape: [3], data: [3, 0, 3], dtype: 'int32' }],
        { shape: [3] },
        { accumulate: true },
      ],
    ],
  },
  (
    input: Tensor,
    indices: readonly (Tensor | null)[],
    values: Tensor,
    { accumulate = false }: { accumulate?: boolean } = {},
  ) => {
    const resolved = resolve(
      'indexPut',
      input,
      indices.map((index) => index ?? ':'),
    );
    const planned = plan('indexPut', resolved);
    const flat = flatten(spreadOver('indexPut', resultOf(planned), values), planned);
    const { source, lists } = planned;
    const written = applyOne(putPrimitive, [source, flat, ...lists], { accumulate, inPlace: false });
    const order = [...resolved.advanced.keys()];
    const all = [...order, ...resolved.view.shape.map((_, d) => d).filter((d) => !resolved.advanced.has(d))];
    return permute(
      written,
      all.map((_, d) => all.indexOf(d)),
    );
  },
);
