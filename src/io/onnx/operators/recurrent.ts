import type { RecurrentPass } from '../../../nn/recurrent.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping } from '../mapping.ts';

const gates = (g: Graph, x: string, count: number, size: number): string[] =>
  g.several('Split', [x, g.constant(new Array<number>(count).fill(size), 'int64')], { axis: 1 }, count);

const add = (g: Graph, a: string, b: string): string => g.node('Add', [a, b]);
const mul = (g: Graph, a: string, b: string): string => g.node('Mul', [a, b]);
const sigmoid = (g: Graph, x: string): string => g.node('Sigmoid', [x]);
const tanh = (g: Graph, x: string): string => g.node('Tanh', [x]);

/** What ONNX calls a layer, and the places of its gates among ours: (i, o, f, g) of i, f, g, o and (z, r, n) of r, z, n. */
const layers: Record<RecurrentPass['recurrence'], { operator: string; order: readonly number[] }> = {
  lstm: { operator: 'LSTM', order: [0, 3, 1, 2] },
  gru: { operator: 'GRU', order: [1, 0, 2] },
  tanh: { operator: 'RNN', order: [0] },
  relu: { operator: 'RNN', order: [0] },
};

/** Cells are written out; a layer is an operator, for sequences of any length. */
export const recurrent: Record<string, Mapping> = {
  recurrentLayer: mapping<RecurrentPass>(
    (g, { inputs, attrs: { recurrence, reverse, hiddenSize }, outputs }) => {
      const { operator, order } = layers[recurrence];
      const [x, weightIh, weightHh, biasIh, biasHh, ...from] = inputs;
      const sizes = g.constant(new Array<number>(order.length).fill(hiddenSize), 'int64');
      const reordered = (name: string): string => {
        if (order.length === 1) return name;
        const rows = g.several('Split', [name, sizes], { axis: 0 }, order.length);
        return g.node(
          'Concat',
          order.map((gate) => rows[gate]),
          { axis: 0 },
        );
      };
      const first = g.constant([0], 'int64');
      // The operators have a dimension for the directions, of size 1 here.
      const one = (name: string): string => g.node('Unsqueeze', [name, first]);
      const biases = biasIh ? one(g.node('Concat', [biasIh, biasHh].map(reordered), { axis: 0 })) : '';
      const [steps, ...final] = g.several(
        operator,
        [x, one(reordered(weightIh)), one(reordered(weightHh)), biases, '', ...from.map(one)],
        {
          hidden_size: hiddenSize,
          direction: reverse ? 'reverse' : 'forward',
          ...(recurrence === 'relu' ? { activations: { texts: ['Relu'] } } : {}),
          ...(recurrence === 'gru' ? { linear_before_reset: 1 } : {}),
        },
        outputs.length,
      );
      return [
        g.node('Squeeze', [steps, g.constant([1], 'int64')]),
        ...final.map((state) => g.node('Squeeze', [state, first])),
      ];
    },
  ),
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
