import { randomUUID } from 'node:crypto';
import type { CommChannel, CommHost, CommMessage } from '../../display/host.ts';
import type { CommContent, MimeBundle } from '../interfaces.ts';
import type { Output } from './output.ts';

type Send = (
  type: 'comm_msg' | 'comm_close',
  data: MimeBundle,
  buffers?: Uint8Array[],
  metadata?: MimeBundle,
) => void;

/** A channel between this kernel and an object of the front-end. */
export class Comm implements CommChannel {
  readonly id: string;
  readonly target: string;
  /** Called with each message from the front-end. */
  onMessage: (message: CommMessage) => void = () => {};
  /** Called when the front-end closes the channel. */
  onClose: (message: CommMessage) => void = () => {};
  readonly #send: Send;

  constructor(id: string, target: string, send: Send) {
    this.id = id;
    this.target = target;
    this.#send = send;
  }

  send(data: MimeBundle, buffers?: Uint8Array[], metadata?: MimeBundle): void {
    this.#send('comm_msg', data, buffers, metadata);
  }

  close(data: MimeBundle = {}): void {
    this.#send('comm_close', data);
  }
}

/** The comms that are open, and what to do when the front-end opens one. */
export class Comms implements CommHost {
  readonly #output: Output;
  readonly #open = new Map<string, Comm>();
  readonly #targets = new Map<string, (comm: Comm, message: CommMessage) => void>();

  constructor(output: Output) {
    this.#output = output;
  }

  /** Says what happens when the front-end opens a comm of this target. */
  register(target: string, opened: (comm: Comm, message: CommMessage) => void): void {
    this.#targets.set(target, opened);
  }

  /** Opens a comm to the front-end's `target`. */
  open(
    target: string,
    data: MimeBundle = {},
    metadata: MimeBundle = {},
    buffers: Uint8Array[] = [],
    id: string = randomUUID(),
  ): Comm {
    const comm = this.#create(id, target);
    this.#output.publish('comm_open', { comm_id: comm.id, target_name: target, data }, metadata, buffers);
    return comm;
  }

  #create(id: string, target: string): Comm {
    const comm = new Comm(id, target, (type, data, buffers, metadata = {}) => {
      if (type === 'comm_close') this.#open.delete(id);
      this.#output.publish(type, { comm_id: id, data }, metadata, buffers);
    });
    this.#open.set(id, comm);
    return comm;
  }

  info(target?: string): Record<string, { target_name: string }> {
    return Object.fromEntries(
      [...this.#open.values()]
        .filter((c) => !target || c.target === target)
        .map((c) => [c.id, { target_name: c.target }]),
    );
  }

  /** A message of the front-end. An unknown target is answered with `comm_close`, as the protocol says. */
  handle(
    kind: 'open' | 'msg' | 'close',
    content: CommContent,
    metadata: MimeBundle,
    buffers: Uint8Array[],
  ): void {
    const message: CommMessage = { data: content.data ?? {}, metadata, buffers };
    if (kind === 'open') {
      const target = content.target_name ?? '';
      const opened = this.#targets.get(target);
      if (opened) opened(this.#create(content.comm_id, target), message);
      else this.#output.publish('comm_close', { comm_id: content.comm_id, data: {} });
      return;
    }
    const comm = this.#open.get(content.comm_id);
    if (!comm) return;
    if (kind === 'msg') comm.onMessage(message);
    else {
      this.#open.delete(content.comm_id);
      comm.onClose(message);
    }
  }
}
