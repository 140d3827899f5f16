/**
 * Sorts `order[0..n)` by `keys[order[i]]`, the smallest first, equal ones staying in order. NaN must not be among the keys.
 * A merge sort over runs of sixteen that insertion has sorted; `spare` is as long as `order`.
 */
export function sortByKeys(keys: Float64Array, order: Int32Array, spare: Int32Array, n: number): void {
  const run = 16;
  for (let start = 0; start < n; start += run) {
    const end = Math.min(start + run, n);
    for (let i = start + 1; i < end; i++) {
      const item = order[i];
      const key = keys[item];
      let j = i - 1;
      for (; j >= start && keys[order[j]] > key; j--) order[j + 1] = order[j];
      order[j + 1] = item;
    }
  }
  let from = order;
  let to = spare;
  for (let width = run; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const middle = Math.min(start + width, n);
      const end = Math.min(start + 2 * width, n);
      let i = start;
      let j = middle;
      let k = start;
      while (i < middle && j < end) to[k++] = keys[from[j]] < keys[from[i]] ? from[j++] : from[i++];
      while (i < middle) to[k++] = from[i++];
      while (j < end) to[k++] = from[j++];
    }
    [from, to] = [to, from];
  }
  if (from !== order) for (let i = 0; i < n; i++) order[i] = from[i];
}

/** Orders the places of a lane by value: stable, NaN counting as the greatest. One of these serves many lanes. */
export class LaneOrder {
  /** The places of the lane in order, after `sort`. */
  readonly order: Int32Array;
  readonly #keys: Float64Array;
  readonly #spare: Int32Array;
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
    this.order = new Int32Array(length);
    this.#keys = new Float64Array(length);
    this.#spare = new Int32Array(length);
  }

  /** Sorts the lane of `array` at `place` with `step`. */
  sort(array: ArrayLike<number>, place: number, step: number, descending: boolean): void {
    const [keys, order, n] = [this.#keys, this.order, this.#length];
    let numbers = 0;
    for (let i = 0; i < n; i++) {
      const value = array[place + i * step];
      keys[i] = descending ? -value : value;
      if (!Number.isNaN(value)) numbers++;
    }
    // NaN goes last, first when descending.
    let next = descending ? n - numbers : 0;
    let bad = descending ? 0 : numbers;
    for (let i = 0; i < n; i++)
      if (Number.isNaN(keys[i])) order[bad++] = i;
      else order[next++] = i;
    const start = descending ? n - numbers : 0;
    const part = start === 0 ? order : order.subarray(start);
    sortByKeys(keys, part, this.#spare, numbers);
  }
}
