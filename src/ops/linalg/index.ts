import type { Tensor } from '../../tensor/tensor.ts';
import { cross as crossProduct } from '../einsum.ts';
import { op } from '../record.ts';

export { linalgNorm as norm, type MatrixOrder, matrixNorm, type NormOptions, vectorNorm } from '../norm.ts';
export { cholesky } from './cholesky.ts';
export { det, slogdet } from './determinant.ts';
export { eigh, eigvalsh } from './eigh.ts';
export {
  type LeastSquares,
  type LeastSquaresOptions,
  lstsq,
  matrixPower,
  matrixRank,
  pinv,
  type RankOptions,
} from './pinv.ts';
export { qr } from './qr.ts';
export { inv, solve, solveTriangular, type TriangularOptions } from './solve.ts';
export { svd, svdvals } from './svd.ts';

/** The vector product in three dimensions, along the last dimension unless `dim` names another. Source: `torch.linalg.cross`. */
export const cross: (input: Tensor, other: Tensor, options?: { dim?: number }) => Tensor = op(
  {
    name: 'linalg.cross',
    torch: 'linalg.cross(input, other, *, dim=-1)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [2, 3] }]],
  },
  (input: Tensor, other: Tensor, { dim = -1 }: { dim?: number } = {}) => crossProduct(input, other, dim),
);
