import { mode } from '../../autograd/mode.ts';
import { kernel } from '../../engine/kernel.ts';
import { writers } from '../../ops/elementwise.ts';
import { linearKernel } from '../../ops/matmul.ts';
import { reshape } from '../../ops/views.ts';
import { numel } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { geluKernel } from './gelu.ts';

/** Activations that a product can end with. */
export type ProductEnd = 'relu' | 'gelu' | 'sigmoid' | 'tanh';

/** out (M, N) = the activation of a (M, K) x weight (N, K) transposed + bias (N,) or nothing. */
const linearActivatedKernel = kernel(
  'linear.activated',
  (out: Tensor, a: Tensor, weight: Tensor, bias: Tensor | null, activation: ProductEnd) => {
    linearKernel(out, a, weight, bias);
    if (activation === 'gelu') geluKernel(out, out);
    else writers.get(activation)!(out);
  },
);

/**
 * The activation of input x weightᵀ + bias, written once: the elements are those of the two operations one after the other. For what is
 * not recorded.
 *
 * @param input `(..., in)`. @param weight `(out, in)`. @param bias `(out,)`.
 * @returns `(..., out)`; null where gradients are wanted, or the arguments are not of this plain kind.
 */
export function linearActivated(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  activation: ProductEnd,
): Tensor | null {
  const given = bias === null ? [input, weight] : [input, weight, bias];
  if (mode.grad && given.some((tensor) => tensor.requiresGrad)) return null;
  const [columns, inner] = weight.shape;
  const plain =
    weight.ndim === 2 &&
    input.ndim > 0 &&
    input.shape[input.ndim - 1] === inner &&
    (bias === null || (bias.ndim === 1 && bias.size === columns)) &&
    input.isFloating &&
    given.every((tensor) => tensor.dtype === input.dtype);
  if (!plain) return null;
  const lead = input.shape.slice(0, -1);
  const rows = numel(lead);
  const out = Tensor.allocate([rows, columns], input.dtype);
  linearActivatedKernel(
    out,
    input.ndim === 2 ? input : reshape(input, [rows, inner]),
    weight,
    bias,
    activation,
  );
  return input.ndim === 2 ? out : reshape(out, [...lead, columns]);
}
