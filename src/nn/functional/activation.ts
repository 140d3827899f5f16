import { add, div, mul, neg, sub } from '../../ops/arithmetic.ts';
import { clamp } from '../../ops/clamp.ts';
import { ge, gt, le } from '../../ops/comparison.ts';
import { abs, exp, expm1, log1p, relu, sigmoid, tanh } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { chunk } from '../../ops/shape.ts';
import { softmax } from '../../ops/statistics.ts';
import { where } from '../../ops/where.ts';
import type { DType } from '../../tensor/dtype.ts';
import { formatShape, normalizeDim } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

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
    const size = input.shape[normalizeDim('glu', dim, input.ndim)];
    if (input.ndim === 0 || size % 2 !== 0)
      throw new RangeError(
        `glu: dimension ${dim} of ${formatShape(input.shape)} must have an even size, to be halved`,
      );
    const [value, gate] = chunk(input, 2, dim);
    return mul(value, sigmoid(gate));
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
  (input: Tensor, dim: number, options: { dtype?: DType } = {}) => softmax(neg(input), dim, options),
);
