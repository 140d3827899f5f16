import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Header, MimeBundle } from '../interfaces.ts';
import type { Signer } from './signature.ts';

/** The version of the messaging protocol that this kernel implements. */
export const protocolVersion = '5.5';

const delimiter = Buffer.from('<IDS|MSG>');

/**
 * Above this a frame is encoded here, once. ZeroMQ takes the bytes as they are and tells this thread when it has done with them, which costs
 * more than to copy a shorter one: that it is given as text.
 */
const longFrame = 64 * 1024;

/** A message that was received and whose signature was right. */
export interface Message {
  identities: Buffer[];
  header: Header;
  parentHeader: Header | Record<string, never>;
  metadata: MimeBundle;
  content: MimeBundle;
  buffers: Buffer[];
}

/** The kernel's own session: new at every start. */
export class Session {
  readonly id = randomUUID();
  readonly #username = process.env.JUPYTER_USERNAME ?? safeUserName();
  readonly #signer: Signer;

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** The frames of a message of ours. `content` may be JSON already. `parent` is copied as it came. */
  encode(
    identities: readonly (Buffer | string)[],
    type: string,
    content: unknown,
    parent: Header | null,
    metadata: MimeBundle = {},
    buffers: readonly Uint8Array[] = [],
  ): (Buffer | string | Uint8Array)[] {
    const header = {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.id,
      username: this.#username,
      date: new Date().toISOString(),
      version: protocolVersion,
    };
    const json = [header, parent ?? {}, metadata, content].map((part) => {
      if (part instanceof Uint8Array)
        return Buffer.from(part.buffer as ArrayBuffer, part.byteOffset, part.length);
      const text = typeof part === 'string' ? part : JSON.stringify(part);
      return text.length > longFrame ? Buffer.from(text) : text;
    });
    return [...identities, delimiter, this.#signer.sign(json), ...json, ...buffers];
  }

  /** The message in `frames`, or why it is dropped. The signature is checked before any JSON is parsed. */
  decode(frames: readonly Buffer[]): Message | string {
    const at = frames.findIndex((frame) => frame.equals(delimiter));
    if (at < 0) return 'no <IDS|MSG> delimiter';
    const [signature, ...rest] = frames.slice(at + 1);
    if (rest.length < 4) return `${rest.length} frames after the signature instead of at least 4`;
    const json = rest.slice(0, 4);
    const refusal = this.#signer.refuse(signature, json);
    if (refusal) return refusal;
    let parts: unknown[];
    try {
      parts = json.map((frame) => JSON.parse(frame.toString('utf8')) as unknown);
    } catch (error) {
      return `bad JSON: ${(error as Error).message}`;
    }
    if (parts.some((part) => typeof part !== 'object' || part === null || Array.isArray(part)))
      return 'a part of the message is not a JSON object';
    const [header, parentHeader, metadata, content] = parts as [Header, Header, MimeBundle, MimeBundle];
    if (typeof header.msg_id !== 'string' || typeof header.msg_type !== 'string')
      return 'a header without msg_id or msg_type';
    return {
      identities: frames.slice(0, at),
      header,
      parentHeader,
      metadata,
      content,
      buffers: rest.slice(4),
    };
  }
}

function safeUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'gradbook';
  }
}
