import { applyMany, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import type { Shape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { add, div, mul, sub } from '../arithmetic.ts';
import { diagEmbed } from '../diagonal.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { narrow, transpose, unsqueeze } from '../shape.ts';
import { reshape } from '../views.ts';
import { asBatch, checkMatrices } from './batch.ts';
import { identities } from './solve.ts';

/**
 * Turns the columns of w (m x n, m ≥ n, column by column) until they are orthogonal, and v (n x n) with them: Hestenes' one-sided
 * Jacobi method.
 */
function orthogonalize(w: Float64Array, v: Float64Array, m: number, n: number): void {
  for (let sweep = 0; sweep < 60; sweep++) {
    let turned = false;
    for (let p = 0; p < n - 1; p++)
      for (let q = p + 1; q < n; q++) {
        let [alpha, beta, gamma] = [0, 0, 0];
        for (let i = 0; i < m; i++) {
          const [x, y] = [w[p * m + i], w[q * m + i]];
          alpha += x * x;
          beta += y * y;
          gamma += x * y;
        }
        if (Math.abs(gamma) <= 1e-15 * Math.sqrt(alpha * beta) || gamma === 0) continue;
        turned = true;
        const zeta = (beta - alpha) / (2 * gamma);
        const t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = c * t;
        for (const [matrix, rows] of [
          [w, m],
          [v, n],
        ] as const)
          for (let i = 0; i < rows; i++) {
            const x = matrix[p * rows + i];
            const y = matrix[q * rows + i];
            matrix[p * rows + i] = c * x - s * y;
            matrix[q * rows + i] = s * x + c * y;
          }
      }
    if (!turned) return;
  }
}

/** Fills the columns of u (m x k, column by column) from `start` on, so that all are orthonormal. */
function complete(u: Float64Array, m: number, k: number, start: number): void {
  let axis = 0;
  for (let c = start; c < k; c++)
    for (; axis < m; axis++) {
      const column = u.subarray(c * m, (c + 1) * m).fill(0);
      column[axis] = 1;
      for (let round = 0; round < 2; round++)
        for (let b = 0; b < c; b++) {
          let inner = 0;
          for (let i = 0; i < m; i++) inner += u[b * m + i] * column[i];
          for (let i = 0; i < m; i++) column[i] -= inner * u[b * m + i];
        }
      const length = Math.hypot(...column);
      if (length < 0.5 / Math.sqrt(m)) continue;
      for (let i = 0; i < m; i++) column[i] /= length;
      axis++;
      break;
    }
}

/** u (B, m, ku), s (B, min(m, n)) from the greatest, v (B, n, kv) with a = u diag(s) vᵀ; a (B, m, n), all row-major. */
const svdKernel = kernel('linalg.svd', (u: Tensor, s: Tensor, v: Tensor, a: Tensor) => {
  const [batches, rows, columns] = a.shape;
  const wide = rows < columns;
  const [m, n] = wide ? [columns, rows] : [rows, columns];
  const [left, right] = wide ? [v, u] : [u, v];
  const [kl, kr] = [left.shape[2], right.shape[2]];
  const w = new Float64Array(m * n);
  const turn = new Float64Array(n * n);
  const ul = new Float64Array(m * kl);
  for (let t = 0; t < batches; t++) {
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        w[wide ? i * m + j : j * m + i] = a.elements[a.offset + (t * rows + i) * columns + j];
    turn.fill(0);
    for (let i = 0; i < n; i++) turn[i * n + i] = 1;
    orthogonalize(w, turn, m, n);
    const sizes = Array.from({ length: n }, (_, c) => Math.hypot(...w.subarray(c * m, (c + 1) * m)));
    const order = sizes.map((_, c) => c).sort((p, q) => sizes[q] - sizes[p]);
    const floor = (sizes[order[0]] ?? 0) * 1e-300;
    let rank = 0;
    order.forEach((c, i) => {
      s.elements[s.offset + t * n + i] = sizes[c];
      if (sizes[c] > floor) {
        for (let r = 0; r < m; r++) ul[i * m + r] = w[c * m + r] / sizes[c];
        rank = i + 1;
      }
    });
    complete(ul, m, kl, rank);
    for (let r = 0; r < m; r++)
      for (let c = 0; c < kl; c++) left.elements[left.offset + (t * m + r) * kl + c] = ul[c * m + r];
    for (let r = 0; r < n; r++)
      for (let c = 0; c < kr; c++)
        right.elements[right.offset + (t * n + r) * kr + c] = turn[order[c] * n + r];
  }
});

const svdPrimitive: Primitive<{ full: boolean }> = {
  name: 'svd',
  forward(ctx, [input], { full }) {
    const a = input as Tensor;
    const [batches, m, n] = a.shape;
    const k = Math.min(m, n);
    const u = Tensor.allocate([batches, m, full ? m : k], a.dtype);
    const s = Tensor.allocate([batches, k], a.dtype);
    const v = Tensor.allocate([batches, n, full ? n : k], a.dtype);
    if (a.size > 0) svdKernel(u, s, v, a);
    else {
      u.elements.set(identityPart(u), u.offset);
      v.elements.set(identityPart(v), v.offset);
    }
    ctx.save(u, s, v);
    return [u, s, v];
  },
  // The derivative of the decomposition where the singular values differ; sources: Ionescu et al. (2015), Giles (2008).
  gradient: (ctx, [gu, gs, gv]) => {
    const [fullU, s, fullV] = ctx.saved;
    const k = s.shape[1];
    const part = (x: Tensor): Tensor => (x.shape[2] === k ? x : narrow(x, 2, 0, k));
    const [u, v] = [part(fullU), part(fullV)];
    const vt = transpose(v, 1, 2);
    let middle = gs ? diagEmbed(gs) : null;
    let result: Tensor | null = null;
    const plus = (x: Tensor | null, y: Tensor): Tensor => (x ? add(x, y) : y);
    if (gu || gv) {
      const squares = mul(s, s);
      const one = identities(s.shape[0], k, s.dtype);
      const gaps = add(sub(unsqueeze(squares, 1), unsqueeze(squares, 2)), one);
      const [across, down] = [unsqueeze(s, 1), unsqueeze(s, 2)];
      const skew = (x: Tensor): Tensor => div(sub(x, transpose(x, 1, 2)), gaps);
      if (gu) {
        const g = part(gu);
        const inner = matmul(transpose(u, 1, 2), g);
        middle = plus(middle, mul(skew(inner), across));
        if (u.shape[1] > k) result = matmul(div(sub(g, matmul(u, inner)), across), vt);
      }
      if (gv) {
        const g = part(gv);
        const inner = matmul(vt, g);
        middle = plus(middle, mul(skew(inner), down));
        if (v.shape[1] > k) {
          const rest = transpose(sub(g, matmul(v, inner)), 1, 2);
          result = plus(result, matmul(u, div(rest, down)));
        }
      }
    }
    if (!middle) return [null];
    return [plus(result, matmul(matmul(u, middle), vt))];
  },
};

/** The elements of identity matrices, for what has no columns to decompose. */
const identityPart = (x: Tensor): ArrayLike<number> => {
  const [batches, rows, columns] = x.shape;
  return Float64Array.from({ length: batches * rows * columns }, (_, i) =>
    Math.floor(i / columns) % rows === i % columns ? 1 : 0,
  );
};

const batchOf = (x: Tensor, batch: Shape): Tensor => reshape(x, [...batch, ...x.shape.slice(1)]);

/**
 * U, S, Vᵀ with A = U diag(S) Vᵀ: orthonormal columns, and the singular values from the greatest.
 *
 * @param options `fullMatrices` (default true) completes U and V to square matrices; gradients flow through what false gives.
 * @returns `[U, S, Vh]`. The signs of pairs of vectors are free; the gradient of vectors needs different singular values.
 * Source: `torch.linalg.svd`.
 */
export const svd: (
  input: Tensor,
  options?: { fullMatrices?: boolean },
) => [U: Tensor, S: Tensor, Vh: Tensor] = op(
  {
    name: 'linalg.svd',
    torch: 'linalg.svd(A, *, full_matrices=True)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [4, 3] }, { fullMatrices: false }],
      [{ shape: [2, 2, 3] }, { fullMatrices: false }],
    ],
  },
  (input: Tensor, { fullMatrices = true }: { fullMatrices?: boolean } = {}): [Tensor, Tensor, Tensor] => {
    checkMatrices('linalg.svd', input);
    const [u, s, v] = applyMany(svdPrimitive, [asBatch(input)], { full: fullMatrices });
    const batch = input.shape.slice(0, -2);
    return [batchOf(u, batch), batchOf(s, batch), transpose(batchOf(v, batch), -2, -1)];
  },
);

/** The singular values, from the greatest. Source: `torch.linalg.svdvals`. */
export const svdvals: (input: Tensor) => Tensor = op(
  {
    name: 'linalg.svdvals',
    torch: 'linalg.svdvals(A)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3] }]],
  },
  (input: Tensor) => svd(input, { fullMatrices: false })[1],
);
