import type { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { eq, gt, lt } from './comparison.ts';
import { type Unary, unary } from './elementwise.ts';
import { polygamma } from './polygamma.ts';
import { op } from './record.ts';
import { complementaryError, digammaOf, errorFunction, inverseError, logGamma } from './specialFunctions.ts';
import { where } from './where.ts';

const any = () => [[{ shape: [2, 3], low: -2, high: 2 }]];
const positive = () => [[{ shape: [2, 3], low: 0.3, high: 3 }]];
const unit = () => [[{ shape: [2, 3], low: -0.9, high: 0.9 }]];
const aboveOne = () => [[{ shape: [2, 3], low: 1.2, high: 3 }]];

/** |input|; its gradient at 0 is 0. */
export const abs: Unary = unary({
  name: 'abs',
  result: 'same',
  element: Math.abs,
  save: 'input',
  gradient: (g, x) => mul(g, sign(x)),
  samples: positive,
});

/** -1, 0 or 1. */
export const sign: Unary = unary({
  name: 'sign',
  result: 'same',
  element: Math.sign,
  save: 'nothing',
  gradient: (g) => mul(g, 0),
  samples: positive,
});

/** `sign`, under PyTorch's name for complex numbers too. */
export const sgn: Unary = unary({
  name: 'sgn',
  result: 'same',
  element: Math.sign,
  save: 'nothing',
  gradient: (g) => mul(g, 0),
  samples: positive,
});

/** e^input. */
export const exp: Unary = unary({
  name: 'exp',
  result: 'float',
  element: Math.exp,
  save: 'output',
  gradient: (g, y) => mul(g, y),
  samples: any,
});

/** 2^input. */
export const exp2: Unary = unary({
  name: 'exp2',
  result: 'float',
  element: (x) => 2 ** x,
  save: 'output',
  gradient: (g, y) => mul(mul(g, y), Math.LN2),
  samples: any,
});

/** e^input - 1, exact near 0. */
export const expm1: Unary = unary({
  name: 'expm1',
  result: 'float',
  element: Math.expm1,
  save: 'output',
  gradient: (g, y) => mul(g, add(y, 1)),
  samples: any,
});

/** Natural logarithm; -Infinity at 0, NaN below. */
export const log: Unary = unary({
  name: 'log',
  result: 'float',
  element: Math.log,
  save: 'input',
  gradient: (g, x) => div(g, x),
  samples: positive,
});

/** Logarithm to base 2. */
export const log2: Unary = unary({
  name: 'log2',
  result: 'float',
  element: Math.log2,
  save: 'input',
  gradient: (g, x) => div(g, mul(x, Math.LN2)),
  samples: positive,
});

/** Logarithm to base 10. */
export const log10: Unary = unary({
  name: 'log10',
  result: 'float',
  element: Math.log10,
  save: 'input',
  gradient: (g, x) => div(g, mul(x, Math.LN10)),
  samples: positive,
});

/** log(1 + input), exact near 0. */
export const log1p: Unary = unary({
  name: 'log1p',
  result: 'float',
  element: Math.log1p,
  save: 'input',
  gradient: (g, x) => div(g, add(x, 1)),
  samples: positive,
});

/** Square root; NaN below 0, gradient Infinity at 0. */
export const sqrt: Unary = unary({
  name: 'sqrt',
  result: 'float',
  element: Math.sqrt,
  save: 'output',
  gradient: (g, y) => div(g, mul(y, 2)),
  samples: positive,
});

/** 1 / sqrt(input). */
export const rsqrt: Unary = unary({
  name: 'rsqrt',
  result: 'float',
  element: (x) => 1 / Math.sqrt(x),
  save: 'output',
  gradient: (g, y) => mul(mul(g, mul(mul(y, y), y)), -0.5),
  samples: positive,
});

/** input². */
export const square: Unary = unary({
  name: 'square',
  result: 'same',
  element: (x) => x * x,
  save: 'input',
  gradient: (g, x) => mul(g, mul(x, 2)),
  samples: any,
});

/** 1 / input. */
export const reciprocal: Unary = unary({
  name: 'reciprocal',
  result: 'float',
  element: (x) => 1 / x,
  save: 'output',
  gradient: (g, y) => neg(mul(g, mul(y, y))),
  samples: positive,
});

/** Sine of radians. */
export const sin: Unary = unary({
  name: 'sin',
  result: 'float',
  element: Math.sin,
  save: 'input',
  gradient: (g, x) => mul(g, cos(x)),
  samples: any,
});

/** Cosine of radians. */
export const cos: Unary = unary({
  name: 'cos',
  result: 'float',
  element: Math.cos,
  save: 'input',
  gradient: (g, x) => neg(mul(g, sin(x))),
  samples: any,
});

/** Tangent of radians. */
export const tan: Unary = unary({
  name: 'tan',
  result: 'float',
  element: Math.tan,
  save: 'output',
  gradient: (g, y) => mul(g, add(mul(y, y), 1)),
  samples: unit,
});

/** Inverse sine, in radians; NaN outside [-1, 1]. */
export const asin: Unary = unary({
  name: 'asin',
  result: 'float',
  element: Math.asin,
  save: 'input',
  gradient: (g, x) => mul(g, rsqrt(sub(1, mul(x, x)))),
  samples: unit,
});

/** Inverse cosine, in radians; NaN outside [-1, 1]. */
export const acos: Unary = unary({
  name: 'acos',
  result: 'float',
  element: Math.acos,
  save: 'input',
  gradient: (g, x) => neg(mul(g, rsqrt(sub(1, mul(x, x))))),
  samples: unit,
});

/** Inverse tangent, in radians. */
export const atan: Unary = unary({
  name: 'atan',
  result: 'float',
  element: Math.atan,
  save: 'input',
  gradient: (g, x) => div(g, add(mul(x, x), 1)),
  samples: any,
});

/** Hyperbolic sine. */
export const sinh: Unary = unary({
  name: 'sinh',
  result: 'float',
  element: Math.sinh,
  save: 'input',
  gradient: (g, x) => mul(g, cosh(x)),
  samples: any,
});

/** Hyperbolic cosine. */
export const cosh: Unary = unary({
  name: 'cosh',
  result: 'float',
  element: Math.cosh,
  save: 'input',
  gradient: (g, x) => mul(g, sinh(x)),
  samples: any,
});

/** Hyperbolic tangent. */
export const tanh: Unary = unary({
  name: 'tanh',
  result: 'float',
  element: Math.tanh,
  save: 'output',
  gradient: (g, y) => mul(g, sub(1, mul(y, y))),
  samples: any,
});

/** Inverse hyperbolic sine. */
export const asinh: Unary = unary({
  name: 'asinh',
  result: 'float',
  element: Math.asinh,
  save: 'input',
  gradient: (g, x) => mul(g, rsqrt(add(mul(x, x), 1))),
  samples: any,
});

/** Inverse hyperbolic cosine; NaN below 1. */
export const acosh: Unary = unary({
  name: 'acosh',
  result: 'float',
  element: Math.acosh,
  save: 'input',
  gradient: (g, x) => mul(g, rsqrt(sub(mul(x, x), 1))),
  samples: aboveOne,
});

/** Inverse hyperbolic tangent; NaN outside [-1, 1]. */
export const atanh: Unary = unary({
  name: 'atanh',
  result: 'float',
  element: Math.atanh,
  save: 'input',
  gradient: (g, x) => div(g, sub(1, mul(x, x))),
  samples: unit,
});

/** 1 / (1 + e^-input). */
export const sigmoid: Unary = unary({
  name: 'sigmoid',
  result: 'float',
  family: 'activation',
  element: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  save: 'output',
  gradient: (g, y) => mul(g, mul(y, sub(1, y))),
  samples: any,
});

/** max(input, 0); its gradient at 0 is 0. */
export const relu: Unary = unary({
  name: 'relu',
  torch: 'nn.functional.relu(input, *, inplace=False)',
  result: 'same',
  family: 'activation',
  element: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
  save: 'output',
  gradient: (g, y) => mul(g, gt(y, 0)),
  samples: positive,
});

/** The error function, 2/√π ∫₀ˣ e^(-t²) dt. */
export const erf: Unary = unary({
  name: 'erf',
  result: 'float',
  element: errorFunction,
  save: 'input',
  gradient: (g, x) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
  samples: any,
});

/** 1 - erf(input), exact where erf is near 1. */
export const erfc: Unary = unary({
  name: 'erfc',
  result: 'float',
  element: complementaryError,
  save: 'input',
  gradient: (g, x) => mul(g, mul(exp(neg(mul(x, x))), -2 / Math.sqrt(Math.PI))),
  samples: any,
});

/** The inverse of erf; NaN outside [-1, 1]. */
export const erfinv: Unary = unary({
  name: 'erfinv',
  result: 'float',
  element: inverseError,
  save: 'output',
  gradient: (g, y) => mul(g, mul(exp(mul(y, y)), Math.sqrt(Math.PI) / 2)),
  samples: unit,
});

/** sin(π x) / (π x), 1 at 0. */
export const sinc: Unary = unary({
  name: 'sinc',
  result: 'float',
  element: (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)),
  save: 'input',
  gradient: (g, x) => {
    const zero = eq(x, 0);
    const safe = where(zero, 1, x);
    const angle = mul(safe, Math.PI);
    return where(zero, 0, mul(g, div(sub(cos(angle), sinc(safe)), safe)));
  },
  samples: positive,
});

const plainLogit: Unary = unary({
  name: 'plainLogit',
  torch: 'logit(input)',
  result: 'float',
  element: (x) => Math.log(x / (1 - x)),
  save: 'input',
  gradient: (g, x) => div(g, mul(x, sub(1, x))),
  samples: () => [[{ shape: [2, 3], low: 0.1, high: 0.9 }]],
});

/** log(input / (1 - input)), the inverse of the sigmoid; NaN outside [0, 1], unless `eps` cuts the input to [eps, 1 - eps]. */
export const logit: (input: Tensor, eps?: number | null) => Tensor = op(
  {
    name: 'logit',
    torch: 'logit(input, eps=None)',
    family: 'elementwise',
    differentiable: true,
    samples: () => [[{ shape: [2, 3], low: 0.1, high: 0.9 }], [{ shape: [3], data: [-0.2, 0.4, 1.3] }, 0.1]],
  },
  (input: Tensor, eps?: number | null) => {
    if (eps === undefined || eps === null) return plainLogit(input);
    const raised = where(lt(input, eps), eps, input);
    return plainLogit(where(gt(input, 1 - eps), 1 - eps, raised));
  },
);

/** Degrees as radians. */
export const deg2rad: Unary = unary({
  name: 'deg2rad',
  result: 'float',
  element: (x) => (x * Math.PI) / 180,
  save: 'nothing',
  gradient: (g) => mul(g, Math.PI / 180),
  samples: any,
});

/** Radians as degrees. */
export const rad2deg: Unary = unary({
  name: 'rad2deg',
  result: 'float',
  element: (x) => (x * 180) / Math.PI,
  save: 'nothing',
  gradient: (g) => mul(g, 180 / Math.PI),
  samples: any,
});

/** The logarithm of |Γ(input)|. */
export const lgamma: Unary = unary({
  name: 'lgamma',
  result: 'float',
  element: logGamma,
  save: 'input',
  gradient: (g, x) => mul(g, digamma(x)),
  samples: positive,
});

/** The derivative of `lgamma`. */
export const digamma: Unary = unary({
  name: 'digamma',
  result: 'float',
  element: digammaOf,
  save: 'input',
  gradient: (g, x) => mul(g, polygamma(1, x)),
  samples: positive,
});

const zeroGradient = (g: Parameters<Unary>[0]): Parameters<Unary>[0] => mul(g, 0);

/** The largest whole number that is not above. */
export const floor: Unary = unary({
  name: 'floor',
  result: 'same',
  element: Math.floor,
  save: 'nothing',
  gradient: zeroGradient,
  samples: positive,
});

/** The smallest whole number that is not below. */
export const ceil: Unary = unary({
  name: 'ceil',
  result: 'same',
  element: Math.ceil,
  save: 'nothing',
  gradient: zeroGradient,
  samples: positive,
});

/** The whole part, towards 0. */
export const trunc: Unary = unary({
  name: 'trunc',
  result: 'same',
  element: Math.trunc,
  save: 'nothing',
  gradient: zeroGradient,
  samples: positive,
});

/** input - trunc(input). */
export const frac: Unary = unary({
  name: 'frac',
  result: 'same',
  element: (x) => x - Math.trunc(x),
  save: 'nothing',
  gradient: (g) => g,
  samples: positive,
});

/** Whether an element is NaN. */
export const isnan: Unary = unary({
  name: 'isnan',
  result: 'bool',
  element: (x) => Number(Number.isNaN(x)),
  save: 'nothing',
  gradient: 'a predicate',
  samples: any,
});

/** Whether an element is Infinity or -Infinity. */
export const isinf: Unary = unary({
  name: 'isinf',
  result: 'bool',
  element: (x) => Number(x === Infinity || x === -Infinity),
  save: 'nothing',
  gradient: 'a predicate',
  samples: any,
});

/** Whether an element is neither NaN nor infinite. */
export const isfinite: Unary = unary({
  name: 'isfinite',
  result: 'bool',
  element: (x) => Number(Number.isFinite(x)),
  save: 'nothing',
  gradient: 'a predicate',
  samples: any,
});

/** Whether an element is 0. */
export const logicalNot: Unary = unary({
  name: 'logicalNot',
  torch: 'logical_not(input)',
  result: 'bool',
  element: (x) => Number(x === 0),
  save: 'nothing',
  gradient: 'a predicate',
  samples: any,
});
