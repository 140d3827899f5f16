import { formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkWritable } from './inplace.ts';
import { mode, noGrad } from './mode.ts';
import { type Gradient, Node } from './node.ts';
import { edgeOf } from './primitive.ts';

/** What a custom function's `forward` and `backward` share. Anything else that backward needs can be put on it as a property. */
export class FunctionContext {
  [attribute: string]: unknown;

  /** Whether the i-th argument of `forward` wants a gradient: what is not wanted need not be computed. */
  readonly needsInputGrad: readonly boolean[];
  #node: Node | null = null;
  #saved: (Tensor | null)[] = [];
  #dirty: readonly Tensor[] = [];
  #constant: readonly Tensor[] = [];
  #materialize = true;

  constructor(needsInputGrad: readonly boolean[]) {
    this.needsInputGrad = needsInputGrad;
  }

  /** Keeps inputs or outputs of `forward` for `backward`; in-place changes of them are noticed. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.#saved = tensors;
  }

  /** What `saveForBackward` kept. Errors: released by an earlier backward; changed in place since. */
  get savedTensors(): Tensor[] {
    return this.#node ? this.#node.saved : (this.#saved as Tensor[]);
  }

  /** Says that `forward` changed these inputs in place and returns them. */
  markDirty(...tensors: Tensor[]): void {
    this.#dirty = tensors;
  }

  /** Says that these outputs have no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.#constant = tensors;
  }

  /** With false, `backward` gets `null` instead of zeros for outputs that nothing depends on. Default true. */
  setMaterializeGrads(value: boolean): void {
    this.#materialize = value;
  }

  /** Records a call. @internal */
  static record(
    context: FunctionContext,
    name: string,
    args: readonly unknown[],
    outputs: Tensor[],
    backward: (context: FunctionContext, grads: Gradient[]) => unknown,
  ): void {
    const edges = args.map((arg) => (arg instanceof Tensor ? edgeOf(arg) : null));
    const infos = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    const gradient = (_node: Node, incoming: Gradient[]): Gradient[] => {
      const grads = context.#materialize
        ? infos.map(({ shape, dtype }, i) => incoming[i] ?? Tensor.allocate(shape, dtype, true))
        : [...incoming];
      return checkedGradients(name, backward(context, grads), args);
    };
    const node = new Node(`${name}Backward`, edges, gradient, true);
    node.save(...context.#saved);
    node.outputs = infos;
    context.#node = node;
    context.#saved = [];
    for (const input of context.#dirty) checkWritable(name, input, true);
    outputs.forEach((output, i) => {
      if (output.isFloating && !context.#constant.includes(output)) output.setHistory(node, i);
    });
  }

  /** What is saved of outputs must be the tensors that are returned, which get the history. @internal */
  static replaceSaved(context: FunctionContext, before: readonly unknown[], after: readonly Tensor[]): void {
    context.#saved = context.#saved.map((tensor) =>
      tensor?.base && before.includes(tensor) ? after[before.indexOf(tensor)] : tensor,
    );
  }

  /** The inputs that were changed in place. @internal */
  static dirty(context: FunctionContext): readonly Tensor[] {
    return context.#dirty;
  }
}

/** One gradient for each argument. Errors: another number; a gradient for what is not a tensor; no tensor. */
function checkedGradients(name: string, result: unknown, args: readonly unknown[]): Gradient[] {
  const grads = Array.isArray(result) ? result : [result];
  while (grads.length > args.length && (grads.at(-1) === null || grads.at(-1) === undefined)) grads.pop();
  if (grads.length !== args.length)
    throw new Error(
      `${name}.backward: returned ${grads.length} gradients for ${args.length} arguments: one for each, null where there is none`,
    );
  return grads.map((grad: unknown, i): Gradient => {
    if (grad === null || grad === undefined) return null;
    if (!(grad instanceof Tensor))
      throw new TypeError(`${name}.backward: gradient ${i} is ${String(grad)}: return a tensor or null`);
    const arg = args[i];
    if (!(arg instanceof Tensor))
      throw new TypeError(`${name}.backward: argument ${i} is no tensor, so its gradient must be null`);
    if (String(grad.shape) !== String(arg.shape))
      throw new RangeError(
        `${name}.backward: gradient ${i} has the shape ${formatShape(grad.shape)}, but argument ${i} has ${formatShape(arg.shape)}`,
      );
    return grad;
  });
}

interface Definition<A extends unknown[], R extends Tensor | Tensor[]> {
  readonly name: string;
  forward(ctx: FunctionContext, ...args: A): R;
  backward(
    ctx: FunctionContext,
    ...grads: never[]
  ): Tensor | null | undefined | readonly (Tensor | null | undefined)[];
}

function run<A extends unknown[], R extends Tensor | Tensor[]>(definition: Definition<A, R>, args: A): R {
  const needs = args.map((arg) => arg instanceof Tensor && mode.grad && arg.requiresGrad);
  const context = new FunctionContext(needs);
  const result = noGrad(() => definition.forward(context, ...args));
  const dirty = FunctionContext.dirty(context);
  for (const input of dirty) input.storage.version++;
  const given = Array.isArray(result) ? result : [result];
  const outputs = given.map((output: unknown) => {
    if (!(output instanceof Tensor))
      throw new TypeError(
        `${definition.name}.forward: returned ${String(output)}: return a tensor, or a list of tensors`,
      );
    const isInput = args.includes(output) && !dirty.includes(output);
    return isInput || (output.base !== null && !dirty.includes(output)) ? output.detach() : output;
  });
  FunctionContext.replaceSaved(context, given, outputs);
  if (needs.includes(true))
    FunctionContext.record(context, definition.name, args, outputs, (ctx, grads) =>
      definition.backward(ctx, ...(grads as never[])),
    );
  return (Array.isArray(result) ? outputs : outputs[0]) as R;
}

/**
 * An operation of your own: static `forward` computes it, static `backward` gives the gradients of its arguments, one each, `null` where
 * there is none. What happens inside `forward` is not recorded; `backward` is, when a second derivative is wanted, so write it in
 * differentiable operations.
 *
 * @example
 * class Cube extends autograd.Function {
 *   static forward(ctx: FunctionContext, x: Tensor) { ctx.saveForBackward(x); return x.pow(3); }
 *   static backward(ctx: FunctionContext, g: Tensor) { const [x] = ctx.savedTensors; return g.mul(x.square()).mul(3); }
 * }
 * Cube.apply(x).sum().backward();
 * Source: `torch.autograd.Function`.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: PyTorch's form, so that its documentation applies
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name; import it through `autograd`
export abstract class Function {
  /** Runs the function, and records it where a gradient will be wanted. */
  static apply<A extends unknown[], R extends Tensor | Tensor[]>(this: Definition<A, R>, ...args: A): R {
    // biome-ignore lint/complexity/noThisInStatic: the user's class, which has forward and backward
    return run(this, args);
  }
}
