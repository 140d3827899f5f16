import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { eachLane, laneLength, laneStep } from '../engine/lanes.ts';
import { isFloating } from '../tensor/dtype.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { div, mul } from './arithmetic.ts';
import { cast, copyKernel, scalar } from './cast.ts';
import { clamp } from './clamp.ts';
import { eq } from './comparison.ts';
import { checkedIndex, checkFits, gathered, scatterAdded, scatterAddPrimitive, scattered } from './gather.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';
import { where } from './where.ts';

const at = { shape: [2, 3], data: [0, 2, 1, 1, 0, 0], dtype: 'int32' } as const;

/** The source for an index: a number repeated, or the part of a tensor that the index covers. Errors: too small; another dtype. */
function sourceFor(name: string, input: Tensor, index: Tensor, source: Tensor | number): Tensor {
  if (!(source instanceof Tensor)) return expand(scalar(source, input.dtype), index.shape);
  if (source.dtype !== input.dtype)
    throw new TypeError(
      `${name}: the source is ${source.dtype} and the input ${input.dtype}: convert one with to('${input.dtype}')`,
    );
  if (index.size === 0) return Tensor.allocate(index.shape, input.dtype);
  checkFits(name, index, source, -1, 'source');
  if (index.ndim !== source.ndim) return reshape(source, index.shape);
  return index.shape.reduce(
    (part, size, d) => (size === source.shape[d] ? part : part.narrow(d, 0, size)),
    source,
  );
}

/** What every scatter checks, once: the dimension, the index as int32, the source of the index's shape. */
function prepare(
  name: string,
  input: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor | number,
): { place: number; at: Tensor; src: Tensor } {
  const place = normalizeDim(name, dim, input.ndim);
  checkFits(name, index, input, place, 'input');
  return {
    place,
    at: checkedIndex(name, index, laneLength(input, place)),
    src: sourceFor(name, input, index, source),
  };
}

/**
 * The input with `source` written at `index` along `dim`: the reverse of `gather`. Where an index is repeated, the last one counts.
 *
 * @param source a tensor that is at least as large as the index, or one number.
 * @param options `reduce`: 'add' or 'multiply' what is there instead of replacing it.
 * Errors: an index outside; shapes that do not fit; another dtype. Source: `torch.scatter`.
 */
export const scatter: (
  input: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor | number,
  options?: { reduce?: 'add' | 'multiply' | null },
) => Tensor = op(
  {
    name: 'scatter',
    torch: 'scatter(input, dim, index, src, *, reduce=None)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 3] }, 0, { shape: [2, 3], data: [0, 2, 1, 1, 0, 2], dtype: 'int32' }, { shape: [2, 3] }],
      [{ shape: [2, 3] }, 1, at, 2.5],
    ],
  },
  (
    input: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor | number,
    { reduce = null }: { reduce?: 'add' | 'multiply' | null } = {},
  ) => {
    if (reduce !== null && reduce !== 'add' && reduce !== 'multiply')
      throw new RangeError(
        `scatter: reduce '${String(reduce)}' is unknown: use add or multiply; scatterReduce has more`,
      );
    const { place, at, src } = prepare('scatter', input, dim, index, source);
    if (reduce === 'add') return applyOne(scatterAddPrimitive, [input, at, src], { dim: place });
    if (reduce === 'multiply') return reduced(input, at, src, place, 'prod');
    return scattered(input, place, at, src);
  },
);

/** The input with `source` added at `index` along `dim`; repeated indices add up. See `scatter`. */
export const scatterAdd: (input: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor = op(
  {
    name: 'scatterAdd',
    torch: 'scatter_add(input, dim, index, src)',
    family: 'indexing',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1, at, { shape: [2, 3] }]],
  },
  (input: Tensor, dim: number, index: Tensor, source: Tensor) => {
    const { place, at, src } = prepare('scatterAdd', input, dim, index, source);
    return applyOne(scatterAddPrimitive, [input, at, src], { dim: place });
  },
);

const kinds = ['prod', 'amax', 'amin'] as const;
type Kind = (typeof kinds)[number];

/** out at `index` along `dim` = its product with src (kind 0), the greater (1) or the smaller (2) of the two; NaN wins. */
const reduceKernel = kernel(
  'index.scatterReduce',
  (out: Tensor, index: Tensor, src: Tensor, dim: number, kind: number) => {
    const [target, source, at] = [out.elements, src.elements, index.elements];
    const [so, ss, si] = [out, src, index].map((t) => laneStep(t, dim));
    const length = laneLength(index, dim);
    if (length === 0) return;
    const join = kind === 0 ? (x: number, y: number): number => x * y : kind === 1 ? Math.max : Math.min;
    eachLane([index, out, src], dim, ([pi, po, ps]) => {
      for (let i = 0; i < length; i++) {
        const place = po + at[pi + i * si] * so;
        target[place] = join(target[place], source[ps + i * ss]);
      }
    });
  },
);

const reducePrimitive: Primitive<{ dim: number; kind: Kind }> = {
  name: 'scatterReduce',
  forward(ctx, inputs, { dim, kind }) {
    const [input, index, src] = inputs as [Tensor, Tensor, Tensor];
    const out = Tensor.allocate(input.shape, input.dtype);
    copyKernel(out, input);
    reduceKernel(out, index, src, dim, kinds.indexOf(kind));
    ctx.save(input, index, src, out);
    return out;
  },
  gradient: (ctx, [g], { dim, kind }) => {
    const [input, index, src, out] = ctx.saved;
    if (!g) return [null, null, null];
    if (kind === 'prod') return productGradient(g, input, index, src, out, dim);
    const own = cast(eq(input, out), g.dtype);
    const from = cast(eq(src, gathered(out, dim, index)), g.dtype);
    const share = div(g, applyOne(scatterAddPrimitive, [own, index, from], { dim }));
    return [mul(own, share), null, mul(from, gathered(share, dim, index))];
  },
};

/** A single zero takes the product of the others, which division cannot give. */
function productGradient(
  g: Tensor,
  input: Tensor,
  index: Tensor,
  src: Tensor,
  out: Tensor,
  dim: number,
): (Tensor | null)[] {
  const filled = where(eq(input, 0), 1, input);
  const self = div(mul(g, reduced(filled, index, src, dim, 'prod')), filled);
  const zero = eq(src, 0);
  const zeros = gathered(scatterAdded(input.shape, dim, index, cast(zero, g.dtype)), dim, index);
  const single = mul(zero, eq(zeros, 1));
  const others = gathered(mul(g, reduced(input, index, where(single, 1, src), dim, 'prod')), dim, index);
  const divided = div(gathered(mul(g, out), dim, index), where(zero, 1, src));
  return [self, null, where(single, others, divided)];
}

const reduced = (input: Tensor, index: Tensor, src: Tensor, dim: number, kind: Kind): Tensor =>
  applyOne(reducePrimitive, [input, index, src], { dim, kind });

export interface ScatterReduceOptions {
  /** Whether the input's own elements take part. Default true. */
  includeSelf?: boolean;
}

/**
 * The input with `source` joined to it at `index` along `dim`: by sum, product, mean, or the greatest or smallest, which share
 * their gradient among equals.
 *
 * Errors: an index outside; shapes that do not fit; an unknown reduction. Source: `torch.scatter_reduce`.
 */
export const scatterReduce: (
  input: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  reduce: 'sum' | 'prod' | 'mean' | 'amax' | 'amin',
  options?: ScatterReduceOptions,
) => Tensor = op(
  {
    name: 'scatterReduce',
    torch: 'scatter_reduce(input, dim, index, src, reduce, *, include_self=True)',
    family: 'indexing',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, 1, at, { shape: [2, 3] }, 'sum'],
      [{ shape: [2, 3] }, 1, at, { shape: [2, 3] }, 'mean', { includeSelf: false }],
      [{ shape: [2, 3], low: 0.5, high: 2 }, 1, at, { shape: [2, 3], low: 0.5, high: 2 }, 'prod'],
      [{ shape: [2, 3] }, 1, at, { shape: [2, 3] }, 'amax'],
      [{ shape: [2, 3] }, 1, at, { shape: [2, 3] }, 'amin', { includeSelf: false }],
    ],
  },
  (
    input: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: 'sum' | 'prod' | 'mean' | 'amax' | 'amin',
    { includeSelf = true }: ScatterReduceOptions = {},
  ) => {
    const { place, at, src } = prepare('scatterReduce', input, dim, index, source);
    const float = isFloating(input.dtype);
    const identity: Record<typeof reduce, number> = {
      sum: 0,
      mean: 0,
      prod: 1,
      amax: float ? -Infinity : input.dtype === 'int32' ? -(2 ** 31) : 0,
      amin: float ? Infinity : input.dtype === 'int32' ? 2 ** 31 - 1 : 255,
    };
    if (!(reduce in identity))
      throw new RangeError(
        `scatterReduce: reduce '${String(reduce)}' is unknown: use ${Object.keys(identity).join(', ')}`,
      );
    const cleared = (t: Tensor, value: number): Tensor =>
      includeSelf ? t : scattered(t, place, at, expand(scalar(value, t.dtype), at.shape));
    const base = cleared(input, identity[reduce]);
    if (reduce !== 'sum' && reduce !== 'mean') return reduced(base, at, src, place, reduce);
    const total = applyOne(scatterAddPrimitive, [base, at, src], { dim: place });
    if (reduce === 'sum') return total;
    const one = expand(scalar(1, input.dtype), input.shape);
    const count = applyOne(
      scatterAddPrimitive,
      [cleared(one, 0), at, expand(scalar(1, input.dtype), at.shape)],
      { dim: place },
    );
    return div(total, clamp(count, 1), { roundingMode: float ? null : 'floor' });
  },
);
