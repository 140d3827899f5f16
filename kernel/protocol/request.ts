import type { Router } from 'zeromq';
import type { MimeBundle } from '../interfaces.ts';
import type { Message, Session } from './message.ts';
import type { Publisher } from './publisher.ts';

/** What a router socket sends. */
export class Replies {
  readonly #socket: Router;

  constructor(socket: Router) {
    this.#socket = socket;
  }

  send(frames: (Buffer | string | Uint8Array)[]): void {
    if (this.#socket.closed) return;
    this.#socket.send(frames).catch(() => {
      // The client has gone: nobody waits for this reply any more.
    });
  }
}

/** One request that is being answered: where the reply goes, and the busy and idle around it. */
export class Request {
  readonly message: Message;
  readonly channel: 'shell' | 'control';
  readonly #replies: Replies;
  readonly #session: Session;
  readonly #publisher: Publisher;

  constructor(
    message: Message,
    channel: 'shell' | 'control',
    replies: Replies,
    session: Session,
    publisher: Publisher,
  ) {
    this.message = message;
    this.channel = channel;
    this.#replies = replies;
    this.#session = session;
    this.#publisher = publisher;
  }

  reply(type: string, content: unknown, metadata?: MimeBundle): void {
    const { identities, header } = this.message;
    this.#replies.send(this.#session.encode(identities, type, content, header, metadata));
  }

  busy(): void {
    this.#publisher.status('busy', this.message.header);
  }

  idle(): void {
    this.#publisher.status('idle', this.message.header);
  }
}
