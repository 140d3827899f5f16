import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { type DType, isFloating } from '../tensor/dtype.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';
import { cast } from './cast.ts';
import { op } from './record.ts';
import { droppedShape, keptShape } from './reduce.ts';
import { productBefore } from './scan.ts';
import { reshape } from './views.ts';

/** out (dim of size 1) = the product of a along `dim`. */
const productKernel = kernel('reduce.product', (out: Tensor, a: Tensor, dim: number) => {
  const [y, x] = [out.elements, a.elements];
  const length = laneLength(a, dim);
  const step = laneStep(a, dim);
  const whole = !isFloating(out.dtype);
  eachLane([out, a], dim, ([po, pa]) => {
    let total = 1;
    for (let i = 0; i < length; i++)
      total = whole ? Math.imul(total, x[pa + i * step]) : total * x[pa + i * step];
    y[po] = total;
  });
});

/** The gradient of each element is the product of those before and those after it: exact where some are 0. */
const productPrimitive: Primitive<{ dim: number }> = {
  name: 'prod',
  forward(ctx, [input], { dim }) {
    const x = input as Tensor;
    const out = Tensor.allocate(keptShape(x.shape, [dim]), x.dtype);
    productKernel(out, x, dim);
    ctx.save(x);
    return out;
  },
  gradient: (ctx, [g], { dim }) => {
    const [x] = ctx.saved;
    return [g && mul(g, mul(productBefore(x, dim, false), productBefore(x, dim, true)))];
  },
};

/**
 * The product over one dimension, or of all elements. Booleans and integers give int32 (PyTorch: int64).
 *
 * @param options `keepdim` keeps the reduced dimension with size 1; `dtype` converts first. Source: `torch.prod`.
 */
export const prod: (
  input: Tensor,
  dim?: number | null,
  options?: { keepdim?: boolean; dtype?: DType },
) => Tensor = op(
  {
    name: 'prod',
    torch: 'prod(input, dim=None, *, keepdim=False, dtype=None)',
    family: 'reduction',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }],
      [{ shape: [2, 3] }, 1, { keepdim: true }],
      [{ shape: [2, 3], data: [2, 0, 3, 0, 0, 5] }, 1],
    ],
  },
  (
    input: Tensor,
    dim?: number | null,
    { keepdim = false, dtype }: { keepdim?: boolean; dtype?: DType } = {},
  ) => {
    const x = cast(input, dtype ?? (isFloating(input.dtype) ? input.dtype : 'int32'));
    if (dim === undefined || dim === null) {
      const all = applyOne(productPrimitive, [reshape(x, [-1])], { dim: 0 });
      return reshape(all, keepdim ? x.shape.map(() => 1) : []);
    }
    const place = normalizeDim('prod', dim, x.ndim);
    const kept = applyOne(productPrimitive, [x], { dim: place });
    return keepdim || x.ndim === 0 ? kept : reshape(kept, droppedShape(x.shape, [place]));
  },
);
