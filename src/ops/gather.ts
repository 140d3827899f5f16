import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { isFloating } from '../tensor/dtype.ts';
import { broadcastShapes, formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, copyKernel, scalar } from './cast.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';

/** out (of `index`'s shape) = a at `index` along `dim`, every other index as in `out`; a may be longer in the other dimensions. */
export const gatherKernel = kernel('index.gather', (out: Tensor, a: Tensor, index: Tensor, dim: number) => {
  const [target, source, at] = [out.elements, a.elements, index.elements];
  const [so, sa, si] = [out, a, index].map((t) => laneStep(t, dim));
  const length = laneLength(index, dim);
  if (length === 0) return;
  eachLane([index, out, a], dim, ([pi, po, pa]) => {
    for (let i = 0; i < length; i++) target[po + i * so] = source[pa + at[pi + i * si] * sa];
  });
});

/** out at `index` along `dim` = src; where an index is repeated the last one counts. */
export const scatterKernel = kernel(
  'index.scatter',
  (out: Tensor, index: Tensor, src: Tensor, dim: number) => {
    const [target, source, at] = [out.elements, src.elements, index.elements];
    const [so, ss, si] = [out, src, index].map((t) => laneStep(t, dim));
    const length = laneLength(index, dim);
    if (length === 0) return;
    eachLane([index, out, src], dim, ([pi, po, ps]) => {
      for (let i = 0; i < length; i++) target[po + at[pi + i * si] * so] = source[ps + i * ss];
    });
  },
);

/** out at `index` along `dim` += src; repeated indices add up. */
export const scatterAddKernel = kernel(
  'index.scatterAdd',
  (out: Tensor, index: Tensor, src: Tensor, dim: number) => {
    const [target, source, at] = [out.elements, src.elements, index.elements];
    const [so, ss, si] = [out, src, index].map((t) => laneStep(t, dim));
    const length = laneLength(index, dim);
    if (length === 0) return;
    eachLane([index, out, src], dim, ([pi, po, ps]) => {
      for (let i = 0; i < length; i++) target[po + at[pi + i * si] * so] += source[ps + i * ss];
    });
  },
);

/** The index as int32, checked. Errors: not whole numbers; outside `[0, size)` (`[-size, size)` with `negative`, made positive). */
export function checkedIndex(name: string, index: Tensor, size: number, negative = false): Tensor {
  if (isFloating(index.dtype) || index.dtype === 'bool')
    throw new TypeError(`${name}: the index is ${index.dtype}: it must be int32 or uint8`);
  const low = negative ? -size : 0;
  const at = cast(index.detach(), 'int32');
  const flat = at.isContiguous ? at : at.clone();
  const { elements, offset } = flat;
  let wraps = false;
  for (let i = 0; i < flat.size; i++) {
    const value = elements[offset + i];
    if (value < low || value >= size)
      throw new RangeError(`${name}: index ${value} is out of bounds for a dimension of size ${size}`);
    if (value < 0) wraps = true;
  }
  if (!wraps) return at;
  const own = flat.clone();
  for (let i = 0; i < own.size; i++)
    if (own.elements[own.offset + i] < 0) own.elements[own.offset + i] += size;
  return own;
}

/** Error: an index that is longer than the tensor in a dimension other than `dim`. */
export function checkFits(name: string, index: Tensor, other: Tensor, dim: number, what: string): void {
  if (index.size === 0) return;
  const same = Math.max(index.ndim, 1) === Math.max(other.ndim, 1);
  if (!same || index.shape.some((size, d) => d !== dim && size > other.shape[d]))
    throw new RangeError(
      `${name}: the index ${formatShape(index.shape)} does not fit the ${what} ${formatShape(other.shape)}: they need as many dimensions, and the index may be longer only along dimension ${dim}`,
    );
}

const gatherPrimitive: Primitive<{ dim: number; from: Shape }> = {
  name: 'gather',
  forward(ctx, inputs, { dim }) {
    const [a, index] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate(index.shape, a.dtype);
    gatherKernel(out, a, index, dim);
    ctx.save(index);
    return out;
  },
  gradient: (ctx, [g], { dim, from }) => [g && scatterAdded(from, dim, ctx.saved[0], g), null],
};

/** Zeros of `shape` to which `source` is added at `index` along `dim`: the gradient of taking elements. Unchecked. */
export const scatterAdded = (shape: Shape, dim: number, index: Tensor, source: Tensor): Tensor =>
  applyOne(scatterAddPrimitive, [Tensor.allocate(shape, source.dtype, true), index, source], { dim });

/** `gather` with an index that is known to be right. */
export const gathered = (input: Tensor, dim: number, index: Tensor): Tensor =>
  applyOne(gatherPrimitive, [input, index], { dim, from: input.shape });

const scatterPrimitive: Primitive<{ dim: number }> = {
  name: 'scatter',
  forward(ctx, inputs, { dim }) {
    const [input, index, src] = inputs as [Tensor, Tensor, Tensor];
    const out = Tensor.allocate(input.shape, input.dtype);
    copyKernel(out, input);
    scatterKernel(out, index, src, dim);
    ctx.save(index);
    return out;
  },
  gradient: (ctx, [g], { dim }) => {
    const [index] = ctx.saved;
    if (!g) return [null, null, null];
    const self = ctx.needs(0) ? scattered(g, dim, index, expand(scalar(0, g.dtype), index.shape)) : null;
    return [self, null, ctx.needs(2) ? gathered(g, dim, index) : null];
  },
};

/** `scatter` with an index that is known to be right. */
export const scattered = (input: Tensor, dim: number, index: Tensor, source: Tensor): Tensor =>
  applyOne(scatterPrimitive, [input, index, source], { dim });

export const scatterAddPrimitive: Primitive<{ dim: number }> = {
  name: 'scatterAdd',
  forward(ctx, inputs, { dim }) {
    const [input, index, src] = inputs as [Tensor, Tensor, Tensor];
    const out = Tensor.allocate(input.shape, input.dtype);
    copyKernel(out, input);
    scatterAddKernel(out, index, src, dim);
    ctx.save(index);
    return out;
  },
  gradient: (ctx, [g], { dim }) => {
    const [index] = ctx.saved;
    return [g, null, g && ctx.needs(2) ? gathered(g, dim, index) : null];
  },
};

const at = { shape: [2, 3], data: [0, 2, 1, 1, 0, 0], dtype: 'int32' } as const;

/**
 * out[i][j][k] = input[i][index[i][j][k]][k] (for `dim` 1): picks along one dimension, the others staying as they are.
 *
 * @param index whole numbers, as many dimensions as the input, at most as long in the others. Its shape is the result's.
 * Errors: an index outside the dimension; shapes that do not fit. Source: `torch.gather`.
 */
export const gather: (input: Tensor, dim: number, index: Tensor) => Tensor = op(
  {
    name: 'gather',
    torch: 'gather(input, dim, index)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, 1, at],
      [{ shape: [4, 3] }, 0, at],
    ],
  },
  (input: Tensor, dim: number, index: Tensor) => {
    const place = normalizeDim('gather', dim, input.ndim);
    checkFits('gather', index, input, place, 'input');
    return gathered(input, place, checkedIndex('gather', index, laneLength(input, place)));
  },
);

/**
 * Elements along `dim` by an index that broadcasts with the input in the other dimensions; without `dim`, of the flattened input.
 * Made for the indices of `argmax` and `argsort`; negative indices count from the end.
 *
 * Errors: an index outside; shapes that do not broadcast. Source: `torch.take_along_dim`.
 */
export const takeAlongDim: (input: Tensor, indices: Tensor, dim?: number | null) => Tensor = op(
  {
    name: 'takeAlongDim',
    torch: 'take_along_dim(input, indices, dim=None)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [1, 2], data: [2, 0], dtype: 'int32' }, 1],
      [{ shape: [2, 3] }, { shape: [2], data: [5, 0], dtype: 'int32' }],
    ],
  },
  (input: Tensor, indices: Tensor, dim?: number | null) => {
    if (dim === undefined || dim === null) return take(input, reshape(indices, [-1]));
    const place = normalizeDim('takeAlongDim', dim, input.ndim);
    if (input.ndim !== indices.ndim)
      throw new RangeError(
        `takeAlongDim: the input ${formatShape(input.shape)} and the indices ${formatShape(indices.shape)} need as many dimensions`,
      );
    const without = (shape: Shape): number[] => shape.map((size, d) => (d === place ? 1 : size));
    const common = broadcastShapes('takeAlongDim', without(input.shape), without(indices.shape));
    const along = (shape: Shape): number[] => common.map((size, d) => (d === place ? shape[place] : size));
    const at = checkedIndex('takeAlongDim', indices, input.shape[place], true);
    return gathered(expand(input, along(input.shape)), place, expand(at, along(indices.shape)));
  },
);

/** Elements of the flattened input, in the index's shape. Negative indices count from the end. Source: `torch.take`. */
export const take: (input: Tensor, index: Tensor) => Tensor = op(
  {
    name: 'take',
    torch: 'take(input, index)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [2, 2], data: [5, 0, -1, 2], dtype: 'int32' }]],
  },
  (input: Tensor, index: Tensor) => {
    const at = checkedIndex('take', index, input.size, true);
    return reshape(gathered(reshape(input, [-1]), 0, reshape(at, [-1])), index.shape);
  },
);
