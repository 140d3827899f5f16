import type { XPublisher } from 'zeromq';
import type { Header, Json, MimeBundle } from '../interfaces.ts';
import { log } from './log.ts';
import type { Session } from './message.ts';
import { StreamCoalescer } from './streams.ts';

/** Everything that goes out on iopub, in order. */
export class Publisher {
  readonly #socket: XPublisher;
  readonly #session: Session;
  readonly #streams = new StreamCoalescer((parent, name, text) =>
    this.#queue('stream', { name, text }, parent),
  );

  constructor(socket: XPublisher, session: Session) {
    this.#socket = socket;
    this.#session = session;
  }

  publish(
    type: string,
    content: MimeBundle | Json,
    parent: Header | null,
    metadata?: MimeBundle,
    buffers?: Uint8Array[],
  ): void {
    this.#streams.flush();
    this.#queue(type, content, parent, metadata, buffers);
  }

  status(state: 'busy' | 'idle' | 'starting', parent: Header | null): void {
    this.publish('status', { execution_state: state }, parent);
  }

  stream(parent: Header, name: 'stdout' | 'stderr', text: string): void {
    this.#streams.write(parent, name, text);
  }

  /** Greets every subscription with `iopub_welcome` (JEP 65). Runs until the socket closes. */
  async welcome(): Promise<void> {
    for await (const [frame] of this.#socket) {
      if (frame[0] !== 1) continue;
      const subscription = frame.subarray(1).toString('utf8');
      this.#send(this.#session.encode([subscription], 'iopub_welcome', { subscription }, null));
    }
  }

  /** Gives ZeroMQ the text that waits for more. */
  flush(): void {
    this.#streams.flush();
  }

  #queue(
    type: string,
    content: MimeBundle | Json,
    parent: Header | null,
    metadata?: MimeBundle,
    buffers?: Uint8Array[],
  ): void {
    const topic = `kernel.${this.#session.id}.${type}`;
    this.#send(this.#session.encode([topic], type, content, parent, metadata, buffers));
  }

  #send(frames: (Buffer | string | Uint8Array)[]): void {
    if (this.#socket.closed) return;
    this.#socket.send(frames).catch((error: Error) => log(`iopub: ${error.message}`));
  }
}
