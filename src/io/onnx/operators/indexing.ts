import type { Tensor } from '../../../tensor/tensor.ts';
import { type Mapping, mapping, Unsupported } from '../mapping.ts';
import { castTo } from './elementwise.ts';

interface Chosen {
  choice: string;
  dim: number;
  k: number;
  descending: boolean;
}

export const indexing: Record<string, Mapping> = {
  embedding: mapping<{ index: Tensor }>((g, { inputs: [weight], attrs: { index }, held }) =>
    g.node('Gather', [weight, held(index)], { axis: 0 }),
  ),
  indexSelect: mapping<{ dim: number }>(
    (g, { inputs: [x, index], tensors: [{ ndim }, at], attrs: { dim } }) => {
      if (ndim === 0) throw new Unsupported('a selection from a 0-d tensor');
      return g.node('Gather', [x, g.reshape(index, at.shape, [at.size])], { axis: dim });
    },
  ),
  gather: mapping<{ dim: number }>((g, { inputs, tensors: [{ ndim }], attrs: { dim } }) => {
    if (ndim === 0) throw new Unsupported('a gather from a 0-d tensor');
    return g.node('GatherElements', inputs, { axis: dim });
  }),
  indexAdd: mapping<{ dim: number; alpha: number }>(
    (g, { inputs: [x, index, source], tensors: [{ ndim, dtype }, at, { shape }], attrs: { dim, alpha } }) => {
      if (ndim === 0) throw new Unsupported('an addition to a 0-d tensor');
      const lane = shape.map((_, d) => (d === dim ? at.size : 1));
      const places = g.node('Expand', [g.reshape(index, at.shape, lane), g.sizes(shape)]);
      const added = alpha === 1 ? source : g.node('Mul', [source, g.scalar(alpha, dtype)]);
      return g.node('ScatterElements', [x, places, added], { axis: dim, reduction: 'add' });
    },
  ),
  scatter: mapping<{ dim: number }>((g, { inputs, attrs: { dim } }) =>
    g.node('ScatterElements', inputs, { axis: dim }),
  ),
  // Vectors of indices, one for each of the first dimensions.
  index: mapping((g, { inputs: [x, ...indices], tensors: [, ...vectors] }) => {
    if (indices.length === 1) return g.node('Gather', [x, indices[0]], { axis: 0 });
    const columns = indices.map((index, i) =>
      g.reshape(castTo(g, index, 'int64'), vectors[i].shape, [vectors[i].size, 1]),
    );
    return g.node('GatherND', [x, g.node('Concat', columns, { axis: 1 })]);
  }),
  sort: mapping<Chosen>((g, { inputs: [x], attrs: { choice, dim, k, descending }, tensors: [{ ndim }] }) => {
    if ((choice !== 'sort' && choice !== 'topk') || ndim === 0)
      throw new Unsupported(`${choice} of ${ndim} dimensions`);
    const [values, indices] = g.several(
      'TopK',
      [x, g.sizes([k])],
      { axis: dim, largest: Number(descending), sorted: 1 },
      2,
    );
    return [values, castTo(g, indices, 'int32')];
  }),
};
