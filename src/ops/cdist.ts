import { mode } from '../autograd/mode.ts';
import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { broadcastShapes, formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul, neg, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { eq } from './comparison.ts';
import { normGradient } from './norm.ts';
import { abs, sign } from './pointwise.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';
import { transpose, unsqueeze } from './shape.ts';
import { contiguous, expand, reshape } from './views.ts';

/** out (B, P, R) = the p-norm distances of the rows of x (B, P, M) and y (B, R, M), all row-major. */
const forwardKernel = kernel('cdist.forward', (out: Tensor, x: Tensor, y: Tensor, p: number) => {
  const [batches, rows, columns] = out.shape;
  const size = x.shape[2];
  const [o, a, b] = [out.elements, x.elements, y.elements];
  for (let t = 0; t < batches; t++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const left = x.offset + (t * rows + i) * size;
        const right = y.offset + (t * columns + j) * size;
        let total = 0;
        if (p === 2)
          for (let k = 0; k < size; k++) {
            const d = a[left + k] - b[right + k];
            total += d * d;
          }
        else
          for (let k = 0; k < size; k++) {
            const d = Math.abs(a[left + k] - b[right + k]);
            if (p === 1) total += d;
            else if (p === 0) total += d === 0 ? 0 : 1;
            else if (p === Infinity) total = Math.max(total, d);
            else total += d ** p;
          }
        o[out.offset + (t * rows + i) * columns + j] =
          p === 2 ? Math.sqrt(total) : p === 0 || p === 1 || p === Infinity ? total : total ** (1 / p);
      }
});

/** out (B, P, M) = d(Σ g distance)/dx for g and distance (B, P, R), x (B, P, M), y (B, R, M); g and distance may have any strides. */
const gradientKernel = kernel(
  'cdist.gradient',
  (out: Tensor, g: Tensor, x: Tensor, y: Tensor, distance: Tensor, p: number) => {
    const [batches, rows, size] = out.shape;
    const columns = y.shape[1];
    const [o, w, a, b, r] = [out.elements, g.elements, x.elements, y.elements, distance.elements];
    const totals = new Float64Array(size);
    for (let t = 0; t < batches; t++)
      for (let i = 0; i < rows; i++) {
        totals.fill(0);
        const left = x.offset + (t * rows + i) * size;
        for (let j = 0; j < columns; j++) {
          const away =
            r[distance.offset + t * distance.strides[0] + i * distance.strides[1] + j * distance.strides[2]];
          const weight = w[g.offset + t * g.strides[0] + i * g.strides[1] + j * g.strides[2]];
          if (away === 0 || p === 0) continue;
          const right = y.offset + (t * columns + j) * size;
          let peak = 0;
          if (p === Infinity)
            for (let k = 0; k < size; k++) peak = Math.max(peak, Math.abs(a[left + k] - b[right + k]));
          for (let k = 0; k < size; k++) {
            const d = a[left + k] - b[right + k];
            if (p === 2) totals[k] += (weight * d) / away;
            else if (p === 1) totals[k] += weight * Math.sign(d);
            else if (p === Infinity) totals[k] += Math.abs(d) === peak ? weight * Math.sign(d) : 0;
            else if (d !== 0) totals[k] += weight * Math.sign(d) * (Math.abs(d) / away) ** (p - 1);
          }
        }
        for (let k = 0; k < size; k++) o[out.offset + (t * rows + i) * size + k] = totals[k];
      }
  },
);

const cdistPrimitive: Primitive<{ p: number }> = {
  name: 'cdist',
  forward(ctx, inputs, { p }) {
    const [x, y] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate([x.shape[0], x.shape[1], y.shape[1]], x.dtype);
    forwardKernel(out, x, y, p);
    ctx.save(x, y, out);
    return out;
  },
  gradient: (ctx, [g], { p }) => {
    if (!g) return [null, null];
    const [x, y, out] = ctx.saved;
    if (mode.grad) return differentiableGradient(g, x, y, out, p);
    const side = (a: Tensor, b: Tensor, weight: Tensor, distance: Tensor): Tensor => {
      const grad = Tensor.allocate(a.shape, a.dtype);
      gradientKernel(grad, weight, a, b, distance, p);
      return grad;
    };
    return [
      ctx.needs(0) ? side(x, y, g, out) : null,
      ctx.needs(1) ? side(y, x, transpose(g, 1, 2), transpose(out, 1, 2)) : null,
    ];
  },
};

/** The same in differentiable operations, at the cost of all differences in memory: only for second derivatives. */
function differentiableGradient(g: Tensor, x: Tensor, y: Tensor, out: Tensor, p: number): Tensor[] {
  const differences = sub(unsqueeze(x, 2), unsqueeze(y, 1));
  const [weight, distance] = [unsqueeze(g, 3), unsqueeze(out, 3)];
  const local =
    p === Infinity
      ? mul(mul(weight, sign(differences)), cast(eq(abs(differences), distance), x.dtype))
      : normGradient(weight, differences, distance, p, [3]);
  return [sum(local, 2), neg(sum(local, 1))];
}

/**
 * The distances of all pairs of rows.
 *
 * @param x1 `(..., P, M)`. @param x2 `(..., R, M)`. Batch dimensions broadcast.
 * @param p the norm: 2 (default), 1, 0 (how many elements differ), Infinity, or any positive number.
 * @param computeMode accepted for PyTorch's sake: distances are always computed from differences, which loses no digits.
 * @returns `(..., P, R)`. The gradient at distance 0 is 0. Errors: rows of different lengths; negative p. Source: `torch.cdist`.
 */
export const cdist: (x1: Tensor, x2: Tensor, p?: number, computeMode?: string | null) => Tensor = op(
  {
    name: 'cdist',
    torch: 'cdist(x1, x2, p=2.0, compute_mode=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 2] }, { shape: [4, 2] }],
      [{ shape: [2, 3, 2] }, { shape: [4, 2] }, 3],
      [{ shape: [3, 2] }, { shape: [4, 2] }, 1],
    ],
  },
  (x1: Tensor, x2: Tensor, p = 2, _computeMode?: string | null) => {
    if (!(p >= 0)) throw new RangeError(`cdist: p ${p} must not be negative`);
    if (x1.ndim < 2 || x2.ndim < 2 || x1.shape.at(-1) !== x2.shape.at(-1))
      throw new RangeError(
        `cdist: ${formatShape(x1.shape)} and ${formatShape(x2.shape)} must be (..., P, M) and (..., R, M)`,
      );
    if (x1.dtype !== x2.dtype || !x1.isFloating)
      throw new TypeError(`cdist: the dtypes ${x1.dtype} and ${x2.dtype} must be the same floating one`);
    const batch = broadcastShapes('cdist', x1.shape.slice(0, -2), x2.shape.slice(0, -2));
    const count = batch.reduce((a, b) => a * b, 1);
    const rows = (x: Tensor): Tensor =>
      contiguous(reshape(expand(x, [...batch, ...x.shape.slice(-2)]), [count, ...x.shape.slice(-2)]));
    const out = applyOne(cdistPrimitive, [rows(x1), rows(x2)], { p });
    return reshape(out, [...batch, x1.shape.at(-2)!, x2.shape.at(-2)!]);
  },
);
