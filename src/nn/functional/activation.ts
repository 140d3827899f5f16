import { add, div, mul, neg, sub } from '../../ops/arithmetic.ts';
import { cast } from '../../ops/cast.ts';
import { clamp } from '../../ops/clamp.ts';
import { ge, gt, le } from '../../ops/comparison.ts';
import { emptyLike } from '../../ops/creation.ts';
import { argmax } from '../../ops/extremum.ts';
import { abs, exp, expm1, log, log1p, relu, sigmoid, tanh } from '../../ops/pointwise.ts';
import { exponential_ } from '../../ops/randomInPlace.ts';
import { op } from '../../ops/record.ts';
import { scatter } from '../../ops/scatter.ts';
import { narrow } from '../../ops/shape.ts';
import { softmax } from '../../ops/statistics.ts';
import { reshape } from '../../ops/views.ts';
import { where } from '../../ops/where.ts';
import { type DType, getDefaultDtype, isFloating } from '../../tensor/dtype.ts';
import { Generator } from '../../tensor/generator.ts';
import { formatShape, normalizeDim } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { exactGelu } from './gelu.ts';

export { logSoftmax, softmax } from '../../ops/statistics.ts';
export { relu, sigmoid, tanh };

const samples = () => [[{ shape: [6], data: [-4, -1.3, -0.2, 0.4, 1.7, 7.5] }]];

function activation<F extends (input: Tensor, ...rest: never[]) => Tensor>(
  name: string,
  parameters: string,
  call: F,
): F {
  const torch = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return op(
    {
      name,
      torch: `nn.functional.${torch}(input${parameters === '' ? '' : `, ${parameters}`})`,
      family: 'activation',
      differentiable: true,
      samples,
    },
    call,
  );
}

/** min(max(input, 0), 6). */
export const relu6: (input: Tensor) => Tensor = activation('relu6', '*, inplace=False', (input: Tensor) => {
  const inside = gt(mul(gt(input, 0), gt(sub(6, input), 0)), 0);
  return where(inside, input, clamp(input.detach(), 0, 6));
});

/** input above 0, negativeSlope * input below. */
export const leakyRelu: (input: Tensor, negativeSlope?: number) => Tensor = activation(
  'leakyRelu',
  'negative_slope=0.01, *, inplace=False',
  (input: Tensor, negativeSlope = 0.01) => where(gt(input, 0), input, mul(input, negativeSlope)),
);

/** input above 0, alpha * (e^input - 1) below. */
export const elu: (input: Tensor, alpha?: number) => Tensor = activation(
  'elu',
  'alpha=1.0, *, inplace=False',
  (input: Tensor, alpha = 1) => where(gt(input, 0), input, mul(expm1(where(gt(input, 0), 0, input)), alpha)),
);

/** input above 0, alpha * (e^(input / alpha) - 1) below. */
export const celu: (input: Tensor, alpha?: number) => Tensor = activation(
  'celu',
  'alpha=1.0, *, inplace=False',
  (input: Tensor, alpha = 1) =>
    where(gt(input, 0), input, mul(expm1(div(where(gt(input, 0), 0, input), alpha)), alpha)),
);

const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;

/** The self-normalizing scaled ELU. Source: Klambauer et al. 2017. */
export const selu: (input: Tensor) => Tensor = activation('selu', '*, inplace=False', (input: Tensor) =>
  mul(elu(input, seluAlpha), seluScale),
);

/** input * sigmoid(input). */
export const silu: (input: Tensor) => Tensor = activation('silu', '*, inplace=False', (input: Tensor) =>
  mul(input, sigmoid(input)),
);

/** log(1 + e^(beta * input)) / beta; input itself where beta * input is above `threshold`. */
export const softplus: (input: Tensor, beta?: number, threshold?: number) => Tensor = activation(
  'softplus',
  'beta=1, threshold=20',
  (input: Tensor, beta = 1, threshold = 20) => {
    const scaled = mul(input, beta);
    const linear = gt(scaled, threshold);
    return where(linear, input, div(log1p(exp(where(linear, 0, scaled))), beta));
  },
);

/** input * tanh(softplus(input)). Source: Misra 2019. */
export const mish: (input: Tensor) => Tensor = activation('mish', '*, inplace=False', (input: Tensor) =>
  mul(input, tanh(softplus(input))),
);

/** 0 below -3, 1 above 3, input / 6 + 1/2 between. */
export const hardsigmoid: (input: Tensor) => Tensor = activation(
  'hardsigmoid',
  '*, inplace=False',
  (input: Tensor) => div(relu6(add(input, 3)), 6),
);

/** input * hardsigmoid(input). */
export const hardswish: (input: Tensor) => Tensor = activation(
  'hardswish',
  '*, inplace=False',
  (input: Tensor) =>
    where(le(input, -3), mul(input, 0), where(ge(input, 3), input, mul(input, div(add(input, 3), 6)))),
);

/** input cut to [minVal, maxVal]; the gradient at the bounds is 0. */
export const hardtanh: (input: Tensor, minVal?: number, maxVal?: number) => Tensor = activation(
  'hardtanh',
  'min_val=-1.0, max_val=1.0, *, inplace=False',
  (input: Tensor, minVal = -1, maxVal = 1) => {
    if (minVal > maxVal) throw new RangeError(`hardtanh: minVal ${minVal} is above maxVal ${maxVal}`);
    const inside = gt(mul(gt(input, minVal), gt(maxVal, input)), 0);
    return where(inside, input, clamp(input.detach(), minVal, maxVal));
  },
);

/** input / (1 + |input|). */
export const softsign: (input: Tensor) => Tensor = activation('softsign', '', (input: Tensor) =>
  div(input, add(abs(input), 1)),
);

/** input - tanh(input). */
export const tanhshrink: (input: Tensor) => Tensor = activation('tanhshrink', '', (input: Tensor) =>
  sub(input, tanh(input)),
);

/** input where its magnitude is above lambd, else 0. */
export const hardshrink: (input: Tensor, lambd?: number) => Tensor = activation(
  'hardshrink',
  'lambd=0.5',
  (input: Tensor, lambd = 0.5) => where(le(abs(input.detach()), lambd), mul(input, 0), input),
);

/** input moved towards 0 by lambd. Error: lambd below 0. */
export const softshrink: (input: Tensor, lambd?: number) => Tensor = activation(
  'softshrink',
  'lambd=0.5',
  (input: Tensor, lambd = 0.5) => {
    if (lambd < 0) throw new RangeError(`softshrink: lambd ${lambd} is below 0`);
    return where(
      gt(input, lambd),
      sub(input, lambd),
      where(gt(-lambd, input), add(input, lambd), mul(input, 0)),
    );
  },
);

/** input above `threshold`, else `value`. */
export const threshold: (input: Tensor, threshold: number, value: number) => Tensor = op(
  {
    name: 'threshold',
    torch: 'nn.functional.threshold(input, threshold, value, *, inplace=False)',
    family: 'activation',
    differentiable: true,
    samples: () => [[{ shape: [4], data: [-1, 0.2, 0.7, 2] }, 0.5, 9]],
  },
  (input: Tensor, limit: number, value: number) => where(gt(input, limit), input, value),
);

/** log(sigmoid(input)), without overflow. */
export const logsigmoid: (input: Tensor) => Tensor = activation('logsigmoid', '', (input: Tensor) =>
  sub(where(gt(input, 0), mul(input, 0), input), log1p(exp(neg(abs(input))))),
);

/** The first half of a dimension times the sigmoid of the second. Error: an odd size. */
export const glu: (input: Tensor, dim?: number) => Tensor = op(
  {
    name: 'glu',
    torch: 'nn.functional.glu(input, dim=-1)',
    family: 'activation',
    differentiable: true,
    samples: () => [[{ shape: [2, 4] }]],
  },
  (input: Tensor, dim = -1) => {
    if (input.ndim === 0) throw new RangeError('glu: a 0-d tensor has no halves');
    const size = input.shape[normalizeDim('glu', dim, input.ndim)];
    if (size % 2 !== 0)
      throw new RangeError(
        `glu: dimension ${dim} of ${formatShape(input.shape)} must have an even size, to be halved`,
      );
    const value = narrow(input, dim, 0, size / 2);
    return mul(value, sigmoid(narrow(input, dim, size / 2, size / 2)));
  },
);

/** softmax(-input). */
export const softmin: (input: Tensor, dim: number, options?: { dtype?: DType }) => Tensor = op(
  {
    name: 'softmin',
    torch: 'nn.functional.softmin(input, dim, *, dtype=None)',
    family: 'activation',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, 1]],
  },
  (input: Tensor, dim: number, options: { dtype?: DType } = {}) =>
    softmax(neg(input), normalizeDim('softmin', dim, input.ndim), options),
);

/**
 * input * Φ(input), Φ being the standard normal distribution function; or its approximation by tanh.
 *
 * @param options `approximate`: 'none' (exact, default) or 'tanh'. Source: `torch.nn.functional.gelu`; Hendrycks and Gimpel 2016.
 */
export const gelu: (input: Tensor, options?: { approximate?: 'none' | 'tanh' }) => Tensor = op(
  {
    name: 'gelu',
    torch: "nn.functional.gelu(input, *, approximate='none')",
    family: 'activation',
    differentiable: true,
    samples: () => [...samples(), [{ shape: [2, 3], low: -2, high: 2 }, { approximate: 'tanh' }]],
  },
  (input, { approximate = 'none' } = {}) => {
    if (approximate === 'none')
      return exactGelu(cast(input, isFloating(input.dtype) ? input.dtype : getDefaultDtype()));
    if (approximate !== 'tanh')
      throw new RangeError(`gelu: approximate '${String(approximate)}' is unknown: use none or tanh`);
    const cubed = mul(mul(input, input), input);
    const inner = mul(add(input, mul(cubed, 0.044715)), Math.sqrt(2 / Math.PI));
    return mul(mul(input, 0.5), add(tanh(inner), 1));
  },
);

/**
 * input above 0, weight * input below, with a learnt weight.
 *
 * @param input `(N, C, ...)` or any shape. @param weight one value, or one for each channel `(C,)`.
 * Error: another number of weights. Source: `torch.nn.functional.prelu`; He et al. 2015.
 */
export const prelu: (input: Tensor, weight: Tensor) => Tensor = op(
  {
    name: 'prelu',
    torch: 'nn.functional.prelu(input, weight)',
    family: 'activation',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3, 2], data: [-4, -1.3, -0.2, 0.4, 1.7, 7.5, 1, -2, 0.3, -0.6, -5, 2] }, { shape: [3] }],
      [{ shape: [3], data: [-1, 0.4, 2] }, { shape: [1] }],
    ],
  },
  (input, weight) => {
    const channels = input.ndim < 2 ? 1 : input.shape[1];
    if (weight.ndim > 1 || (weight.size !== 1 && weight.size !== channels))
      throw new RangeError(
        `prelu: weight ${formatShape(weight.shape)} should have one value, or one for each of ${channels} channels of the input ${formatShape(input.shape)}`,
      );
    const slope =
      weight.size === 1
        ? reshape(weight, [])
        : reshape(weight, [weight.size, ...new Array<number>(input.ndim - 2).fill(1)]);
    return where(gt(input, 0), input, mul(input, slope));
  },
);

/**
 * input above 0, a random slope times input below: drawn evenly from [lower, upper) in training, their middle otherwise.
 *
 * Error: lower above upper. Source: `torch.nn.functional.rrelu`; Xu et al. 2015.
 */
export const rrelu: (
  input: Tensor,
  options?: { lower?: number; upper?: number; training?: boolean; generator?: Generator },
) => Tensor = op(
  {
    name: 'rrelu',
    torch:
      'nn.functional.rrelu(input, *, lower=0.125, upper=0.3333333333333333, training=False, inplace=False)',
    family: 'activation',
    differentiable: true,
    samples,
  },
  (input, { lower = 1 / 8, upper = 1 / 3, training = false, generator = Generator.default } = {}) => {
    if (!(lower <= upper)) throw new RangeError(`rrelu: lower ${lower} is above upper ${upper}`);
    if (!training) return leakyRelu(input, (lower + upper) / 2);
    const source = input.detach().contiguous();
    const slopes = Tensor.allocate(input.shape, input.dtype);
    for (let i = 0; i < source.size; i++)
      slopes.elements[slopes.offset + i] =
        source.elements[source.offset + i] <= 0 ? generator.uniform53() * (upper - lower) + lower : 1;
    return mul(input, slopes);
  },
);

/**
 * A sample of a categorical distribution that gradients flow through: softmax((logits + Gumbel noise) / tau).
 *
 * @param options `tau` (1): towards 0 the samples become one-hot; `hard` (false): one-hot values with the gradient of the soft ones;
 * `dim` (-1). Source: `torch.nn.functional.gumbel_softmax`; Jang, Gu and Poole 2016.
 */
export const gumbelSoftmax: (
  logits: Tensor,
  options?: { tau?: number; hard?: boolean; dim?: number; generator?: Generator },
) => Tensor = op(
  {
    name: 'gumbelSoftmax',
    torch: 'nn.functional.gumbel_softmax(logits, *, tau=1, hard=False, dim=-1)',
    family: 'activation',
    differentiable: 'draws random numbers',
    samples: () => [],
  },
  (logits, { tau = 1, hard = false, dim = -1, generator } = {}) => {
    const noise = neg(log(exponential_(emptyLike(logits), 1, { generator })));
    const soft = softmax(div(add(logits, noise), tau), dim);
    if (!hard) return soft;
    const best = argmax(soft, dim, { keepdim: true });
    const hot = scatter(mul(soft.detach(), 0), dim, best, 1);
    return add(sub(hot, soft.detach()), soft);
  },
);
