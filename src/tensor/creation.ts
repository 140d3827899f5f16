import { type DType, dtypeInfo, getDefaultDtype, type TypedArray } from './dtype.ts';
import { checkShape, formatShape, numel, type Shape } from './shape.ts';
import { Tensor } from './tensor.ts';

export interface TensorOptions {
  /** Default: floating numbers `getDefaultDtype()`; typed arrays keep theirs; booleans `bool`. */
  dtype?: DType;
  /** Whether operations on the tensor are recorded for backward. Default false. */
  requiresGrad?: boolean;
}

export type NestedArray = number | boolean | readonly NestedArray[];

/** Typed arrays that a tensor can be made from. Those without a dtype of ours become int32 (BigInts and Uint32 where they fit). */
export type ArraySource =
  | TypedArray
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const isArraySource = (data: unknown): data is ArraySource =>
  ArrayBuffer.isView(data) && !(data instanceof DataView);

const dtypeOfArray = (array: ArraySource): DType =>
  array instanceof Float32Array
    ? 'float32'
    : array instanceof Float64Array
      ? 'float64'
      : array instanceof Uint8Array || array instanceof Uint8ClampedArray
        ? 'uint8'
        : 'int32';

/** Writes the numbers of a flat list into a fresh tensor. Error: an integer that int32 cannot hold. */
function fillFlat(name: string, out: Tensor, source: ArraySource | readonly number[]): void {
  const { elements, offset, dtype } = out;
  const wide =
    source instanceof BigInt64Array || source instanceof BigUint64Array || source instanceof Uint32Array;
  if (dtype === 'bool')
    for (let i = 0; i < source.length; i++) elements[offset + i] = Number(source[i]) !== 0 ? 1 : 0;
  else if (wide)
    for (let i = 0; i < source.length; i++) {
      const value = Number(source[i]);
      if (dtype === 'int32' && (value > 2 ** 31 - 1 || value < -(2 ** 31)))
        throw new RangeError(`${name}: ${value} at ${i} does not fit int32: convert with {dtype: 'float64'}`);
      elements[offset + i] = value;
    }
  else elements.set(source as ArrayLike<number>, offset);
}

/**
 * A tensor from numbers, nested arrays or a typed array (copied). The shape is that of the nesting.
 *
 * @example
 * tensor([[1, 2], [3, 4]], { requiresGrad: true })
 *
 * Errors: rows of different lengths; an unknown dtype. Source: `torch.tensor`; unlike it, whole numbers give the default floating
 * dtype, because JavaScript does not tell 1 from 1.0: ask for integers with `{dtype: 'int32'}`.
 */
export function tensor(
  data: NestedArray | ArraySource,
  { dtype, requiresGrad = false }: TensorOptions = {},
): Tensor {
  if (isArraySource(data)) return fromArray(data, [data.length], { dtype, requiresGrad });
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  let first: unknown = data;
  while (Array.isArray(first)) first = first[0];
  const type = dtype ?? (typeof first === 'boolean' ? 'bool' : getDefaultDtype());
  dtypeInfo(type);
  const out = Tensor.allocate(shape, type);
  const { elements } = out;
  const isBool = type === 'bool';
  let place = out.offset;
  const fill = (level: NestedArray, depth: number): void => {
    if (Array.isArray(level)) {
      if (depth >= shape.length || level.length !== shape[depth])
        throw new RangeError(
          `tensor: rows differ in length: expected ${depth < shape.length ? shape[depth] : 'a number'} at depth ${depth}, got a row of ${level.length}`,
        );
      for (const item of level) fill(item, depth + 1);
      return;
    }
    if (depth !== shape.length)
      throw new RangeError(
        `tensor: expected a row of ${shape[depth]} at depth ${depth}, got ${String(level)}`,
      );
    if (typeof level !== 'number' && typeof level !== 'boolean')
      throw new TypeError(`tensor: ${String(level)} is neither a number, a boolean nor an array of them`);
    elements[place++] = isBool ? (level ? 1 : 0) : Number(level);
  };
  fill(data, 0);
  if (requiresGrad) out.requiresGrad = true;
  return out;
}

/**
 * A tensor from a flat list of numbers (copied), in a shape of its own.
 *
 * @example fromArray(new Float32Array(6), [2, 3])
 * Error: a shape for another number of elements.
 */
export function fromArray(
  data: ArraySource | readonly number[],
  shape: Shape,
  { dtype, requiresGrad = false }: TensorOptions = {},
): Tensor {
  checkShape('fromArray', shape);
  if (data.length !== numel(shape))
    throw new RangeError(
      `fromArray: ${data.length} elements do not fill the shape ${formatShape(shape)}, which has ${numel(shape)}`,
    );
  const type = dtype ?? (isArraySource(data) ? dtypeOfArray(data) : getDefaultDtype());
  dtypeInfo(type);
  const out = Tensor.allocate([...shape], type);
  fillFlat('fromArray', out, data);
  if (requiresGrad) out.requiresGrad = true;
  return out;
}

/** A tensor of one value. Source: `torch.full`. */
export function full(
  shape: Shape,
  value: number | boolean,
  { dtype, requiresGrad = false }: TensorOptions = {},
): Tensor {
  checkShape('full', shape);
  if (typeof value !== 'number' && typeof value !== 'boolean')
    throw new TypeError(`full: the value is ${String(value)}: give a number or a boolean`);
  const type = dtype ?? (typeof value === 'boolean' ? 'bool' : getDefaultDtype());
  dtypeInfo(type);
  const out = Tensor.allocate([...shape], type, value === 0 || value === false);
  if (value !== 0 && value !== false)
    out.elements.fill(type === 'bool' ? 1 : Number(value), out.offset, out.offset + out.size);
  if (requiresGrad) out.requiresGrad = true;
  return out;
}

/** The elements as nested arrays, booleans for `bool`; a number (or boolean) for a 0-d tensor. */
export function toArray(input: Tensor): NestedArray {
  const { elements, shape, strides } = input;
  const isBool = input.dtype === 'bool';
  const level = (depth: number, place: number): NestedArray => {
    if (depth === shape.length) return isBool ? elements[place] !== 0 : elements[place];
    return Array.from({ length: shape[depth] }, (_, i) => level(depth + 1, place + i * strides[depth]));
  };
  return level(0, input.offset);
}

/** The value of a tensor of one element. Error: any other size. */
export function item(input: Tensor): number {
  if (input.size !== 1)
    throw new RangeError(
      `item: a tensor ${formatShape(input.shape)} has ${input.size} elements, not one: use toArray()`,
    );
  return input.elements[input.offset];
}
