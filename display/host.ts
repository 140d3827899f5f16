/** A value in several forms, by MIME type; a front-end shows the richest that it knows. */
export type MimeBundle = Record<string, unknown>;

/** Something to show, or what replaces it. */
export interface Shown {
  kind: 'display_data' | 'update_display_data';
  data: MimeBundle;
  metadata: MimeBundle;
  /** By this name a later update finds every output that shows it. */
  id: string;
}

export interface CommMessage {
  data: MimeBundle;
  metadata: MimeBundle;
  buffers: Uint8Array[];
}

/** A channel to an object of the front-end. */
export interface CommChannel {
  readonly id: string;
  onMessage: (message: CommMessage) => void;
  onClose: (message: CommMessage) => void;
  send(data: MimeBundle, buffers?: Uint8Array[], metadata?: MimeBundle): void;
  close(data?: MimeBundle): void;
}

/** Where comms come from; none in a plain Node program. */
export interface CommHost {
  open(
    target: string,
    data?: MimeBundle,
    metadata?: MimeBundle,
    buffers?: Uint8Array[],
    id?: string,
  ): CommChannel;
  /** Says what happens when the front-end opens a comm of this target. */
  register(target: string, opened: (comm: CommChannel, message: CommMessage) => void): void;
}

/** What a captured program shows, as a notebook stores it. */
export type CapturedOutput =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { output_type: 'display_data'; data: MimeBundle; metadata: MimeBundle }
  | { output_type: 'error'; ename: string; evalue: string; traceback: string[] };

/** Takes what a captured program shows. `id`: by this name a later update finds it. */
export type Sink = (output: CapturedOutput | 'clear', id?: string) => void;

/** Whoever shows things: the kernel, or a terminal. */
export interface DisplayHost {
  /** Whether updates in place and more than text can be shown. */
  readonly rich: boolean;
  readonly comms: CommHost | null;
  /** Names the running cell; the same for each run of one cell where the front-end tells. */
  readonly cell: string;
  publish(shown: Shown): void;
  clear(wait: boolean): void;
  /** Text for a terminal or the cell's stderr, such as a progress line. */
  stream(text: string): void;
  /** Runs `body`; what it, its promises and its timers show goes to `sink` instead. */
  capture<T>(sink: Sink, body: () => T): T;
  /** Calls back once, when the running cell has ended and before the front-end is told; at the program's end in a terminal. */
  atCellEnd(callback: () => void): void;
}

/** A Node program in a terminal: prints the text form, ignores updates. */
class TerminalHost implements DisplayHost {
  readonly rich = false;
  readonly comms = null;
  readonly cell = '';
  readonly #sinks: Sink[] = [];

  publish({ kind, data, metadata, id }: Shown): void {
    if (kind !== 'display_data') return;
    const sink = this.#sinks.at(-1);
    if (sink) sink({ output_type: 'display_data', data, metadata }, id);
    else process.stdout.write(`${String(data['text/plain'] ?? '')}\n`);
  }

  clear(): void {
    this.#sinks.at(-1)?.('clear');
  }

  stream(text: string): void {
    process.stderr.write(text);
  }

  capture<T>(sink: Sink, body: () => T): T {
    this.#sinks.push(sink);
    try {
      return body();
    } finally {
      this.#sinks.pop();
    }
  }

  atCellEnd(callback: () => void): void {
    process.once('beforeExit', callback);
  }
}

/** One host a process, whichever copy of this package asks. */
const place = Symbol.for('gradbook.display.host');
const holder = globalThis as { [place]?: DisplayHost };

/** Whoever shows things now. */
export const host = (): DisplayHost => (holder[place] ??= new TerminalHost());

/** The kernel's runtime, or a test, says who shows things. @returns who did before. */
export function setHost(next: DisplayHost): DisplayHost {
  const before = host();
  holder[place] = next;
  return before;
}

/** Places that keep outputs of their own, such as output widgets, by the ids of what they show. */
const keepers = new Map<string, Set<(shown: Shown) => void>>();

/** Calls back when what is shown under this id is replaced. @returns a function that ends it. */
export function follow(id: string, replace: (shown: Shown) => void): () => void {
  const all = keepers.get(id) ?? new Set();
  keepers.set(id, all.add(replace));
  return () => {
    all.delete(replace);
    if (all.size === 0) keepers.delete(id);
  };
}

/** Shows something, or replaces it wherever it is shown. */
export function publish(shown: Shown): void {
  if (shown.kind === 'update_display_data') for (const replace of keepers.get(shown.id) ?? []) replace(shown);
  host().publish(shown);
}
