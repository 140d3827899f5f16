import { type Shape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { sum } from './reduce.ts';
import { reshape } from './views.ts';

/** Sums what broadcasting repeated, so that the result has `shape`: the gradient of broadcasting. */
export function sumTo(input: Tensor, shape: Shape): Tensor {
  if (sameShape(input.shape, shape)) return input;
  const lead = input.shape.length - shape.length;
  const dims: number[] = [];
  for (let d = 0; d < input.shape.length; d++)
    if (d < lead || (shape[d - lead] === 1 && input.shape[d] !== 1)) dims.push(d);
  const summed = dims.length > 0 ? sum(input, dims, { keepdim: true }) : input;
  return lead > 0 ? reshape(summed, shape) : summed;
}
