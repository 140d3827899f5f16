import { randomUUID } from 'node:crypto';
import type { Relayed } from '../../lab/server/connection.ts';
import type { KernelProcess } from '../../lab/server/kernelProcess.ts';
import type { MimeBundle } from '../interfaces.ts';
import { protocolVersion } from '../protocol/message.ts';

export interface Heard {
  type: string;
  content: MimeBundle;
}

/** One front-end of a kernel that this process started: requests with their replies, and what the kernel publishes. */
export class KernelClient {
  /** Called with each published message; `own` tells whether a request of this client caused it. */
  onPublish: (message: Heard, own: boolean) => void = () => {};
  /** Asked for a line when the kernel wants input. */
  onInput: (prompt: string, password: boolean) => Promise<string> = () => Promise.resolve('');
  readonly #kernel: KernelProcess;
  readonly #session = randomUUID();
  readonly #waiting = new Map<string, (content: MimeBundle) => void>();
  readonly #idle = new Map<string, () => void>();
  readonly #stop: () => void;

  constructor(kernel: KernelProcess) {
    this.#kernel = kernel;
    this.#stop = kernel.listen((message) => {
      // Not awaited: an answer to input() may take as long as its reader likes.
      void this.#heard(message);
      return undefined;
    });
  }

  async request(
    type: string,
    content: MimeBundle,
    channel: 'shell' | 'control' = 'shell',
  ): Promise<MimeBundle> {
    const header = this.#header(type);
    const reply = new Promise<MimeBundle>((resolve) => this.#waiting.set(header.msg_id, resolve));
    await this.#send(channel, header, content);
    return reply;
  }

  /** Runs a cell; settles when it was answered and everything it published has been heard. */
  async execute(code: string): Promise<MimeBundle> {
    const header = this.#header('execute_request');
    const reply = new Promise<MimeBundle>((resolve) => this.#waiting.set(header.msg_id, resolve));
    const idle = new Promise<void>((resolve) => this.#idle.set(header.msg_id, resolve));
    await this.#send('shell', header, {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: true,
      stop_on_error: true,
    });
    const [content] = await Promise.all([reply, idle]);
    return content;
  }

  close(): void {
    this.#stop();
  }

  #header(type: string) {
    return {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.#session,
      username: '',
      date: new Date().toISOString(),
      version: protocolVersion,
    };
  }

  #send(channel: 'shell' | 'control' | 'stdin', header: object, content: MimeBundle): Promise<void> {
    return this.#kernel.send(
      channel,
      [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part))),
    );
  }

  async #heard({ channel, parts }: Relayed): Promise<void> {
    const [header, parent, , content] = parts.map((part) => JSON.parse(part.toString()) as MimeBundle);
    const type = String(header.msg_type);
    const cause = String(parent.msg_id ?? '');
    if (channel === 'iopub') {
      this.onPublish({ type, content }, parent.session === this.#session);
      if (type === 'status' && content.execution_state === 'idle') {
        this.#idle.get(cause)?.();
        this.#idle.delete(cause);
      }
    } else if (channel === 'stdin') {
      const value = await this.onInput(String(content.prompt ?? ''), Boolean(content.password));
      await this.#send('stdin', this.#header('input_reply'), { value });
    } else {
      this.#waiting.get(cause)?.(content);
      this.#waiting.delete(cause);
    }
  }
}
