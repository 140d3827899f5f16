import type { Gradient } from '../../autograd/node.ts';
import { applyMany, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { add, mul, neg, sub } from '../arithmetic.ts';
import { tril } from '../diagonal.ts';
import { cat } from '../join.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { narrow, transpose } from '../shape.ts';
import { reshape } from '../views.ts';
import { asBatch, checkMatrices } from './batch.ts';
import { solveTriangular } from './solve.ts';

/**
 * q (B, m, k) with orthonormal columns and r (B, k, n) upper triangular with q r = a (B, m, n), all row-major, by Householder's
 * reflections with LAPACK's signs.
 */
const qrKernel = kernel('linalg.qr', (q: Tensor, r: Tensor, a: Tensor) => {
  const [batches, m, n] = a.shape;
  const k = q.shape[2];
  const steps = Math.min(m, n);
  const w = new Float64Array(m * n);
  const taus = new Float64Array(steps);
  const y = new Float64Array(m * k);
  for (let t = 0; t < batches; t++) {
    for (let i = 0; i < m * n; i++) w[i] = a.elements[a.offset + t * m * n + i];
    for (let c = 0; c < steps; c++) {
      let tail = 0;
      for (let i = c + 1; i < m; i++) tail += w[i * n + c] ** 2;
      const alpha = w[c * n + c];
      taus[c] = 0;
      if (tail === 0) continue;
      const beta =
        alpha > 0 || Object.is(alpha, 0) ? -Math.sqrt(alpha * alpha + tail) : Math.sqrt(alpha * alpha + tail);
      taus[c] = (beta - alpha) / beta;
      for (let i = c + 1; i < m; i++) w[i * n + c] /= alpha - beta;
      w[c * n + c] = beta;
      for (let j = c + 1; j < n; j++) {
        let total = w[c * n + j];
        for (let i = c + 1; i < m; i++) total += w[i * n + c] * w[i * n + j];
        total *= taus[c];
        w[c * n + j] -= total;
        for (let i = c + 1; i < m; i++) w[i * n + j] -= total * w[i * n + c];
      }
    }
    y.fill(0);
    for (let j = 0; j < k; j++) y[j * k + j] = 1;
    for (let c = steps - 1; c >= 0; c--)
      for (let j = 0; j < k; j++) {
        let total = y[c * k + j];
        for (let i = c + 1; i < m; i++) total += w[i * n + c] * y[i * k + j];
        total *= taus[c];
        y[c * k + j] -= total;
        for (let i = c + 1; i < m; i++) y[i * k + j] -= total * w[i * n + c];
      }
    for (let i = 0; i < m * k; i++) q.elements[q.offset + t * m * k + i] = y[i];
    for (let i = 0; i < k; i++)
      for (let j = 0; j < n; j++) r.elements[r.offset + (t * k + i) * n + j] = j >= i ? w[i * n + j] : 0;
  }
});

const qrPrimitive: Primitive<{ complete: boolean }> = {
  name: 'qr',
  forward(ctx, [input], { complete }) {
    const a = input as Tensor;
    const [batches, m, n] = a.shape;
    const k = complete ? m : Math.min(m, n);
    const q = Tensor.allocate([batches, m, k], a.dtype);
    const r = Tensor.allocate([batches, k, n], a.dtype);
    qrKernel(q, r, a);
    ctx.save(q, r);
    return [q, r];
  },
  gradient: (ctx, [gq, gr], { complete }) => {
    const [q, r] = ctx.saved;
    const [, k, n] = r.shape;
    if (complete && k > n)
      throw new Error("linalg.qr: mode 'complete' has no gradient for more rows than columns: use 'reduced'");
    if (k >= n) return [squareGradient(q, r, gq, gr)];
    // Wide: the first k columns decide Q, and the others are Q times their part of R.
    const rest = (x: Tensor): Tensor => narrow(x, 2, k, n - k);
    const head = (x: Tensor): Tensor => narrow(x, 2, 0, k);
    const tail = gr ? rest(gr) : null;
    const through = tail ? matmul(matmul(q, rest(r)), transpose(tail, 1, 2)) : null;
    const whole = gq && through ? add(gq, through) : (gq ?? through);
    const left = squareGradient(q, head(r), whole, gr ? head(gr) : null);
    const right = tail ? matmul(q, tail) : null;
    if (!left) return [null];
    return [cat([left, right ?? mul(rest(matmul(q, r)), 0)], 2)];
  },
};

/** Walter and Lehmann, Algorithmic differentiation of linear algebra functions (2010): r is square. */
function squareGradient(q: Tensor, r: Tensor, gq: Gradient, gr: Gradient): Gradient {
  let middle = gr ? matmul(r, transpose(gr, 1, 2)) : null;
  if (gq) {
    const inner = matmul(transpose(gq, 1, 2), q);
    middle = middle ? sub(middle, inner) : neg(inner);
  }
  if (!middle) return null;
  const even = add(tril(middle), transpose(tril(middle, -1), 1, 2));
  const right = matmul(q, even);
  return solveTriangular(transpose(r, 1, 2), gq ? add(gq, right) : right, { upper: false, left: false });
}

/**
 * Q with orthonormal columns and R upper triangular, with Q R = A.
 *
 * @param mode 'reduced' (default): Q `(..., m, min(m, n))`; 'complete': Q `(..., m, m)`; 'r': only R, Q is empty.
 * @returns `[Q, R]`. Error: an unknown mode. Source: `torch.linalg.qr`.
 */
export const qr: (input: Tensor, mode?: 'reduced' | 'complete' | 'r') => [Q: Tensor, R: Tensor] = op(
  {
    name: 'linalg.qr',
    torch: "linalg.qr(A, mode='reduced')",
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3] }], [{ shape: [2, 3, 3] }], [{ shape: [2, 4] }]],
  },
  (input: Tensor, mode: 'reduced' | 'complete' | 'r' = 'reduced'): [Tensor, Tensor] => {
    if (mode !== 'reduced' && mode !== 'complete' && mode !== 'r')
      throw new RangeError(`linalg.qr: mode '${String(mode)}' is unknown: use reduced, complete or r`);
    checkMatrices('linalg.qr', input);
    const [q, r] = applyMany(qrPrimitive, [asBatch(input)], { complete: mode === 'complete' });
    const batch = input.shape.slice(0, -2);
    const upper = reshape(r, [...batch, ...r.shape.slice(1)]);
    return mode === 'r'
      ? [Tensor.allocate([0], input.dtype), upper]
      : [reshape(q, [...batch, ...q.shape.slice(1)]), upper];
  },
);
