import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachRow, operand } from '../engine/loops.ts';
import { type DType, isFloating } from '../tensor/dtype.ts';
import { contiguousStrides, normalizeDims, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast } from './cast.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';

export type Dims = number | readonly number[] | null;

/** The shape with the reduced dimensions kept as 1. */
export const keptShape = (shape: Shape, dims: readonly number[]): number[] =>
  shape.map((size, d) => (dims.includes(d) ? 1 : size));

/** The shape with the reduced dimensions gone. */
export const droppedShape = (shape: Shape, dims: readonly number[]): number[] =>
  shape.filter((_, d) => !dims.includes(d));

/** out (with reduced dimensions of size 1) = sum of a; float64 accumulators. */
export const sumKernel = kernel('reduce.sum', (out: Tensor, a: Tensor) => {
  const totals = new Float64Array(out.size);
  const place = new Tensor(out.storage, out.shape, contiguousStrides(out.shape), 0);
  const o = operand(place, a.shape);
  const x = operand(a, a.shape);
  const { array } = x;
  eachRow(a.shape, [o, x], (places, steps, n) => {
    const [step, by] = steps;
    let [p, q] = places;
    if (step === 0) {
      let total = totals[p];
      for (let i = 0; i < n; i++, q += by) total += array[q];
      totals[p] = total;
    } else for (let i = 0; i < n; i++, p += step, q += by) totals[p] += array[q];
  });
  const { elements } = out;
  for (let i = 0; i < totals.length; i++) elements[out.offset + i] = totals[i];
});

const sumPrimitive: Primitive<{ from: Shape; dims: readonly number[]; keepdim: boolean }> = {
  name: 'sum',
  forward(_ctx, [input], { dims, keepdim }) {
    const x = input as Tensor;
    const out = Tensor.allocate(keptShape(x.shape, dims), x.dtype);
    sumKernel(out, x);
    if (keepdim || dims.length === 0) return out;
    const shape = droppedShape(x.shape, dims);
    return out.alias(shape, contiguousStrides(shape), out.offset);
  },
  gradient: (_ctx, [g], { from, dims, keepdim }) => [
    g && expand(keepdim ? g : reshape(g, keptShape(from, dims)), from),
  ],
};

/**
 * The sum over one dimension, several, or all. Booleans and integers give int32 (PyTorch: int64).
 *
 * @param options `keepdim` keeps the reduced dimensions with size 1; `dtype` converts before summing.
 */
export const sum: (input: Tensor, dim?: Dims, options?: { keepdim?: boolean; dtype?: DType }) => Tensor = op(
  {
    name: 'sum',
    torch: 'sum(input, dim=None, *, keepdim=False, dtype=None)',
    family: 'reduction',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3, 4] }],
      [{ shape: [2, 3, 4] }, [0, -1]],
      [{ shape: [2, 3] }, 1, { keepdim: true }],
    ],
  },
  (input: Tensor, dim?: Dims, { keepdim = false, dtype }: { keepdim?: boolean; dtype?: DType } = {}) => {
    const x = cast(input, dtype ?? (isFloating(input.dtype) ? input.dtype : 'int32'));
    const dims = normalizeDims('sum', dim, x.ndim);
    return applyOne(sumPrimitive, [x], { from: x.shape, dims, keepdim });
  },
);
