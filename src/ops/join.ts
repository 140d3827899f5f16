import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { promoteTypes } from '../tensor/dtype.ts';
import { formatShape, normalizeDim } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, copyKernel } from './cast.ts';
import { op } from './record.ts';
import { narrow, unsqueeze } from './shape.ts';
import { reshape } from './views.ts';

/** An empty 1-d tensor joins with anything and adds nothing. */
const isNothing = (part: Tensor): boolean => part.ndim === 1 && part.size === 0;

const catPrimitive: Primitive<{ dim: number; sizes: readonly (number | null)[] }> = {
  name: 'cat',
  forward(_ctx, inputs, { dim, sizes }) {
    const parts = (inputs as readonly Tensor[]).filter((_, i) => sizes[i] !== null);
    const total = parts.reduce((sum, part) => sum + part.shape[dim], 0);
    const out = Tensor.allocate(
      parts[0].shape.map((size, d) => (d === dim ? total : size)),
      parts[0].dtype,
    );
    let start = 0;
    for (const part of parts) {
      copyKernel(out.alias(part.shape, out.strides, out.offset + start * out.strides[dim]), part);
      start += part.shape[dim];
    }
    return out;
  },
  gradient: (ctx, [g], { dim, sizes }) => {
    let start = 0;
    return sizes.map((length, i) => {
      if (length === null) return g && Tensor.allocate([0], g.dtype);
      start += length;
      return g && ctx.needs(i) ? narrow(g, dim, start - length, length) : null;
    });
  },
};

/**
 * Tensors one after the other along a dimension. An empty 1-d tensor is left out.
 *
 * Errors: no tensors; shapes that differ in another dimension. Source: `torch.cat`.
 */
export const cat: (tensors: readonly Tensor[], dim?: number) => Tensor = op(
  {
    name: 'cat',
    torch: 'cat(tensors, dim=0)',
    family: 'joining',
    differentiable: true,
    samples: () => [[[{ shape: [2, 3] }, { shape: [2, 1] }], 1]],
  },
  (tensors: readonly Tensor[], dim = 0) => {
    if (tensors.length === 0) throw new RangeError('cat: expected at least one tensor');
    const something = tensors.filter((part) => !isNothing(part));
    const parts = something.length > 0 ? something : tensors;
    const [first] = parts;
    if (first.ndim === 0) throw new RangeError('cat: 0-d tensors cannot be joined: use stack');
    const place = normalizeDim('cat', dim, first.ndim);
    for (const part of parts)
      if (part.ndim !== first.ndim || part.shape.some((size, d) => d !== place && size !== first.shape[d]))
        throw new RangeError(
          `cat: ${formatShape(first.shape)} and ${formatShape(part.shape)} differ in a dimension other than ${dim}`,
        );
    const dtype = parts.map((p) => p.dtype).reduce(promoteTypes);
    return applyOne(
      catPrimitive,
      tensors.map((part) => cast(part, dtype)),
      {
        dim: place,
        sizes: tensors.map((part) => (isNothing(part) && first.ndim !== 1 ? null : part.shape[place])),
      },
    );
  },
);

/** Tensors of one shape along a new dimension. Error: shapes that differ. */
export const stack: (tensors: readonly Tensor[], dim?: number) => Tensor = op(
  {
    name: 'stack',
    torch: 'stack(tensors, dim=0)',
    family: 'joining',
    differentiable: true,
    samples: () => [[[{ shape: [2, 3] }, { shape: [2, 3] }], 1]],
  },
  (tensors: readonly Tensor[], dim = 0) => {
    const [first] = tensors;
    if (!first) throw new RangeError('stack: expected at least one tensor');
    for (const part of tensors)
      if (part.shape.join() !== first.shape.join())
        throw new RangeError(`stack: ${formatShape(first.shape)} and ${formatShape(part.shape)} differ`);
    const place = normalizeDim('stack', dim, first.ndim + 1);
    return cat(
      tensors.map((part) => unsqueeze(part, place)),
      place,
    );
  },
);

/** Joined along the second dimension (the first for vectors). */
export const hstack: (tensors: readonly Tensor[]) => Tensor = op(
  {
    name: 'hstack',
    torch: 'hstack(tensors)',
    family: 'joining',
    differentiable: true,
    samples: () => [[[{ shape: [2, 3] }, { shape: [2, 1] }]]],
  },
  (tensors: readonly Tensor[]) => {
    const parts = tensors.map((part) => (part.ndim === 0 ? reshape(part, [1]) : part));
    return cat(parts, parts[0]?.ndim === 1 ? 0 : 1);
  },
);

/** Joined along the first dimension, vectors as rows. */
export const vstack: (tensors: readonly Tensor[]) => Tensor = op(
  {
    name: 'vstack',
    torch: 'vstack(tensors)',
    family: 'joining',
    differentiable: true,
    samples: () => [[[{ shape: [2, 3] }, { shape: [1, 3] }]]],
  },
  (tensors: readonly Tensor[]) =>
    cat(
      tensors.map((part) => (part.ndim < 2 ? reshape(part, [1, part.size]) : part)),
      0,
    ),
);
