import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { mapUnary } from '../engine/loops.ts';
import { getDefaultDtype } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';
import { cast } from './cast.ts';
import { op } from './record.ts';
import { digammaOf, polygamma as polygammaOf } from './specialFunctions.ts';

const polygammaKernel = kernel('special.polygamma', (out: Tensor, a: Tensor, n: number) =>
  mapUnary(n === 0 ? digammaOf : (x) => polygammaOf(n, x), out, a),
);

const polygammaPrimitive: Primitive<{ n: number }> = {
  name: 'polygamma',
  forward(ctx, [input], { n }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    polygammaKernel(out, x, n);
    ctx.save(x);
    return out;
  },
  gradient: (ctx, [g], { n }) => [g && mul(g, polygamma(n + 1, ctx.saved[0]))],
};

/** The n-th derivative of `digamma`. Error: n below 0. Source: `torch.polygamma`. */
export const polygamma: (n: number, input: Tensor) => Tensor = op(
  {
    name: 'polygamma',
    torch: 'polygamma(n, input)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [
      [1, { shape: [2, 3], low: 0.3, high: 3 }],
      [2, { shape: [2, 3], low: 0.3, high: 3 }],
    ],
  },
  (n: number, input: Tensor) => {
    if (!Number.isInteger(n) || n < 0 || n > 170)
      throw new RangeError(
        `polygamma: the order ${n} must be a whole number from 0 to 170, the last whose factorial is a number`,
      );
    return applyOne(polygammaPrimitive, [input.isFloating ? input : cast(input, getDefaultDtype())], { n });
  },
);
