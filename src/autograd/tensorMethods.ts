import { cast } from '../ops/cast.ts';
import type { DType } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type BackwardOptions, backward as backwardFrom } from './backward.ts';
import { edgeOf } from './primitive.ts';

/** Adds the gradient of this tensor to the `grad` of every leaf behind it. See `autograd.backward`. */
export const backward = (input: Tensor, gradient?: Tensor | null, options?: BackwardOptions): void =>
  backwardFrom(input, gradient ? [gradient] : null, options);

/** The tensor in another dtype; itself when it has that dtype already. Gradients flow through floating conversions. */
export const to = (input: Tensor, dtype: DType): Tensor => cast(input, dtype);

/** The same memory without history. In-place changes of either are seen by both, and noticed by backward. */
export const detach = (input: Tensor): Tensor => {
  const out = input.alias(input.shape, input.strides, input.offset);
  out.isShared = true;
  return out;
};

/** Sets `requiresGrad` and returns the tensor. */
export const requiresGrad_ = (input: Tensor, value = true): Tensor => {
  input.requiresGrad = value;
  return input;
};

/** Keeps the gradient of a tensor that is not a leaf in its `grad`. Error: a tensor without history and without requiresGrad. */
export const retainGrad = (input: Tensor): void => {
  if (!input.requiresGrad)
    throw new Error(`retainGrad: this tensor ${formatShape(input.shape)} does not require grad`);
  const node = input.gradFn;
  if (node) (node.retained ??= new Map()).set(input.outputIndex, input);
};

/**
 * Calls `hook` with the gradient of this tensor when backward computes it; what it returns (if anything) replaces the gradient.
 *
 * @returns an object whose `remove()` ends it.
 */
export const registerHook = (
  input: Tensor,
  hook: (grad: Tensor) => Tensor | undefined | null,
): { remove(): void } => {
  const edge = edgeOf(input);
  if (!edge)
    throw new Error(
      `registerHook: this tensor ${formatShape(input.shape)} does not require grad, so it gets no gradient`,
    );
  edge.node.outputHooks ??= new Map();
  const hooks = edge.node.outputHooks.get(edge.index) ?? [];
  edge.node.outputHooks.set(edge.index, hooks);
  hooks.push(hook);
  return { remove: () => void (hooks.includes(hook) && hooks.splice(hooks.indexOf(hook), 1)) };
};

/**
 * Calls `hook` with this leaf each time backward has added to its `grad`: an optimizer can step, and drop the gradient, right there.
 *
 * @returns an object whose `remove()` ends it. Error: a tensor that is not a leaf, or does not require grad.
 */
export const registerPostAccumulateGradHook = (
  input: Tensor,
  hook: (leaf: Tensor) => void,
): { remove(): void } => {
  if (!input.isLeaf || !input.requiresGrad)
    throw new Error(
      `registerPostAccumulateGradHook: this tensor ${formatShape(input.shape)} ${input.isLeaf ? 'does not require grad' : 'is not a leaf'}, so nothing is accumulated in it: use registerHook`,
    );
  const hooks = input.accumulator.afterHooks;
  hooks.push(hook);
  return { remove: () => void (hooks.includes(hook) && hooks.splice(hooks.indexOf(hook), 1)) };
};
