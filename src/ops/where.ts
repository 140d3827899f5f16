import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { mapTernary } from '../engine/loops.ts';
import { resultType } from '../tensor/dtype.ts';
import { broadcastShapes, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, scalar } from './cast.ts';
import { type Arg, promote } from './elementwise.ts';
import { op } from './record.ts';
import { sumTo } from './sumTo.ts';

const whereKernel = kernel('where', (out: Tensor, condition: Tensor, a: Tensor, b: Tensor) =>
  mapTernary((c, x, y) => (c !== 0 ? x : y), out, condition, a, b),
);

const wherePrimitive: Primitive<readonly Shape[]> = {
  name: 'where',
  forward(ctx, inputs) {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', a.shape, b.shape));
    const out = Tensor.allocate(shape, a.dtype);
    whereKernel(out, condition, a, b);
    ctx.save(condition);
    return out;
  },
  gradient: (ctx, [g], shapes) => {
    const [condition] = ctx.saved;
    return [
      null,
      g && ctx.needs(1) ? sumTo(where(condition, g, 0), shapes[1]) : null,
      g && ctx.needs(2) ? sumTo(where(condition, 0, g), shapes[2]) : null,
    ];
  },
};

/**
 * `input` where `condition` holds, else `other`, with broadcasting. Both gradients are computed: a NaN in the branch that is not taken
 * still reaches its own inputs.
 *
 * @param condition bool (any dtype: not 0). Source: `torch.where`.
 */
export const where: (condition: Tensor, input: Arg, other: Arg) => Tensor = op(
  {
    name: 'where',
    torch: 'where(condition, input, other)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3], data: [1, 0, 1, 0, 0, 1], dtype: 'bool' }, { shape: [2, 3] }, { shape: [3] }],
    ],
  },
  (condition: Tensor, input: Arg, other: Arg) => {
    const [a, b] =
      input instanceof Tensor || other instanceof Tensor
        ? promote('where', input, other)
        : [scalar(input, resultType(input, other)), scalar(other, resultType(input, other))];
    return applyOne(wherePrimitive, [cast(condition, 'bool'), a, b], [condition.shape, a.shape, b.shape]);
  },
);
