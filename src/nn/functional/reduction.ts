import { sum } from '../../ops/reduce.ts';
import { mean } from '../../ops/statistics.ts';
import { formatShape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** What becomes of the single losses. */
export type Reduction = 'none' | 'mean' | 'sum';

export interface Reduced {
  /** Default mean. */
  reduction?: Reduction;
}

/** The losses themselves, their mean, or their sum. Error: another word. */
export function reduceLoss(name: string, loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  if (reduction === 'mean') return mean(loss);
  if (reduction === 'sum') return sum(loss);
  throw new RangeError(`${name}: reduction '${String(reduction)}' is unknown: use none, mean or sum`);
}

/** Error: shapes that differ. PyTorch broadcasts some of these with a warning, which hides a missing squeeze. */
export function checkPair(name: string, input: Tensor, target: Tensor, what = 'target'): void {
  if (!sameShape(input.shape, target.shape))
    throw new RangeError(
      `${name}: the input ${formatShape(input.shape)} and the ${what} ${formatShape(target.shape)} differ: reshape or squeeze one of them`,
    );
}
