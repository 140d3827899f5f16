import { applyOne, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { mapUnary } from '../../engine/loops.ts';
import { mul, sub } from '../../ops/arithmetic.ts';
import { exp } from '../../ops/pointwise.ts';
import { errorFunction } from '../../ops/specialFunctions.ts';
import { Tensor } from '../../tensor/tensor.ts';

/** out = a times the normal distribution's share below a. */
export const geluKernel = kernel('activation.gelu', (out: Tensor, a: Tensor) =>
  mapUnary((x) => x * 0.5 * (errorFunction(x * Math.SQRT1_2) + 1), out, a),
);

/** out = the derivative of gelu at a. */
const geluSlopeKernel = kernel('activation.geluSlope', (out: Tensor, a: Tensor) =>
  mapUnary(
    (x) =>
      0.5 * (errorFunction(x * Math.SQRT1_2) + 1) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
    out,
    a,
  ),
);

const geluPrimitive: Primitive<null> = {
  name: 'gelu',
  forward(ctx, [input]) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    geluKernel(out, x);
    ctx.save(x);
    return out;
  },
  gradient: (ctx, [g]) => [g && mul(g, applyOne(geluSlopePrimitive, [ctx.saved[0]], null))],
};

/** The second derivative is (2 - x²) times the normal density. */
const geluSlopePrimitive: Primitive<null> = {
  name: 'geluSlope',
  forward(ctx, [input]) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    geluSlopeKernel(out, x);
    ctx.save(x);
    return out;
  },
  gradient: (ctx, [g]) => {
    if (!g) return [null];
    const [x] = ctx.saved;
    const squared = mul(x, x);
    const density = mul(exp(mul(squared, -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [mul(g, mul(sub(2, squared), density))];
  },
};

/** input times the normal distribution's share below it, of a floating dtype. */
export const exactGelu = (input: Tensor): Tensor => applyOne(geluPrimitive, [input], null);
