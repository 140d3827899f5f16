import { applyOne, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { broadcastShapes, formatShape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { neg } from '../arithmetic.ts';
import { tril, triu } from '../diagonal.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { squeeze, transpose, unsqueeze } from '../shape.ts';
import { reshape } from '../views.ts';
import { asBatch, checkSquare, countOf, firstFailure, which, withBatch } from './batch.ts';

/**
 * x = a⁻¹ b by Gauss's elimination with partial pivoting in float64; a (B, n, n), b and x (B, n, k), all row-major. info (B,) is the
 * number (from 1) of the first pivot that is 0, or 0.
 */
const solveKernel = kernel('linalg.solve', (x: Tensor, info: Tensor, a: Tensor, b: Tensor) => {
  const [batches, n, k] = x.shape;
  const lu = new Float64Array(n * n);
  const y = new Float64Array(n * k);
  for (let t = 0; t < batches; t++) {
    for (let i = 0; i < n * n; i++) lu[i] = a.elements[a.offset + t * n * n + i];
    for (let i = 0; i < n * k; i++) y[i] = b.elements[b.offset + t * n * k + i];
    let failed = 0;
    for (let c = 0; c < n; c++) {
      let pivot = c;
      for (let r = c + 1; r < n; r++) if (Math.abs(lu[r * n + c]) > Math.abs(lu[pivot * n + c])) pivot = r;
      const top = lu[pivot * n + c];
      if (top === 0) {
        failed ||= c + 1;
        continue;
      }
      if (pivot !== c) {
        for (let j = 0; j < n; j++) [lu[c * n + j], lu[pivot * n + j]] = [lu[pivot * n + j], lu[c * n + j]];
        for (let j = 0; j < k; j++) [y[c * k + j], y[pivot * k + j]] = [y[pivot * k + j], y[c * k + j]];
      }
      for (let r = c + 1; r < n; r++) {
        const factor = lu[r * n + c] / top;
        if (factor === 0) continue;
        for (let j = c; j < n; j++) lu[r * n + j] -= factor * lu[c * n + j];
        for (let j = 0; j < k; j++) y[r * k + j] -= factor * y[c * k + j];
      }
    }
    for (let c = n - 1; c >= 0; c--)
      for (let j = 0; j < k; j++) {
        let total = y[c * k + j];
        for (let i = c + 1; i < n; i++) total -= lu[c * n + i] * y[i * k + j];
        y[c * k + j] = total / lu[c * n + c];
      }
    for (let i = 0; i < n * k; i++) x.elements[x.offset + t * n * k + i] = y[i];
    info.elements[info.offset + t] = failed;
  }
});

const solvePrimitive: Primitive<{ name: string }> = {
  name: 'solve',
  forward(ctx, inputs, { name }) {
    const [a, b] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate(b.shape, b.dtype);
    const info = Tensor.allocate([a.shape[0]], 'int32', true);
    solveKernel(out, info, a, b);
    const failure = firstFailure(info);
    if (failure)
      throw new Error(
        `${name}: the matrix${which(a.shape[0], failure.matrix)} is singular: pivot ${failure.at} is zero. Use lstsq or pinv for the least squares solution`,
      );
    ctx.save(a, out);
    return out;
  },
  gradient: (ctx, [g], attrs) => {
    if (!g) return [null, null];
    const [a, x] = ctx.saved;
    const right = solved(transpose(a, 1, 2), g, attrs.name);
    return [ctx.needs(0) ? neg(matmul(right, transpose(x, 1, 2))) : null, right];
  },
};

/** a⁻¹ b, both (B, n, ...). */
const solved = (a: Tensor, b: Tensor, name: string): Tensor =>
  applyOne(solvePrimitive, [asBatch(a), asBatch(b)], { name });

/** Matrices near the identity, so that they can be inverted. */
const invertible = { shape: [3, 3], data: [2, 0.5, -0.3, 0.1, 1.5, 0.4, -0.2, 0.3, 1.8] } as const;

/** b as matrices: a vector for each matrix counts as one column. */
function columns(name: string, a: Tensor, b: Tensor): { matrices: Tensor; vector: boolean } {
  const vector = b.ndim === 1 || (b.ndim === a.ndim - 1 && sameShape(b.shape, a.shape.slice(0, -1)));
  if (b.ndim === 0) throw new RangeError(`${name}: the right side needs at least one dimension`);
  if (a.dtype !== b.dtype)
    throw new TypeError(`${name}: the dtypes ${a.dtype} and ${b.dtype} differ: convert one`);
  return { matrices: vector ? unsqueeze(b, -1) : b, vector };
}

/**
 * The X with A X = B (X A = B with `left` false).
 *
 * @param a `(..., n, n)`. @param b `(..., n, k)`, or `(..., n)`: one vector for each matrix. Batch dimensions broadcast.
 * Errors: a singular matrix; sizes that do not fit. Source: `torch.linalg.solve`.
 */
export const solve: (a: Tensor, b: Tensor, options?: { left?: boolean }) => Tensor = op(
  {
    name: 'linalg.solve',
    torch: 'linalg.solve(A, B, *, left=True)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [invertible, { shape: [3] }],
      [invertible, { shape: [2, 3, 2] }],
    ],
  },
  (a: Tensor, b: Tensor, { left = true }: { left?: boolean } = {}) => {
    checkSquare('linalg.solve', a);
    const { matrices, vector } = columns('linalg.solve', a, b);
    if (!left && !vector) return transpose(solve(transpose(a, -2, -1), transpose(matrices, -2, -1)), -2, -1);
    const n = a.shape.at(-1)!;
    if (matrices.shape.at(-2) !== n)
      throw new RangeError(
        `linalg.solve: A ${formatShape(a.shape)} and B ${formatShape(b.shape)}: B needs ${n} rows`,
      );
    const batch = broadcastShapes('linalg.solve', a.shape.slice(0, -2), matrices.shape.slice(0, -2));
    const right = withBatch(matrices, batch);
    const x = reshape(solved(withBatch(a, batch), right, 'linalg.solve'), right.shape);
    return vector ? squeeze(x, -1) : x;
  },
);

/** Identity matrices, (B, n, n). */
export function identities(count: number, n: number, dtype: Tensor['dtype']): Tensor {
  const out = Tensor.allocate([count, n, n], dtype, true);
  for (let t = 0; t < count; t++)
    for (let i = 0; i < n; i++) out.elements[out.offset + (t * n + i) * n + i] = 1;
  return out;
}

/** The inverse of each matrix. Errors: not square; singular. Source: `torch.linalg.inv`. */
export const inv: (input: Tensor) => Tensor = op(
  {
    name: 'linalg.inv',
    torch: 'linalg.inv(A)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[invertible]],
  },
  (input: Tensor) => {
    checkSquare('linalg.inv', input);
    const one = identities(countOf(input.shape), input.shape.at(-1)!, input.dtype);
    return reshape(solved(input, one, 'linalg.inv'), input.shape);
  },
);

/** x = a⁻¹ b for triangular a: below the diagonal, or above it with `upper` 1; ones on the diagonal with `unit` 1. As `linalg.solve`. */
const triangularKernel = kernel(
  'linalg.solveTriangular',
  (x: Tensor, a: Tensor, b: Tensor, upper: number, unit: number) => {
    const [batches, n, k] = x.shape;
    const y = new Float64Array(n);
    for (let t = 0; t < batches; t++)
      for (let j = 0; j < k; j++) {
        for (let s = 0; s < n; s++) {
          const r = upper ? n - 1 - s : s;
          let total = b.elements[b.offset + (t * n + r) * k + j];
          const from = upper ? r + 1 : 0;
          const to = upper ? n : r;
          for (let i = from; i < to; i++) total -= a.elements[a.offset + (t * n + r) * n + i] * y[i];
          y[r] = unit ? total : total / a.elements[a.offset + (t * n + r) * n + r];
        }
        for (let r = 0; r < n; r++) x.elements[x.offset + (t * n + r) * k + j] = y[r];
      }
  },
);

interface Triangle {
  upper: boolean;
  unit: boolean;
}

const triangularPrimitive: Primitive<Triangle> = {
  name: 'solveTriangular',
  forward(ctx, inputs, { upper, unit }) {
    const [a, b] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate(b.shape, b.dtype);
    triangularKernel(out, a, b, Number(upper), Number(unit));
    ctx.save(a, out);
    return out;
  },
  gradient: (ctx, [g], { upper, unit }) => {
    if (!g) return [null, null];
    const [a, x] = ctx.saved;
    const right = triangular(transpose(a, 1, 2), g, { upper: !upper, unit });
    if (!ctx.needs(0)) return [null, right];
    const whole = neg(matmul(right, transpose(x, 1, 2)));
    return [upper ? triu(whole, unit ? 1 : 0) : tril(whole, unit ? -1 : 0), right];
  },
};

const triangular = (a: Tensor, b: Tensor, attrs: Triangle): Tensor =>
  applyOne(triangularPrimitive, [asBatch(a), asBatch(b)], attrs);

export interface TriangularOptions {
  /** Whether the matrices are upper triangular; the other half is not read. */
  upper: boolean;
  /** Default true: A X = B; false: X A = B. */
  left?: boolean;
  /** Whether the diagonal counts as ones. Default false. */
  unitriangular?: boolean;
}

/** `solve` for triangular matrices, by substitution. Source: `torch.linalg.solve_triangular`. */
export const solveTriangular: (a: Tensor, b: Tensor, options: TriangularOptions) => Tensor = op(
  {
    name: 'linalg.solveTriangular',
    torch: 'linalg.solve_triangular(A, B, *, upper, left=True, unitriangular=False)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [invertible, { shape: [3, 2] }, { upper: true }],
      [invertible, { shape: [2, 3] }, { upper: false, left: false }],
    ],
  },
  (a: Tensor, b: Tensor, { upper, left = true, unitriangular = false }: TriangularOptions) => {
    checkSquare('linalg.solveTriangular', a);
    if (!left)
      return transpose(
        solveTriangular(transpose(a, -2, -1), transpose(b, -2, -1), { upper: !upper, unitriangular }),
        -2,
        -1,
      );
    if (b.ndim < 2 || b.shape.at(-2) !== a.shape.at(-1))
      throw new RangeError(
        `linalg.solveTriangular: A ${formatShape(a.shape)} and B ${formatShape(b.shape)} do not fit: B needs ${a.shape.at(-1)} rows`,
      );
    const batch = broadcastShapes('linalg.solveTriangular', a.shape.slice(0, -2), b.shape.slice(0, -2));
    const right = withBatch(b, batch);
    return reshape(triangular(withBatch(a, batch), right, { upper, unit: unitriangular }), right.shape);
  },
);
