import { broadcastShapes, contiguousStrides, formatShape, numel, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { checkedIndex } from './gather.ts';
import { indexAdd, indexCopy, indexSelected } from './indexSelect.ts';
import { nonzero } from './masked.ts';
import { op } from './record.ts';
import { permute, select } from './shape.ts';
import { contiguous, expand, reshape } from './views.ts';

/** Indices by dimension; `null` takes the whole dimension, a bool mask as many dimensions as it has. */
export type Indices = readonly (Tensor | null)[];

/** Where indices point: the indexed dimensions moved to the front and taken as one. */
interface Plan {
  /** The input's dimensions, the indexed ones first. */
  order: number[];
  /** The shape that the indices broadcast to. */
  picked: Shape;
  /** The sizes of the dimensions that are taken whole. */
  rest: Shape;
  /** How many places the indexed dimensions have. */
  places: number;
  /** One place for each index, flat. */
  at: Tensor;
  /** Where the picked dimensions stand in the result, by NumPy's rule: in place if the indices are neighbours, else in front. */
  start: number;
}

/** Masks become the coordinates of their true elements. Errors: too many indices; a mask of another shape. */
function coordinates(name: string, input: Tensor, indices: Indices): (Tensor | null)[] {
  const out: (Tensor | null)[] = [];
  for (const index of indices) {
    if (index === null || index.dtype !== 'bool') {
      out.push(index);
      continue;
    }
    const part = input.shape.slice(out.length, out.length + index.ndim);
    if (formatShape(part) !== formatShape(index.shape))
      throw new RangeError(
        `${name}: the mask ${formatShape(index.shape)} does not match ${formatShape(input.shape)} from dimension ${out.length}`,
      );
    const found = nonzero(index);
    for (let d = 0; d < index.ndim; d++) out.push(contiguous(select(found, 1, d)));
  }
  if (out.length > input.ndim)
    throw new RangeError(
      `${name}: ${out.length} indices for the ${input.ndim} dimensions of ${formatShape(input.shape)}`,
    );
  return out;
}

function plan(name: string, input: Tensor, indices: Indices): Plan {
  const all = coordinates(name, input, indices);
  const dims = all.flatMap((index, d) => (index === null ? [] : [d]));
  if (dims.length === 0) throw new RangeError(`${name}: give at least one index tensor`);
  const others = input.shape.flatMap((_, d) => (dims.includes(d) ? [] : [d]));
  const picked = dims.reduce<Shape>((shape, d) => broadcastShapes(name, shape, all[d]!.shape), []);
  const sizes = dims.map((d) => input.shape[d]);
  const steps = contiguousStrides(sizes);
  const at = Tensor.allocate([numel(picked)], 'int32', true);
  dims.forEach((d, i) => {
    const index = contiguous(expand(checkedIndex(name, all[d]!, input.shape[d], true), picked));
    for (let k = 0; k < at.size; k++)
      at.elements[at.offset + k] += index.elements[index.offset + k] * steps[i];
  });
  const neighbours = dims.every((d, i) => i === 0 || d === dims[i - 1] + 1);
  return {
    order: [...dims, ...others],
    picked,
    rest: others.map((d) => input.shape[d]),
    places: numel(sizes),
    at,
    start: neighbours ? dims[0] : 0,
  };
}

/** (places, ...rest), the indexed dimensions as one. */
const gatheredFront = (input: Tensor, { order, places, rest }: Plan): Tensor =>
  reshape(permute(input, order), [places, ...rest]);

/** The order of dimensions that moves the picked ones from the front to where they belong. */
function placement({ start, picked, rest }: Plan): number[] {
  const dims = Array.from({ length: picked.length + rest.length }, (_, d) => d);
  const kept = dims.slice(picked.length);
  return [...kept.slice(0, start), ...dims.slice(0, picked.length), ...kept.slice(start)];
}

const inverse = (order: readonly number[]): number[] => order.map((_, d) => order.indexOf(d));

/**
 * The elements that index tensors point at, by NumPy's rules: indices broadcast; what is not indexed is kept whole.
 *
 * @param indices by dimension; `null` keeps a dimension; a bool mask stands for the coordinates of its true elements; negative
 * numbers count from the end. Errors: an index outside; a mask of another shape. Source: `input[indices]` in PyTorch.
 */
export function indexed(input: Tensor, indices: Indices): Tensor {
  const how = plan('index', input, indices);
  const taken = indexSelected(gatheredFront(input, how), 0, how.at);
  return permute(reshape(taken, [...how.picked, ...how.rest]), placement(how));
}

/**
 * The input with `values` written where index tensors point (see `indexed`); the values broadcast.
 *
 * @param options `accumulate` adds instead, and adds up repeated indices. Default false: of repeated indices the last one counts.
 * Errors: an index outside; values that do not broadcast; another dtype. Source: `torch.Tensor.index_put`.
 */
export const indexPut: (
  input: Tensor,
  indices: Indices,
  values: Tensor,
  options?: { accumulate?: boolean },
) => Tensor = op(
  {
    name: 'indexPut',
    torch: 'index_put(input, indices, values, *, accumulate=False)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 2] }, [{ shape: [2], data: [2, 0], dtype: 'int32' }], { shape: [2] }],
      [
        { shape: [3, 2] },
        [
          { shape: [3], data: [1, 1, -1], dtype: 'int32' },
          { shape: [3], data: [0, 0, 1], dtype: 'int32' },
        ],
        { shape: [3] },
        { accumulate: true },
      ],
    ],
  },
  (
    input: Tensor,
    indices: Indices,
    values: Tensor,
    { accumulate = false }: { accumulate?: boolean } = {},
  ) => {
    if (values.dtype !== input.dtype)
      throw new TypeError(
        `indexPut: the values are ${values.dtype} and the input ${input.dtype}: convert one`,
      );
    const how = plan('indexPut', input, indices);
    const shape = [...how.picked, ...how.rest];
    const order = placement(how);
    const target = order.map((d) => shape[d]);
    const source = reshape(permute(expand(values, target), inverse(order)), [how.at.size, ...how.rest]);
    const front = gatheredFront(input, how);
    const written = (accumulate ? indexAdd : indexCopy)(front, 0, how.at, source);
    const inOrder = reshape(
      written,
      how.order.map((d) => input.shape[d]),
    );
    return contiguous(permute(inOrder, inverse(how.order)));
  },
);
