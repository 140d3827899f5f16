/** a[0] + a[1] x + a[2] x² + ... */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = value * x + coefficients[i];
  return value;
}

// The rational approximations of erf and erfc by intervals, in the coefficients of fdlibm's s_erf.c (error below 1 ulp).
const nearZero = [
  [
    0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442,
    -2.3763016656650163e-5,
  ],
  [
    1, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766, 0.00013249473800432164,
    -3.960228278775368e-6,
  ],
];
const nearOne = [
  [
    -0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175,
    -0.11089469428239668, 0.035478304325618236, -0.002166375594868791,
  ],
  [
    1, 0.10642088040084423, 0.540397917702171, 0.07182865441419627, 0.12617121980876164, 0.01363708391202905,
    0.011984499846799107,
  ],
];
const tail = [
  [
    -0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006, -162.39666946257347,
    -184.60509290671104, -81.2874355063066, -9.814329344169145,
  ],
  [
    1, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679, 429.00814002756783,
    108.63500554177944, 6.570249770319282, -0.0604244152148581,
  ],
];
const farTail = [
  [
    -0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192, -637.5664433683896,
    -1025.0951316110772, -483.5191916086514,
  ],
  [
    1, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955, 2553.0504064331644,
    474.52854120695537, -22.44095244658582,
  ],
];
/** erf(1) to single precision, from which the interval around 1 is measured. */
const atOne = 0.8450629115104675;

const ratio = ([p, q]: readonly (readonly number[])[], x: number): number =>
  polynomial(p, x) / polynomial(q, x);

/** erfc for x ≥ 1.25. */
function tailError(x: number): number {
  if (x >= 28) return 0;
  const s = 1 / (x * x);
  // x² is split so that e^(-x²) keeps all its digits.
  const head = Math.fround(x);
  const scale =
    Math.exp(-head * head - 0.5625) *
    Math.exp((head - x) * (head + x) + ratio(x < 1 / 0.35 ? tail : farTail, s));
  return scale / x;
}

/** erf(x) in float64. */
export function errorFunction(x: number): number {
  if (Number.isNaN(x)) return x;
  const size = Math.abs(x);
  if (size < 0.84375) return x + x * ratio(nearZero, x * x);
  const value = size < 1.25 ? atOne + ratio(nearOne, size - 1) : 1 - tailError(size);
  return x < 0 ? -value : value;
}

/** 1 - erf(x) in float64, exact far from 0. */
export function complementaryError(x: number): number {
  if (Number.isNaN(x)) return x;
  const size = Math.abs(x);
  if (size < 0.84375) return 1 - (x + x * ratio(nearZero, x * x));
  if (size < 1.25) {
    const part = ratio(nearOne, size - 1);
    return x < 0 ? 1 + (atOne + part) : 1 - atOne - part;
  }
  return x < 0 ? 2 - tailError(size) : tailError(size);
}

/** The x with erf(x) = y: Winitzki's estimate, then three steps of Halley's method on erfc, which keeps the digits near ±1. */
export function inverseError(y: number): number {
  if (Number.isNaN(y) || y < -1 || y > 1) return Number.NaN;
  if (y === 0) return y;
  if (y === 1 || y === -1) return y * Infinity;
  const size = Math.abs(y);
  const log = Math.log((1 - size) * (1 + size));
  const a = 0.147;
  const mean = 2 / (Math.PI * a) + log / 2;
  let x = Math.sqrt(Math.sqrt(mean * mean - log / a) - mean);
  for (let i = 0; i < 3; i++) {
    const error = size < 0.5 ? errorFunction(x) - size : 1 - size - complementaryError(x);
    const step = error / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
    x -= step / (1 + x * step);
  }
  return y < 0 ? -x : x;
}

/** Bernoulli's numbers B₂, B₄, ... */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];

/** log |Γ(x)|: Stirling's series after raising x to 15 or more; reflection below 0.5. */
export function logGamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === Infinity || x === -Infinity) return Infinity;
  if (x <= 0 && Number.isInteger(x)) return Infinity;
  if (x === 1 || x === 2) return 0;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  let product = 1;
  let z = x;
  for (; z < 15; z++) product *= z;
  let series = 0;
  const inverse = 1 / (z * z);
  for (let k = bernoulli.length - 1; k >= 0; k--)
    series = series * inverse + bernoulli[k] / ((2 * k + 1) * (2 * k + 2));
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series / z - Math.log(product);
}

/** The derivative of log Γ: the asymptotic series after raising x to 15 or more; reflection below 0. */
export function digammaOf(x: number): number {
  if (x === 0) return -1 / x;
  if (x < 0) return Number.isInteger(x) ? Number.NaN : digammaOf(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let sum = 0;
  let z = x;
  for (; z < 15; z++) sum -= 1 / z;
  const inverse = 1 / (z * z);
  let series = 0;
  for (let k = bernoulli.length - 1; k >= 0; k--) series = series * inverse + bernoulli[k] / (2 * k + 2);
  return sum + Math.log(z) - 0.5 / z - series * inverse;
}

/**
 * The n-th derivative of digamma, n ≥ 1: n! Σ 1/(x + k)ⁿ⁺¹ up to x + k = 15 + n, and the asymptotic series from there. Below 0 the terms
 * with x + k < 0 are themselves the difference of two such sums.
 */
export function polygamma(n: number, x: number): number {
  if (x <= 0 && Math.floor(x) === x) return n % 2 === 1 ? Infinity : -Infinity;
  if (x < 0) {
    const part = -x - Math.floor(-x);
    return polygamma(n, 1 - part) + (n % 2 === 1 ? 1 : -1) * (polygamma(n, part) - polygamma(n, 1 - x));
  }
  let sum = 0;
  let z = x;
  for (; z < 15 + n; z++) sum += z ** -(n + 1);
  let factorial = 1;
  for (let k = 2; k < n; k++) factorial *= k;
  // The terms are B₂ₖ (2k + n - 1)! / ((2k)! z^(2k + n)), each from the one before.
  let term = (factorial * n) / (2 * z ** (n + 1));
  let series = factorial / z ** n + term;
  term = (factorial * n * (n + 1)) / (2 * z ** (n + 2));
  bernoulli.forEach((b, i) => {
    series += b * term;
    const k = 2 * i + 2;
    term *= ((k + n) * (k + n + 1)) / ((k + 1) * (k + 2) * z * z);
  });
  return (n % 2 === 1 ? 1 : -1) * (series + factorial * n * sum);
}
