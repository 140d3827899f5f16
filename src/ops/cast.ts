import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { mapUnary } from '../engine/loops.ts';
import { type DType, dtypeInfo, isFloating } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkNumber } from './tensorArguments.ts';

const truth = (x: number): number => (x !== 0 ? 1 : 0);
const same = (x: number): number => x;

/** out = a, converting between dtypes as C does (truncation towards zero; anything but 0 is true); `a` broadcasts. */
export const copyKernel = kernel('copy', (out: Tensor, a: Tensor) => {
  const { size } = out;
  if (out.dtype === a.dtype && size > 64 && size === a.size && out.isContiguous && a.isContiguous)
    out.elements.set(a.elements.subarray(a.offset, a.offset + size), out.offset);
  else mapUnary(out.dtype === 'bool' ? truth : isFloating(out.dtype) ? same : Math.trunc, out, a);
});

const castPrimitive: Primitive<{ from: DType; to: DType }> = {
  name: 'to',
  forward(_ctx, [input], { to }) {
    const out = Tensor.allocate((input as Tensor).shape, to);
    copyKernel(out, input as Tensor);
    return out;
  },
  gradient: (_ctx, [g], { from }) => [g && cast(g, from)],
};

/** The tensor in another dtype; itself when it has that dtype already. */
export function cast(input: Tensor, dtype: DType): Tensor {
  if (input.dtype === dtype) return input;
  dtypeInfo(dtype);
  return applyOne(castPrimitive, [input], { from: input.dtype, to: dtype });
}

/** A 0-d tensor of one value. */
export function scalar(value: number | boolean, dtype: DType): Tensor {
  checkNumber(value);
  const out = Tensor.allocate([], dtype);
  out.elements[out.offset] = dtype === 'bool' ? (value ? 1 : 0) : Number(value);
  return out;
}
