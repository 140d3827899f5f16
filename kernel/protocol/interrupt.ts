import inspector from 'node:inspector';
import { descendantsOfMainThread } from './descendants.ts';

/**
 * The words that io and the user thread share. `interrupts` counts requests, `answered` those that the user thread has seen in its
 * event loop; `input` is the state of a blocked `input()`: 0 waiting, 1 answered, 2 refused.
 */
export const shared = { interrupts: 0, answered: 1, input: 2, inputLength: 3 } as const;

/** Bytes of the words above, before the text of an answer to `input()`. */
export const sharedHeader = 16;

/** How long the user thread may take to answer by itself before its JavaScript is terminated, in milliseconds. */
const patience = 15;

/** What the children of a blocked cell are told, by the number of the attempt. */
const signals: Readonly<Record<number, NodeJS.Signals>> = { 0: 'SIGINT', 2: 'SIGTERM', 30: 'SIGKILL' };

function tell(signal: NodeJS.Signals): void {
  for (const id of descendantsOfMainThread())
    try {
      process.kill(id, signal);
    } catch {
      // It has ended meanwhile.
    }
}

/** Stops whatever the user thread does: a tight loop by termination, anything that waits by a message. */
export class Interrupter {
  readonly #words: Int32Array;
  readonly #notify: () => void;
  #session: inspector.Session | null = null;

  constructor(memory: SharedArrayBuffer, notify: () => void) {
    this.#words = new Int32Array(memory, 0, sharedHeader / 4);
    this.#notify = notify;
  }

  async interrupt(): Promise<void> {
    const wanted = Atomics.add(this.#words, shared.interrupts, 1) + 1;
    Atomics.store(this.#words, shared.input, 2);
    Atomics.notify(this.#words, shared.input);
    this.#notify();
    for (let attempt = 0; attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, patience));
      if (Atomics.load(this.#words, shared.answered) >= wanted) return;
      await this.#terminate();
      // What still does not answer may wait for a child process: as Ctrl-C in a terminal, that one is told too.
      const signal = signals[attempt];
      if (signal && Atomics.load(this.#words, shared.answered) < wanted) tell(signal);
    }
  }

  /** Lets go of the main thread, which would wait for a debugger at its exit otherwise. */
  close(): void {
    this.#session?.disconnect();
    this.#session = null;
  }

  #terminate(): Promise<void> {
    if (!this.#session) {
      this.#session = new inspector.Session();
      this.#session.connectToMainThread();
    }
    return new Promise((resolve) => {
      const timeout = setTimeout(resolve, patience);
      this.#session!.post('Runtime.terminateExecution', () => {
        clearTimeout(timeout);
        resolve();
      });
    });
  }
}
