import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { promoteTypes, type TypedArray } from '../tensor/dtype.ts';
import { broadcastShapes, formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, mul } from './arithmetic.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';
import { transpose, unsqueeze } from './shape.ts';
import { expand, reshape } from './views.ts';

/** How much of b is packed at a time: half a megabyte, which stays in the cache while so many rows of a pass. */
const block = { inner: 128, columns: 512, rows: 256 };

/** A part of b as float64, row by row: reused from call to call. */
const panel = new Float64Array(block.inner * block.columns);

/** Eight numbers of a: four inner steps of two rows. */
const pair = new Float64Array(8);

/** Two rows of n totals at `t` += four rows of the panel at `p`, times the numbers of `pair`: each is read once for two products. */
function addToTwo(totals: Float64Array, t: number, p: number, n: number): void {
  const w0 = pair[0];
  const x0 = pair[1];
  const y0 = pair[2];
  const z0 = pair[3];
  const w1 = pair[4];
  const x1 = pair[5];
  const y1 = pair[6];
  const z1 = pair[7];
  const q = p + n;
  const r = q + n;
  const s = r + n;
  const u = t + n;
  for (let j = 0; j < n; j++) {
    const b0 = panel[p + j];
    const b1 = panel[q + j];
    const b2 = panel[r + j];
    const b3 = panel[s + j];
    totals[t + j] += w0 * b0 + x0 * b1 + y0 * b2 + z0 * b3;
    totals[u + j] += w1 * b0 + x1 * b1 + y1 * b2 + z1 * b3;
  }
}

/** One row of n totals at `t` += four rows of the panel at `p`, times the first four numbers of `pair`. */
function addToOne(totals: Float64Array, t: number, p: number, n: number): void {
  const w = pair[0];
  const x = pair[1];
  const y = pair[2];
  const z = pair[3];
  const q = p + n;
  const r = q + n;
  const s = r + n;
  for (let j = 0; j < n; j++)
    totals[t + j] += w * panel[p + j] + x * panel[q + j] + y * panel[r + j] + z * panel[s + j];
}

/**
 * out (B, M, N) row-major = a (B, M, K) x b (B, K, N), any strides; float64 accumulators. Blocks of b are packed side by side and
 * added to the rows in turn, two rows and four inner steps at a time.
 */
export const matmulKernel = kernel('matmul', (out: Tensor, a: Tensor, b: Tensor) => {
  const [batches, rows, columns] = out.shape;
  const inner = a.shape[2];
  const [x, y, z] = [a.elements, b.elements, out.elements];
  const [aBatch, aRow, aInner] = a.strides;
  const [bBatch, bInner, bColumn] = b.strides;
  const totals = new Float64Array(Math.min(rows, block.rows) * Math.min(columns, block.columns));
  for (let t = 0; t < batches; t++)
    for (let left = 0; left < columns; left += block.columns)
      for (let first = 0; first < rows; first += block.rows) {
        const n = Math.min(block.columns, columns - left);
        const m = Math.min(block.rows, rows - first);
        totals.fill(0);
        for (let top = 0; top < inner; top += block.inner) {
          const depth = Math.min(block.inner, inner - top);
          pack(y, b.offset + t * bBatch + top * bInner + left * bColumn, bInner, bColumn, depth, n);
          for (let i = 0; i < m; i += 2) {
            const two = i + 1 < m;
            let at = a.offset + t * aBatch + (first + i) * aRow + top * aInner;
            // What the inner size lacks to a multiple of four counts as zeros.
            for (let k = 0; k < depth; k += 4)
              for (let step = 0; step < 4; step++, at += aInner) {
                const there = k + step < depth;
                pair[step] = there ? x[at] : 0;
                pair[4 + step] = there && two ? x[at + aRow] : 0;
                if (step < 3) continue;
                if (two) addToTwo(totals, i * n, k * n, n);
                else addToOne(totals, i * n, k * n, n);
              }
          }
        }
        for (let i = 0; i < m; i++) {
          const to = out.offset + (t * rows + first + i) * columns + left;
          for (let j = 0; j < n; j++) z[to + j] = totals[i * n + j];
        }
      }
});

/** depth x n elements from `place`, into the panel, and zeros below up to a multiple of four rows; along the shorter step. */
function pack(y: TypedArray, place: number, bInner: number, bColumn: number, depth: number, n: number): void {
  if (bColumn <= bInner)
    for (let k = 0; k < depth; k++)
      for (let j = 0, p = place + k * bInner; j < n; j++, p += bColumn) panel[k * n + j] = y[p];
  else
    for (let j = 0; j < n; j++)
      for (let k = 0, p = place + j * bColumn; k < depth; k++, p += bInner) panel[k * n + j] = y[p];
  panel.fill(0, depth * n, Math.ceil(depth / 4) * 4 * n);
}

/** (B, M, K) x (B, K, N). */
const batched: Primitive<null> = {
  name: 'bmm',
  forward(ctx, inputs) {
    const [a, b] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate([a.shape[0], a.shape[1], b.shape[2]], a.dtype);
    matmulKernel(out, a, b);
    ctx.save(a, b);
    return out;
  },
  gradient: (ctx, [g]) => {
    const [a, b] = ctx.saved;
    return [
      g && ctx.needs(0) ? applyOne(batched, [g, transpose(b, 1, 2)], null) : null,
      g && ctx.needs(1) ? applyOne(batched, [transpose(a, 1, 2), g], null) : null,
    ];
  },
};

/** The batch of one matrix. */
const single = (t: Tensor): Tensor => t.alias([1, ...t.shape], [0, ...t.strides], t.offset);

/** (M, K) x (K, N). */
const product: Primitive<null> = {
  name: 'mm',
  forward(ctx, inputs) {
    const [a, b] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate([a.shape[0], b.shape[1]], a.dtype);
    matmulKernel(single(out), single(a), single(b));
    ctx.save(a, b);
    return out;
  },
  gradient: (ctx, [g]) => {
    const [a, b] = ctx.saved;
    return [
      g && ctx.needs(0) ? applyOne(product, [g, transpose(b, 0, 1)], null) : null,
      g && ctx.needs(1) ? applyOne(product, [transpose(a, 0, 1), g], null) : null,
    ];
  },
};

/** out (M, N) row-major = a (M, K) x weight (N, K) transposed + bias (N,) or nothing; float64 accumulators. */
export const linearKernel = kernel(
  'linear',
  (out: Tensor, a: Tensor, weight: Tensor, bias: Tensor | null) => {
    const [rows, columns] = out.shape;
    const inner = a.shape[1];
    const [x, w, z] = [a.elements, weight.elements, out.elements];
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        let total = bias === null ? 0 : bias.elements[bias.offset + j * bias.strides[0]];
        let p = a.offset + i * a.strides[0];
        let q = weight.offset + j * weight.strides[0];
        for (let k = 0; k < inner; k++, p += a.strides[1], q += weight.strides[1]) total += x[p] * w[q];
        z[out.offset + i * columns + j] = total;
      }
  },
);

/** (M, K) x (N, K) transposed + (N,). */
const affine: Primitive<null> = {
  name: 'linear',
  forward(ctx, inputs) {
    const [a, weight] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate([a.shape[0], weight.shape[0]], a.dtype);
    linearKernel(out, a, weight, inputs[2]);
    ctx.save(a, weight);
    return out;
  },
  gradient: (ctx, [g]) => {
    if (!g) return [null, null, null];
    const [a, weight] = ctx.saved;
    return [
      ctx.needs(0) ? applyOne(product, [g, weight], null) : null,
      ctx.needs(1) ? applyOne(product, [transpose(g, 0, 1), a], null) : null,
      ctx.needs(2) ? sum(g, 0) : null,
    ];
  },
};

type Product = (input: Tensor, other: Tensor) => Tensor;

function checkInner(name: string, a: Tensor, b: Tensor, left: number, right: number): void {
  if (left !== right)
    throw new RangeError(
      `${name}: ${formatShape(a.shape)} x ${formatShape(b.shape)}: inner sizes ${left} and ${right} differ`,
    );
}

/** Error: two dtypes, as PyTorch has it for products. */
function sameDtype(name: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  if (a.dtype !== b.dtype)
    throw new TypeError(
      `${name}: the dtypes ${a.dtype} and ${b.dtype} differ: convert one with to('${promoteTypes(a.dtype, b.dtype)}')`,
    );
  return [a, b];
}

/**
 * The matrix product: vectors as rows (left) or columns (right), batch dimensions broadcast.
 *
 * @param input `(..., M, K)`, `(K,)`. @param other `(..., K, N)`, `(K,)`.
 * @returns `(..., M, N)`, without the dimensions that vectors lack.
 * Errors: 0-d tensors; inner sizes that differ; batch dimensions that do not broadcast. Source: `torch.matmul`.
 */
export const matmul: Product = op(
  {
    name: 'matmul',
    torch: 'matmul(input, other)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [3, 4] }],
      [{ shape: [2, 1, 2, 3] }, { shape: [5, 3, 2] }],
      [{ shape: [3] }, { shape: [3] }],
    ],
  },
  (input: Tensor, other: Tensor) => {
    const [x, y] = sameDtype('matmul', input, other);
    if (x.ndim === 0 || y.ndim === 0)
      throw new RangeError(
        `matmul: ${formatShape(x.shape)} x ${formatShape(y.shape)}: both need at least one dimension: use mul for numbers`,
      );
    if (x.ndim === 2 && y.ndim === 2) {
      checkInner('matmul', x, y, x.shape[1], y.shape[0]);
      return applyOne(product, [x, y], null);
    }
    const a = x.ndim === 1 ? unsqueeze(x, 0) : x;
    const b = y.ndim === 1 ? unsqueeze(y, 1) : y;
    const [rows, inner] = a.shape.slice(-2);
    const [depth, columns] = b.shape.slice(-2);
    checkInner('matmul', x, y, inner, depth);
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    const count = batch.reduce((p, q) => p * q, 1);
    const left = reshape(expand(a, [...batch, rows, inner]), [count, rows, inner]);
    const right = reshape(expand(b, [...batch, depth, columns]), [count, depth, columns]);
    const whole = applyOne(batched, [left, right], null);
    const shape = [...batch, ...(x.ndim === 1 ? [] : [rows]), ...(y.ndim === 1 ? [] : [columns])];
    return reshape(whole, shape);
  },
);

/** A product that takes only certain numbers of dimensions. */
function strict(name: string, ranks: readonly [number, number]): Product {
  const shape = (rank: number): { shape: number[] } => ({ shape: [3, 3, 3].slice(0, rank) });
  return op(
    {
      name,
      torch: `${name}(input, ${ranks[1] === 1 && ranks[0] === 2 ? 'vec' : 'mat2'})`,
      family: 'linear algebra',
      differentiable: true,
      samples: () => [[shape(ranks[0]), shape(ranks[1])]],
    },
    (input: Tensor, other: Tensor) => {
      if (input.ndim !== ranks[0] || other.ndim !== ranks[1])
        throw new RangeError(
          `${name}: ${formatShape(input.shape)} x ${formatShape(other.shape)}: needs ${ranks[0]} and ${ranks[1]} dimensions`,
        );
      if (name === 'bmm' && input.shape[0] !== other.shape[0])
        throw new RangeError(
          `bmm: ${formatShape(input.shape)} x ${formatShape(other.shape)}: batch sizes ${input.shape[0]} and ${other.shape[0]} differ`,
        );
      checkInner(name, input, other, input.shape.at(-1)!, other.shape[Math.max(0, other.ndim - 2)]);
      return matmul(input, other);
    },
  );
}

/** (M, K) x (K, N). */
export const mm: Product = strict('mm', [2, 2]);
/** (B, M, K) x (B, K, N). */
export const bmm: Product = strict('bmm', [3, 3]);
/** (M, K) x (K,). */
export const mv: Product = strict('mv', [2, 1]);
/** The inner product of two vectors. */
export const dot: Product = strict('dot', [1, 1]);

/** The outer product of two vectors, `(N, M)`. */
export const outer: Product = op(
  {
    name: 'outer',
    torch: 'outer(input, vec2)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [2] }, { shape: [3] }]],
  },
  (input: Tensor, other: Tensor) => {
    if (input.ndim !== 1 || other.ndim !== 1)
      throw new RangeError(
        `outer: ${formatShape(input.shape)} and ${formatShape(other.shape)} must both be vectors`,
      );
    return mul(unsqueeze(input, 1), unsqueeze(other, 0));
  },
);

/** beta * input + alpha * (mat1 x mat2), `input` broadcasting. With beta 0, NaN in `input` is ignored. */
export const addmm: (
  input: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  options?: { beta?: number; alpha?: number },
) => Tensor = op(
  {
    name: 'addmm',
    torch: 'addmm(input, mat1, mat2, *, beta=1, alpha=1)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [2, 4] }, { shape: [2, 3] }, { shape: [3, 4] }, { beta: 0.5, alpha: 2 }]],
  },
  (
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    { beta = 1, alpha = 1 }: { beta?: number; alpha?: number } = {},
  ) => {
    const whole = mm(mat1, mat2);
    const scaled = alpha === 1 ? whole : mul(whole, alpha);
    return beta === 0 ? scaled : add(scaled, beta === 1 ? input : mul(input, beta));
  },
);

/**
 * input x weightᵀ + bias.
 *
 * @param input `(..., in)`. @param weight `(out, in)` or `(in,)`. @param bias `(out,)` or `()`.
 * @returns `(..., out)`. Source: `torch.nn.functional.linear`.
 */
export const linear: (input: Tensor, weight: Tensor, bias?: Tensor | null) => Tensor = op(
  {
    name: 'linear',
    torch: 'nn.functional.linear(input, weight, bias=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, { shape: [4, 3] }, { shape: [4] }]],
  },
  (input: Tensor, weight: Tensor, bias?: Tensor | null) => {
    checkInner('linear', input, weight, input.shape.at(-1) ?? 0, weight.shape.at(-1) ?? 0);
    if (
      weight.ndim === 2 &&
      input.ndim > 0 &&
      (!bias || (bias.ndim === 1 && bias.size === weight.shape[0]))
    ) {
      const [x, w] = sameDtype('linear', input, weight);
      if (bias) sameDtype('linear', input, bias);
      if (x.ndim === 2) return applyOne(affine, [x, w, bias ?? null], null);
      const inner = w.shape[1];
      const rows = x.shape.slice(0, -1).reduce((p, q) => p * q, 1);
      const flat = applyOne(affine, [reshape(x, [rows, inner]), w, bias ?? null], null);
      return reshape(flat, [...x.shape.slice(0, -1), w.shape[0]]);
    }
    const whole = matmul(input, weight.ndim === 1 ? weight : transpose(weight, 0, 1));
    return bias ? add(whole, bias) : whole;
  },
);
