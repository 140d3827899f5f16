import { fromArray, type NestedArray, tensor } from '../tensor/creation.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { broadcastShapes, formatShape, numel, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel } from './cast.ts';
import { permute, select, sliceDim, unsqueeze } from './shape.ts';
import { type Index, Slice } from './slice.ts';
import { contiguous, expand, reshape } from './views.ts';

/** An index, resolved: a view by the simple places, and index tensors for some dimensions of that view. */
export interface Resolved {
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

export function resolve(name: string, input: Tensor, items: readonly Index[]): Resolved {
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
export interface Plan {
  source: Tensor;
  lists: Tensor[];
  /** The shape that the index lists broadcast to. */
  common: Shape;
  /** How many dimensions stand before the indexed ones in the result. */
  before: number;
}

export function plan(name: string, { view, advanced }: Resolved): Plan {
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
export function arrange(flat: Tensor, { common, before }: Plan): Tensor {
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
export function flatten(values: Tensor, { common, before }: Plan): Tensor {
  const k = common.length;
  const order = values.shape.map((_, d) => (d < k ? before + d : d < k + before ? d - k : d));
  const moved = before === 0 ? values : permute(values, order);
  return reshape(moved, [numel(common), ...moved.shape.slice(k)]);
}
