import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import { type DType, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mul, neg, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { exp } from './pointwise.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';
import { contiguous } from './views.ts';

/** Visits the lines of (outer, n, inner) tensors: the places of the line's first elements, and the steps along it. */
function eachLine(
  tensors: readonly Tensor[],
  line: (places: readonly number[], steps: readonly number[]) => void,
): void {
  const [outer, , inner] = tensors[0].shape;
  const steps = tensors.map((t) => t.strides[1]);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++)
      line(
        tensors.map((t) => t.offset + o * t.strides[0] + i * t.strides[2]),
        steps,
      );
}

/** out = softmax of a along the middle of (outer, n, inner), or its logarithm. float64 accumulators. */
const forwardKernel = kernel('softmax.forward', (out: Tensor, a: Tensor, logarithm: boolean) => {
  const n = out.shape[1];
  const [y, x] = [out.elements, a.elements];
  eachLine([out, a], ([to, from], [toStep, fromStep]) => {
    let peak = -Infinity;
    for (let i = 0; i < n; i++) peak = Math.max(peak, x[from + i * fromStep]);
    let total = 0;
    for (let i = 0; i < n; i++) total += Math.exp(x[from + i * fromStep] - peak);
    const shift = Math.log(total);
    for (let i = 0; i < n; i++) {
      const value = x[from + i * fromStep] - peak;
      y[to + i * toStep] = logarithm ? value - shift : Math.exp(value) / total;
    }
  });
});

/** out = output * (grad - sum(grad * output)) along the middle; with `logarithm` grad - e^output * sum(grad). */
const backwardKernel = kernel(
  'softmax.backward',
  (out: Tensor, grad: Tensor, output: Tensor, logarithm: boolean) => {
    const n = out.shape[1];
    const [z, g, y] = [out.elements, grad.elements, output.elements];
    eachLine([out, grad, output], ([to, slope, value], [toStep, slopeStep, valueStep]) => {
      let total = 0;
      for (let i = 0; i < n; i++)
        total += g[slope + i * slopeStep] * (logarithm ? 1 : y[value + i * valueStep]);
      for (let i = 0; i < n; i++) {
        const [a, b] = [g[slope + i * slopeStep], y[value + i * valueStep]];
        z[to + i * toStep] = logarithm ? a - Math.exp(b) * total : b * (a - total);
      }
    });
  },
);

interface Along {
  dim: number;
  logarithm: boolean;
}

/** A row-major tensor as (outer, n, inner), n being the size of a dimension. */
function folded(t: Tensor, dim: number): Tensor {
  let inner = 1;
  for (let d = dim + 1; d < t.ndim; d++) inner *= t.shape[d];
  const n = t.ndim === 0 ? 1 : t.shape[dim];
  const outer = n * inner === 0 ? 0 : t.size / (n * inner);
  return t.alias([outer, n, inner], [n * inner, inner, 1], t.offset);
}

const primitive: Primitive<Along> = {
  name: 'softmax',
  forward(ctx, [input], { dim, logarithm }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    forwardKernel(folded(out, dim), folded(x, dim), logarithm);
    ctx.save(out);
    return out;
  },
  gradient: (ctx, [g], along) => [g && applyOne(backwardPrimitive, [contiguous(g), ctx.saved[0]], along)],
};

const backwardPrimitive: Primitive<Along> = {
  name: 'softmaxBackward',
  forward(ctx, inputs, { dim, logarithm }) {
    const [g, y] = inputs as [Tensor, Tensor];
    const out = Tensor.allocate(y.shape, y.dtype);
    backwardKernel(folded(out, dim), folded(g, dim), folded(y, dim), logarithm);
    ctx.save(g, y);
    return out;
  },
  gradient: (ctx, [v], along) => {
    if (!v) return [null, null];
    const [g, y] = ctx.saved;
    const total = (t: Tensor): Tensor => sum(t, y.ndim === 0 ? null : along.dim, { keepdim: true });
    if (along.logarithm) {
      const p = exp(y);
      return [
        ctx.needs(0) ? sub(v, total(mul(v, p))) : null,
        ctx.needs(1) ? neg(mul(mul(v, p), total(g))) : null,
      ];
    }
    return [
      ctx.needs(0) ? applyOne(backwardPrimitive, [contiguous(v), y], along) : null,
      ctx.needs(1) ? sub(mul(v, sub(g, total(mul(g, y)))), mul(g, total(mul(v, y)))) : null,
    ];
  },
};

type Softmax = (input: Tensor, dim: number, options?: { dtype?: DType }) => Tensor;

function define(name: string, torch: string, logarithm: boolean): Softmax {
  return op(
    {
      name,
      torch: `${torch}(input, dim, *, dtype=None)`,
      family: 'activation',
      differentiable: true,
      samples: () => [
        [{ shape: [2, 3] }, 1],
        [{ shape: [2, 3, 2] }, 1],
      ],
    },
    (input: Tensor, dim: number, { dtype }: { dtype?: DType } = {}) => {
      const x = cast(input, dtype ?? (isFloating(input.dtype) ? input.dtype : getDefaultDtype()));
      return applyOne(primitive, [contiguous(x)], { dim: normalizeDim(name, dim, x.ndim), logarithm });
    },
  );
}

/** e^input / sum(e^input) along a dimension. Source: `torch.softmax`. */
export const softmax: Softmax = define('softmax', 'softmax', false);

/** input - log(sum(e^input)) along a dimension: the logarithm of softmax, without overflow. Source: `torch.log_softmax`. */
export const logSoftmax: Softmax = define('logSoftmax', 'log_softmax', true);
