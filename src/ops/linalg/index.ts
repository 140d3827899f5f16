import type { Tensor } from '../../tensor/tensor.ts';
import { cross as crossProduct } from '../einsum.ts';

export { linalgNorm as norm, type MatrixOrder, matrixNorm, type NormOptions, vectorNorm } from '../norm.ts';
export { cholesky } from './cholesky.ts';
export { det, slogdet } from './determinant.ts';
export { eigh, eigvalsh } from './eigh.ts';
export { type LeastSquares, lstsq, matrixPower, matrixRank, pinv, type RankOptions } from './pinv.ts';
export { qr } from './qr.ts';
export { inv, solve, solveTriangular, type TriangularOptions } from './solve.ts';
export { svd, svdvals } from './svd.ts';

/** The vector product in three dimensions, along the last dimension unless `dim` names another. Source: `torch.linalg.cross`. */
export const cross = (input: Tensor, other: Tensor, { dim = -1 }: { dim?: number } = {}): Tensor =>
  crossProduct(input, other, dim);
