import type { TensorOptions } from '../tensor/creation.ts';
import * as creation from '../tensor/creation.ts';
import { type DType, dtypeInfo, type TypedArray } from '../tensor/dtype.ts';
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, copyKernel } from './cast.ts';
import type { Arg } from './elementwise.ts';
import { permute, transpose, unbind } from './shape.ts';
import { sumTo } from './sumTo.ts';
import { expand, reshape, view } from './views.ts';
import { where as whereOf } from './where.ts';

/** How many elements: `size`, under PyTorch's name. */
export const numel = (input: Tensor): number => input.size;

/** How many elements. */
export const nelement = numel;

/** How many dimensions: `ndim`, under PyTorch's name. */
export const dim = (input: Tensor): number => input.ndim;

/** How many dimensions. */
export const ndimension = dim;

/** Elements to step for the next index: of one dimension, or of all. */
export function stride(input: Tensor): readonly number[];
export function stride(input: Tensor, dimension: number): number;
export function stride(input: Tensor, dimension?: number): number | readonly number[] {
  return dimension === undefined ? input.strides : input.strides.at(dimension)!;
}

/** Bytes of one element. */
export const elementSize = (input: Tensor): number => dtypeInfo(input.dtype).bytes;

/** Bytes of one element. */
export const itemsize = elementSize;

/** Bytes of all elements. */
export const nbytes = (input: Tensor): number => input.size * elementSize(input);

/** Whether two tensors have the same shape. */
export const isSameSize = (input: Tensor, other: Tensor): boolean => sameShape(input.shape, other.shape);

/** Whether the elements are floating numbers, which can have gradients. */
export const isFloatingPoint = (input: Tensor): boolean => input.isFloating;

/** Whether the one element is not zero. Error: more elements, or none. */
export const isNonzero = (input: Tensor): boolean => creation.item(input) !== 0;

/** The tensor as float32. */
export const float = (input: Tensor): Tensor => cast(input, 'float32');
/** The tensor as float64. */
export const double = (input: Tensor): Tensor => cast(input, 'float64');
/** The tensor as int32, cut towards zero. */
export const int = (input: Tensor): Tensor => cast(input, 'int32');
/** The tensor as bool: whether each element is not zero. */
export const bool = (input: Tensor): Tensor => cast(input, 'bool');
/** The tensor as uint8. */
export const byte = (input: Tensor): Tensor => cast(input, 'uint8');

/** The tensor in the dtype of another. */
export const typeAs = (input: Tensor, other: Tensor): Tensor => cast(input, other.dtype);

/** The dtype; with an argument, the tensor in that dtype. */
export function type(input: Tensor): DType;
export function type(input: Tensor, dtype: DType): Tensor;
export function type(input: Tensor, dtype?: DType): DType | Tensor {
  return dtype === undefined ? input.dtype : cast(input, dtype);
}

/** `view` in the shape of another tensor. */
export const viewAs = (input: Tensor, other: Tensor): Tensor => view(input, other.shape);
/** `reshape` to the shape of another tensor. */
export const reshapeAs = (input: Tensor, other: Tensor): Tensor => reshape(input, other.shape);
/** `expand` to the shape of another tensor. */
export const expandAs = (input: Tensor, other: Tensor): Tensor => expand(input, other.shape);
/** Sums what broadcasting from `shape` would repeat. */
export const sumToSize = (input: Tensor, shape: Shape): Tensor => sumTo(input, shape);

/** The tensor where `condition` holds, else `other`. */
export const where = (input: Tensor, condition: Tensor, other: Arg): Tensor =>
  whereOf(condition, input, other);

/** The elements as nested arrays: `toArray`, under PyTorch's name. */
export const tolist = creation.toArray;

type New = (input: Tensor, shape: Shape, options?: TensorOptions) => Tensor;
const filled =
  (value: number): New =>
  (input, shape, options = {}) =>
    creation.full(shape, value, { ...options, dtype: options.dtype ?? input.dtype });

/** Zeros of the tensor's dtype. */
export const newZeros: New = filled(0);
/** Ones of the tensor's dtype. */
export const newOnes: New = filled(1);
/** A tensor of one value, of this tensor's dtype. */
export const newFull = (
  input: Tensor,
  shape: Shape,
  value: number | boolean,
  options: TensorOptions = {},
): Tensor => creation.full(shape, value, { ...options, dtype: options.dtype ?? input.dtype });
/** A tensor of these values, of this tensor's dtype. */
export const newTensor = (
  input: Tensor,
  data: Parameters<typeof creation.tensor>[0],
  options: TensorOptions = {},
): Tensor => creation.tensor(data, { ...options, dtype: options.dtype ?? input.dtype });

/** What every tensor has besides its methods. */
export interface TensorProperties extends Iterable<Tensor> {
  /** A view with the dimensions in reverse order: the transpose of a matrix. */
  readonly T: Tensor;
  /** A view with the last two dimensions exchanged: the transposes of a batch of matrices. Error: fewer than two dimensions. */
  readonly mT: Tensor;
  /**
   * The elements, row-major, in the typed array of the dtype: the tensor's own memory where they lie together (what is written there is
   * not noticed by autograd), else a copy. Error: a disposed tensor.
   */
  readonly data: TypedArray;
  /** Views of each index of dimension 0: `for (const row of x)`, `[...x]`, `const [a, b] = x`. Error: a tensor of no dimension. */
  [Symbol.iterator](): IterableIterator<Tensor>;
}

function dataOf(input: Tensor): TypedArray {
  const { offset, size } = input;
  if (input.isContiguous) return input.elements.subarray(offset, offset + size);
  const dense = Tensor.allocate(input.shape, input.dtype);
  copyKernel(dense, input.detach());
  return dense.elements.subarray(dense.offset, dense.offset + size);
}

function lastTwoExchanged(input: Tensor): Tensor {
  if (input.ndim < 2)
    throw new RangeError(`mT: ${formatShape(input.shape)} is no matrix, nor a batch of matrices: use T`);
  return transpose(input, -2, -1);
}

const getters = {
  T: (input: Tensor) => permute(input, [...input.shape.keys()].reverse()),
  mT: lastTwoExchanged,
  data: dataOf,
};

for (const [name, read] of Object.entries(getters))
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    get(this: Tensor) {
      return read(this);
    },
  });

Object.defineProperty(Tensor.prototype, Symbol.iterator, {
  configurable: true,
  writable: true,
  value(this: Tensor) {
    if (this.ndim === 0) throw new TypeError('a tensor of no dimension cannot be iterated over: use item()');
    return unbind(this, 0).values();
  },
});
