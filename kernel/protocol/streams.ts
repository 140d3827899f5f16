import type { Header } from '../interfaces.ts';

type Name = 'stdout' | 'stderr';

/** How long text waits for more, in milliseconds. */
const delay = 20;
/** Text above this is sent at once, so that one message stays well under Jupyter Server's 1 MB a second. */
const limit = 256 * 1024;

/**
 * Joins pieces of stdout and stderr into few messages, without losing or reordering any: a piece of the other stream or of another
 * cell, and anything else that is published, sends what waits first.
 */
export class StreamCoalescer {
  readonly #send: (parent: Header, name: Name, text: string) => void;
  #pieces: string[] = [];
  #length = 0;
  #parent: Header | null = null;
  #name: Name = 'stdout';
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (parent: Header, name: Name, text: string) => void) {
    this.#send = send;
  }

  write(parent: Header, name: Name, text: string): void {
    if (this.#length > 0 && (name !== this.#name || parent.msg_id !== this.#parent?.msg_id)) this.flush();
    this.#parent = parent;
    this.#name = name;
    this.#pieces.push(text);
    this.#length += text.length;
    if (this.#length >= limit) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), delay);
  }

  /** Sends what waits. Call it before anything else is published. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#length === 0) return;
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#length = 0;
    this.#send(this.#parent!, this.#name, text);
  }
}
