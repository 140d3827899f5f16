import { Generator } from '../tensor/generator.ts';
import { type Collated, defaultCollate } from './collate.ts';
import type { Dataset } from './dataset.ts';
import { BatchSampler, RandomSampler, type Sampler, SequentialSampler } from './sampler.ts';

export interface DataLoaderOptions<T, B> {
  /** Examples a batch. Default 1. */
  batchSize?: number;
  /** Another random order in each pass. Default false. */
  shuffle?: boolean;
  /** An order of one's own, instead of shuffle. */
  sampler?: Sampler;
  /** Batches of one's own (such as `PKSampler`), instead of batchSize, shuffle, sampler and dropLast. */
  batchSampler?: Iterable<number[]> & { readonly length: number };
  /** Leaves out a last batch that is smaller. Default false. */
  dropLast?: boolean;
  /** Makes a batch of examples. Default `defaultCollate`. */
  collate?: (examples: T[]) => B;
  /** Where the random order comes from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
  /** How many batches `for await` reads ahead. Default 2. */
  prefetch?: number;
}

/**
 * Reads a dataset in batches: `for (const [x, y] of loader)`, or `for await` where examples come as promises (files, downloads), which
 * are then read ahead.
 *
 * @example
 * const loader = new data.DataLoader(dataset, { batchSize: 64, shuffle: true });
 * for (const [images, labels] of loader) { ... }
 *
 * With the same seed the batches are PyTorch's. Errors: options that exclude each other. Source: `torch.utils.data.DataLoader`.
 */
export class DataLoader<T, B = Collated<T>> implements Iterable<B>, AsyncIterable<B> {
  readonly dataset: Dataset<T>;
  readonly batchSampler: Iterable<number[]> & { readonly length: number };
  readonly #collate: ((examples: T[]) => B) | undefined;
  readonly #generator: Generator;
  readonly #prefetch: number;

  constructor(dataset: Dataset<T>, options: DataLoaderOptions<T, B> = {}) {
    const {
      batchSize = 1,
      shuffle = false,
      sampler,
      batchSampler,
      dropLast = false,
      generator,
      prefetch = 2,
    } = options;
    if (sampler && shuffle) throw new TypeError('DataLoader: a sampler has its own order: leave shuffle out');
    if (batchSampler && (options.batchSize !== undefined || shuffle || sampler || dropLast))
      throw new TypeError(
        'DataLoader: a batchSampler makes the batches: leave batchSize, shuffle, sampler and dropLast out',
      );
    if (!Number.isInteger(prefetch) || prefetch < 0)
      throw new RangeError(`DataLoader: prefetch is ${prefetch}: it must be a whole number from 0`);
    this.dataset = dataset;
    this.batchSampler =
      batchSampler ??
      new BatchSampler(
        sampler ?? (shuffle ? new RandomSampler(dataset, { generator }) : new SequentialSampler(dataset)),
        batchSize,
        dropLast,
      );
    this.#collate = options.collate;
    this.#generator = generator ?? Generator.default;
    this.#prefetch = prefetch;
  }

  /** How many batches one pass has. */
  get length(): number {
    return this.batchSampler.length;
  }

  /** The places of each batch. PyTorch's loader draws a seed for its workers before the order is drawn; so does this one. */
  *#batches(): globalThis.Generator<number[], void, undefined> {
    this.#generator.bits();
    this.#generator.bits();
    yield* this.batchSampler;
  }

  #read(indices: readonly number[]): B | Promise<B> {
    if (!this.#collate && this.dataset.getBatch) return this.dataset.getBatch(indices) as B;
    const collate = this.#collate ?? (defaultCollate as unknown as (examples: T[]) => B);
    const examples = indices.map((i) => this.dataset.get(i));
    return examples.some((e) => e instanceof Promise)
      ? Promise.all(examples).then((all) => collate(all as T[]))
      : collate(examples as T[]);
  }

  *[Symbol.iterator](): globalThis.Generator<B, void, undefined> {
    for (const indices of this.#batches()) {
      const batch = this.#read(indices);
      if (batch instanceof Promise) {
        batch.catch(() => {});
        throw new TypeError('DataLoader: this dataset returns promises: read it with `for await`');
      }
      yield batch;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    const ahead: Promise<B>[] = [];
    const start = (indices: readonly number[]): Promise<B> => {
      const batch = (async () => this.#read(indices))();
      batch.catch(() => {});
      return batch;
    };
    for (const indices of this.#batches()) {
      ahead.push(start(indices));
      if (ahead.length > this.#prefetch) yield await (ahead.shift() as Promise<B>);
    }
    for (const batch of ahead) yield await batch;
  }
}
