import { inspect } from 'node:util';
import { observeKernels } from '../engine/kernel.ts';
import { add } from '../ops/arithmetic.ts';
import { zeros } from '../ops/creation.ts';

/** What one kernel took, over all its calls. */
export interface ProfileRow {
  /** The kernel's name: `conv.forward`, `binary.add`. */
  readonly name: string;
  readonly calls: number;
  /** Milliseconds inside the kernel. */
  readonly time: number;
}

/** Where the time of a piece of code went. Printed, it is a table. */
export class Profile<T> {
  /** What the code returned. */
  readonly result: T;
  /** The kernels, the slowest first. */
  readonly rows: readonly ProfileRow[];
  /** Milliseconds from start to end. */
  readonly total: number;

  constructor(result: T, rows: readonly ProfileRow[], total: number) {
    this.result = result;
    this.rows = rows;
    this.total = total;
  }

  /** Milliseconds outside kernels: JavaScript, shapes, autograd's records. */
  get overhead(): number {
    return this.total - this.rows.reduce((sum, { time }) => sum + time, 0);
  }

  toString(): string {
    const share = (time: number): string => `${((100 * time) / this.total).toFixed(1)} %`;
    const rows = [
      ['kernel', 'calls', 'ms', 'us a call', 'share'],
      ...this.rows.map(({ name, calls, time }) => [
        name,
        String(calls),
        time.toFixed(2),
        ((1000 * time) / calls).toFixed(1),
        share(time),
      ]),
      ['(outside kernels)', '', this.overhead.toFixed(2), '', share(this.overhead)],
    ];
    const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
    return [
      ...rows.map((row) =>
        row
          .map((text, c) => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c])))
          .join('  ')
          .trimEnd(),
      ),
      `total: ${this.total.toFixed(2)} ms`,
    ].join('\n');
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * Runs `body` and measures each kernel: how often it ran and how long. Costs nothing while it is not used.
 *
 * @example
 * profile(() => loss(model(x), y).backward())
 *
 * A promise is awaited, and so must be what is returned then.
 */
export function profile<T>(body: () => Promise<T>): Promise<Profile<T>>;
export function profile<T>(body: () => T): Profile<T>;
export function profile<T>(body: () => T | Promise<T>): Profile<T> | Promise<Profile<T>> {
  // The engine may be built or loaded at the first kernel: not in the measurement.
  add(zeros([1]), 1);
  const found = new Map<string, { calls: number; time: number }>();
  observeKernels((name, time) => {
    const row = found.get(name);
    if (!row) found.set(name, { calls: 1, time });
    else {
      row.calls++;
      row.time += time;
    }
  });
  const start = performance.now();
  const finish = (result: T): Profile<T> => {
    const total = performance.now() - start;
    observeKernels(null);
    const rows = [...found].map(([name, row]) => ({ name, ...row })).sort((a, b) => b.time - a.time);
    return new Profile(result, rows, total);
  };
  try {
    const result = body();
    if (!(result instanceof Promise)) return finish(result);
    return result.then(finish).finally(() => observeKernels(null));
  } catch (error) {
    observeKernels(null);
    throw error;
  }
}
