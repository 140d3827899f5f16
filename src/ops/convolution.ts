import { applyOne, type Primitive } from '../autograd/primitive.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { convForwardKernel, convGradInputKernel, convGradWeightKernel } from './convolutionKernels.ts';
import { sum } from './reduce.ts';

/** A convolution without its numbers: the shapes of the three tensors that belong together, and how the weight moves over the input. */
export interface Convolution {
  /** (N, C, i...) */
  readonly input: Shape;
  /** (O, C / groups, k...) */
  readonly weight: Shape;
  /** (N, O, o...) */
  readonly output: Shape;
  /** One number a spatial dimension, as are `padding` and `dilation`. */
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/*
 * Input, weight and output of a convolution: from any two, a primitive makes the third. Each is linear in both of its tensors, and
 * its gradients are the two others, so that derivatives of any order stay with these three.
 */

const forward: Primitive<Convolution> = {
  name: 'conv',
  forward(ctx, [input, weight, bias], { output, stride, padding, dilation, groups }) {
    const [x, w] = [input as Tensor, weight as Tensor];
    const out = Tensor.allocate(output, x.dtype);
    convForwardKernel(out, x, w, bias, stride, padding, dilation, groups);
    ctx.save(ctx.needs(1) ? x : null, ctx.needs(0) ? w : null);
    return out;
  },
  gradient: (ctx, [g], c) => {
    if (!g) return [null, null, null];
    const [x, w] = ctx.saved;
    return [
      ctx.needs(0) ? convGradInput(g, w, c) : null,
      ctx.needs(1) ? convGradWeight(g, x, c) : null,
      ctx.needs(2) ? sum(g, [0, ...c.stride.map((_, d) => d + 2)]) : null,
    ];
  },
};

const gradInput: Primitive<Convolution> = {
  name: 'convGradInput',
  forward(ctx, [grad, weight], { input, stride, padding, dilation, groups }) {
    const [g, w] = [grad as Tensor, weight as Tensor];
    const out = Tensor.allocate(input, g.dtype);
    convGradInputKernel(out, g, w, stride, padding, dilation, groups);
    ctx.save(ctx.needs(1) ? g : null, ctx.needs(0) ? w : null);
    return out;
  },
  gradient: (ctx, [x], c) => {
    if (!x) return [null, null];
    const [g, w] = ctx.saved;
    return [ctx.needs(0) ? conv(x, w, null, c) : null, ctx.needs(1) ? convGradWeight(g, x, c) : null];
  },
};

const gradWeight: Primitive<Convolution> = {
  name: 'convGradWeight',
  forward(ctx, [grad, input], { weight, stride, padding, dilation, groups }) {
    const [g, x] = [grad as Tensor, input as Tensor];
    const out = Tensor.allocate(weight, g.dtype);
    convGradWeightKernel(out, g, x, stride, padding, dilation, groups);
    ctx.save(ctx.needs(1) ? g : null, ctx.needs(0) ? x : null);
    return out;
  },
  gradient: (ctx, [w], c) => {
    if (!w) return [null, null];
    const [g, x] = ctx.saved;
    return [ctx.needs(0) ? conv(x, w, null, c) : null, ctx.needs(1) ? convGradInput(g, w, c) : null];
  },
};

/** The correlation of the input with the weight, plus the bias (O,). */
export const conv = (input: Tensor, weight: Tensor, bias: Tensor | null, c: Convolution): Tensor =>
  applyOne(forward, [input, weight, bias], c);

/** The adjoint of `conv` in its input: also the transposed convolution. */
export const convGradInput = (grad: Tensor, weight: Tensor, c: Convolution): Tensor =>
  applyOne(gradInput, [grad, weight], c);

/** The adjoint of `conv` in its weight. */
export const convGradWeight = (grad: Tensor, input: Tensor, c: Convolution): Tensor =>
  applyOne(gradWeight, [grad, input], c);
