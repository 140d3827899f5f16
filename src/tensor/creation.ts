import { type DType, dtypeInfo, getDefaultDtype, type TypedArray } from './dtype.ts';
import { checkShape, formatShape, type Shape } from './shape.ts';
import { Tensor } from './tensor.ts';

export interface TensorOptions {
  /** Default: floating numbers `getDefaultDtype()`; typed arrays keep theirs; booleans `bool`. */
  dtype?: DType;
  /** Whether operations on the tensor are recorded for backward. Default false. */
  requiresGrad?: boolean;
}

export type NestedArray = number | boolean | readonly NestedArray[];

const dtypeOfArray = (array: unknown): DType | undefined =>
  array instanceof Float32Array
    ? 'float32'
    : array instanceof Float64Array
      ? 'float64'
      : array instanceof Int32Array
        ? 'int32'
        : array instanceof Uint8Array || array instanceof Uint8ClampedArray
          ? 'uint8'
          : undefined;

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
  data: NestedArray | TypedArray | Uint8ClampedArray,
  { dtype, requiresGrad = false }: TensorOptions = {},
): Tensor {
  const native = dtypeOfArray(data);
  const shape: number[] = [];
  if (native) shape.push((data as TypedArray).length);
  else
    for (let level = data as NestedArray; Array.isArray(level); level = level[0]) {
      shape.push(level.length);
      if (level.length === 0) break;
    }
  let first: unknown = data;
  while (Array.isArray(first)) first = first[0];
  const out = Tensor.allocate(
    shape,
    dtype ?? native ?? (typeof first === 'boolean' ? 'bool' : getDefaultDtype()),
  );
  const { elements, offset } = out;
  const isBool = out.dtype === 'bool';
  if (native) {
    const source = data as TypedArray;
    for (let i = 0; i < source.length; i++)
      elements[offset + i] = isBool ? (source[i] !== 0 ? 1 : 0) : source[i];
  } else {
    let place = offset;
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
    fill(data as NestedArray, 0);
  }
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
  const type = dtype ?? (typeof value === 'boolean' ? 'bool' : getDefaultDtype());
  dtypeInfo(type);
  const out = Tensor.allocate([...shape], type, value === 0 || value === false);
  if (value) out.elements.fill(type === 'bool' ? 1 : Number(value), out.offset, out.offset + out.size);
  if (requiresGrad) out.requiresGrad = true;
  return out;
}

/** Zeros. @example zeros([2, 3]) */
export const zeros = (shape: Shape, options?: TensorOptions): Tensor => full(shape, 0, options);

/** Ones. @example ones([2, 3]) */
export const ones = (shape: Shape, options?: TensorOptions): Tensor => full(shape, 1, options);

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
