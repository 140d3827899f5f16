import { applyMany, applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { type DType, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { normalizeDim, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul, sub } from './arithmetic.ts';
import { cast, scalar } from './cast.ts';
import { ne } from './comparison.ts';
import type { ValuesIndices } from './extremum.ts';
import { scatterAdded } from './gather.ts';
import { cat } from './join.ts';
import { exp } from './pointwise.ts';
import { op } from './record.ts';
import { narrow } from './shape.ts';
import { expand } from './views.ts';
import { where } from './where.ts';

/** out[i] = a[0] + ... + a[i] along `dim`; from the end with `reverse` 1. A float64 accumulator. */
const sumKernel = kernel('scan.sum', (out: Tensor, a: Tensor, dim: number, reverse: number) => {
  const [y, x] = [out.elements, a.elements];
  const n = laneLength(a, dim);
  const [so, sa] = [laneStep(out, dim), laneStep(a, dim)];
  eachLane([out, a], dim, ([po, pa]) => {
    let total = 0;
    for (let k = 0; k < n; k++) {
      const i = reverse ? n - 1 - k : k;
      total += x[pa + i * sa];
      y[po + i * so] = total;
    }
  });
});

/** out[i] = a[0] * ... * a[i] along `dim`; from the end with `reverse` 1. */
const productKernel = kernel('scan.product', (out: Tensor, a: Tensor, dim: number, reverse: number) => {
  const [y, x] = [out.elements, a.elements];
  const n = laneLength(a, dim);
  const [so, sa] = [laneStep(out, dim), laneStep(a, dim)];
  const whole = !isFloating(out.dtype);
  eachLane([out, a], dim, ([po, pa]) => {
    let total = 1;
    for (let k = 0; k < n; k++) {
      const i = reverse ? n - 1 - k : k;
      total = whole ? Math.imul(total, x[pa + i * sa]) : total * x[pa + i * sa];
      y[po + i * so] = total;
    }
  });
});

/** out[i] = b[i] + a[i] * out[i - 1] along `dim` (out[i + 1] with `reverse` 1), nothing before the first. */
const linearKernel = kernel(
  'scan.linear',
  (out: Tensor, a: Tensor, b: Tensor, dim: number, reverse: number) => {
    const [y, x, z] = [out.elements, a.elements, b.elements];
    const n = laneLength(out, dim);
    const [so, sa, sb] = [out, a, b].map((t) => laneStep(t, dim));
    eachLane([out, a, b], dim, ([po, pa, pb]) => {
      let state = 0;
      for (let k = 0; k < n; k++) {
        const i = reverse ? n - 1 - k : k;
        state = k === 0 ? z[pb + i * sb] : z[pb + i * sb] + x[pa + i * sa] * state;
        y[po + i * so] = state;
      }
    });
  },
);

/** values, indices = the greatest (sign 1) or smallest (-1) of a[0..i] along `dim`; the last of equals; NaN wins. */
const extremeKernel = kernel(
  'scan.extreme',
  (values: Tensor, indices: Tensor, a: Tensor, dim: number, sign: number) => {
    const [v, at, x] = [values.elements, indices.elements, a.elements];
    const n = laneLength(a, dim);
    const [sv, si, sa] = [values, indices, a].map((t) => laneStep(t, dim));
    eachLane([values, indices, a], dim, ([pv, pi, pa]) => {
      let best = x[pa];
      let place = 0;
      for (let i = 0; i < n; i++) {
        const next = x[pa + i * sa];
        if (Number.isNaN(next) || (!Number.isNaN(best) && (sign > 0 ? next >= best : next <= best))) {
          best = next;
          place = i;
        }
        v[pv + i * sv] = best;
        at[pi + i * si] = place;
      }
    });
  },
);

/** out[i] = log(e^a[0] + ... + e^a[i]) along `dim`, without overflow. */
const logSumExpKernel = kernel('scan.logSumExp', (out: Tensor, a: Tensor, dim: number) => {
  const [y, x] = [out.elements, a.elements];
  const n = laneLength(a, dim);
  const [so, sa] = [laneStep(out, dim), laneStep(a, dim)];
  eachLane([out, a], dim, ([po, pa]) => {
    let peak = -Infinity;
    let total = 0;
    for (let i = 0; i < n; i++) {
      const next = x[pa + i * sa];
      if (next > peak) {
        total = peak === -Infinity ? 1 : total * Math.exp(peak - next) + 1;
        peak = next;
      } else if (next !== -Infinity) total += next === peak ? 1 : Math.exp(next - peak);
      y[po + i * so] = peak + Math.log(total);
    }
  });
});

interface Direction {
  dim: number;
  reverse: boolean;
}

const sumPrimitive: Primitive<Direction> = {
  name: 'cumsum',
  forward(_ctx, [input], { dim, reverse }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    sumKernel(out, x, dim, Number(reverse));
    return out;
  },
  gradient: (_ctx, [g], { dim, reverse }) => [g && applyOne(sumPrimitive, [g], { dim, reverse: !reverse })],
};

/** Zeros or ones in the shape of one slice along `dim`, without memory of their own. */
const edge = (like: Tensor, dim: number, value: number): Tensor =>
  expand(
    scalar(value, like.dtype),
    like.shape.map((size, d) => (d === dim ? 1 : size)),
  );

/** Moved by one along `dim`: towards the end (the first becomes `value`), or towards the front with `back`. */
function shifted(x: Tensor, dim: number, back: boolean, value: number): Tensor {
  const n = laneLength(x, dim);
  if (x.size === 0) return x;
  if (x.ndim === 0) return scalar(value, x.dtype);
  const rest = narrow(x, dim, back ? 1 : 0, n - 1);
  return cat(back ? [rest, edge(x, dim, value)] : [edge(x, dim, value), rest], dim);
}

/** s[i] = b[i] + a[i] * s[i - 1]: the recurrence in which the gradients of products are exact, zeros or not. */
const linearPrimitive: Primitive<Direction> = {
  name: 'linearScan',
  forward(ctx, inputs, { dim, reverse }) {
    const [a, b] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate(b.shape, b.dtype);
    linearKernel(out, a, b, dim, Number(reverse));
    ctx.save(a, out);
    return out;
  },
  gradient: (ctx, [g], { dim, reverse }) => {
    const [a, out] = ctx.saved;
    if (!g) return [null, null];
    const adjoint = linear(shifted(a, dim, !reverse, 0), g, dim, !reverse);
    return [ctx.needs(0) ? mul(adjoint, shifted(out, dim, reverse, 0)) : null, adjoint];
  },
};

const linear = (a: Tensor, b: Tensor, dim: number, reverse: boolean): Tensor =>
  applyOne(linearPrimitive, [a, b], { dim, reverse });

const productPrimitive: Primitive<Direction> = {
  name: 'cumprod',
  forward(ctx, [input], { dim, reverse }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    productKernel(out, x, dim, Number(reverse));
    ctx.save(x, out);
    return out;
  },
  gradient: (ctx, [g], { dim, reverse }) => {
    const [x, out] = ctx.saved;
    if (!g) return [null];
    const before = shifted(out, dim, reverse, 1);
    return [mul(before, linear(shifted(x, dim, !reverse, 0), g, dim, !reverse))];
  },
};

/** The products of all elements before (after, with `reverse`) each one along `dim`. */
export const productBefore = (x: Tensor, dim: number, reverse: boolean): Tensor =>
  shifted(applyOne(productPrimitive, [x], { dim, reverse }), dim, reverse, 1);

const accumulated = (input: Tensor, dtype: DType | undefined): Tensor =>
  cast(input, dtype ?? (isFloating(input.dtype) ? input.dtype : 'int32'));

type Scan = (input: Tensor, dim: number, options?: { dtype?: DType }) => Tensor;

function scan(name: string, primitive: Primitive<Direction>): Scan {
  return op(
    {
      name,
      torch: `${name}(input, dim, *, dtype=None)`,
      family: 'scan',
      differentiable: true,
      samples: () => [
        [{ shape: [3, 4] }, 1],
        [{ shape: [3, 2], data: [0.5, 0, -1.5, 2, 1, 0.25] }, 0],
      ],
    },
    (input: Tensor, dim: number, { dtype }: { dtype?: DType } = {}) =>
      applyOne(primitive, [accumulated(input, dtype)], {
        dim: normalizeDim(name, dim, input.ndim),
        reverse: false,
      }),
  );
}

/** The running sum along a dimension. Booleans and integers give int32 (PyTorch: int64). Source: `torch.cumsum`. */
export const cumsum: Scan = scan('cumsum', sumPrimitive);

/** The running product along a dimension; its gradient is exact where elements are 0. Source: `torch.cumprod`. */
export const cumprod: Scan = scan('cumprod', productPrimitive);

interface Extreme {
  dim: number;
  sign: number;
  from: Shape;
}

const extremePrimitive: Primitive<Extreme> = {
  name: 'cummax',
  forward(ctx, [input], { dim, sign }) {
    const x = input as Tensor;
    const values = Tensor.allocate(x.shape, x.dtype);
    const indices = Tensor.allocate(x.shape, 'int32');
    extremeKernel(values, indices, x, dim, sign);
    ctx.save(indices);
    return [values, indices];
  },
  gradient: (ctx, [g], { dim, from }) => [g && scatterAdded(from, dim, ctx.saved[0], g)],
};

function runningExtreme(name: string, sign: number): (input: Tensor, dim: number) => ValuesIndices {
  return op(
    {
      name,
      torch: `${name}(input, dim)`,
      family: 'scan',
      differentiable: true,
      samples: () => [[{ shape: [3, 4] }, 1]],
    },
    (input: Tensor, dim: number) =>
      applyMany(extremePrimitive, [input], {
        dim: normalizeDim(name, dim, input.ndim),
        sign,
        from: input.shape,
      }) as ValuesIndices,
  );
}

/** The greatest so far along a dimension, and its index: the last of equals; NaN wins. Source: `torch.cummax`. */
export const cummax: (input: Tensor, dim: number) => ValuesIndices = runningExtreme('cummax', 1);

/** The smallest so far along a dimension, and its index: the last of equals; NaN wins. Source: `torch.cummin`. */
export const cummin: (input: Tensor, dim: number) => ValuesIndices = runningExtreme('cummin', -1);

const logSumExpPrimitive: Primitive<{ dim: number }> = {
  name: 'logcumsumexp',
  forward(ctx, [input], { dim }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    logSumExpKernel(out, x, dim);
    ctx.save(x);
    return out;
  },
  // d/dx[k] = sum over j >= k of g[j] e^(x[k] - y[j]): a recurrence whose factors e^(y[k] - y[k+1]) are at most 1; in float64,
  // because the differences of large logarithms lose what float32 has.
  gradient: (ctx, [g], { dim }) => {
    if (!g) return [null];
    const x = cast(ctx.saved[0], 'float64');
    const y = applyOne(logSumExpPrimitive, [x], { dim });
    const finite = where(ne(y, -Infinity), y, 0);
    const decay = exp(sub(y, shifted(finite, dim, true, Infinity)));
    const total = linear(decay, cast(g, 'float64'), dim, true);
    return [cast(mul(exp(sub(x, finite)), total), g.dtype)];
  },
};

/** log(e^x₀ + ... + e^xᵢ) along a dimension, without overflow. Source: `torch.logcumsumexp`. */
export const logcumsumexp: (input: Tensor, dim: number) => Tensor = op(
  {
    name: 'logcumsumexp',
    torch: 'logcumsumexp(input, dim)',
    family: 'scan',
    differentiable: true,
    samples: () => [[{ shape: [3, 4], low: -3, high: 3 }, 1]],
  },
  (input: Tensor, dim: number) =>
    applyOne(logSumExpPrimitive, [isFloating(input.dtype) ? input : cast(input, getDefaultDtype())], {
      dim: normalizeDim('logcumsumexp', dim, input.ndim),
    }),
);

/**
 * The differences of neighbours along a dimension, `n` times over; `prepend` and `append` are joined to the input first.
 *
 * Errors: `n` below 0; a 0-d tensor. Source: `torch.diff`.
 */
export const diff: (
  input: Tensor,
  n?: number,
  dim?: number,
  prepend?: Tensor | null,
  append?: Tensor | null,
) => Tensor = op(
  {
    name: 'diff',
    torch: 'diff(input, n=1, dim=-1, prepend=None, append=None)',
    family: 'scan',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 4] }, 2],
      [{ shape: [2, 3] }, 1, 0, { shape: [1, 3] }, { shape: [2, 3] }],
    ],
  },
  (input: Tensor, n = 1, dim = -1, prepend?: Tensor | null, append?: Tensor | null) => {
    if (input.ndim === 0) throw new RangeError('diff: a 0-d tensor has no neighbours: give it a dimension');
    if (!Number.isInteger(n) || n < 0) throw new RangeError(`diff: n ${n} must be a whole number from 0`);
    if (n === 0) return input.clone();
    const place = normalizeDim('diff', dim, input.ndim);
    const parts = [prepend, input, append].filter((part) => part instanceof Tensor);
    let x = parts.length > 1 ? cat(parts, place) : input;
    for (let i = 0; i < n; i++) {
      const size = x.shape[place];
      if (size === 0) break;
      const [high, low] = [narrow(x, place, 1, size - 1), narrow(x, place, 0, size - 1)];
      x = x.dtype === 'bool' ? ne(high, low) : sub(high, low);
    }
    return x;
  },
);
