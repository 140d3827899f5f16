import { Generator } from '../tensor/generator.ts';
import { permutation } from './permutation.ts';

/** An order in which examples are read. */
export interface Sampler extends Iterable<number> {
  readonly length: number;
}

interface Sized {
  readonly length: number;
}

/** From the first to the last. */
export class SequentialSampler implements Sampler {
  readonly length: number;
  constructor({ length }: Sized) {
    this.length = length;
  }
  *[Symbol.iterator](): Generator_ {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

type Generator_ = globalThis.Generator<number, void, undefined>;

/**
 * A generator for one pass. PyTorch seeds a fresh one from the default stream unless it is given one: a 64-bit draw, of which the
 * low half counts.
 */
function forPass(generator: Generator | undefined): Generator {
  if (generator) return generator;
  Generator.default.bits();
  return new Generator(Generator.default.bits() >>> 0);
}

export interface RandomSamplerOptions {
  /** May draw an example more than once. Default false. */
  replacement?: boolean;
  /** How many to draw. Default all. */
  numSamples?: number;
  generator?: Generator;
}

/** In random order, each time another; the same order as PyTorch's after the same seed. Source: `torch.utils.data.RandomSampler`. */
export class RandomSampler implements Sampler {
  readonly length: number;
  readonly #size: number;
  readonly #replacement: boolean;
  readonly #generator: Generator | undefined;

  constructor(
    { length }: Sized,
    { replacement = false, numSamples = length, generator }: RandomSamplerOptions = {},
  ) {
    if (!Number.isInteger(numSamples) || numSamples < 0)
      throw new RangeError(`RandomSampler: numSamples is ${numSamples}: it must be a whole number from 0`);
    if (length === 0 && numSamples > 0) throw new RangeError('RandomSampler: nothing to draw from');
    this.#size = Math.max(length, 1);
    this.length = numSamples;
    this.#replacement = replacement;
    this.#generator = generator;
  }

  *[Symbol.iterator](): Generator_ {
    const generator = forPass(this.#generator);
    if (this.#replacement) {
      for (let i = 0; i < this.length; i++) yield generator.below(this.#size);
      return;
    }
    // The last, partial round is drawn even where it is empty, as PyTorch does: it moves a generator that was given.
    for (let left = this.length; left >= 0; left -= this.#size)
      yield* permutation(this.#size, generator).slice(0, left);
  }
}

/** A subset in random order. */
export class SubsetRandomSampler implements Sampler {
  readonly indices: readonly number[];
  readonly #generator: Generator;
  constructor(indices: readonly number[], { generator = Generator.default }: { generator?: Generator } = {}) {
    this.indices = indices;
    this.#generator = generator;
  }
  get length(): number {
    return this.indices.length;
  }
  *[Symbol.iterator](): Generator_ {
    for (const i of permutation(this.length, this.#generator)) yield this.indices[i];
  }
}

/**
 * Draws examples with probabilities in proportion to their weights: rare classes as often as common ones, for instance.
 *
 * @param numSamples how many to draw. @param options `replacement` default true.
 * Errors: negative weights, none above 0; without replacement, more than there are with a weight.
 */
export class WeightedRandomSampler implements Sampler {
  readonly weights: readonly number[];
  readonly length: number;
  readonly #replacement: boolean;
  readonly #generator: Generator;

  constructor(
    weights: readonly number[],
    numSamples: number,
    {
      replacement = true,
      generator = Generator.default,
    }: { replacement?: boolean; generator?: Generator } = {},
  ) {
    if (!weights.some((w) => w > 0) || !weights.every((w) => w >= 0 && Number.isFinite(w)))
      throw new RangeError(
        'WeightedRandomSampler: weights must be finite, at least 0, and one of them above',
      );
    if (!Number.isInteger(numSamples) || numSamples < 1)
      throw new RangeError(
        `WeightedRandomSampler: numSamples is ${numSamples}: it must be a whole number from 1`,
      );
    const possible = weights.filter((w) => w > 0).length;
    if (!replacement && numSamples > possible)
      throw new RangeError(
        `WeightedRandomSampler: ${numSamples} cannot be drawn without replacement from ${possible} examples with a weight above 0`,
      );
    this.weights = weights;
    this.length = numSamples;
    this.#replacement = replacement;
    this.#generator = generator;
  }

  *[Symbol.iterator](): Generator_ {
    const left = [...this.weights];
    let sums = cumulative(left);
    for (let n = 0; n < this.length; n++) {
      const place = this.#generator.uniform53() * sums[sums.length - 1];
      const index = firstAbove(sums, place);
      yield index;
      if (!this.#replacement) {
        left[index] = 0;
        sums = cumulative(left);
      }
    }
  }
}

function cumulative(weights: readonly number[]): Float64Array {
  let total = 0;
  return Float64Array.from(weights, (w) => (total += w));
}

/** The first place whose value is above `value`, in a rising row. */
function firstAbove(row: Float64Array, value: number): number {
  let low = 0;
  let high = row.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Groups the numbers of a sampler into batches. */
export class BatchSampler implements Iterable<number[]> {
  readonly sampler: Sampler;
  readonly batchSize: number;
  readonly dropLast: boolean;

  constructor(sampler: Sampler, batchSize: number, dropLast = false) {
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`BatchSampler: batchSize is ${batchSize}: it must be a whole number from 1`);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }

  get length(): number {
    const whole = this.sampler.length / this.batchSize;
    return this.dropLast ? Math.floor(whole) : Math.ceil(whole);
  }

  *[Symbol.iterator](): globalThis.Generator<number[], void, undefined> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}

export interface PKSamplerOptions {
  /** Batches in one pass. Default: as many as there are examples for. */
  batches?: number;
  generator?: Generator;
}

/**
 * Batches of P classes with K examples each, so that every batch has pairs of the same class and of different ones: what metric
 * learning mines. A class with fewer than K examples repeats some. Source: Hermans et al. 2017.
 */
export class PKSampler implements Iterable<number[]> {
  readonly length: number;
  readonly #byClass: number[][];
  readonly #p: number;
  readonly #k: number;
  readonly #generator: Generator;

  constructor(
    labels: Iterable<number>,
    p: number,
    k: number,
    { batches, generator = Generator.default }: PKSamplerOptions = {},
  ) {
    const classes = new Map<number, number[]>();
    let count = 0;
    for (const label of labels) {
      const members = classes.get(label);
      if (members) members.push(count);
      else classes.set(label, [count]);
      count++;
    }
    if (!Number.isInteger(p) || !Number.isInteger(k) || p < 1 || k < 1)
      throw new RangeError(`PKSampler: ${p} classes of ${k} examples: both must be whole numbers from 1`);
    if (classes.size < p)
      throw new RangeError(`PKSampler: ${p} classes a batch, but there are only ${classes.size}`);
    this.#byClass = [...classes.values()];
    this.#p = p;
    this.#k = k;
    this.#generator = generator;
    this.length = batches ?? Math.max(1, Math.floor(count / (p * k)));
  }

  *[Symbol.iterator](): globalThis.Generator<number[], void, undefined> {
    for (let n = 0; n < this.length; n++)
      yield permutation(this.#byClass.length, this.#generator)
        .slice(0, this.#p)
        .flatMap((c) => {
          const members = this.#byClass[c];
          const order = permutation(members.length, this.#generator);
          return Array.from({ length: this.#k }, (_, i) => members[order[i % members.length]]);
        });
  }
}
