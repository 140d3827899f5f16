import type { Tensor } from '../tensor/tensor.ts';
import { grad } from './backward.ts';
import { enableGrad, mode } from './mode.ts';
import type { Gradient, Node } from './node.ts';
import { applyMany, applyOne, type Context, type Primitive } from './primitive.ts';

type Inputs = readonly (Tensor | null)[];

/** An operation with one kernel for its value, one for its gradient, and the formula from which further derivatives come. */
export interface Fused<A> {
  readonly name: string;
  /** Computes the outputs, and what the gradient needs besides the inputs. */
  forward(inputs: Inputs, attrs: A): { outputs: Tensor | Tensor[]; kept?: readonly Tensor[] };
  /** The gradients of the inputs that are needed, by kernel. */
  backward(
    grads: readonly Gradient[],
    inputs: Inputs,
    kept: readonly Tensor[],
    attrs: A,
    needs: (index: number) => boolean,
  ): Gradient[];
  /** The outputs again, in differentiable operations: only second and higher derivatives run it. */
  compose(inputs: Inputs, attrs: A): Tensor | Tensor[];
}

/** The primitive of a fused operation. */
export function fused<A>(definition: Fused<A>): Primitive<A> {
  const { name, forward, backward } = definition;
  const second = gradientOf(definition);
  return {
    name,
    forward(ctx: Context, inputs, attrs) {
      const { outputs, kept = [] } = forward(inputs, attrs);
      ctx.save(...inputs, ...kept);
      return outputs;
    },
    gradient(ctx, grads, attrs) {
      const count = ctx.edges.length;
      const inputs = ctx.saved.slice(0, count);
      const kept = ctx.saved.slice(count);
      const needs = (index: number): boolean => ctx.needs(index);
      if (!mode.grad) return backward(grads, inputs, kept, attrs, needs);
      const wanted = inputs.flatMap((_, i) => (needs(i) ? [i] : []));
      const given = grads.flatMap((g, i) => (g ? [i] : []));
      const found = applyMany(second, [...given.map((i) => grads[i]), ...inputs], {
        attrs,
        kept,
        wanted,
        given,
        outputs: grads.length,
      });
      return inputs.map((_, i) => (needs(i) ? found[wanted.indexOf(i)] : null));
    },
  };
}

interface Backward<A> {
  readonly attrs: A;
  readonly kept: readonly Tensor[];
  /** Which inputs want a gradient, which outputs have one, and how many outputs there are. */
  readonly wanted: readonly number[];
  readonly given: readonly number[];
  readonly outputs: number;
}

/** The gradient of a fused operation as an operation itself: by kernel, and differentiable through the formula. */
function gradientOf<A>({ name, backward, compose }: Fused<A>): Primitive<Backward<A>> {
  return {
    name: `${name}Backward`,
    forward(ctx, tensors, { attrs, kept, wanted, given, outputs }) {
      ctx.save(...tensors);
      const grads = new Array<Gradient>(outputs).fill(null);
      given.forEach((output, i) => {
        grads[output] = tensors[i];
      });
      const found = backward(grads, tensors.slice(given.length), kept, attrs, (i) => wanted.includes(i));
      return wanted.map((i) => found[i] as Tensor);
    },
    gradient: (ctx: Node, grads, { attrs, wanted, given }) =>
      pullBack(ctx.saved, grads, (tensors) => {
        const inputs = tensors.slice(given.length);
        const composed = compose(inputs, attrs);
        const outputs = Array.isArray(composed) ? composed : [composed];
        return grad(
          given.map((i) => outputs[i]),
          wanted.map((i) => inputs[i] as Tensor),
          { gradOutputs: tensors.slice(0, given.length), createGraph: true },
        );
      }),
  };
}

const identity: Primitive<null> = {
  name: 'identity',
  forward: (_ctx, [input]) => input!.alias(input!.shape, input!.strides, input!.offset),
  gradient: (_ctx, [g]) => [g],
};

/** Gradients of the tensors from those of `f(tensors)`, differentiable themselves while operations are recorded. */
function pullBack(
  tensors: readonly (Tensor | null)[],
  grads: readonly Gradient[],
  f: (tensors: readonly (Tensor | null)[]) => Tensor[],
): Gradient[] {
  const recording = mode.grad;
  return enableGrad(() => {
    const own = tensors.map((t) =>
      !t?.requiresGrad ? t : recording ? applyOne(identity, [t], null) : t.detach().requiresGrad_(),
    );
    const pairs = f(own).flatMap((output, i) => {
      const g = grads[i];
      return g && output.requiresGrad ? [{ output, g }] : [];
    });
    const targets = own.filter((t): t is Tensor => t?.requiresGrad === true);
    const found =
      pairs.length === 0
        ? targets.map(() => null)
        : grad(
            pairs.map(({ output }) => output),
            targets,
            { gradOutputs: pairs.map(({ g }) => g), createGraph: recording, allowUnused: true },
          );
    return own.map((t) => (t?.requiresGrad ? found[targets.indexOf(t)] : null));
  });
}
