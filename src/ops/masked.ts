import { kernel } from '../engine/kernel.ts';
import { broadcastShapes, formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, scalar } from './cast.ts';
import { gathered, scattered } from './gather.ts';
import { stack } from './join.ts';
import { op } from './record.ts';
import { narrow } from './shape.ts';
import { expand, reshape } from './views.ts';
import { where } from './where.ts';

/** The mask as bool. Error: a floating mask, which is more likely a mistake than a mask. */
function checkedMask(name: string, mask: Tensor): Tensor {
  if (mask.isFloating)
    throw new TypeError(`${name}: the mask is ${mask.dtype}: it must be bool: compare first, as in x.gt(0)`);
  return cast(mask, 'bool');
}

/** How many elements of a are not 0, to fill `positionsKernel`'s output. */
function count(a: Tensor): number {
  const flat = a.isContiguous ? a : a.clone();
  const { elements, offset, size } = flat;
  let total = 0;
  for (let i = offset; i < offset + size; i++) if (elements[i] !== 0) total++;
  return total;
}

/** out (n,) = the row-major places of what is not 0 in a, in order. */
const positionsKernel = kernel('index.positions', (out: Tensor, a: Tensor) => {
  const { elements: y } = out;
  const { elements: x, shape, strides } = a;
  const index = new Array<number>(shape.length).fill(0);
  const size = a.size;
  let found = out.offset;
  for (let i = 0, place = a.offset; i < size; i++) {
    if (x[place] !== 0) y[found++] = i;
    for (let d = shape.length - 1; d >= 0; d--) {
      place += strides[d];
      if (++index[d] < shape[d]) break;
      place -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
});

/** The row-major places (int32) of what is not 0. */
export function positions(input: Tensor): Tensor {
  const out = Tensor.allocate([count(input)], 'int32');
  positionsKernel(out, input);
  return out;
}

/** The two forms that `nonzero` has. */
export interface Nonzero {
  (input: Tensor, options?: { asTuple?: false }): Tensor;
  /** One vector of coordinates for each dimension. */
  (input: Tensor, options: { asTuple: true }): Tensor[];
}

/** `Nonzero` as a method. */
export interface NonzeroMethod {
  (options?: { asTuple?: false }): Tensor;
  /** One vector of coordinates for each dimension. */
  (options: { asTuple: true }): Tensor[];
}

/** The coordinates of what is not 0, one vector for each dimension; a 0-d tensor counts as one dimension. */
function coordinates(input: Tensor): Tensor[] {
  const flat = positions(input.detach());
  const shape = input.ndim === 0 ? [1] : input.shape;
  const out = shape.map(() => Tensor.allocate([flat.size], 'int32'));
  for (let i = 0; i < flat.size; i++)
    for (let d = shape.length - 1, rest = flat.elements[flat.offset + i]; d >= 0; d--) {
      out[d].elements[out[d].offset + i] = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
    }
  return out;
}

/**
 * The indices of what is not 0, in row-major order: one row for each, or with `asTuple` one vector for each dimension.
 *
 * @returns `(n, ndim)`, int32, or a list of `(n,)`. Source: `torch.nonzero`.
 */
export const nonzero: Nonzero = op(
  {
    name: 'nonzero',
    torch: 'nonzero(input, *, as_tuple=False)',
    family: 'indexing',
    differentiable: 'an index',
    samples: () => [[{ shape: [2, 3], data: [1, 0, 2, 0, 0, -1] }]],
  },
  (input: Tensor, { asTuple = false }: { asTuple?: boolean } = {}) => {
    const found = coordinates(input);
    if (asTuple) return found;
    return input.ndim === 0 ? Tensor.allocate([found[0].size, 0], 'int32') : stack(found, 1);
  },
) as Nonzero;

/** `nonzero`, under NumPy's name. */
export const argwhere: (input: Tensor) => Tensor = op(
  {
    name: 'argwhere',
    torch: 'argwhere(input)',
    family: 'indexing',
    differentiable: 'an index',
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor) => nonzero(input),
);

const mask = { shape: [2, 3], data: [1, 0, 1, 0, 0, 1], dtype: 'bool' } as const;

/** `value` (a number or a 0-d tensor) where the mask holds, the input elsewhere, with broadcasting. Source: `torch.Tensor.masked_fill`. */
export const maskedFill: (input: Tensor, mask: Tensor, value: number | boolean | Tensor) => Tensor = op(
  {
    name: 'maskedFill',
    torch: 'masked_fill(input, mask, value)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, mask, 2.5],
      [{ shape: [3] }, mask, { shape: [] }],
    ],
  },
  (input: Tensor, mask: Tensor, value: number | boolean | Tensor) => {
    if (value instanceof Tensor && value.ndim > 0)
      throw new RangeError(
        `maskedFill: the value ${formatShape(value.shape)} must be a number or a 0-d tensor: use where(mask, value, input)`,
      );
    const fill = value instanceof Tensor ? cast(value, input.dtype) : scalar(value, input.dtype);
    return where(checkedMask('maskedFill', mask), fill, input);
  },
);

/** The elements where the mask holds, in row-major order, as a vector; mask and input broadcast. Source: `torch.masked_select`. */
export const maskedSelect: (input: Tensor, mask: Tensor) => Tensor = op(
  {
    name: 'maskedSelect',
    torch: 'masked_select(input, mask)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, mask],
      [{ shape: [3] }, mask],
    ],
  },
  (input: Tensor, mask: Tensor) => {
    const shape = broadcastShapes('maskedSelect', input.shape, mask.shape);
    const at = positions(expand(checkedMask('maskedSelect', mask), shape));
    return gathered(reshape(expand(input, shape), [-1]), 0, at);
  },
);

/**
 * The input with the elements of `source`, in order, written where the mask holds; mask and input broadcast.
 *
 * Error: a source with fewer elements than the mask has true ones. Source: `torch.Tensor.masked_scatter`.
 */
export const maskedScatter: (input: Tensor, mask: Tensor, source: Tensor) => Tensor = op(
  {
    name: 'maskedScatter',
    torch: 'masked_scatter(input, mask, source)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, mask, { shape: [4] }]],
  },
  (input: Tensor, mask: Tensor, source: Tensor) => {
    const shape = broadcastShapes('maskedScatter', input.shape, mask.shape);
    const at = positions(expand(checkedMask('maskedScatter', mask), shape));
    if (source.dtype !== input.dtype)
      throw new TypeError(
        `maskedScatter: the source is ${source.dtype} and the input ${input.dtype}: convert one`,
      );
    if (source.size < at.size)
      throw new RangeError(
        `maskedScatter: the source ${formatShape(source.shape)} has ${source.size} elements for ${at.size} places`,
      );
    const values = narrow(reshape(source, [-1]), 0, 0, at.size);
    return reshape(scattered(reshape(expand(input, shape), [-1]), 0, at, values), shape);
  },
);
