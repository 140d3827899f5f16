import type { DType } from '../../../tensor/dtype.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping, Unsupported } from '../mapping.ts';
import { castTo } from './elementwise.ts';

/** A reduction; from operator set 18 on all of them take their dimensions as an input, `ReduceSum` already before. */
export function reduced(
  g: Graph,
  operator: string,
  x: string,
  dims: readonly number[],
  keepdim: boolean,
): string {
  const keepdims = Number(keepdim);
  if (dims.length === 0) return x;
  return g.opset >= 18 || operator === 'ReduceSum'
    ? g.node(operator, [x, g.constant(dims, 'int64')], { keepdims })
    : g.node(operator, [x], { axes: dims, keepdims });
}

function normOf(
  g: Graph,
  x: string,
  p: number,
  dims: readonly number[],
  keepdim: boolean,
  dtype: DType,
): string {
  if (p === 1) return reduced(g, 'ReduceL1', x, dims, keepdim);
  if (p === 2) return reduced(g, 'ReduceL2', x, dims, keepdim);
  const size = g.node('Abs', [x]);
  if (p === Infinity) return reduced(g, 'ReduceMax', size, dims, keepdim);
  if (p === -Infinity) return reduced(g, 'ReduceMin', size, dims, keepdim);
  if (p === 0) return reduced(g, 'ReduceSum', g.node('Sign', [size]), dims, keepdim);
  const total = reduced(g, 'ReduceSum', g.node('Pow', [size, g.scalar(p, dtype)]), dims, keepdim);
  return g.node('Pow', [total, g.scalar(1 / p, dtype)]);
}

export const reductions: Record<string, Mapping> = {
  sum: mapping<{ dims: readonly number[]; keepdim: boolean }>(
    (g, { inputs: [x], attrs: { dims, keepdim } }) => reduced(g, 'ReduceSum', x, dims, keepdim),
  ),
  extreme: mapping<{ dims: readonly number[]; signOf: number }>(
    (g, { inputs: [x], attrs: { dims, signOf } }) =>
      reduced(g, signOf > 0 ? 'ReduceMax' : 'ReduceMin', x, dims, true),
  ),
  prod: mapping<{ dim: number }>((g, { inputs: [x], attrs: { dim } }) =>
    reduced(g, 'ReduceProd', x, [dim], true),
  ),
  max: mapping<{ dim: number; sign: number }>(
    (g, { inputs: [x], attrs: { dim, sign }, tensors: [{ ndim }] }) => {
      if (ndim === 0) throw new Unsupported('the extremum along a dimension of a 0-d tensor');
      const index = g.node(sign > 0 ? 'ArgMax' : 'ArgMin', [x], { axis: dim, keepdims: 1 });
      return [reduced(g, sign > 0 ? 'ReduceMax' : 'ReduceMin', x, [dim], true), castTo(g, index, 'int32')];
    },
  ),
  vectorNorm: mapping<{ p: number; dims: readonly number[] }>(
    (g, { inputs: [x], attrs: { p, dims }, outputs: [{ dtype }] }) => normOf(g, x, p, dims, true, dtype),
  ),
  cdist: mapping<{ p: number }>(
    (g, { inputs: [x, y], attrs: { p }, tensors: [a, b], outputs: [{ dtype }] }) => {
      const [batch, rows, size] = a.shape;
      const left = g.reshape(x, a.shape, [batch, rows, 1, size]);
      const right = g.reshape(y, b.shape, [batch, 1, b.shape[1], size]);
      return normOf(g, g.node('Sub', [left, right]), p, [3], false, dtype);
    },
  ),
  softmax: mapping<{ dim: number; logarithm: boolean }>(
    (g, { inputs: [x], attrs: { dim, logarithm }, tensors: [{ ndim }] }) => {
      const operator = logarithm ? 'LogSoftmax' : 'Softmax';
      if (ndim > 0) return g.node(operator, [x], { axis: dim });
      return g.reshape(g.node(operator, [g.reshape(x, [], [1])], { axis: 0 }), [1], []);
    },
  ),
};
