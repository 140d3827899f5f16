import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { mapUnary } from '../engine/loops.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';

/** out = c0 + c1 a + c2 a² + ..., in float64 until the last rounding. */
const polynomialKernel = kernel('polynomial', (out: Tensor, a: Tensor, coefficients: readonly number[]) =>
  mapUnary((x) => coefficients.reduceRight((total, c) => total * x + c, 0), out, a),
);

const polynomialPrimitive: Primitive<readonly number[]> = {
  name: 'polynomial',
  forward(ctx, [input], coefficients) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    polynomialKernel(out, x, coefficients);
    ctx.save(x);
    return out;
  },
  gradient: (ctx, [g], coefficients) => [
    g &&
      mul(
        g,
        polynomial(
          ctx.saved[0],
          coefficients.slice(1).map((c, i) => c * (i + 1)),
        ),
      ),
  ],
};

/** c0 + c1 x + c2 x² + ..., for each element. */
export const polynomial = (input: Tensor, coefficients: readonly number[]): Tensor =>
  applyOne(polynomialPrimitive, [input], coefficients);
