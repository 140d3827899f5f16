import { overwrite } from '../autograd/inplace.ts';
import type { DType } from '../tensor/dtype.ts';
import { Generator } from '../tensor/generator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkFloating, checkProbability, checkRange, checkStd, type Randomness, random } from './random.ts';
import { exponentialNumber, fill, fillBernoulli, fillNormal, fillUniform, fillWhole } from './randomFill.ts';
import { op } from './record.ts';

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
  (input, generator, p) => fillBernoulli(input, p, generator),
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
    if (!whole) fillWhole(input, from, to - from, generator);
    else if (typeof all === 'bigint') fill(input, () => generator.below(all));
    else fill(input, () => (generator.bits() >>> 0) % all);
  },
  [Number.NaN, Number.NaN],
);
