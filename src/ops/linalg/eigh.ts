import { applyMany, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { add, div, mul, sub } from '../arithmetic.ts';
import { diagEmbed } from '../diagonal.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { transpose, unsqueeze } from '../shape.ts';
import { reshape } from '../views.ts';
import { asBatch, checkSquare } from './batch.ts';
import { identities } from './solve.ts';

/** values (B, n) from the smallest and vectors (B, n, n), as columns, of the symmetric a (B, n, n), of which one half is read: the upper with `upper` 1. Jacobi's method. */
const eighKernel = kernel('linalg.eigh', (values: Tensor, vectors: Tensor, a: Tensor, upper: number) => {
  const [batches, n] = a.shape;
  const w = new Float64Array(n * n);
  const v = new Float64Array(n * n);
  for (let t = 0; t < batches; t++) {
    let scale = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        const value = a.elements[a.offset + t * n * n + (upper ? j * n + i : i * n + j)];
        w[i * n + j] = value;
        w[j * n + i] = value;
        scale += (i === j ? 1 : 2) * value * value;
      }
    v.fill(0);
    for (let i = 0; i < n; i++) v[i * n + i] = 1;
    for (let sweep = 0; sweep < 60; sweep++) {
      let off = 0;
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) off += w[i * n + j] ** 2;
      if (off <= 1e-32 * scale || off === 0) break;
      for (let p = 0; p < n - 1; p++)
        for (let q = p + 1; q < n; q++) {
          if (w[p * n + q] === 0) continue;
          const theta = (w[q * n + q] - w[p * n + p]) / (2 * w[p * n + q]);
          const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(1 + theta * theta));
          const c = 1 / Math.sqrt(1 + tangent * tangent);
          const s = c * tangent;
          for (let i = 0; i < n; i++) {
            const [x, y] = [w[i * n + p], w[i * n + q]];
            w[i * n + p] = c * x - s * y;
            w[i * n + q] = s * x + c * y;
          }
          for (let i = 0; i < n; i++) {
            const [x, y] = [w[p * n + i], w[q * n + i]];
            w[p * n + i] = c * x - s * y;
            w[q * n + i] = s * x + c * y;
          }
          for (let i = 0; i < n; i++) {
            const [x, y] = [v[i * n + p], v[i * n + q]];
            v[i * n + p] = c * x - s * y;
            v[i * n + q] = s * x + c * y;
          }
        }
    }
    const order = Array.from({ length: n }, (_, i) => i).sort((p, q) => w[p * n + p] - w[q * n + q]);
    order.forEach((from, to) => {
      values.elements[values.offset + t * n + to] = w[from * n + from];
      for (let i = 0; i < n; i++) vectors.elements[vectors.offset + (t * n + i) * n + to] = v[i * n + from];
    });
  }
});

const eighPrimitive: Primitive<{ upper: boolean }> = {
  name: 'eigh',
  forward(ctx, [input], { upper }) {
    const a = input as Tensor;
    const values = Tensor.allocate(a.shape.slice(0, -1), a.dtype);
    const vectors = Tensor.allocate(a.shape, a.dtype);
    eighKernel(values, vectors, a, Number(upper));
    ctx.save(values, vectors);
    return [values, vectors];
  },
  gradient: (ctx, [gl, gv]) => {
    const [values, vectors] = ctx.saved;
    const vt = transpose(vectors, 1, 2);
    let middle = gl ? diagEmbed(gl) : null;
    if (gv) {
      const one = identities(values.shape[0], values.shape[1], values.dtype);
      const gaps = add(sub(unsqueeze(values, 1), unsqueeze(values, 2)), one);
      // Only turns count, since the vectors stay orthonormal: half the antisymmetric part.
      const inner = matmul(vt, gv);
      const part = div(sub(inner, transpose(inner, 1, 2)), mul(gaps, 2));
      middle = middle ? add(middle, part) : part;
    }
    return [middle && matmul(matmul(vectors, middle), vt)];
  },
};

/**
 * The eigenvalues, from the smallest, and the eigenvectors, as columns, of symmetric matrices; only one half is read.
 *
 * @param uplo which half: 'L' (default) or 'U'. @returns `[values, vectors]`. The signs of vectors are free; their gradient needs
 * different eigenvalues. Source: `torch.linalg.eigh`.
 */
export const eigh: (input: Tensor, uplo?: 'L' | 'U') => [values: Tensor, vectors: Tensor] = op(
  {
    name: 'linalg.eigh',
    torch: "linalg.eigh(A, UPLO='L')",
    family: 'linear algebra',
    differentiable: true,
    // As for cholesky: the gradient is that of symmetric changes.
    samples: () => [],
  },
  (input: Tensor, uplo: 'L' | 'U' = 'L'): [Tensor, Tensor] => {
    if (uplo !== 'L' && uplo !== 'U')
      throw new RangeError(`linalg.eigh: uplo '${String(uplo)}' is unknown: use L or U`);
    checkSquare('linalg.eigh', input);
    const [values, vectors] = applyMany(eighPrimitive, [asBatch(input)], { upper: uplo === 'U' });
    return [reshape(values, input.shape.slice(0, -1)), reshape(vectors, input.shape)];
  },
);

/** The eigenvalues of symmetric matrices, from the smallest. Source: `torch.linalg.eigvalsh`. */
export const eigvalsh: (input: Tensor, uplo?: 'L' | 'U') => Tensor = op(
  {
    name: 'linalg.eigvalsh',
    torch: "linalg.eigvalsh(A, UPLO='L')",
    family: 'linear algebra',
    differentiable: true,
    samples: () => [],
  },
  (input: Tensor, uplo: 'L' | 'U' = 'L') => eigh(input, uplo)[0],
);
