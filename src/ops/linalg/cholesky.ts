import { applyOne, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { add, mul } from '../arithmetic.ts';
import { tril } from '../diagonal.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { transpose } from '../shape.ts';
import { reshape } from '../views.ts';
import { asBatch, checkSquare, firstFailure, which } from './batch.ts';
import { solveTriangular } from './solve.ts';

/** l = the lower triangle with l lᵀ = a, all (B, n, n) row-major; a's lower half is read. info (B,): the order of the first minor that is not positive, or 0. */
const choleskyKernel = kernel('linalg.cholesky', (l: Tensor, info: Tensor, a: Tensor) => {
  const [batches, n] = a.shape;
  const y = new Float64Array(n * n);
  for (let t = 0; t < batches; t++) {
    let failed = 0;
    for (let j = 0; j < n && failed === 0; j++)
      for (let i = j; i < n; i++) {
        let total = a.elements[a.offset + (t * n + i) * n + j];
        for (let k = 0; k < j; k++) total -= y[i * n + k] * y[j * n + k];
        if (i > j) y[i * n + j] = total / y[j * n + j];
        else if (total > 0) y[j * n + j] = Math.sqrt(total);
        else {
          failed = j + 1;
          break;
        }
      }
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) l.elements[l.offset + (t * n + i) * n + j] = j <= i ? y[i * n + j] : 0;
    info.elements[info.offset + t] = failed;
  }
});

const choleskyPrimitive: Primitive<null> = {
  name: 'cholesky',
  forward(ctx, [input]) {
    const a = input as Tensor;
    const out = Tensor.allocate(a.shape, a.dtype);
    const info = Tensor.allocate([a.shape[0]], 'int32', true);
    choleskyKernel(out, info, a);
    const failure = firstFailure(info);
    if (failure)
      throw new Error(
        `linalg.cholesky: the matrix${which(a.shape[0], failure.matrix)} is not positive-definite: its leading minor of order ${failure.at} is not positive`,
      );
    ctx.save(out);
    return out;
  },
  gradient: (ctx, [g]) => {
    if (!g) return [null];
    const [l] = ctx.saved;
    const product = matmul(transpose(l, 1, 2), g);
    const both = add(tril(product), transpose(tril(product, -1), 1, 2));
    const left = solveTriangular(transpose(l, 1, 2), both, { upper: true });
    return [mul(solveTriangular(l, left, { upper: false, left: false }), 0.5)];
  },
};

/**
 * The lower triangle L with L Lᵀ = A (with `upper`, U with Uᵀ U = A) of symmetric positive-definite matrices.
 *
 * Errors: not square; not positive-definite. Source: `torch.linalg.cholesky`.
 */
export const cholesky: (input: Tensor, options?: { upper?: boolean }) => Tensor = op(
  {
    name: 'linalg.cholesky',
    torch: 'linalg.cholesky(A, *, upper=False)',
    family: 'linear algebra',
    // The gradient is symmetric, as the input must stay: one element moved alone is no valid input, so it is checked through a x aᵀ.
    differentiable: true,
    samples: () => [],
  },
  (input: Tensor, { upper = false }: { upper?: boolean } = {}) => {
    checkSquare('linalg.cholesky', input);
    const l = reshape(applyOne(choleskyPrimitive, [asBatch(input)], null), input.shape);
    return upper ? transpose(l, -2, -1) : l;
  },
);
