import { overwrite } from '../autograd/inplace.ts';
import { noGrad } from '../autograd/mode.ts';
import type { TensorOptions } from '../tensor/creation.ts';
import { type DType, dtypeInfo, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { Generator } from '../tensor/generator.ts';
import { checkShape, formatShape, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, mul } from './arithmetic.ts';
import { type Sized, sized } from './creation.ts';
import { op } from './record.ts';

export interface Randomness {
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

export type RandomOptions = TensorOptions & Randomness;

const random = 'draws random numbers';

/** Calls `next` for each element in the order of memory, as PyTorch fills. */
function fill(out: Tensor, next: () => number): void {
  const { elements, size } = out;
  if (out.isContiguous) {
    const { offset } = out;
    for (let i = offset; i < offset + size; i++) elements[i] = next();
    return;
  }
  const order = out.shape
    .map((length, d) => ({ length, stride: out.strides[d] }))
    .filter(({ length }) => length !== 1)
    .sort((a, b) => b.stride - a.stride);
  const index = order.map(() => 0);
  for (let n = 0, place = out.offset; n < size; n++) {
    elements[place] = next();
    for (let d = order.length - 1; d >= 0; d--) {
      place += order[d].stride;
      if (++index[d] < order[d].length) break;
      place -= order[d].stride * order[d].length;
      index[d] = 0;
    }
  }
}

/** x * y + z, rounded once: the exact product and the rounding errors of product and sum (Dekker 1971). */
function fusedMultiplyAdd(x: number, y: number, z: number): number {
  const product = x * y;
  const [a, b] = [x * 134217729, y * 134217729];
  const [xHigh, yHigh] = [a - (a - x), b - (b - y)];
  const [xLow, yLow] = [x - xHigh, y - yHigh];
  const lost = xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
  const sum = product + z;
  const shift = sum - product;
  return sum + (product - (sum - shift) + (z - shift) + lost);
}

/** Evenly from [low, high): 24 random bits for float32, 53 for float64. */
function fillUniform(out: Tensor, low: number, high: number, generator: Generator): void {
  if (out.dtype === 'float32') {
    const a = Math.fround(low);
    const range = Math.fround(Math.fround(high) - a);
    fill(out, () => generator.uniform24() * range + a);
  } else fill(out, () => fusedMultiplyAdd(generator.uniform53(), high - low, low));
}

const { fround } = Math;
const turn = fround(2 * Math.PI);

/**
 * Normal numbers as PyTorch draws them: from 16 elements on, uniforms first, then each block of 16 by Box and Muller's formula, the
 * last block drawn again where the size is no multiple of 16; below 16, or through strides, one by one in float64.
 */
function fillNormal(out: Tensor, mean: number, std: number, generator: Generator): void {
  const { elements, offset, size } = out;
  if (size < 16 || !out.isContiguous) {
    fill(out, () => generator.normal() * std + mean);
    return;
  }
  const single = out.dtype === 'float32';
  const uniform = single ? () => generator.uniform24() : () => generator.uniform53();
  const round = single ? fround : (x: number) => x;
  const around = single ? turn : 2 * Math.PI;
  const block = (at: number): void => {
    for (let j = at; j < at + 8; j++) {
      const radius = round(Math.sqrt(round(-2 * round(Math.log(round(1 - elements[j]))))));
      const angle = round(around * elements[j + 8]);
      elements[j] = radius * round(Math.cos(angle)) * std + mean;
      elements[j + 8] = radius * round(Math.sin(angle)) * std + mean;
    }
  };
  for (let i = offset; i < offset + size; i++) elements[i] = uniform();
  for (let i = 0; i + 16 <= size; i += 16) block(offset + i);
  if (size % 16 !== 0) {
    const last = offset + size - 16;
    for (let i = last; i < last + 16; i++) elements[i] = uniform();
    block(last);
  }
}

function checkFloating(name: string, dtype: DType): void {
  dtypeInfo(dtype);
  if (!isFloating(dtype))
    throw new TypeError(`${name}: draws real numbers, but the dtype is ${dtype}: use float32 or float64`);
}

function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${name}: probability ${p} is not in [0, 1]`);
}

type Fill = (out: Tensor, generator: Generator) => void;

function made(
  name: string,
  shape: Shape,
  { dtype, requiresGrad = false, generator = Generator.default }: RandomOptions = {},
  draw: Fill,
): Tensor {
  const type = dtype ?? getDefaultDtype();
  checkFloating(name, type);
  const out = Tensor.allocate(shape, type);
  draw(out, generator);
  if (requiresGrad) out.requiresGrad = true;
  return out;
}

function drawn(name: string, draw: Fill): Sized<RandomOptions> {
  return op(
    {
      name,
      torch: `${name}(size, *, generator=None, dtype=None, requires_grad=False)`,
      family: 'random',
      differentiable: random,
      samples: () => [],
    },
    sized<RandomOptions>(name, (shape, options) => made(name, shape, options, draw)),
  );
}

/** Numbers drawn evenly from [0, 1). @example rand(2, 3) */
export const rand: Sized<RandomOptions> = drawn('rand', (out, generator) =>
  fillUniform(out, 0, 1, generator),
);

/** Numbers from the normal distribution of mean 0 and variance 1. @example randn(2, 3, { requiresGrad: true }) */
export const randn: Sized<RandomOptions> = drawn('randn', (out, generator) =>
  fillNormal(out, 0, 1, generator),
);

type Like = (input: Tensor, options?: RandomOptions) => Tensor;

function drawnLike(name: string, torch: string, make: Sized<RandomOptions>): Like {
  return op(
    {
      name,
      torch: `${torch}(input, *, generator=None, dtype=None, requires_grad=False)`,
      family: 'random',
      differentiable: random,
      samples: () => [],
    },
    (input: Tensor, options: RandomOptions = {}) =>
      make(input.shape, { ...options, dtype: options.dtype ?? input.dtype }),
  );
}

/** `rand` of the input's shape and dtype. */
export const randLike: Like = drawnLike('randLike', 'rand_like', rand);

/** `randn` of the input's shape and dtype. */
export const randnLike: Like = drawnLike('randnLike', 'randn_like', randn);

interface Randint {
  (high: number, shape: Shape, options?: RandomOptions): Tensor;
  (low: number, high: number, shape: Shape, options?: RandomOptions): Tensor;
}

function checkRange(name: string, low: number, high: number): void {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high))
    throw new RangeError(`${name}: the bounds ${low} and ${high} must be whole numbers`);
  if (low >= high)
    throw new RangeError(`${name}: from ${low} to ${high} there is no whole number: low must be below high`);
}

/**
 * Whole numbers drawn evenly from `low` (default 0) to `high`, not included; int32 unless `dtype` says otherwise.
 *
 * Error: an empty range. Source: `torch.randint`. @example randint(10, [2, 3])
 */
export const randint: Randint = op(
  {
    name: 'randint',
    torch: 'randint(low, high, size, *, generator=None, dtype=None, requires_grad=False)',
    family: 'random',
    differentiable: random,
    samples: () => [],
  },
  (...args: (number | Shape | RandomOptions | undefined)[]) => {
    const bounds = args.filter((arg): arg is number => typeof arg === 'number');
    const shape = args.find((arg): arg is Shape => Array.isArray(arg));
    const options = args.find((arg): arg is RandomOptions => typeof arg === 'object' && !Array.isArray(arg));
    const [low, high] = bounds.length === 1 ? [0, bounds[0]] : bounds;
    if (shape === undefined || bounds.length === 0 || bounds.length > 2)
      throw new TypeError('randint: write randint(high, shape) or randint(low, high, shape)');
    checkRange('randint', low, high);
    checkShape('randint', shape);
    const { dtype = 'int32', requiresGrad = false, generator = Generator.default } = options ?? {};
    dtypeInfo(dtype);
    const out = Tensor.allocate([...shape], dtype);
    fill(out, () => low + generator.below(high - low));
    if (requiresGrad) out.requiresGrad = true;
    return out;
  },
);

/** `randint` of the input's shape and dtype. */
export const randintLike: (input: Tensor, low: number, high: number, options?: RandomOptions) => Tensor = op(
  {
    name: 'randintLike',
    torch: 'randint_like(input, low, high, *, dtype=None, requires_grad=False)',
    family: 'random',
    differentiable: random,
    samples: () => [],
  },
  (input: Tensor, low: number, high: number, options: RandomOptions = {}) =>
    randint(low, high, input.shape, { ...options, dtype: options.dtype ?? input.dtype }),
);

/** The whole numbers from 0 to n - 1 in random order, `(n,)`, int32. Source: `torch.randperm`. */
export const randperm: (n: number, options?: RandomOptions) => Tensor = op(
  {
    name: 'randperm',
    torch: 'randperm(n, *, generator=None, dtype=None, requires_grad=False)',
    family: 'random',
    differentiable: random,
    samples: () => [],
  },
  (
    n: number,
    { dtype = 'int32', requiresGrad = false, generator = Generator.default }: RandomOptions = {},
  ) => {
    checkShape('randperm', [n]);
    dtypeInfo(dtype);
    const out = Tensor.allocate([n], dtype);
    const { elements, offset } = out;
    for (let i = 0; i < n; i++) elements[offset + i] = i;
    for (let i = 0; i < n - 1; i++) {
      const other = offset + i + ((generator.bits() >>> 0) % (n - i));
      const swapped = elements[offset + i];
      elements[offset + i] = elements[other];
      elements[other] = swapped;
    }
    if (requiresGrad) out.requiresGrad = true;
    return out;
  },
);

/**
 * 0 or 1 for each element of `input`, the probability of 1 there. The result has the input's dtype.
 *
 * Error: a probability outside [0, 1]. Source: `torch.bernoulli`.
 */
export const bernoulli: (input: Tensor, options?: Randomness) => Tensor = op(
  {
    name: 'bernoulli',
    torch: 'bernoulli(input, *, generator=None)',
    family: 'random',
    differentiable: random,
    samples: () => [],
  },
  (input: Tensor, { generator = Generator.default }: Randomness = {}) => {
    checkFloating('bernoulli', input.dtype);
    const p = input.detach().contiguous();
    const out = Tensor.allocate(input.shape, input.dtype);
    const uniform = input.dtype === 'float32' ? () => generator.uniform24() : () => generator.uniform53();
    for (let i = 0; i < p.size; i++) {
      const probability = p.elements[p.offset + i];
      checkProbability('bernoulli', probability);
      out.elements[out.offset + i] = uniform() < probability ? 1 : 0;
    }
    return out;
  },
);

const exponentialNumber = (generator: Generator, lambda: number): number =>
  (-1 / lambda) * Math.log1p(-generator.uniform53());

/** The weights of one row. Errors: negative, infinite or NaN weights; none above 0. */
function checkWeights(weights: ArrayLike<number>, needed: number): void {
  let positive = 0;
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] >= 0 && weights[i] < Infinity))
      throw new RangeError(`multinomial: weight ${weights[i]} at ${i}: weights are finite and not negative`);
    if (weights[i] > 0) positive++;
  }
  if (positive < needed)
    throw new RangeError(
      `multinomial: ${needed} draws without replacement, but only ${positive} of ${weights.length} weights are above 0`,
    );
}

/**
 * Draws `numSamples` indices from each row of weights, which need not add up to 1.
 *
 * @param input `(N,)` or `(M, N)`. @returns `(numSamples,)` or `(M, numSamples)`, int32.
 * @param replacement whether an index can come more than once. Default false.
 * Errors: more draws than weights above 0 without replacement; negative or NaN weights. Source: `torch.multinomial`.
 */
export const multinomial: (
  input: Tensor,
  numSamples: number,
  replacement?: boolean,
  options?: Randomness,
) => Tensor = op(
  {
    name: 'multinomial',
    torch: 'multinomial(input, num_samples, replacement=False, *, generator=None)',
    family: 'random',
    differentiable: random,
    samples: () => [],
  },
  (
    input: Tensor,
    numSamples: number,
    replacement = false,
    { generator = Generator.default }: Randomness = {},
  ) => {
    checkFloating('multinomial', input.dtype);
    if (input.ndim < 1 || input.ndim > 2)
      throw new RangeError(
        `multinomial: weights ${formatShape(input.shape)}: give one row or a matrix of rows`,
      );
    const [rows, columns] = input.ndim === 1 ? [1, input.shape[0]] : input.shape;
    if (!Number.isInteger(numSamples) || numSamples < 1 || (!replacement && numSamples > columns))
      throw new RangeError(
        `multinomial: ${numSamples} draws from ${columns} weights${replacement ? '' : ' without replacement'}: use 1 to ${replacement ? 'any number' : columns}`,
      );
    const weights = input.detach().contiguous();
    const row = (r: number): ArrayLike<number> =>
      weights.elements.subarray(weights.offset + r * columns, weights.offset + (r + 1) * columns);
    for (let r = 0; r < rows; r++) checkWeights(row(r), replacement ? 1 : numSamples);
    const out = Tensor.allocate(input.ndim === 1 ? [numSamples] : [rows, numSamples], 'int32');
    const round = input.dtype === 'float32' ? fround : (x: number) => x;
    if (replacement && numSamples > 1) {
      for (let r = 0; r < rows; r++) {
        const w = row(r);
        const cumulative = new Float64Array(columns);
        let total = 0;
        for (let i = 0; i < columns; i++) cumulative[i] = total = round(total + w[i]);
        for (let i = 0; i < columns; i++) cumulative[i] = round(cumulative[i] / total);
        cumulative[columns - 1] = 1;
        for (let k = 0; k < numSamples; k++) {
          const at = generator.uniform53();
          let [low, high] = [0, columns];
          while (low < high) {
            const middle = low + ((high - low) >> 1);
            if (cumulative[middle] < at) low = middle + 1;
            else high = middle;
          }
          out.elements[out.offset + r * numSamples + k] = low;
        }
      }
      return out;
    }
    const races = Float64Array.from({ length: rows * columns }, () => round(exponentialNumber(generator, 1)));
    for (let r = 0; r < rows; r++) {
      const w = row(r);
      const score = Float64Array.from({ length: columns }, (_, i) => round(w[i] / races[r * columns + i]));
      const order = Array.from(score, (_, i) => i).sort((a, b) => score[b] - score[a] || a - b);
      for (let k = 0; k < numSamples; k++) out.elements[out.offset + r * numSamples + k] = order[k];
    }
    return out;
  },
);

interface Normal {
  (mean: number, std: number, shape: Shape, options?: RandomOptions): Tensor;
  (mean: Tensor, std: Tensor | number, options?: Randomness): Tensor;
  (mean: number, std: Tensor, options?: Randomness): Tensor;
}

/**
 * Normal numbers of given means and standard deviations: two numbers and a shape, or tensors that broadcast.
 *
 * Error: a negative standard deviation. Source: `torch.normal`. @example normal(0, 0.1, [2, 3])
 */
export const normal: Normal = op(
  {
    name: 'normal',
    torch: 'normal(mean, std, size=None, *, generator=None, dtype=None, requires_grad=False)',
    family: 'random',
    differentiable: random,
    samples: () => [],
  },
  (mean: Tensor | number, std: Tensor | number, ...rest: (Shape | RandomOptions | undefined)[]) => {
    const shape = rest.find((arg): arg is Shape => Array.isArray(arg));
    const options =
      rest.find((arg): arg is RandomOptions => typeof arg === 'object' && !Array.isArray(arg)) ?? {};
    if (typeof std === 'number') checkStd('normal', std);
    if (typeof mean === 'number' && typeof std === 'number') {
      if (!shape) throw new TypeError('normal: two numbers need a shape: normal(0, 1, [2, 3])');
      checkShape('normal', shape);
      return made('normal', [...shape], options, (out, generator) => fillNormal(out, mean, std, generator));
    }
    return noGrad(() => {
      const template = add(mul(mean, 0), mul(std, 0));
      return add(mul(randnLike(template, options), std), mean);
    });
  },
);

function checkStd(name: string, std: number): void {
  if (!(std >= 0)) throw new RangeError(`${name}: standard deviation ${std} must not be negative`);
}

/** Defines an in-place fill: checks the arguments, then draws over whatever the tensor holds; its history ends there. */
function filler<P extends readonly unknown[]>(
  name: string,
  parameters: string,
  check: (input: Tensor, ...args: P) => void,
  draw: (input: Tensor, generator: Generator, ...args: P) => void,
  defaults: P,
): (input: Tensor, ...args: Partial<P> | [...Partial<P>, Randomness]) => Tensor {
  return op(
    {
      name,
      torch: `Tensor.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}(input, ${parameters}*, generator=None)`,
      family: 'random',
      differentiable: random,
      samples: () => [],
    },
    (input: Tensor, ...given: readonly unknown[]) => {
      const options = given.find((arg): arg is Randomness => typeof arg === 'object' && arg !== null);
      const values = given.filter((arg) => typeof arg !== 'object');
      const args = defaults.map((value, i) => values[i] ?? value) as unknown as P;
      check(input, ...args);
      return overwrite(name, input, () => {
        draw(input, options?.generator ?? Generator.default, ...args);
        return null;
      });
    },
  );
}

/** Fills with numbers drawn evenly from [low, high), by default [0, 1). */
export const uniform_ = filler<[low: number, high: number]>(
  'uniform_',
  'from=0, to=1, ',
  (input, low, high) => {
    checkFloating('uniform_', input.dtype);
    if (!(low <= high)) throw new RangeError(`uniform_: low ${low} is above high ${high}`);
  },
  (input, generator, low, high) => fillUniform(input, low, high, generator),
  [0, 1],
);

/** Fills with normal numbers of `mean` (default 0) and `std` (default 1). */
export const normal_ = filler<[mean: number, std: number]>(
  'normal_',
  'mean=0, std=1, ',
  (input, _mean, std) => {
    checkFloating('normal_', input.dtype);
    checkStd('normal_', std);
  },
  (input, generator, mean, std) => fillNormal(input, mean, std, generator),
  [0, 1],
);

/** Fills with 1 (probability `p`, default 0.5) and 0. */
export const bernoulli_ = filler<[p: number]>(
  'bernoulli_',
  'p=0.5, ',
  (_input, p) => checkProbability('bernoulli_', p),
  (input, generator, p) => fill(input, () => (generator.uniform53() < p ? 1 : 0)),
  [0.5],
);

const checkRate = (name: string, input: Tensor, rate: number): void => {
  checkFloating(name, input.dtype);
  if (!(rate > 0)) throw new RangeError(`${name}: lambda ${rate} must be above 0`);
};

/** Fills from the exponential distribution of rate `lambda` (default 1). */
export const exponential_ = filler<[lambda: number]>(
  'exponential_',
  'lambd=1, ',
  (input, lambda) => checkRate('exponential_', input, lambda),
  (input, generator, lambda) => fill(input, () => exponentialNumber(generator, lambda)),
  [1],
);

/** Fills with e to the power of normal numbers of `mean` (default 1) and `std` (default 2). */
export const logNormal_ = filler<[mean: number, std: number]>(
  'logNormal_',
  'mean=1, std=2, ',
  (input, _mean, std) => {
    checkFloating('logNormal_', input.dtype);
    checkStd('logNormal_', std);
  },
  (input, generator, mean, std) => fill(input, () => Math.exp(generator.normal() * std + mean)),
  [1, 2],
);

/** Fills from the Cauchy distribution around `median` (default 0) of width `sigma` (default 1). */
export const cauchy_ = filler<[median: number, sigma: number]>(
  'cauchy_',
  'median=0, sigma=1, ',
  (input, _median, sigma) => {
    checkFloating('cauchy_', input.dtype);
    if (!(sigma > 0)) throw new RangeError(`cauchy_: sigma ${sigma} must be above 0`);
  },
  (input, generator, median, sigma) =>
    fill(input, () => median + sigma * Math.tan(Math.PI * (generator.uniform53() - 0.5))),
  [0, 1],
);

/** Fills with the number of trials until the first success of probability `p`. */
export const geometric_ = filler<[p: number]>(
  'geometric_',
  'p, ',
  (_input, p) => {
    if (!(p > 0 && p < 1)) throw new RangeError(`geometric_: probability ${p} is not in (0, 1)`);
  },
  (input, generator, p) => fill(input, () => Math.ceil(Math.log(generator.uniform53()) / Math.log1p(-p))),
  [0.5],
);

/** How many whole numbers, from 0, `random_` chooses among by itself: all that the dtype holds exactly. */
const wholeNumbers: Record<DType, number | bigint> = {
  float32: 2 ** 24 + 1,
  float64: 2n ** 53n + 1n,
  int32: 2 ** 31,
  uint8: 2 ** 8,
  bool: 2,
};

/** Fills with whole numbers from `low` to `high`, not included; without arguments with any that the dtype can hold; `random_(high)` from 0. */
export const random_ = filler<[low: number, high: number]>(
  'random_',
  'from=0, to=None, ',
  (_input, low, high) => {
    if (!Number.isNaN(low))
      checkRange('random_', Number.isNaN(high) ? 0 : low, Number.isNaN(high) ? low : high);
  },
  (input, generator, low, high) => {
    const whole = Number.isNaN(low);
    const [from, to] = Number.isNaN(high) ? [0, low] : [low, high];
    const all = wholeNumbers[input.dtype];
    if (!whole) fill(input, () => from + generator.below(to - from));
    else if (typeof all === 'bigint') fill(input, () => generator.below(all));
    else fill(input, () => (generator.bits() >>> 0) % all);
  },
  [Number.NaN, Number.NaN],
);
