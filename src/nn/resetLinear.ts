import type { Tensor } from '../tensor/tensor.ts';
import { fans, kaimingUniform_, uniform_ } from './init.ts';

/** PyTorch's default for linear and convolution layers: weight and bias evenly within 1 / sqrt(fanIn) of 0. */
export function resetLinear(weight: Tensor, bias: Tensor | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
  if (!bias) return;
  const { fanIn } = fans(weight);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  uniform_(bias, -bound, bound);
}
