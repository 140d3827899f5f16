import { keep } from '../tensor/memory.ts';
import { Tensor } from '../tensor/tensor.ts';

/**
 * A tensor that a module learns: assigned to a module's property it appears in `parameters()`, and it requires grad.
 *
 * It shares the memory of the tensor that it is made from.
 *
 * @example
 * this.scale = new nn.Parameter(ones([channels]))
 *
 * Source: `torch.nn.Parameter`.
 */
export class Parameter extends Tensor {
  constructor(data: Tensor, { requiresGrad = data.isFloating }: { requiresGrad?: boolean } = {}) {
    super(data.storage, data.shape, data.strides, data.offset);
    keep(this);
    if (requiresGrad) this.requiresGrad = true;
  }
}

/**
 * A tensor that belongs to a module's state and is not learnt: assigned to a module's property it appears in `buffers()`, and in
 * `stateDict()` unless `persistent` is false.
 *
 * @example
 * this.runningMean = new nn.Buffer(zeros([channels]))
 *
 * Source: `torch.nn.Buffer`.
 */
export class Buffer extends Tensor {
  /** Whether the state dict holds it. */
  readonly persistent: boolean;

  constructor(data: Tensor, { persistent = true }: { persistent?: boolean } = {}) {
    super(data.storage, data.shape, data.strides, data.offset);
    keep(this);
    this.persistent = persistent;
  }
}

/** Puts a leaf on the memory of another tensor of its shape: how a module changes the dtype of a parameter that others hold. */
export function rebind(leaf: Tensor, source: Tensor): void {
  const { storage, strides, offset } = source;
  Object.assign(leaf, { storage, strides, offset });
  keep(leaf);
  if (leaf.requiresGrad) leaf.accumulator.outputs = [{ shape: leaf.shape, dtype: source.dtype }];
}
