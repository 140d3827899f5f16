import { overwrite } from '../autograd/inplace.ts';
import { applyOne, edgeOf } from '../autograd/primitive.ts';
import { Tensor } from '../tensor/tensor.ts';
import { scalar } from './cast.ts';
import { copy_, spreadOver } from './fill.ts';
import { getPrimitive, putPrimitive } from './indexKernels.ts';
import { arrange, flatten, type Plan, plan, resolve } from './indexPlan.ts';
import { op } from './record.ts';
import { permute } from './shape.ts';
import { type Index, Slice } from './slice.ts';

/**
 * Indexing, as PyTorch's `x[...]`.
 *
 * - `x.at(0)`, `x.at(-1, 2)`: one index; the dimension goes away.
 * - `x.at(slice(1, -1), slice(null, null, 2))`: ranges. `':'` is a whole dimension, `'...'` as many as are left, `null` a new one.
 * - `x.at(mask)`: where a boolean tensor (or nested array) holds. `x.at([0, 0, 2])`, `x.at(indices)`: lists of indices, which broadcast
 *   together; their common shape stands where the first of them was, or in front when other dimensions lie between them.
 *
 * Numbers, ranges, `null` and `'...'` give a view of the same memory; masks and lists a copy. Gradients flow through both; an element
 * that is read twice gets both gradients.
 *
 * Errors: too many indices; one out of bounds; a mask of another shape; lists that do not broadcast.
 */
export const at: (input: Tensor, ...index: Index[]) => Tensor = op(
  {
    name: 'at',
    torch: 'Tensor.__getitem__(input, index)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3, 4] }, 1, new Slice(null, null, 2)],
      [{ shape: [3, 4] }, '...', null, -1],
      [{ shape: [2, 3, 4] }, new Slice(null, null, 1), { shape: [3], data: [2, 0, 2], dtype: 'int32' }],
      [{ shape: [2, 3] }, { shape: [2, 3], data: [1, 0, 1, 0, 0, 1], dtype: 'bool' }],
    ],
  },
  (input: Tensor, ...index: Index[]) => {
    const resolved = resolve('at', input, index);
    if (resolved.advanced.size === 0) return resolved.view;
    const planned = plan('at', resolved);
    const { source, lists } = planned;
    return arrange(applyOne(getPrimitive, [source, ...lists], { from: source.shape }), planned);
  },
);

/** Writes `value` (or adds it, when `accumulate`) at the places of an index, in place. */
function put(
  name: string,
  input: Tensor,
  index: readonly Index[],
  value: Tensor | number | boolean,
  accumulate: boolean,
): Tensor {
  const resolved = resolve(name, input, index);
  const { view } = resolved;
  const given = value instanceof Tensor ? value : scalar(value, view.dtype);
  if (resolved.advanced.size === 0) {
    const values = spreadOver(name, view, given);
    copy_(view, accumulate ? view.clone().add(values) : values);
    return input;
  }
  const planned = plan(name, resolved);
  const { source, lists } = planned;
  const values = flatten(spreadOver(name, resultOf(planned), given), planned);
  const write = (): ReturnType<typeof edgeOf> =>
    edgeOf(applyOne(putPrimitive, [source, values, ...lists], { accumulate, inPlace: true }));
  overwrite(name, source, write, values.requiresGrad);
  return input;
}

/** A stand-in of the shape and dtype that reading would give, without memory of its own. */
function resultOf({ source, lists, common, before }: Plan): Tensor {
  const rest = source.shape.slice(lists.length);
  const shape = [...rest.slice(0, before), ...common, ...rest.slice(before)];
  return scalar(0, source.dtype).expand(shape);
}

/**
 * Writes at the places of an index, as PyTorch's `x[index] = value`; returns the tensor.
 *
 * @param index a list of what `at` takes, or one of those by itself. @param value broadcasts to what `at` would return; it is converted
 * to the tensor's dtype. Of repeated indices the last one counts.
 * @example x.setAt([0, slice(1, 3)], 7)
 * @example x.setAt([mask], other) // gradients flow to x outside the mask, and to other
 * Errors: as `at`; a value that does not broadcast; a leaf that requires grad; an expanded tensor.
 */
export const setAt: (input: Tensor, index: readonly Index[], value: Tensor | number | boolean) => Tensor = op(
  {
    name: 'setAt',
    torch: 'Tensor.__setitem__(input, index, value)',
    family: 'indexing',
    differentiable:
      'changes its input; the gradient goes to the values that are written, and to the elements that stay',
    samples: () => [],
  },
  (input: Tensor, index: readonly Index[], value: Tensor | number | boolean) =>
    put('setAt', input, index, value, false),
);

/**
 * The tensor with `values` written (or added, when `accumulate`) at the places of index tensors, in place; returns the tensor.
 *
 * @param indices one int32 (or bool) tensor for each dimension, `null` for a whole one. With `accumulate`, repeated indices add up.
 * Source: `torch.Tensor.index_put_`.
 */
export const indexPut_: (
  input: Tensor,
  indices: readonly (Tensor | null)[],
  values: Tensor,
  options?: { accumulate?: boolean },
) => Tensor = op(
  {
    name: 'indexPut_',
    torch: 'Tensor.index_put_(input, indices, values, *, accumulate=False)',
    family: 'indexing',
    differentiable: 'changes its input; see indexPut',
    samples: () => [],
  },
  (
    input: Tensor,
    indices: readonly (Tensor | null)[],
    values: Tensor,
    { accumulate = false }: { accumulate?: boolean } = {},
  ) =>
    put(
      'indexPut_',
      input,
      indices.map((index) => index ?? ':'),
      values,
      accumulate,
    ),
);

/** `indexPut_` into a copy. Source: `torch.index_put`. */
export const indexPut: typeof indexPut_ = op(
  {
    name: 'indexPut',
    torch: 'index_put(input, indices, values, *, accumulate=False)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [4, 2] }, [{ shape: [2], data: [3, 0], dtype: 'int32' }], { shape: [2, 2] }],
      [
        { shape: [4] },
        [{ shape: [3], data: [3, 0, 3], dtype: 'int32' }],
        { shape: [3] },
        { accumulate: true },
      ],
    ],
  },
  (
    input: Tensor,
    indices: readonly (Tensor | null)[],
    values: Tensor,
    { accumulate = false }: { accumulate?: boolean } = {},
  ) => {
    const resolved = resolve(
      'indexPut',
      input,
      indices.map((index) => index ?? ':'),
    );
    const planned = plan('indexPut', resolved);
    const flat = flatten(spreadOver('indexPut', resultOf(planned), values), planned);
    const { source, lists } = planned;
    const written = applyOne(putPrimitive, [source, flat, ...lists], { accumulate, inPlace: false });
    const order = [...resolved.advanced.keys()];
    const all = [...order, ...resolved.view.shape.map((_, d) => d).filter((d) => !resolved.advanced.has(d))];
    return permute(
      written,
      all.map((_, d) => all.indexOf(d)),
    );
  },
);
