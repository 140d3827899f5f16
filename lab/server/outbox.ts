import type { WebSocket } from 'ws';

const high = 4 * 2 ** 20;
const low = 2 ** 20;
/** A browser that reads nothing for so long sleeps: its socket is closed, so that others see the kernel's output again. */
const patience = 60_000;

/** Sends on a socket, and says when the other end reads too slowly. */
export class Outbox {
  readonly #socket: WebSocket;
  #pending = 0;
  #ready: (() => void) | null = null;
  #draining: Promise<void> | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @returns what settles when more can be sent; nothing when it can be at once. */
  send(data: string | Buffer): Promise<void> | undefined {
    if (this.#socket.readyState !== this.#socket.OPEN) return undefined;
    const size = data.length;
    this.#pending += size;
    this.#socket.send(data, () => {
      this.#pending -= size;
      if (this.#pending <= low) this.#release();
    });
    if (this.#pending <= high) return undefined;
    return (this.#draining ??= this.#drained());
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const limit = setTimeout(() => this.#socket.terminate(), patience);
      this.#ready = () => {
        clearTimeout(limit);
        this.#draining = null;
        resolve();
      };
    });
  }

  #release(): void {
    const ready = this.#ready;
    this.#ready = null;
    ready?.();
  }

  close(): void {
    this.#release();
  }
}
