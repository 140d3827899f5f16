import type { Graph } from '../graph.ts';
import { type Mapping, mapping } from '../mapping.ts';

const gates = (g: Graph, x: string, count: number, size: number): string[] =>
  g.several('Split', [x, g.constant(new Array<number>(count).fill(size), 'int64')], { axis: 1 }, count);

const add = (g: Graph, a: string, b: string): string => g.node('Add', [a, b]);
const mul = (g: Graph, a: string, b: string): string => g.node('Mul', [a, b]);
const sigmoid = (g: Graph, x: string): string => g.node('Sigmoid', [x]);
const tanh = (g: Graph, x: string): string => g.node('Tanh', [x]);

/** Steps of recurrent layers; a sequence is unrolled. */
export const recurrent: Record<string, Mapping> = {
  lstmCell: mapping((g, { inputs: [fromInput, fromHidden, cell], tensors }) => {
    const [i, f, c, o] = gates(g, add(g, fromInput, fromHidden), 4, tensors[2].shape[1]);
    const next = add(g, mul(g, sigmoid(g, f), cell), mul(g, sigmoid(g, i), tanh(g, c)));
    return [mul(g, sigmoid(g, o), tanh(g, next)), next];
  }),
  gruCell: mapping((g, { inputs: [fromInput, fromHidden, hidden], tensors }) => {
    const size = tensors[2].shape[1];
    const [xr, xz, xn] = gates(g, fromInput, 3, size);
    const [hr, hz, hn] = gates(g, fromHidden, 3, size);
    const z = sigmoid(g, add(g, xz, hz));
    const n = tanh(g, add(g, xn, mul(g, sigmoid(g, add(g, xr, hr)), hn)));
    const rest = g.node('Sub', [g.scalar(1, tensors[2].dtype), z]);
    return add(g, mul(g, rest, n), mul(g, z, hidden));
  }),
};
