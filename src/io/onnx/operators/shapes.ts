import type { PadMode } from '../../../ops/pad.ts';
import { isFloating } from '../../../tensor/dtype.ts';
import type { Shape } from '../../../tensor/shape.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping, Unsupported } from '../mapping.ts';

interface Slice {
  dim: number;
  start: number;
  step: number;
  length: number;
  from: Shape;
}

interface Padding {
  from: Shape;
  to: Shape;
  before: readonly number[];
  mode: PadMode;
  value: number;
}

const padModes = { constant: 'constant', reflect: 'reflect', replicate: 'edge' };

/** Beyond every end: what a slice that keeps a whole dimension ends at. */
const end = 2 ** 31 - 1;

/** Each dimension with its end before it and its start after it. */
function wrapped(g: Graph, x: string, before: readonly number[], after: readonly number[]): string {
  const part = (of: string, d: number, from: number, to: number): string =>
    g.node('Slice', [of, ...[from, to, d].map((value) => g.constant([value], 'int64'))]);
  return before.reduce((whole, length, d) => {
    if (length < 0 || after[d] < 0) throw new Unsupported('circular padding that cuts');
    const parts = [
      ...(length > 0 ? [part(whole, d, -length, end)] : []),
      whole,
      ...(after[d] > 0 ? [part(whole, d, 0, after[d])] : []),
    ];
    return parts.length === 1 ? whole : g.node('Concat', parts, { axis: d });
  }, x);
}

const pad = mapping<Padding>(
  (g, { inputs: [x], attrs: { from, to, before, mode, value }, outputs: [out] }) => {
    const after = to.map((size, d) => size - from[d] - before[d]);
    if (mode === 'circular') return wrapped(g, x, before, after);
    const operator = padModes[mode];
    const added = g.constant([...before, ...after], 'int64');
    return g.node('Pad', operator === 'constant' ? [x, added, g.scalar(value, out.dtype)] : [x, added], {
      mode: operator,
    });
  },
);

export const shapes: Record<string, Mapping> = {
  view: mapping<{ from: Shape; shape: Shape }>((g, { inputs: [x], attrs: { from, shape } }) =>
    g.reshape(x, from, shape),
  ),
  permute: mapping<{ dims: readonly number[] }>((g, { inputs: [x], attrs: { dims } }) =>
    dims.every((d, i) => d === i) ? x : g.node('Transpose', [x], { perm: dims }),
  ),
  expand: mapping<{ from: Shape; shape: Shape }>((g, { inputs: [x], attrs: { from, shape } }) =>
    from.length === shape.length && from.every((size, d) => size === shape[d])
      ? x
      : g.node('Expand', [x, g.sizes(shape)]),
  ),
  slice: mapping<Slice>((g, { inputs: [x], attrs: { dim, start, step, length, from } }) => {
    const stop = start + length * step;
    if (start === 0 && step === 1 && length === from[dim]) return x;
    return g.node('Slice', [
      x,
      g.sizes([start]),
      stop >= from[dim] ? g.sizes([end]) : g.sizes([stop]),
      g.constant([dim], 'int64'),
      g.constant([step], 'int64'),
    ]);
  }),
  flip: mapping<{ dims: readonly number[] }>((g, { inputs: [x], attrs: { dims } }) =>
    dims.length === 0
      ? x
      : g.node('Slice', [
          x,
          g.constant(
            dims.map(() => -1),
            'int64',
          ),
          g.constant(
            dims.map(() => -end),
            'int64',
          ),
          g.constant(dims, 'int64'),
          g.constant(
            dims.map(() => -1),
            'int64',
          ),
        ]),
  ),
  cat: mapping<{ dim: number; sizes: readonly (number | null)[] }>((g, { inputs, attrs: { dim, sizes } }) => {
    const parts = inputs.filter((_, i) => sizes[i] !== null);
    return parts.length === 1 ? parts[0] : g.node('Concat', parts, { axis: dim });
  }),
  pad,
  triangle: mapping<{ diagonal: number; upper: boolean }>((g, { inputs: [x], attrs: { diagonal, upper } }) =>
    g.node('Trilu', [x, g.scalar(diagonal, 'int64')], { upper: Number(upper) }),
  ),
  cumsum: mapping<{ dim: number; reverse: boolean }>((g, { inputs: [x], attrs, tensors: [{ dtype }] }) => {
    if (!isFloating(dtype) && dtype !== 'int32') throw new Unsupported(`a cumulative sum of ${dtype}`);
    return g.node('CumSum', [x, g.scalar(attrs.dim, 'int64')], { reverse: Number(attrs.reverse) });
  }),
};
