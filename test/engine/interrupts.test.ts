import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { nativeKernels, setInterruptWords, useNativeEngine } from '../../src/engine/native.ts';
import * as g from '../../src/index.ts';
import { everyCall, type KernelCall } from './everyCall.ts';
import { dtypes, largeCalls } from './largeCalls.ts';

/** An interrupt is wanted while the first differs from the second; the others are a worker's. */
const words = new Int32Array(new SharedArrayBuffer(16));
const native = useNativeEngine();
const threads = g.getNumThreads();

beforeAll(() => {
  setInterruptWords(words);
  g.setNumThreads(1);
  // A call that was stopped waits until its JavaScript is terminated: here nobody does that.
  vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new Error('stopped');
  });
});

afterAll(() => {
  vi.restoreAllMocks();
  setInterruptWords(new Int32Array(2));
  g.setNumThreads(threads);
});

beforeEach(() => {
  words.fill(0);
  g.manualSeed(3);
});

const milliseconds = (call: () => void): number => {
  const start = performance.now();
  try {
    call();
  } catch (error) {
    expect((error as Error).message).toBe('stopped');
  }
  return performance.now() - start;
};

describe.runIf(native)('long calls end early when an interrupt is wanted', () => {
  test.each(dtypes)(
    'in every kernel, %s',
    (dtype) => {
      const slow = new Map<string, string>();
      const called = new Set<string>();
      const inspect = ({ name, again }: KernelCall): void => {
        const whole = milliseconds(again);
        if (whole < 4) return;
        let least = Infinity;
        // Other processes may take the time of one try, not of all.
        for (let attempt = 0; attempt < 20 && !(least < whole / 2); attempt++) {
          words[0] = 1;
          least = Math.min(least, milliseconds(again));
          words[0] = 0;
        }
        if (!(least < whole / 2)) slow.set(name, `${least} ms of ${whole} ms`);
      };
      for (const [, run] of largeCalls())
        for (const name of everyCall(() => void run(dtype), inspect)) called.add(name);
      expect([...slow]).toEqual([]);
      expect(nativeKernels().filter((name) => !called.has(name))).toEqual(
        dtype === 'float64' ? ['random.normal'] : [],
      );
    },
    240_000,
  );

  /** Wants an interrupt a while after a call began: words[2] says that it did, words[3] how many milliseconds to wait. */
  const interrupter = `const { workerData: words } = require('node:worker_threads');
    for (;;) {
      Atomics.wait(words, 2, 0);
      Atomics.wait(words, 2, 1, words[3]);
      words[0] = 1;
      Atomics.wait(words, 2, 1);
    }`;

  const calls: readonly (readonly [string, () => g.Tensor])[] = [
    ['a matrix product', () => g.matmul(g.ones([1000, 1000]), g.ones([1000, 1000]))],
    ['a convolution', () => g.F.conv2d(g.ones([8, 128, 60, 60]), g.ones([128, 128, 3, 3]))],
    ['a step of an LSTM', () => new g.nn.LSTMCell(500, 500).forward(g.ones([1500, 500]))[0]],
    ['a sort', () => g.sort(g.rand([1_000_000]), 0)[0]],
    ['distances', () => g.cdist(g.ones([500, 100]), g.ones([500, 100]), 3)],
  ];
  test.each(calls)('by another thread, in the middle of %s; the engine goes on', async (_, call) => {
    const worker = new Worker(interrupter, { eval: true, workerData: words });
    await new Promise((resolve) => worker.once('online', resolve));
    try {
      g.manualSeed(5);
      call();
      g.manualSeed(5);
      const start = performance.now();
      const whole = call().detach().clone();
      const took = performance.now() - start;
      let stopped = Infinity;
      for (let attempt = 0; attempt < 50 && !(stopped < 0.7 * took); attempt++) {
        words[3] = Math.ceil(took / 5);
        words[2] = 1;
        Atomics.notify(words, 2);
        const begun = performance.now();
        try {
          call();
        } catch (error) {
          expect((error as Error).message).toBe('stopped');
          stopped = Math.min(stopped, performance.now() - begun);
        }
        while (Atomics.load(words, 0) === 0);
        words[2] = 0;
        Atomics.notify(words, 2);
        words[0] = 0;
      }
      expect(stopped).toBeLessThan(0.7 * took);
      g.manualSeed(5);
      expect(g.equal(call(), whole)).toBe(true);
    } finally {
      await worker.terminate();
    }
  });
});
