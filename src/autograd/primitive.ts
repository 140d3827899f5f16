import { Tensor } from '../tensor/tensor.ts';
import { mode } from './mode.ts';
import { type Edge, type Gradient, Node } from './node.ts';

/** What forward sees: which gradients will be wanted, and a place to keep tensors for them. */
export interface Context {
  needs(index: number): boolean;
  save(...tensors: (Tensor | null | undefined)[]): void;
}

/** Forward and gradient of one operation, side by side. `A` is what is not a tensor: dimensions, flags, sizes. */
export interface Primitive<A> {
  readonly name: string;
  /** Computes the outputs from validated inputs, with kernels. Calls no differentiable operation. */
  forward(ctx: Context, inputs: readonly (Tensor | null)[], attrs: A): Tensor | Tensor[];
  /**
   * Gradients of the inputs, in their order, from those of the outputs (`null`: zero), **written in differentiable operations**,
   * so that it can be differentiated again. `ctx.saved` is what forward kept. `ctx.needs(i)` tells what can be left out.
   * A string says why there is none (comparisons, indices).
   */
  readonly gradient: ((ctx: Node, grads: Gradient[], attrs: A) => Gradient[]) | string;
  /** Set on operations whose outputs share their first input's memory. */
  readonly view?: boolean;
}

const noContext: Context = { needs: () => false, save() {} };

/** The edge on which a tensor's gradient travels: `null` when it needs none. */
export function edgeOf(tensor: Tensor | null): Edge | null {
  if (tensor === null) return null;
  const node = tensor.gradFn;
  if (node !== null) return { node, index: tensor.outputIndex };
  return tensor.requiresGrad ? { node: tensor.accumulator, index: 0 } : null;
}

/** Runs an operation, and records it where a gradient will be wanted. */
export function apply<A>(
  primitive: Primitive<A>,
  inputs: readonly (Tensor | null)[],
  attrs: A,
): Tensor | Tensor[] {
  if (mode.tracer === null) return run(primitive, inputs, attrs);
  const result = run(primitive, inputs, attrs);
  mode.tracer.ran(primitive.name, inputs, attrs, result instanceof Tensor ? [result] : result);
  return result;
}

function run<A>(primitive: Primitive<A>, inputs: readonly (Tensor | null)[], attrs: A): Tensor | Tensor[] {
  const { gradient } = primitive;
  if (!mode.grad || typeof gradient === 'string' || !anyRequiresGrad(inputs)) {
    const result = primitive.forward(noContext, inputs, attrs);
    if (primitive.view) trackView(result, inputs[0]!);
    return result;
  }
  const edges = new Array<Edge | null>(inputs.length);
  for (let i = 0; i < edges.length; i++) edges[i] = edgeOf(inputs[i]);
  const node = new Node(primitive.name, edges, gradient, false, attrs);
  const result = primitive.forward(node, inputs, attrs);
  if (primitive.view) trackView(result, inputs[0]!);
  if (result instanceof Tensor) {
    node.outputs = [{ shape: result.shape, dtype: result.dtype }];
    if (result.isFloating) result.setHistory(node, 0);
  } else {
    node.outputs = result.map(({ shape, dtype }) => ({ shape, dtype }));
    for (let i = 0; i < result.length; i++) if (result[i].isFloating) result[i].setHistory(node, i);
  }
  return result;
}

function anyRequiresGrad(inputs: readonly (Tensor | null)[]): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input?.requiresGrad) return true;
  }
  return false;
}

function trackView(result: Tensor | Tensor[], source: Tensor): void {
  if (result instanceof Tensor) result.markView(source);
  else for (const output of result) output.markView(source);
}

/**
 * Runs a computation of several operations that a tracer sees as one: what exports a model has an operator for the whole of it.
 *
 * @param compute what computes the outputs from the inputs (and nothing else that is traced).
 */
export function asOne<T extends Tensor | Tensor[]>(
  name: string,
  inputs: readonly (Tensor | null)[],
  attrs: unknown,
  compute: () => T,
): T {
  const { tracer } = mode;
  if (tracer === null) return compute();
  mode.tracer = null;
  try {
    const result = compute();
    tracer.ran(name, inputs, attrs, result instanceof Tensor ? [result] : result);
    return result;
  } finally {
    mode.tracer = tracer;
  }
}

/** `apply` for operations with one output. */
export const applyOne = <A>(primitive: Primitive<A>, inputs: readonly (Tensor | null)[], attrs: A): Tensor =>
  apply(primitive, inputs, attrs) as Tensor;

/** `apply` for operations with several outputs. */
export const applyMany = <A>(
  primitive: Primitive<A>,
  inputs: readonly (Tensor | null)[],
  attrs: A,
): Tensor[] => apply(primitive, inputs, attrs) as Tensor[];
