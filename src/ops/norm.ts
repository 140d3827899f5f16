import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachRow, operand } from '../engine/loops.ts';
import { type DType, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { formatShape, normalizeDim, normalizeDims } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { eq, gt } from './comparison.ts';
import { svdvals } from './linalg/svd.ts';
import { pow } from './pairwise.ts';
import { abs, sign } from './pointwise.ts';
import { op } from './record.ts';
import { type Dims, droppedShape, keptShape, sum } from './reduce.ts';
import { movedim } from './shape.ts';
import { amax, amin, type Keep } from './statistics.ts';
import { reshape } from './views.ts';
import { where } from './where.ts';

/** out (reduced dims of size 1, row-major) = the p-norms of a: (Σ|x|ᵖ)^(1/p); 0 counts, ±Infinity takes the extreme. */
export const vectorNormKernel = kernel('norm.vector', (out: Tensor, a: Tensor, p: number) => {
  const totals = new Float64Array(out.size).fill(p === -Infinity ? Infinity : 0);
  const place = out.alias(out.shape, out.strides, 0);
  const o = operand(place, a.shape);
  const x = operand(a, a.shape);
  eachRow(a.shape, [o, x], ([po, px], [so, sx], n) => {
    const { array } = x;
    for (let i = 0, t = po, q = px; i < n; i++, t += so, q += sx) {
      const size = Math.abs(array[q]);
      if (p === 2) totals[t] += size * size;
      else if (p === 1) totals[t] += size;
      else if (p === 0) totals[t] += size === 0 ? 0 : 1;
      else if (p === Infinity) totals[t] = Math.max(totals[t], size);
      else if (p === -Infinity) totals[t] = Math.min(totals[t], size);
      else totals[t] += size ** p;
    }
  });
  const finite = p !== 0 && p !== 1 && Number.isFinite(p);
  for (let i = 0; i < totals.length; i++)
    out.elements[out.offset + i] = !finite
      ? totals[i]
      : p === 2
        ? Math.sqrt(totals[i])
        : totals[i] ** (1 / p);
});

/** d(norm)/dx times g, all broadcasting; at 0 the subgradient 0. */
export function normGradient(g: Tensor, x: Tensor, norm: Tensor, p: number, dims: readonly number[]): Tensor {
  if (p === 0) return mul(x, 0);
  if (p === 1) return mul(g, sign(x));
  const zero = eq(norm, 0);
  if (p === 2) return mul(x, where(zero, 0, div(g, where(zero, 1, norm))));
  if (!Number.isFinite(p)) {
    const hits = cast(eq(abs(x), norm), x.dtype);
    return mul(mul(sign(x), hits), div(g, sum(hits, [...dims], { keepdim: true })));
  }
  const none = eq(x, 0);
  const size = abs(where(none, 1, x));
  const scale = where(zero, 0, mul(g, pow(where(zero, 1, norm), 1 - p)));
  return where(none, 0, mul(mul(sign(x), pow(size, p - 1)), scale));
}

const vectorNormPrimitive: Primitive<{ p: number; dims: readonly number[] }> = {
  name: 'vectorNorm',
  forward(ctx, [input], { p, dims }) {
    const x = input as Tensor;
    const out = Tensor.allocate(keptShape(x.shape, dims), x.dtype);
    vectorNormKernel(out, x, p);
    ctx.save(x, out);
    return out;
  },
  gradient: (ctx, [g], { p, dims }) => {
    const [x, out] = ctx.saved;
    return [g && normGradient(g, x, out, p, dims)];
  },
};

export interface NormOptions extends Keep {
  /** Converts first. */
  dtype?: DType | null;
}

const floating = (name: string, input: Tensor, dtype: DType | null | undefined): Tensor => {
  const x = cast(input, dtype ?? (isFloating(input.dtype) ? input.dtype : getDefaultDtype()));
  if (!x.isFloating) throw new TypeError(`${name}: dtype ${x.dtype} is not floating`);
  return x;
};

/**
 * The p-norm of vectors: (Σ|x|ᵖ)^(1/p) over dimensions (default all); 0 counts what is not 0, ±Infinity takes the greatest or
 * smallest |x|. The gradient at 0 is 0.
 *
 * Error: a negative order of nothing. Source: `torch.linalg.vector_norm`.
 */
export const vectorNorm: (input: Tensor, ord?: number, dim?: Dims, options?: NormOptions) => Tensor = op(
  {
    name: 'linalg.vectorNorm',
    torch: 'linalg.vector_norm(x, ord=2, dim=None, *, keepdim=False, dtype=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }],
      [{ shape: [2, 3] }, 3, 1],
      [{ shape: [2, 3] }, Infinity, 0, { keepdim: true }],
    ],
  },
  (input: Tensor, ord = 2, dim?: Dims, { keepdim = false, dtype }: NormOptions = {}) => {
    const x = floating('linalg.vectorNorm', input, dtype);
    const dims = normalizeDims('linalg.vectorNorm', dim, x.ndim);
    if (ord < 0 && dims.some((d) => x.shape[d] === 0))
      throw new RangeError(
        `linalg.vectorNorm: order ${ord} of ${formatShape(x.shape)}: there is nothing to take the smallest of`,
      );
    const kept = applyOne(vectorNormPrimitive, [x], { p: ord, dims });
    return keepdim ? kept : reshape(kept, droppedShape(x.shape, dims));
  },
);

export type MatrixOrder = number | 'fro' | 'nuc';

/**
 * The norm of matrices in two dimensions (default the last): 'fro' (Σx²)^½, 'nuc' the sum of singular values, ±2 the greatest or
 * smallest of them, ±1 and ±Infinity the greatest or smallest sum of |x| by column or row.
 *
 * Errors: another order; fewer than two dimensions. Source: `torch.linalg.matrix_norm`.
 */
export const matrixNorm: (
  input: Tensor,
  ord?: MatrixOrder,
  dim?: readonly [number, number],
  options?: NormOptions,
) => Tensor = op(
  {
    name: 'linalg.matrixNorm',
    torch: "linalg.matrix_norm(A, ord='fro', dim=(-2,-1), *, keepdim=False, dtype=None)",
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 4] }],
      [{ shape: [3, 2] }, 'nuc'],
      [{ shape: [3, 2] }, 1],
      [{ shape: [3, 2] }, -2],
    ],
  },
  (
    input: Tensor,
    ord: MatrixOrder = 'fro',
    dim: readonly [number, number] = [-2, -1],
    { keepdim = false, dtype }: NormOptions = {},
  ) => {
    const name = 'linalg.matrixNorm';
    const x = floating(name, input, dtype);
    if (x.ndim < 2 || dim.length !== 2)
      throw new RangeError(
        `${name}: needs two dimensions of at least 2, got [${dim}] of ${formatShape(x.shape)}`,
      );
    const dims = normalizeDims(name, dim, x.ndim);
    if (dims.length !== 2) throw new RangeError(`${name}: needs two dimensions, got [${dim}]`);
    if (ord === 'fro') return vectorNorm(x, 2, dims, { keepdim });
    const [rows, columns] = dims;
    const size = Math.abs(Number(ord));
    if (size === 1 || size === Infinity) {
      const over = size === 1 ? [rows, columns] : [columns, rows];
      const sums = sum(abs(x), over[0], { keepdim: true });
      const extreme = (Number(ord) > 0 ? amax : amin)(sums, over[1], { keepdim: true });
      return keepdim ? extreme : reshape(extreme, droppedShape(x.shape, dims));
    }
    if (ord !== 'nuc' && size !== 2)
      throw new RangeError(
        `${name}: order '${String(ord)}' is unknown: use 'fro', 'nuc', 1, -1, 2, -2, Infinity or -Infinity`,
      );
    const s = svdvals(movedim(x, dims, [-2, -1]));
    const value = ord === 'nuc' ? sum(s, -1) : Number(ord) > 0 ? amax(s, -1) : amin(s, -1);
    return reshape(value, keepdim ? keptShape(x.shape, dims) : droppedShape(x.shape, dims));
  },
);

/**
 * A vector's or a matrix's norm: `vectorNorm` for one dimension, `matrixNorm` for two; without an order the 2-norm of all elements.
 *
 * Errors: as those two. Source: `torch.linalg.norm`.
 */
export const linalgNorm: (
  input: Tensor,
  ord?: MatrixOrder | null,
  dim?: number | readonly number[] | null,
  options?: NormOptions,
) => Tensor = op(
  {
    name: 'linalg.norm',
    torch: 'linalg.norm(A, ord=None, dim=None, *, keepdim=False, dtype=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [3, 4] }], [{ shape: [3, 2] }, 'fro'], [{ shape: [3] }, 3]],
  },
  (
    input: Tensor,
    ord?: MatrixOrder | null,
    dim?: number | readonly number[] | null,
    options: NormOptions = {},
  ) => {
    const none = ord === undefined || ord === null;
    const dims = dim === undefined || dim === null ? null : typeof dim === 'number' ? [dim] : [...dim];
    normalizeDims('linalg.norm', dims, input.ndim);
    if (none) return vectorNorm(input, 2, dims, options);
    if (dims === null && input.ndim > 2)
      throw new RangeError(
        `linalg.norm: an order needs dim for a tensor of ${input.ndim} dimensions: give one dimension or two`,
      );
    const over = dims ?? input.shape.map((_, d) => d);
    if (over.length === 2) return matrixNorm(input, ord, [over[0], over[1]], options);
    if (typeof ord !== 'number')
      throw new RangeError(`linalg.norm: order '${ord}' is for matrices: give two dimensions`);
    return vectorNorm(input, ord, over, options);
  },
);

/**
 * The p-norm over dimensions, or of all elements; 'fro' is 2, 'nuc' the sum of the singular values of matrices. The gradient at 0
 * is 0. `linalg.norm`, `linalg.vectorNorm` and `linalg.matrixNorm` say more precisely what is meant. Source: `torch.norm`.
 */
export const norm: (input: Tensor, p?: MatrixOrder | null, dim?: Dims, options?: NormOptions) => Tensor = op(
  {
    name: 'norm',
    torch: "norm(input, p='fro', dim=None, *, keepdim=False, dtype=None)",
    family: 'reduction',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }], [{ shape: [2, 3] }, 1, 1], [{ shape: [2, 3] }, 'nuc']],
  },
  (input: Tensor, p?: MatrixOrder | null, dim?: Dims, options: NormOptions = {}) => {
    normalizeDims('norm', dim, input.ndim);
    if (p !== 'nuc') return vectorNorm(input, p === 'fro' ? 2 : (p ?? 2), dim, options);
    const dims = dim === undefined || dim === null ? input.shape.map((_, d) => d) : dim;
    if (typeof dims === 'number' || dims.length !== 2)
      throw new RangeError(`norm: 'nuc' needs two dimensions, got ${JSON.stringify(dims)}`);
    return matrixNorm(input, 'nuc', [dims[0], dims[1]], options);
  },
);

/** The p-norm of input - other, which broadcast. Source: `torch.dist`. */
export const dist: (input: Tensor, other: Tensor, p?: number) => Tensor = op(
  {
    name: 'dist',
    torch: 'dist(input, other, p=2)',
    family: 'reduction',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [3] }],
      [{ shape: [2, 3] }, { shape: [2, 3] }, 3],
    ],
  },
  (input: Tensor, other: Tensor, p = 2) => vectorNorm(sub(input, other), p),
);

/** Each slice of a dimension scaled down so that its p-norm is at most `maxnorm`. Source: `torch.renorm`. */
export const renorm: (input: Tensor, p: number, dim: number, maxnorm: number) => Tensor = op(
  {
    name: 'renorm',
    torch: 'renorm(input, p, dim, maxnorm)',
    family: 'normalization',
    differentiable: true,
    samples: () => [[{ shape: [3, 4] }, 2, 0, 0.7]],
  },
  (input: Tensor, p: number, dim: number, maxnorm: number) => {
    if (!(p > 0)) throw new RangeError(`renorm: p ${p} must be positive`);
    if (!(maxnorm >= 0)) throw new RangeError(`renorm: maxnorm ${maxnorm} must not be negative`);
    if (input.ndim < 2)
      throw new RangeError(`renorm: ${formatShape(input.shape)} needs at least 2 dimensions`);
    const place = normalizeDim('renorm', dim, input.ndim);
    const others = input.shape.map((_, d) => d).filter((d) => d !== place);
    const norms = vectorNorm(input, p, others, { keepdim: true });
    return mul(input, where(gt(norms, maxnorm), div(maxnorm, add(norms, 1e-7)), 1));
  },
);
