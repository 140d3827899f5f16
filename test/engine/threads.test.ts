import { afterAll, describe, expect, test } from 'vitest';
import { nativeKernels, useNativeEngine } from '../../src/engine/native.ts';
import * as g from '../../src/index.ts';
import { bytesOf, everyCall, type KernelCall } from './everyCall.ts';
import { dtypes, largeCalls } from './largeCalls.ts';

const native = useNativeEngine();
const threads = g.getNumThreads();

afterAll(() => g.setNumThreads(threads));

/** The number of threads with which a call gives other bits than with one, or null. */
function differsWith({ tensors, again }: KernelCall): number | null {
  const memory = tensors.map(bytesOf);
  const before = memory.map((bytes) => Buffer.from(bytes));
  let one: Buffer[] = [];
  for (const count of [1, 2, 3, 4]) {
    for (const [i, bytes] of memory.entries()) bytes.set(before[i]);
    g.setNumThreads(count);
    again();
    if (count === 1) one = memory.map((bytes) => Buffer.from(bytes));
    else if (memory.some((bytes, i) => one[i].compare(bytes) !== 0)) return count;
  }
  return null;
}

describe.runIf(native)('1, 2, 3 and 4 threads give the same bits', () => {
  test.each(dtypes)(
    'in every kernel, %s',
    (dtype) => {
      const wrong: string[] = [];
      const looked = new Map<string, number>();
      const called = new Set<string>();
      for (const [title, run] of largeCalls()) {
        g.manualSeed(7);
        g.setNumThreads(2);
        const names = everyCall(
          () => void run(dtype),
          (call) => {
            // Copies and sums are everywhere: some of their calls are enough.
            const seen = (looked.get(call.name) ?? 0) + 1;
            looked.set(call.name, seen);
            if (seen > 4 && !title.includes(call.name.replace(/.*\./, ''))) return;
            const count = differsWith(call);
            if (count !== null) wrong.push(`${call.name} in ${title}: ${count} threads`);
          },
        );
        for (const name of names) called.add(name);
      }
      expect(wrong).toEqual([]);
      expect(nativeKernels().filter((name) => !called.has(name))).toEqual(
        dtype === 'float64' ? ['random.normal'] : [],
      );
    },
    240_000,
  );
});

test('a number of threads is a whole number from 1 to 256', () => {
  for (const count of [0, -1, 1.5, Number.NaN, Infinity, 257, 1000, '2' as unknown as number])
    expect(() => g.setNumThreads(count)).toThrow(
      `setNumThreads: ${count} threads: use a whole number from 1 to 256`,
    );
  for (const count of [256, 1]) {
    g.setNumThreads(count);
    expect(g.getNumThreads()).toBe(count);
    expect(g.rand([300_001]).sum().item()).toBeGreaterThan(0);
  }
});
