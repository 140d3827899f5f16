import type { CellError, FromUser, IOPubType, MimeBundle } from '../interfaces.ts';
import { type CellContext, ContextTracker } from './context.ts';

/** Above this, bytes of its own are less to move than a text that each thread copies. */
const longContent = 64 * 1024;

const encoder = new TextEncoder();

/** Where output goes: to the cell whose code (or whose timers and promises) wrote it. */
export class Output {
  readonly tracker = new ContextTracker();
  readonly #post: (message: FromUser, transfer?: ArrayBuffer[]) => void;
  /** What was written to last. */
  #stream: { context: CellContext; name: 'stdout' | 'stderr' } | null = null;

  constructor(post: (message: FromUser, transfer?: ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** Runs `body` as the code of a cell. */
  within<T>(context: CellContext, body: () => T): T {
    return this.tracker.run(context, body);
  }

  /** The cell that the running code belongs to; the latest where that cannot be told. */
  get context(): CellContext | null {
    return this.tracker.current;
  }

  /** Error: `content` cannot be told in JSON. */
  publish(msgType: IOPubType, content: MimeBundle, metadata?: MimeBundle, buffers?: Uint8Array[]): void {
    const { context } = this;
    if (!context) return;
    if (context.sink && capture(context.sink, msgType, content)) return;
    const json = JSON.stringify(content);
    const bytes = json.length > longContent ? encoder.encode(json) : null;
    this.#post(
      {
        type: 'publish',
        parent: context.parent,
        msgType,
        content: bytes ?? json,
        metadata,
        buffers,
        result: msgType === 'execute_result' ? resultOf(content) : undefined,
      },
      bytes ? [bytes.buffer] : undefined,
    );
  }

  stream(name: 'stdout' | 'stderr', text: string): void {
    const { context } = this;
    if (!context || text === '') return;
    if (context.sink) context.sink({ output_type: 'stream', name, text });
    else if (this.#stream?.context === context && this.#stream.name === name) this.#post(text);
    else {
      this.#post({ type: 'stream', parent: context.parent, name, text });
      this.#stream = { context, name };
    }
  }

  /** Sends what is written to the process's streams to the cells instead. */
  capture(): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const decoder = new TextDecoder();
      process[name].write = ((chunk: string | Uint8Array, encoding?: unknown, done?: unknown) => {
        this.stream(
          name,
          typeof chunk === 'string' ? plain(chunk, encoding) : decoder.decode(chunk, { stream: true }),
        );
        const callback = typeof encoding === 'function' ? encoding : done;
        if (typeof callback === 'function') queueMicrotask(() => (callback as () => void)());
        return true;
      }) as typeof process.stdout.write;
    }
    for (const method of ['log', 'info', 'debug'] as const) this.#shorten(method, 'stdout');
    for (const method of ['warn', 'error'] as const) this.#shorten(method, 'stderr');
  }

  /**
   * A console method that is given one text prints it as it is, which Node's way through formats and streams takes five times as long for. Groups, and whoever
   * has put a function of their own in the stream's place, get that one.
   */
  #shorten(method: 'log' | 'info' | 'debug' | 'warn' | 'error', name: 'stdout' | 'stderr'): void {
    const original = console[method] as (...args: unknown[]) => void;
    const { write } = process[name];
    const indent = Object.getOwnPropertySymbols(console).find(
      ({ description }) => description === 'kGroupIndent',
    );
    const groups = console as unknown as Record<symbol, unknown>;
    if (!indent || groups[indent] !== '') return;
    const short = (...args: unknown[]): void => {
      const [text] = args;
      if (
        args.length === 1 &&
        typeof text === 'string' &&
        groups[indent] === '' &&
        process[name].write === write
      )
        this.stream(name, `${text}\n`);
      else original(...args);
    };
    Object.defineProperties(short, Object.getOwnPropertyDescriptors(original));
    console[method] = short;
  }
}

/** What a string that is written in an encoding says. */
const plain = (text: string, encoding: unknown): string =>
  typeof encoding === 'string' && /^(hex|base64|base64url)$/i.test(encoding)
    ? Buffer.from(text, encoding as BufferEncoding).toString('utf8')
    : text;

/** A result as the history keeps it. */
function resultOf({ execution_count: line, data }: MimeBundle): { line: number; text: string } | undefined {
  const text = (data as MimeBundle | undefined)?.['text/plain'];
  return typeof text === 'string' ? { line: Number(line), text } : undefined;
}

/** Gives a message to whoever captures the output; false for those that are no output. */
function capture(sink: NonNullable<CellContext['sink']>, msgType: IOPubType, content: MimeBundle): boolean {
  if (msgType === 'display_data' || msgType === 'execute_result')
    sink(
      {
        output_type: 'display_data',
        data: content.data as MimeBundle,
        metadata: (content.metadata ?? {}) as MimeBundle,
      },
      (content.transient as { display_id?: string } | undefined)?.display_id,
    );
  else if (msgType === 'error') sink({ output_type: 'error', ...(content as unknown as CellError) });
  else if (msgType === 'clear_output') sink('clear');
  else return false;
  return true;
}
