import { applyOne, type Primitive } from '../../autograd/primitive.ts';
import { broadcastShapes, formatShape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { add, mul, sub } from '../arithmetic.ts';
import { scalar } from '../cast.ts';
import { gt } from '../comparison.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { sum } from '../reduce.ts';
import { squeeze, transpose, unsqueeze } from '../shape.ts';
import { amax } from '../statistics.ts';
import { expand, reshape } from '../views.ts';
import { where } from '../where.ts';
import { asBatch, checkMatrices, checkSquare, withBatch } from './batch.ts';
import { identities, inv } from './solve.ts';
import { svd, svdvals } from './svd.ts';

/** The distance from 1 to the next number. */
const epsilon = (dtype: Tensor['dtype']): number => (dtype === 'float32' ? 2 ** -23 : 2 ** -52);

export interface RankOptions {
  /** Singular values up to this are taken for 0; a tensor has one for each matrix. Default 0. */
  atol?: number | Tensor | null;
  /** The same, as a part of the greatest. Default: the larger size times the dtype's precision. */
  rtol?: number | Tensor | null;
  /** Whether the matrices are symmetric. Default false; the result is the same, only the way there differs. */
  hermitian?: boolean;
}

/** What counts as 0 among singular values (..., k). */
function tolerance(input: Tensor, s: Tensor, { atol, rtol }: RankOptions): Tensor {
  const [m, n] = input.shape.slice(-2);
  const column = (value: number | Tensor): Tensor =>
    value instanceof Tensor ? unsqueeze(value, -1) : scalar(value, s.dtype);
  const usual = Math.max(m, n) * epsilon(input.dtype);
  const absolute = column(atol ?? 0);
  const relative = rtol === undefined || rtol === null ? where(gt(absolute, 0), 0, usual) : column(rtol);
  const greatest = s.shape.at(-1) === 0 ? sum(s, -1, { keepdim: true }) : amax(s, -1, { keepdim: true });
  const limit = mul(greatest, relative);
  return where(gt(limit, absolute), limit, absolute);
}

/** The limit (B, 1) below which a singular value is taken for 0 is an input without a gradient. */
const pinvPrimitive: Primitive<null> = {
  name: 'pinv',
  forward(ctx, inputs) {
    const [a, limit] = inputs as [Tensor, Tensor];
    const [u, s, vt] = svd(a.detach(), { fullMatrices: false });
    const inverse = where(gt(s, limit), s.reciprocal(), 0);
    const out = matmul(mul(transpose(vt, 1, 2), unsqueeze(inverse, 1)), transpose(u, 1, 2));
    ctx.save(a, out);
    return out;
  },
  // Golub and Pereyra (1973): the derivative where the rank does not change.
  gradient: (ctx, [grad]) => {
    if (!grad) return [null, null];
    const [a, p] = ctx.saved;
    const [pt, g] = [transpose(p, 1, 2), transpose(grad, 1, 2)];
    const minus = (x: Tensor): Tensor => transpose(x, 1, 2).neg();
    if (a.shape[1] <= a.shape[2]) {
      const k = matmul(g, p);
      const kp = matmul(k, pt);
      const inside = sub(kp, matmul(matmul(a, p), kp));
      return [add(add(minus(matmul(p, k)), inside), matmul(matmul(pt, p), sub(g, matmul(k, a)))), null];
    }
    const k = matmul(p, g);
    const pk = matmul(pt, k);
    const inside = sub(pk, matmul(matmul(pk, p), a));
    return [add(add(minus(matmul(k, p)), inside), matmul(matmul(sub(g, matmul(a, k)), p), pt)), null];
  },
};

/** The Moore-Penrose inverse `(..., n, m)` of `(..., m, n)`. See `RankOptions` for what counts as 0. Source: `torch.linalg.pinv`. */
export const pinv: (input: Tensor, options?: RankOptions) => Tensor = op(
  {
    name: 'linalg.pinv',
    torch: 'linalg.pinv(A, *, atol=None, rtol=None, hermitian=False)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3] }], [{ shape: [2, 2, 3] }]],
  },
  (input: Tensor, options: RankOptions = {}) => {
    checkMatrices('linalg.pinv', input);
    const [m, n] = input.shape.slice(-2);
    const limit = tolerance(input, svdvals(input.detach()), options);
    const batch = broadcastShapes('linalg.pinv', input.shape.slice(0, -2), limit.shape.slice(0, -1));
    const limits = reshape(expand(limit, [...batch, 1]), [-1, 1]);
    const inverse = applyOne(pinvPrimitive, [asBatch(withBatch(input, batch)), limits], null);
    return reshape(inverse, [...batch, n, m]);
  },
);

/** How many singular values are not 0. See `RankOptions`. @returns int32. Source: `torch.linalg.matrix_rank`. */
export const matrixRank: (input: Tensor, options?: RankOptions) => Tensor = op(
  {
    name: 'linalg.matrixRank',
    torch: 'linalg.matrix_rank(A, *, atol=None, rtol=None, hermitian=False)',
    family: 'linear algebra',
    differentiable: 'a count',
    samples: () => [[{ shape: [4, 3] }]],
  },
  (input: Tensor, options: RankOptions = {}) => {
    checkMatrices('linalg.matrixRank', input);
    const s = svdvals(input.detach());
    return sum(gt(s, tolerance(input, s, options)), -1);
  },
);

/** What `lstsq` gives: see there. */
export type LeastSquares = [solution: Tensor, residuals: Tensor, rank: Tensor, singularValues: Tensor];

export interface LeastSquaresOptions {
  /** Which of LAPACK's routines PyTorch would call. It decides what is returned besides the solution. Default: all but the singular values. */
  driver?: 'gelsy' | 'gels' | 'gelsd' | 'gelss' | null;
}

/**
 * The least squares solution of A X = B, of smallest norm where several are as good.
 *
 * @param a `(..., m, n)`. @param b `(..., m, k)`, or `(m,)` for one matrix. Batch dimensions broadcast.
 * @param rcond singular values up to this part of the greatest count as 0. Default: the larger size times the dtype's precision.
 * @returns `[solution, residuals, rank, singularValues]`: the sums of squares of A X - B by column (empty unless A has full rank
 * and more rows than columns, and for 'gelsy'), the rank of each matrix (int32; empty for 'gels'), and its singular values (for 'gelsd' and 'gelss').
 * Errors: sizes that do not fit. Source: `torch.linalg.lstsq`.
 */
export const lstsq: (
  a: Tensor,
  b: Tensor,
  rcond?: number | null,
  options?: LeastSquaresOptions,
) => LeastSquares = op(
  {
    name: 'linalg.lstsq',
    torch: 'linalg.lstsq(A, B, rcond=None, *, driver=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3] }, { shape: [4, 2] }]],
    differs: 'singular values whatever the driver; the residuals are differentiable too',
  },
  (a: Tensor, b: Tensor, rcond?: number | null, { driver }: LeastSquaresOptions = {}): LeastSquares => {
    checkMatrices('linalg.lstsq', a);
    const vector = b.ndim === 1 || (b.ndim === a.ndim - 1 && sameShape(b.shape, a.shape.slice(0, -1)));
    const right = vector ? unsqueeze(b, -1) : b;
    const [m, n] = a.shape.slice(-2);
    if (right.shape.at(-2) !== m)
      throw new RangeError(
        `linalg.lstsq: A ${formatShape(a.shape)} and B ${formatShape(b.shape)} do not fit: B needs ${m} rows`,
      );
    const batch = broadcastShapes('linalg.lstsq', a.shape.slice(0, -2), right.shape.slice(0, -2));
    const solution = matmul(withBatch(pinv(a, { rtol: rcond }), batch), right);
    const singular = svdvals(a.detach());
    const rank = sum(gt(singular, tolerance(a, singular, { rtol: rcond })), -1);
    let full = m > n;
    for (let i = 0; i < rank.size; i++) full &&= rank.elements[rank.offset + i] === n;
    const error = sub(matmul(a, solution), right);
    const nothing = (dtype: Tensor['dtype']): Tensor => Tensor.allocate([0], dtype);
    return [
      vector ? squeeze(solution, -1) : solution,
      full && driver !== 'gelsy' ? sum(mul(error, error), -2) : nothing(a.dtype),
      driver === 'gels' ? nothing('int32') : rank,
      driver === 'gelsd' || driver === 'gelss' ? singular : nothing(a.dtype),
    ];
  },
);

/** A matrix times itself n times; of its inverse for negative n. Error: not square. Source: `torch.linalg.matrix_power`. */
export const matrixPower: (input: Tensor, n: number) => Tensor = op(
  {
    name: 'linalg.matrixPower',
    torch: 'linalg.matrix_power(A, n)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 3] }, 3],
      [{ shape: [2, 2], data: [2, 0.5, -0.3, 1.5] }, -2],
    ],
  },
  (input: Tensor, n: number) => {
    checkSquare('linalg.matrixPower', input);
    if (!Number.isInteger(n)) throw new RangeError(`linalg.matrixPower: n ${n} must be a whole number`);
    if (n === 0) {
      const one = identities(1, input.shape.at(-1)!, input.dtype);
      return where(scalar(true, 'bool'), expand(reshape(one, input.shape.slice(-2)), input.shape), input);
    }
    let square = n < 0 ? inv(input) : input;
    let result: Tensor | null = null;
    for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) result = result ? matmul(result, square) : square;
      if (left > 1) square = matmul(square, square);
    }
    return result!;
  },
);
