import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachRow, operand } from '../engine/loops.ts';
import { type DType, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { formatShape, normalizeDims, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { div, mul, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { eq } from './comparison.ts';
import { exp, isinf, isnan, log, sqrt } from './pointwise.ts';
import { op } from './record.ts';
import { type Dims, droppedShape, keptShape, sum } from './reduce.ts';
import { reshape } from './views.ts';
import { where } from './where.ts';

export interface Keep {
  keepdim?: boolean;
}

const countOf = (shape: Shape, dims: readonly number[]): number =>
  dims.reduce((count, d) => count * shape[d], 1);

const drop = (kept: Tensor, from: Shape, dims: readonly number[], keepdim: boolean): Tensor =>
  keepdim ? kept : reshape(kept, droppedShape(from, dims));

/** The mean over one dimension, several, or all; NaN of nothing. Error: integers (give `dtype`). */
export const mean: (input: Tensor, dim?: Dims, options?: Keep & { dtype?: DType }) => Tensor = op(
  {
    name: 'mean',
    torch: 'mean(input, dim=None, *, keepdim=False, dtype=None)',
    family: 'reduction',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }], [{ shape: [2, 3, 4] }, [0, 2], { keepdim: true }]],
  },
  (input: Tensor, dim?: Dims, { keepdim = false, dtype }: Keep & { dtype?: DType } = {}) => {
    const x = dtype ? cast(input, dtype) : input;
    if (!isFloating(x.dtype))
      throw new TypeError(`mean: the input is ${x.dtype}: give {dtype: 'float32'} or convert it`);
    const dims = normalizeDims('mean', dim, x.ndim);
    return div(sum(x, dims.length === 0 ? undefined : dims, { keepdim }), countOf(x.shape, dims));
  },
);

/** out (kept dims) = the greatest (sign 1) or smallest (sign -1) of a; NaN wins. */
const extremeKernel = kernel('reduce.extreme', (out: Tensor, a: Tensor, signOf: number) => {
  const o = operand(out, a.shape);
  const x = operand(a, a.shape);
  out.elements.fill(
    signOf > 0
      ? isFloating(out.dtype)
        ? -Infinity
        : -(2 ** 31)
      : isFloating(out.dtype)
        ? Infinity
        : 2 ** 31 - 1,
    out.offset,
    out.offset + out.size,
  );
  if (out.dtype === 'uint8' || out.dtype === 'bool')
    out.elements.fill(signOf > 0 ? 0 : 255, out.offset, out.offset + out.size);
  const [best, array] = [o.array, x.array];
  eachRow(a.shape, [o, x], (places, steps, n) => {
    const [so, sx] = steps;
    let [p, q] = places;
    for (let i = 0; i < n; i++, p += so, q += sx) {
      const value = array[q];
      if (signOf > 0 ? value > best[p] : value < best[p]) best[p] = value;
      else if (Number.isNaN(value)) best[p] = value;
    }
  });
});

const extremePrimitive: Primitive<{ dims: readonly number[]; signOf: number }> = {
  name: 'extreme',
  forward(ctx, [input], { dims, signOf }) {
    const x = input as Tensor;
    const out = Tensor.allocate(keptShape(x.shape, dims), x.dtype);
    extremeKernel(out, x, signOf);
    ctx.save(x, out);
    return out;
  },
  gradient: (ctx, [g], { dims }) => {
    const [x, out] = ctx.saved;
    const hits = cast(eq(x, out), x.dtype);
    return [g && mul(div(g, sum(hits, [...dims], { keepdim: true })), hits)];
  },
};

function extreme(name: string, signOf: number): (input: Tensor, dim?: Dims, options?: Keep) => Tensor {
  return op(
    {
      name,
      torch: `${name}(input, dim=None, *, keepdim=False)`,
      family: 'reduction',
      differentiable: true,
      samples: () => [[{ shape: [2, 3] }], [{ shape: [2, 3] }, 1, { keepdim: true }]],
    },
    (input: Tensor, dim?: Dims, { keepdim = false }: Keep = {}) => {
      const dims = normalizeDims(name, dim, input.ndim);
      if (countOf(input.shape, dims) === 0)
        throw new RangeError(
          `${name}: dimension of size 0 in ${formatShape(input.shape)}: there is nothing to compare`,
        );
      return drop(applyOne(extremePrimitive, [input], { dims, signOf }), input.shape, dims, keepdim);
    },
  );
}

/** The greatest over dimensions; NaN wins; equal ones share the gradient. */
export const amax: (input: Tensor, dim?: Dims, options?: Keep) => Tensor = extreme('amax', 1);
/** The smallest over dimensions; NaN wins; equal ones share the gradient. */
export const amin: (input: Tensor, dim?: Dims, options?: Keep) => Tensor = extreme('amin', -1);

/** The dimensions as a list that a composed operation hands on, once they have been checked under its own name. */
function checked(name: string, input: Tensor, dim: Dims | undefined): number[] | undefined {
  const dims = normalizeDims(name, dim, input.ndim);
  return dims.length === 0 ? undefined : dims;
}

export interface VarianceOptions extends Keep {
  /** What is subtracted from the count: 1 (default) estimates from a sample, 0 is the population's. */
  correction?: number;
  /** PyTorch's older form of `correction`: true is 1, false is 0. */
  unbiased?: boolean;
}

function variance(
  name: string,
  input: Tensor,
  dim: Dims | boolean | undefined,
  { keepdim = false, correction, unbiased }: VarianceOptions,
): Tensor {
  const legacy = typeof dim === 'boolean' ? dim : unbiased;
  const over = typeof dim === 'boolean' ? undefined : dim;
  const minus = correction ?? (legacy === false ? 0 : 1);
  if (!isFloating(input.dtype))
    throw new TypeError(`${name}: the input is ${input.dtype}: convert it to a floating dtype`);
  const dims = normalizeDims(name, over, input.ndim);
  const list = dims.length === 0 ? undefined : dims;
  const centred = sub(input, mean(input, list, { keepdim: true }));
  const freedom = Math.max(0, countOf(input.shape, dims) - minus);
  return div(sum(mul(centred, centred), list, { keepdim }), freedom);
}

type Variance = (input: Tensor, dim?: Dims | boolean, options?: VarianceOptions) => Tensor;
const varianceSamples = () => [[{ shape: [2, 3] }], [{ shape: [3, 4] }, 1, { correction: 0, keepdim: true }]];

/** The variance over dimensions; unbiased by default. NaN where the count less the correction is 0. */
const variance_: Variance = op(
  {
    name: 'var',
    torch: 'var(input, dim=None, *, unbiased=True, correction=1, keepdim=False)',
    family: 'reduction',
    differentiable: true,
    samples: varianceSamples,
  },
  (input: Tensor, dim?: Dims | boolean, options: VarianceOptions = {}) =>
    variance('var', input, dim, options),
);

export { variance_ as var };

/** The standard deviation over dimensions; unbiased by default; its gradient is 0 where it is 0. */
export const std: Variance = op(
  {
    name: 'std',
    torch: 'std(input, dim=None, *, unbiased=True, correction=1, keepdim=False)',
    family: 'reduction',
    differentiable: true,
    samples: varianceSamples,
  },
  (input: Tensor, dim?: Dims | boolean, options: VarianceOptions = {}) =>
    safeRoot(variance('std', input, dim, options)),
);

type WithMean = (
  input: Tensor,
  dim?: Dims | boolean,
  options?: VarianceOptions,
) => [spread: Tensor, mean: Tensor];

function withMean(name: string, torch: string, spread: Variance): WithMean {
  return op(
    {
      name,
      torch: `${torch}(input, dim=None, *, unbiased=True, correction=1, keepdim=False)`,
      family: 'reduction',
      differentiable: true,
      samples: varianceSamples,
    },
    (input: Tensor, dim?: Dims | boolean, options: VarianceOptions = {}): [Tensor, Tensor] => {
      const dims = checked(name, input, typeof dim === 'boolean' ? undefined : dim);
      return [
        spread(input, typeof dim === 'boolean' ? dim : dims, options),
        mean(input, dims, { keepdim: options.keepdim }),
      ];
    },
  );
}

/** The standard deviation and the mean. See `std`. */
export const stdMean: WithMean = withMean('stdMean', 'std_mean', std);
/** The variance and the mean. See `var`. */
export const varMean: WithMean = withMean('varMean', 'var_mean', variance_);

/** sqrt whose gradient at 0 is 0. */
function safeRoot(x: Tensor): Tensor {
  const zero = eq(x, 0);
  return where(zero, mul(x, 0), sqrt(where(zero, 1, x)));
}

/** log(sum(e^input)) over dimensions, without overflow; -Infinity of nothing but -Infinity. */
export const logsumexp: (input: Tensor, dim: Dims, options?: Keep) => Tensor = op(
  {
    name: 'logsumexp',
    torch: 'logsumexp(input, dim, *, keepdim=False)',
    family: 'reduction',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1]],
  },
  (input: Tensor, dim: Dims, { keepdim = false }: Keep = {}) => {
    const x = isFloating(input.dtype) ? input : cast(input, getDefaultDtype());
    const dims = normalizeDims('logsumexp', dim, x.ndim);
    const list = dims.length === 0 ? undefined : dims;
    if (x.size === 0) return log(sum(exp(x), list, { keepdim }));
    const peak = amax(x.detach(), list, { keepdim: true });
    const shift = where(isinf(peak), 0, peak);
    const total = log(sum(exp(sub(x, shift)), list, { keepdim: true }));
    return drop(total.add(shift), x.shape, dims, keepdim);
  },
);

/** The sum that takes NaN for 0. */
export const nansum: (input: Tensor, dim?: Dims, options?: Keep) => Tensor = op(
  {
    name: 'nansum',
    torch: 'nansum(input, dim=None, *, keepdim=False)',
    family: 'reduction',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1]],
  },
  (input: Tensor, dim?: Dims, { keepdim = false }: Keep = {}) =>
    sum(where(isnan(input), 0, input), checked('nansum', input, dim), { keepdim }),
);

/** The mean of what is not NaN. */
export const nanmean: (input: Tensor, dim?: Dims, options?: Keep) => Tensor = op(
  {
    name: 'nanmean',
    torch: 'nanmean(input, dim=None, *, keepdim=False)',
    family: 'reduction',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1]],
  },
  (input: Tensor, dim?: Dims, { keepdim = false }: Keep = {}) => {
    const dims = checked('nanmean', input, dim);
    return div(nansum(input, dims, { keepdim }), sum(cast(eq(input, input), input.dtype), dims, { keepdim }));
  },
);

/** How many are not 0. */
export const countNonzero: (input: Tensor, dim?: Dims) => Tensor = op(
  {
    name: 'countNonzero',
    torch: 'count_nonzero(input, dim=None)',
    family: 'reduction',
    differentiable: 'a count',
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor, dim?: Dims) => sum(cast(input.detach(), 'bool'), checked('countNonzero', input, dim)),
);

/** Whether all are not 0. */
export const all: (input: Tensor, dim?: Dims, options?: Keep) => Tensor = op(
  {
    name: 'all',
    torch: 'all(input, dim=None, *, keepdim=False)',
    family: 'reduction',
    differentiable: 'a predicate',
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor, dim?: Dims, { keepdim = false }: Keep = {}) =>
    eq(sum(eq(cast(input.detach(), 'bool'), false), checked('all', input, dim), { keepdim }), 0),
);

/** Whether any is not 0. */
export const any: (input: Tensor, dim?: Dims, options?: Keep) => Tensor = op(
  {
    name: 'any',
    torch: 'any(input, dim=None, *, keepdim=False)',
    family: 'reduction',
    differentiable: 'a predicate',
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor, dim?: Dims, { keepdim = false }: Keep = {}) =>
    cast(sum(cast(input.detach(), 'bool'), checked('any', input, dim), { keepdim }), 'bool'),
);

export { logSoftmax, softmax } from './softmax.ts';
