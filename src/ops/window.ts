import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength } from '../engine/lanes.ts';
import { formatShape, normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { op } from './record.ts';

/** out[start * step + i] += g[start, ..., i] along `dim`: g has the windows there, and their elements as its last dimension. */
const foldKernel = kernel('window.fold', (out: Tensor, g: Tensor, dim: number, step: number) => {
  const [y, x] = [out.elements, g.elements];
  const size = g.shape[g.ndim - 1];
  const windows = g.shape[dim];
  const stride = out.ndim === 0 ? 1 : out.strides[dim];
  for (let i = 0; i < size; i++) {
    const part = g.alias(g.shape.slice(0, -1), g.strides.slice(0, -1), g.offset + i * g.strides[g.ndim - 1]);
    eachLane([part, out], dim, ([pg, po]) => {
      for (let w = 0; w < windows; w++) y[po + (w * step + i) * stride] += x[pg + w * part.strides[dim]];
    });
  }
});

interface Windows {
  dim: number;
  size: number;
  step: number;
  from: Shape;
}

const unfoldPrimitive: Primitive<Windows> = {
  name: 'unfold',
  view: true,
  forward(_ctx, [input], { dim, size, step }) {
    const x = input as Tensor;
    const stride = x.ndim === 0 ? 1 : x.strides[dim];
    const count = Math.floor((laneLength(x, dim) - size) / step) + 1;
    if (x.ndim === 0) return x.alias([size], [stride], x.offset);
    return x.alias(
      [...x.shape.map((s, d) => (d === dim ? count : s)), size],
      [...x.strides.map((s, d) => (d === dim ? s * step : s)), stride],
      x.offset,
    );
  },
  gradient: (_ctx, [g], windows) => [g && applyOne(foldPrimitive, [g], windows)],
};

/** Adds up what windows repeat. */
const foldPrimitive: Primitive<Windows> = {
  name: 'unfoldBackward',
  forward(_ctx, [grad], { dim, step, from }) {
    const g = grad as Tensor;
    const out = Tensor.allocate(from, g.dtype, true);
    if (from.length > 0) foldKernel(out, g, dim, step);
    else if (g.size > 0) out.elements[out.offset] = g.elements[g.offset];
    return out;
  },
  gradient: (_ctx, [g], windows) => [g && applyOne(unfoldPrimitive, [g], windows)],
};

/**
 * A view of the windows of `size` along a dimension, `step` apart: the dimension counts windows, and a new last dimension has their
 * elements. `F.unfold` is the one for images.
 *
 * Error: windows that are larger than the dimension. Source: `torch.Tensor.unfold`.
 */
export const unfold: (input: Tensor, dimension: number, size: number, step: number) => Tensor = op(
  {
    name: 'unfold',
    torch: 'unfold(input, dimension, size, step)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [5] }, 0, 3, 1],
      [{ shape: [2, 5] }, 1, 2, 2],
    ],
  },
  (input: Tensor, dimension: number, size: number, step: number) => {
    const dim = normalizeDim('unfold', dimension, input.ndim);
    const length = laneLength(input, dim);
    if (!Number.isInteger(size) || size < 0 || size > length || !Number.isInteger(step) || step < 1)
      throw new RangeError(
        `unfold: windows of ${size} with step ${step} do not fit dimension ${dimension} of ${formatShape(input.shape)}`,
      );
    return applyOne(unfoldPrimitive, [input], { dim, size, step, from: input.shape });
  },
);
