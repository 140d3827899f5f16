import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { mapUnary } from '../engine/loops.ts';
import { isFloating } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';
import { op } from './record.ts';

/** The nearest whole number; halves go to the even one. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest < 0.5) return down === 0 && x < 0 ? -0 : down;
  if (rest > 0.5) return down === -1 ? -0 : down + 1;
  return rest === 0.5 ? (down % 2 === 0 ? down : down === -1 ? -0 : down + 1) : x;
}

/** out = a rounded to `decimals` digits after the point (before it, if negative). */
const roundKernel = kernel('round', (out: Tensor, a: Tensor, decimals: number) => {
  if (decimals === 0) return mapUnary(roundHalfEven, out, a);
  const scale = 10 ** Math.abs(decimals);
  mapUnary(
    decimals > 0 ? (x) => roundHalfEven(x * scale) / scale : (x) => roundHalfEven(x / scale) * scale,
    out,
    a,
  );
});

const roundPrimitive: Primitive<{ decimals: number }> = {
  name: 'round',
  forward(_ctx, [input], { decimals }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    roundKernel(out, x, decimals);
    return out;
  },
  gradient: (_ctx, [g]) => [g && mul(g, 0)],
};

/**
 * The nearest whole number, or multiple of 10^-decimals; halves go to the even one.
 *
 * @param options `decimals`: digits after the point; negative: before it. Source: `torch.round`.
 */
export const round: (input: Tensor, options?: { decimals?: number }) => Tensor = op(
  {
    name: 'round',
    torch: 'round(input, *, decimals=0)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 3], data: [0.2, 0.7, 1.3, -0.4, -1.8, 2.6] }]],
  },
  (input: Tensor, { decimals = 0 }: { decimals?: number } = {}) => {
    if (!Number.isInteger(decimals))
      throw new RangeError(`round: decimals ${decimals} must be a whole number`);
    if (!isFloating(input.dtype) && decimals >= 0) return input.clone();
    return applyOne(roundPrimitive, [input], { decimals });
  },
);
