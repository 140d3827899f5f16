import { applyOne, type Primitive } from '../../autograd/primitive.ts';
import { broadcastShapes, formatShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { add, mul, sub } from '../arithmetic.ts';
import { cast } from '../cast.ts';
import { gt } from '../comparison.ts';
import { matmul } from '../matmul.ts';
import { op } from '../record.ts';
import { sum } from '../reduce.ts';
import { squeeze, transpose, unsqueeze } from '../shape.ts';
import { amax } from '../statistics.ts';
import { reshape } from '../views.ts';
import { where } from '../where.ts';
import { asBatch, checkMatrices, checkSquare, withBatch } from './batch.ts';
import { identities, inv } from './solve.ts';
import { svd, svdvals } from './svd.ts';

/** The distance from 1 to the next number. */
const epsilon = (dtype: Tensor['dtype']): number => (dtype === 'float32' ? 2 ** -23 : 2 ** -52);

export interface RankOptions {
  /** Singular values up to this are taken for 0. Default 0. */
  atol?: number | null;
  /** The same, as a part of the greatest. Default: the larger size times the dtype's precision. */
  rtol?: number | null;
}

/** What counts as 0 among singular values (B, k). */
function tolerance(input: Tensor, s: Tensor, { atol, rtol }: RankOptions): Tensor {
  const [m, n] = input.shape.slice(-2);
  const relative = rtol ?? ((atol ?? 0) > 0 ? 0 : Math.max(m, n) * epsilon(input.dtype));
  const greatest = s.shape.at(-1) === 0 ? sum(s, -1, { keepdim: true }) : amax(s, -1, { keepdim: true });
  const limit = mul(greatest, relative);
  return atol ? where(gt(limit, atol), limit, atol) : limit;
}

const pinvPrimitive: Primitive<RankOptions> = {
  name: 'pinv',
  forward(ctx, [input], options) {
    const a = input as Tensor;
    const [u, s, vt] = svd(a.detach(), { fullMatrices: false });
    const inverse = where(gt(s, tolerance(a, s, options)), s.reciprocal(), 0);
    const out = matmul(mul(transpose(vt, 1, 2), unsqueeze(inverse, 1)), transpose(u, 1, 2));
    ctx.save(a, out);
    return out;
  },
  // Golub and Pereyra (1973): the derivative where the rank does not change.
  gradient: (ctx, [grad]) => {
    if (!grad) return [null];
    const [a, p] = ctx.saved;
    const [pt, g] = [transpose(p, 1, 2), transpose(grad, 1, 2)];
    const minus = (x: Tensor): Tensor => transpose(x, 1, 2).neg();
    if (a.shape[1] <= a.shape[2]) {
      const k = matmul(g, p);
      const kp = matmul(k, pt);
      const inside = sub(kp, matmul(matmul(a, p), kp));
      return [add(add(minus(matmul(p, k)), inside), matmul(matmul(pt, p), sub(g, matmul(k, a))))];
    }
    const k = matmul(p, g);
    const pk = matmul(pt, k);
    const inside = sub(pk, matmul(matmul(pk, p), a));
    return [add(add(minus(matmul(k, p)), inside), matmul(matmul(sub(g, matmul(a, k)), p), pt))];
  },
};

/** The Moore-Penrose inverse `(..., n, m)` of `(..., m, n)`. See `RankOptions` for what counts as 0. Source: `torch.linalg.pinv`. */
export const pinv: (input: Tensor, options?: RankOptions) => Tensor = op(
  {
    name: 'linalg.pinv',
    torch: 'linalg.pinv(A, *, atol=None, rtol=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3] }], [{ shape: [2, 2, 3] }]],
  },
  (input: Tensor, options: RankOptions = {}) => {
    checkMatrices('linalg.pinv', input);
    const [m, n] = input.shape.slice(-2);
    return reshape(applyOne(pinvPrimitive, [asBatch(input)], options), [...input.shape.slice(0, -2), n, m]);
  },
);

/** How many singular values are not 0. See `RankOptions`. @returns int32. Source: `torch.linalg.matrix_rank`. */
export const matrixRank: (input: Tensor, options?: RankOptions) => Tensor = op(
  {
    name: 'linalg.matrixRank',
    torch: 'linalg.matrix_rank(A, *, atol=None, rtol=None)',
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

/** What `lstsq` gives. */
export interface LeastSquares {
  /** The X with the smallest |A X - B|, and of those the smallest. */
  solution: Tensor;
  /** The sums of squares of A X - B by column; empty unless A has full rank and more rows than columns. */
  residuals: Tensor;
  /** The rank of each matrix, int32. */
  rank: Tensor;
  /** The singular values of each matrix, from the greatest. */
  singularValues: Tensor;
}

/**
 * The least squares solution of A X = B, of smallest norm where several are as good.
 *
 * @param a `(..., m, n)`. @param b `(..., m, k)`, or `(m,)` for one matrix. Batch dimensions broadcast.
 * @param rcond singular values up to this part of the greatest count as 0. Default: the larger size times the dtype's precision.
 * Errors: sizes that do not fit. Source: `torch.linalg.lstsq`.
 */
export const lstsq: (a: Tensor, b: Tensor, rcond?: number | null) => LeastSquares = op(
  {
    name: 'linalg.lstsq',
    torch: 'linalg.lstsq(A, B, rcond=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [4, 3] }, { shape: [4, 2] }]],
    differs: 'one method (singular values) instead of a choice of drivers; the solution is differentiable',
  },
  (a: Tensor, b: Tensor, rcond?: number | null): LeastSquares => {
    checkMatrices('linalg.lstsq', a);
    const vector = b.ndim === 1 || b.ndim === a.ndim - 1;
    const right = vector ? unsqueeze(b, -1) : b;
    const [m, n] = a.shape.slice(-2);
    if (right.shape.at(-2) !== m)
      throw new RangeError(
        `linalg.lstsq: A ${formatShape(a.shape)} and B ${formatShape(b.shape)} do not fit: B needs ${m} rows`,
      );
    const batch = broadcastShapes('linalg.lstsq', a.shape.slice(0, -2), right.shape.slice(0, -2));
    const solution = matmul(withBatch(pinv(a, { rtol: rcond }), batch), right);
    const singularValues = svdvals(a.detach());
    const rank = sum(gt(singularValues, tolerance(a, singularValues, { rtol: rcond })), -1);
    let full = m > n;
    for (let i = 0; i < rank.size; i++) full &&= rank.elements[rank.offset + i] === n;
    const error = sub(matmul(a, solution), right);
    return {
      solution: vector ? squeeze(solution, -1) : solution,
      residuals: full ? sum(mul(error, error), -2) : Tensor.allocate([0], a.dtype),
      rank,
      singularValues,
    };
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
    if (n === 0)
      return cast(
        withBatch(
          reshape(identities(1, input.shape.at(-1)!, input.dtype), input.shape.slice(-2)),
          input.shape.slice(0, -2),
        ),
        input.dtype,
      ).clone();
    let square = n < 0 ? inv(input) : input;
    let result: Tensor | null = null;
    for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) result = result ? matmul(result, square) : square;
      if (left > 1) square = matmul(square, square);
    }
    return result!;
  },
);
