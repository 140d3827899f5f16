import { noGrad } from '../autograd/mode.ts';
import type { TensorOptions } from '../tensor/creation.ts';
import { type DType, dtypeInfo, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { Generator } from '../tensor/generator.ts';
import { checkShape, formatShape, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, mul } from './arithmetic.ts';
import { type Sized, sized } from './creation.ts';
import { exponentialNumber, fillNormal, fillUniform, fillWhole } from './randomFill.ts';
import { op } from './record.ts';

export interface Randomness {
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

export type RandomOptions = TensorOptions & Randomness;

export const random = 'draws random numbers';

export function checkFloating(name: string, dtype: DType): void {
  dtypeInfo(dtype);
  if (!isFloating(dtype))
    throw new TypeError(`${name}: draws real numbers, but the dtype is ${dtype}: use float32 or float64`);
}

export function checkProbability(name: string, p: number): void {
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

export function checkRange(name: string, low: number, high: number): void {
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
    fillWhole(out, low, high - low, generator);
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
    const round = input.dtype === 'float32' ? Math.fround : (x: number) => x;
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

export function checkStd(name: string, std: number): void {
  if (!(std >= 0)) throw new RangeError(`${name}: standard deviation ${std} must not be negative`);
}
