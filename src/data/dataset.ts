import { indexSelect } from '../ops/indexSelect.ts';
import { select } from '../ops/shape.ts';
import { tensor } from '../tensor/creation.ts';
import { Generator } from '../tensor/generator.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { permutation } from './permutation.ts';

/** Examples by number. `get` may return a promise: such a set is read with `for await`. */
export interface Dataset<T> {
  /** How many examples. */
  readonly length: number;
  /** The example at `index`, from 0. */
  get(index: number): T | Promise<T>;
  /** Many examples at once, already collated, where that is faster than one by one. */
  getBatch?(indices: readonly number[]): unknown;
}

/** Error: not an example's number. */
export function checkIndex(dataset: string, index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length)
    throw new RangeError(`${dataset}: index ${index} is not in 0 to ${length - 1}`);
}

/**
 * Tensors with the same first size, read together: example i is the i-th row of each, as a view.
 *
 * @example
 * const dataset = new data.TensorDataset(images, labels);
 *
 * Error: first sizes that differ. Source: `torch.utils.data.TensorDataset`.
 */
export class TensorDataset<T extends readonly Tensor[]> implements Dataset<T> {
  readonly tensors: T;

  constructor(...tensors: T) {
    const [first] = tensors;
    if (!first) throw new RangeError('TensorDataset: got no tensors');
    for (const t of tensors)
      if (t.ndim === 0 || t.shape[0] !== first.shape[0])
        throw new RangeError(
          `TensorDataset: the first sizes of ${tensors.map((x) => formatShape(x.shape)).join(' and ')} differ`,
        );
    this.tensors = tensors;
  }

  get length(): number {
    return this.tensors[0].shape[0];
  }

  get(index: number): T {
    checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((t) => select(t, 0, index)) as unknown as T;
  }

  getBatch(indices: readonly number[]): T {
    const places = tensor([...indices], { dtype: 'int32' });
    return this.tensors.map((t) => indexSelect(t, 0, places)) as unknown as T;
  }
}

/** An array's items as a dataset. */
export class ArrayDataset<T> implements Dataset<T> {
  readonly items: readonly T[];
  constructor(items: readonly T[]) {
    this.items = items;
  }
  get length(): number {
    return this.items.length;
  }
  get(index: number): T {
    checkIndex('ArrayDataset', index, this.length);
    return this.items[index];
  }
}

/** Some of a dataset's examples, in the order given. */
export class Subset<T> implements Dataset<T> {
  readonly dataset: Dataset<T>;
  readonly indices: readonly number[];
  /** Reads many at once where the whole dataset can. */
  readonly getBatch?: (indices: readonly number[]) => unknown;

  constructor(dataset: Dataset<T>, indices: readonly number[]) {
    for (const index of indices) checkIndex('Subset', index, dataset.length);
    this.dataset = dataset;
    this.indices = indices;
    if (dataset.getBatch) this.getBatch = (places) => dataset.getBatch?.(places.map((i) => indices[i]));
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number): T | Promise<T> {
    checkIndex('Subset', index, this.length);
    return this.dataset.get(this.indices[index]);
  }
}

/** Datasets one after the other. */
export class ConcatDataset<T> implements Dataset<T> {
  readonly datasets: readonly Dataset<T>[];
  readonly #ends: readonly number[];

  constructor(datasets: readonly Dataset<T>[]) {
    if (datasets.length === 0) throw new RangeError('ConcatDataset: got no datasets');
    this.datasets = datasets;
    let end = 0;
    this.#ends = datasets.map((d) => (end += d.length));
  }

  get length(): number {
    return this.#ends[this.#ends.length - 1];
  }

  get(index: number): T | Promise<T> {
    checkIndex('ConcatDataset', index, this.length);
    const which = this.#ends.findIndex((end) => index < end);
    return this.datasets[which].get(which === 0 ? index : index - this.#ends[which - 1]);
  }
}

/** A dataset whose examples go through a function when they are read: augmentation, normalisation, another form. */
export class MapDataset<T, U> implements Dataset<U> {
  readonly dataset: Dataset<T>;
  readonly transform: (example: T, index: number) => U;

  constructor(dataset: Dataset<T>, transform: (example: T, index: number) => U) {
    this.dataset = dataset;
    this.transform = transform;
  }

  get length(): number {
    return this.dataset.length;
  }

  get(index: number): U | Promise<U> {
    const example = this.dataset.get(index);
    return example instanceof Promise
      ? example.then((e) => this.transform(e, index))
      : this.transform(example, index);
  }
}

/**
 * Splits a dataset at random into parts of the given sizes, or of the given fractions (which sum to 1; what rounding leaves goes to
 * the first parts, one each).
 *
 * @example
 * const [train, test] = data.randomSplit(dataset, [0.8, 0.2], { generator: new Generator(0) });
 *
 * Errors: sizes that do not add up to the dataset's length. Source: `torch.utils.data.random_split`.
 */
export function randomSplit<T>(
  dataset: Dataset<T>,
  lengths: readonly number[],
  { generator = Generator.default }: { generator?: Generator } = {},
): Subset<T>[] {
  const total = lengths.reduce((sum, n) => sum + n, 0);
  let sizes = [...lengths];
  if (
    Math.abs(total - 1) < 1e-9 &&
    lengths.every((n) => n <= 1) &&
    !(dataset.length === 1 && lengths.includes(1))
  ) {
    sizes = lengths.map((fraction) => Math.floor(dataset.length * fraction));
    let rest = dataset.length - sizes.reduce((sum, n) => sum + n, 0);
    for (let i = 0; rest > 0; i = (i + 1) % sizes.length, rest--) sizes[i]++;
  }
  if (
    sizes.reduce((sum, n) => sum + n, 0) !== dataset.length ||
    sizes.some((n) => !Number.isInteger(n) || n < 0)
  )
    throw new RangeError(
      `randomSplit: the sizes [${lengths}] do not add up to the ${dataset.length} examples: pass whole numbers that do, or fractions that sum to 1`,
    );
  const order = permutation(dataset.length, generator);
  let from = 0;
  return sizes.map((size) => new Subset(dataset, order.slice(from, (from += size))));
}
