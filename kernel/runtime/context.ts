import { promiseHooks } from 'node:v8';
import type { Sink } from '../../display/host.ts';
import type { Header, MimeBundle } from '../interfaces.ts';

/** The cell that some code belongs to, also when that code runs after the cell has ended. */
export interface CellContext {
  parent: Header;
  executionCount: number;
  allowStdin: boolean;
  payload: MimeBundle[];
  /** The front-end's name for the cell, the same each time it runs. */
  cellId?: string;
  /** Takes the output instead of the front-end. */
  sink?: Sink;
  /** The cell's own context, where this one only redirects output. */
  root?: CellContext;
  ended?: boolean;
}

/**
 * Tells which cell the running code belongs to, through promises and timers. `AsyncLocalStorage` cannot do it here: in Node 20 it
 * keeps a native stack of async ids, which the termination of a cell by an interrupt leaves unbalanced, and Node aborts on that.
 */
export class ContextTracker {
  readonly #ofPromise = new WeakMap<Promise<unknown>, CellContext>();
  readonly #interrupted: (CellContext | null)[] = [];
  #now: CellContext | null = null;
  #last: CellContext | null = null;

  /** The cell of the running code; the latest one where that cannot be told. */
  get current(): CellContext | null {
    return this.#now ?? this.#last;
  }

  /** The cell that made a promise. */
  of(promise: Promise<unknown>): CellContext | null {
    return this.#ofPromise.get(promise) ?? null;
  }

  run<T>(context: CellContext, body: () => T): T {
    const before = this.#now;
    this.#now = context;
    this.#last = context;
    try {
      return body();
    } finally {
      this.#now = before;
    }
  }

  /** Forgets what a terminated cell left behind: at the start of an event-loop task no code is running. */
  clear(): void {
    this.#now = null;
    this.#interrupted.length = 0;
  }

  /** Follows promises, timers and microtasks from now on. `failed` is told of a throw in a timer, with its cell. */
  follow(failed: (thrown: unknown, context: CellContext) => void): void {
    promiseHooks.createHook({
      init: (promise) => {
        if (this.#now) this.#ofPromise.set(promise, this.#now);
      },
      before: (promise) => {
        this.#interrupted.push(this.#now);
        this.#now = this.#ofPromise.get(promise) ?? null;
      },
      after: () => {
        this.#now = this.#interrupted.pop() ?? null;
      },
    });
    const wrap = (callback: unknown): unknown => {
      const context = this.#now;
      if (!context || typeof callback !== 'function') return callback;
      return (...args: unknown[]) => {
        this.#now = context;
        try {
          return callback(...args) as unknown;
        } catch (thrown) {
          failed(thrown, context);
        } finally {
          this.#now = null;
        }
      };
    };
    for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const) {
      const original = globalThis[name] as (callback: unknown, ...rest: unknown[]) => unknown;
      const replacement = (callback: unknown, ...rest: unknown[]): unknown =>
        original(wrap(callback), ...rest);
      Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original));
      Object.assign(globalThis, { [name]: replacement });
    }
    const nextTick = process.nextTick.bind(process) as (callback: unknown, ...rest: unknown[]) => void;
    process.nextTick = ((callback: unknown, ...rest: unknown[]) =>
      nextTick(wrap(callback), ...rest)) as typeof process.nextTick;
  }
}
