import type { Relayed } from './connection.ts';
import type { KernelProcess } from './kernelProcess.ts';

const limits = { bytes: 8 * 2 ** 20, sessions: 3, milliseconds: 60 * 60_000 };

const sizeOf = ({ parts, buffers }: Relayed): number =>
  [...parts, ...buffers].reduce((sum, { length }) => sum + length, 0);

/** What a kernel said to one front-end while that was away. */
class Absence {
  readonly #messages: Relayed[] = [];
  readonly #stop: () => void;
  readonly #expiry: NodeJS.Timeout;
  #bytes = 0;

  constructor(kernel: KernelProcess, isFor: (message: Relayed) => boolean, expired: () => void) {
    this.#stop = kernel.listen((message) => {
      if (isFor(message)) this.#keep(message);
      return undefined;
    });
    this.#expiry = setTimeout(expired, limits.milliseconds);
    this.#expiry.unref();
  }

  /** The oldest goes first where it is too much. */
  #keep(message: Relayed): void {
    this.#messages.push(message);
    this.#bytes += sizeOf(message);
    while (this.#bytes > limits.bytes && this.#messages.length > 1)
      this.#bytes -= sizeOf(this.#messages.shift()!);
  }

  end(): Relayed[] {
    clearTimeout(this.#expiry);
    this.#stop();
    return this.#messages;
  }
}

/** Keeps the output of kernels for front-ends that went away, and hands it to them when they are back. */
export class Replay {
  readonly #absent = new Map<KernelProcess, Map<string, Absence>>();

  /** A front-end has lost its socket. */
  leave(kernel: KernelProcess, session: string, isFor: (message: Relayed) => boolean): void {
    const sessions = this.#absent.get(kernel) ?? new Map<string, Absence>();
    this.#absent.set(kernel, sessions);
    sessions.get(session)?.end();
    sessions.set(session, new Absence(kernel, isFor, () => this.return(kernel, session)));
    if (sessions.size > limits.sessions) this.return(kernel, sessions.keys().next().value!);
  }

  /** What it has missed, once. */
  return(kernel: KernelProcess, session: string): Relayed[] {
    const sessions = this.#absent.get(kernel);
    const messages = sessions?.get(session)?.end() ?? [];
    sessions?.delete(session);
    if (sessions?.size === 0) this.#absent.delete(kernel);
    return messages;
  }

  forget(kernel: KernelProcess): void {
    for (const session of [...(this.#absent.get(kernel)?.keys() ?? [])]) this.return(kernel, session);
  }
}
