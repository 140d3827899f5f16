import type { Gradient } from '../autograd/node.ts';
import { applyMany, type Primitive } from '../autograd/primitive.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { BackwardHook, BackwardPreHook } from './hooks.ts';
import type { AnyModule } from './module.ts';

type Watcher = (grads: Gradient[]) => Gradient[];

/** Passes tensors through unchanged, and their gradients through `watch`, all at once. */
const watched: Primitive<Watcher> = {
  name: 'backwardHook',
  forward: (_ctx, inputs) => inputs.map((input) => input!.alias(input!.shape, input!.strides, input!.offset)),
  gradient: (_ctx, grads, watch) => watch(grads),
};

/** Sends every tensor in a value (itself, or in arrays and records) through `change`, all at once, and puts the results back. */
function mapTensors<T>(value: T, change: (tensors: Tensor[]) => Tensor[]): T {
  const found: Tensor[] = [];
  const collect = (part: unknown): void => {
    if (part instanceof Tensor) found.push(part);
    else if (Array.isArray(part)) part.forEach(collect);
    else if (isRecord(part)) Object.values(part).forEach(collect);
  };
  collect(value);
  if (found.length === 0) return value;
  const changed = change(found);
  let place = 0;
  const rebuild = (part: unknown): unknown => {
    if (part instanceof Tensor) return changed[place++];
    if (Array.isArray(part)) return part.map(rebuild);
    if (isRecord(part))
      return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, rebuild(item)]));
    return part;
  };
  return rebuild(value) as T;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * Watches one call of a module: `outputs` notes the gradients that come in, `inputs` those that go out, and calls the hooks. Where no
 * input requires grad, the hooks run when the gradients of the outputs arrive.
 */
export function observeBackward(
  module: AnyModule,
  before: readonly BackwardPreHook[],
  after: readonly BackwardHook[],
): { inputs<T>(value: T): T; outputs<T>(value: T): T } {
  let gradOutputs: Gradient[] = [];
  let inputCount = 0;
  let inputsWatched = false;
  const finish = (gradInputs: Gradient[]): Gradient[] => {
    let grads = gradInputs;
    for (const hook of after) grads = hook(module, grads, gradOutputs) ?? grads;
    return grads;
  };
  const through = (tensors: Tensor[], watch: Watcher): Tensor[] => applyMany(watched, tensors, watch);
  return {
    inputs: (value) =>
      mapTensors(value, (tensors) => {
        inputCount = tensors.length;
        inputsWatched = tensors.some((t) => t.requiresGrad);
        return inputsWatched ? through(tensors, finish) : tensors;
      }),
    outputs: (value) =>
      mapTensors(value, (tensors) =>
        through(tensors, (grads) => {
          gradOutputs = grads;
          for (const hook of before) gradOutputs = hook(module, gradOutputs) ?? gradOutputs;
          if (!inputsWatched) finish(new Array<Gradient>(inputCount).fill(null));
          return gradOutputs;
        }),
      ),
  };
}
