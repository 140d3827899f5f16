import type { Shape } from '../../../tensor/shape.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping, Unsupported } from '../mapping.ts';
import { reduced } from './reduction.ts';

interface BatchNorm {
  eps: number;
  momentum?: number;
  running: { mean: Tensor; variance: Tensor } | null;
}

/** A vector of a channel each: the given one, or one number for all. */
const vector = (g: Graph, given: string, size: number, value: number, like: Tensor): string =>
  given || g.constant(new Array<number>(size).fill(value), like.dtype);

/** x * weight + bias, both (C,), along dimension 1 of x, (N, C, L) or (N, C). */
function scaled(g: Graph, x: string, weight: string, bias: string, [, channels, ...rest]: Shape): string {
  const column = (given: string): string =>
    rest.length === 0 ? given : g.reshape(given, [channels], [channels, 1]);
  const product = weight ? g.node('Mul', [x, column(weight)]) : x;
  return bias ? g.node('Add', [product, column(bias)]) : product;
}

const float = (value: number) => ({ float: value });

/** Every row (samples, groups, the rest) to mean 0 and variance 1. */
function standardized(g: Graph, x: string, shape: Shape, groups: number, eps: number, like: Tensor): string {
  const [samples, channels, length] = shape;
  const grouped = [samples, groups, (channels / groups) * length];
  const rows = g.reshape(x, shape, grouped);
  const ones = g.constant(new Array<number>(groups).fill(1), like.dtype);
  const zeros = g.constant(new Array<number>(groups).fill(0), like.dtype);
  const out = g.node('InstanceNormalization', [rows, ones, zeros], { epsilon: float(eps) });
  return g.reshape(out, grouped, shape);
}

/** Every channel to mean 0 and variance 1, over the whole batch. */
function overBatch(g: Graph, x: string, { ndim, dtype }: Tensor, eps: number): string {
  const dims = ndim === 2 ? [0] : [0, 2];
  const centred = g.node('Sub', [x, reduced(g, 'ReduceMean', x, dims, true)]);
  const variance = reduced(g, 'ReduceMean', g.node('Mul', [centred, centred]), dims, true);
  return g.node('Div', [centred, g.node('Sqrt', [g.node('Add', [variance, g.scalar(eps, dtype)])])]);
}

export const normalization: Record<string, Mapping> = {
  batchNorm: mapping<BatchNorm>((g, { inputs: [x, weight, bias], tensors: [input], attrs, held }) => {
    const channels = input.shape[1];
    if (attrs.momentum !== undefined && attrs.running)
      throw new Unsupported('a batch norm that is training writes to its running statistics: call eval()');
    if (!attrs.running) return scaled(g, overBatch(g, x, input, attrs.eps), weight, bias, input.shape);
    return g.node(
      'BatchNormalization',
      [
        x,
        vector(g, weight, channels, 1, input),
        vector(g, bias, channels, 0, input),
        held(attrs.running.mean),
        held(attrs.running.variance),
      ],
      { epsilon: float(attrs.eps) },
    );
  }),
  layerNorm: mapping<{ eps: number }>(
    (g, { inputs: [x, weight, bias], tensors: [input], attrs: { eps } }) => {
      const scale = vector(g, weight, input.shape[1], 1, input);
      return g.node('LayerNormalization', bias ? [x, scale, bias] : [x, scale], {
        axis: 1,
        epsilon: float(eps),
      });
    },
  ),
  groupNorm: mapping<{ groups: number; eps: number }>(
    (g, { inputs: [x, weight, bias], tensors: [input], attrs: { groups, eps } }) =>
      scaled(g, standardized(g, x, input.shape, groups, eps, input), weight, bias, input.shape),
  ),
  rmsNorm: mapping<{ eps: number }>((g, { inputs: [x, weight], tensors: [{ dtype }], attrs: { eps } }) => {
    const square = g.node('Mul', [x, x]);
    const mean = reduced(g, 'ReduceMean', square, [1], true);
    const root = g.node('Sqrt', [g.node('Add', [mean, g.scalar(eps, dtype)])]);
    const out = g.node('Div', [x, root]);
    return weight ? g.node('Mul', [out, weight]) : out;
  }),
};
