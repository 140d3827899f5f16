import type { Generator } from '../tensor/generator.ts';

/** The numbers from 0 to n - 1 in random order: the same as `randperm(n, { generator })`, as an array. */
export function permutation(n: number, generator: Generator): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const j = i + ((generator.bits() >>> 0) % (n - i));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
