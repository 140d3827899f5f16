import { MessageChannel } from 'node:worker_threads';

/**
 * Runs functions in event-loop tasks of their own, each as the handler of a message. An interrupt terminates JavaScript up to the
 * event loop; a message's native frame survives that, while timers and immediates keep books in JavaScript that it leaves unbalanced.
 */
export class Tasks {
  readonly #channel = new MessageChannel();
  readonly #queue: (() => void)[] = [];
  /** What is to come right behind the handler that runs. */
  #next: (() => void)[] | null = null;

  constructor() {
    this.#channel.port2.on('message', () => this.#queue.shift()?.());
    this.#channel.port2.unref();
  }

  start(body: () => void): void {
    if (this.#next) {
      this.#next.push(body);
      return;
    }
    this.#queue.push(body);
    this.#channel.port1.postMessage(null);
  }

  /**
   * Runs `body`, the handler of a message, and what it starts before it returns in the same event-loop task: by then nothing of the kernel
   * is on the stack that an interrupt would cut off.
   */
  handle(body: () => void): void {
    const next: (() => void)[] = [];
    this.#next = next;
    try {
      body();
    } finally {
      this.#next = null;
    }
    for (const started of next) started();
  }
}

/** What `restoreBooks` throws; the handler of uncaught exceptions lets it pass. */
export const booksRestored = Symbol('books restored');

/** Makes Node forget the async ids of callbacks that a termination cut off: it does so for an exception that nobody caught. */
export const restoreBooks = (): void => {
  setImmediate(() => {
    throw booksRestored;
  });
};
