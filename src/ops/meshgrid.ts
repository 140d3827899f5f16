import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { stack } from './join.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';

/**
 * The coordinates of a grid: one tensor for each vector, in the grid's shape.
 *
 * @param options `indexing`: 'ij' (default) has the first vector along the first dimension; 'xy' exchanges the first two.
 * Errors: more than one dimension; vectors of different dtypes. Source: `torch.meshgrid`.
 */
export const meshgrid: (tensors: readonly Tensor[], options?: { indexing?: 'ij' | 'xy' }) => Tensor[] = op(
  {
    name: 'meshgrid',
    torch: 'meshgrid(*tensors, indexing=None)',
    family: 'joining',
    differentiable: true,
    samples: () => [
      [[{ shape: [2] }, { shape: [3] }]],
      [[{ shape: [2] }, { shape: [3] }, { shape: [2] }], { indexing: 'xy' }],
    ],
  },
  (tensors: readonly Tensor[], { indexing = 'ij' }: { indexing?: 'ij' | 'xy' } = {}) => {
    if (indexing !== 'ij' && indexing !== 'xy')
      throw new RangeError(`meshgrid: indexing '${String(indexing)}' is unknown: use ij or xy`);
    if (tensors.length === 0) throw new RangeError('meshgrid: give at least one tensor');
    for (const t of tensors) {
      if (t.ndim > 1)
        throw new RangeError(`meshgrid: ${formatShape(t.shape)} is neither a vector nor a number`);
      if (t.dtype !== tensors[0].dtype)
        throw new TypeError(`meshgrid: the dtypes ${tensors[0].dtype} and ${t.dtype} differ: convert one`);
    }
    const places = tensors.map((_, i) => i);
    if (indexing === 'xy' && places.length > 1) [places[0], places[1]] = [1, 0];
    const shape = new Array<number>(tensors.length);
    tensors.forEach((t, i) => {
      shape[places[i]] = t.size;
    });
    return tensors.map((t, i) =>
      expand(
        reshape(
          t,
          shape.map((_, d) => (d === places[i] ? t.size : 1)),
        ),
        shape,
      ),
    );
  },
);

/** Every combination of the vectors' elements, one row for each; a single vector stays as it is. Source: `torch.cartesian_prod`. */
export const cartesianProd: (tensors: readonly Tensor[]) => Tensor = op(
  {
    name: 'cartesianProd',
    torch: 'cartesian_prod(*tensors)',
    family: 'joining',
    differentiable: true,
    samples: () => [[[{ shape: [2] }, { shape: [3] }]]],
  },
  (tensors: readonly Tensor[]) => {
    if (tensors.length === 1) return tensors[0];
    return stack(
      meshgrid(tensors).map((grid) => reshape(grid, [-1])),
      1,
    );
  },
);
