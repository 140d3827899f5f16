import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { Signer } from '../../kernel/protocol/signature.ts';

export type KernelChannel = 'shell' | 'control' | 'stdin' | 'iopub';

/** A message between a front-end and a kernel, its JSON parts as they came. */
export interface Relayed {
  channel: KernelChannel;
  /** header, parent_header, metadata, content. */
  parts: Buffer[];
  buffers: Buffer[];
}

const delimiter = Buffer.from('<IDS|MSG>');

/**
 * Messages that ZeroMQ may hold before they are read. Beyond it the kernel's own queue grows: what a slow browser has not read must
 * not fill this server's memory.
 */
const receiveHighWaterMark = 100;

/** Ports that are promised to kernels which have not bound them yet: kernels that start at once must not get the same. */
const promised = new Set<number>();

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.on('error', reject).listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  if (ports.some((port) => promised.has(port))) return freePorts(count);
  for (const port of ports) {
    promised.add(port);
    setTimeout(() => promised.delete(port), 60_000).unref();
  }
  return ports;
}

/** The JSON parts of a message that the server itself sends. */
export function ownMessage(session: string, type: string, content: unknown): Buffer[] {
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: '',
    date: new Date().toISOString(),
    version: '5.5',
  };
  return [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
}

/** The connection file of one run of a kernel, and the sockets that are connected to it. */
export class KernelConnection {
  /** For the kernel's command line. */
  readonly file: string;
  readonly #folder: string;
  readonly #signer: Signer;
  readonly #sockets: { shell: Dealer; control: Dealer; stdin: Dealer; iopub: Subscriber };
  #sending: Promise<void> = Promise.resolve();

  private constructor(folder: string, key: string, ports: Record<KernelChannel, number>) {
    this.#folder = folder;
    this.file = join(folder, 'connection.json');
    this.#signer = new Signer(key, 'hmac-sha256');
    const routingId = randomUUID();
    this.#sockets = {
      shell: new Dealer({ routingId, linger: 0 }),
      control: new Dealer({ routingId, linger: 0 }),
      stdin: new Dealer({ routingId, linger: 0 }),
      iopub: new Subscriber({ linger: 0, receiveHighWaterMark }),
    };
    this.#sockets.iopub.subscribe();
    for (const channel of ['shell', 'control', 'stdin', 'iopub'] as const)
      this.#sockets[channel].connect(`tcp://127.0.0.1:${ports[channel]}`);
  }

  static async open(kernelName: string): Promise<KernelConnection> {
    const [shell, control, stdin, iopub, hb] = await freePorts(5);
    const key = randomBytes(24).toString('hex');
    const folder = mkdtempSync(join(tmpdir(), 'gradbook-kernel-'));
    const connection = new KernelConnection(folder, key, { shell, control, stdin, iopub });
    const file = {
      transport: 'tcp',
      ip: '127.0.0.1',
      shell_port: shell,
      control_port: control,
      stdin_port: stdin,
      iopub_port: iopub,
      hb_port: hb,
      key,
      signature_scheme: 'hmac-sha256',
      kernel_name: kernelName,
    };
    writeFileSync(connection.file, JSON.stringify(file), { mode: 0o600 });
    return connection;
  }

  send(channel: Exclude<KernelChannel, 'iopub'>, parts: Buffer[], buffers: Buffer[] = []): Promise<void> {
    const frames = ['<IDS|MSG>', this.#signer.sign(parts), ...parts, ...buffers];
    // ZeroMQ allows one send at a time on a socket.
    this.#sending = this.#sending.then(() => this.#sockets[channel].send(frames)).catch(() => {});
    return this.#sending;
  }

  /** Hands on every message of the kernel; the next of a channel is read when `heard` has settled. Ends when the connection closes. */
  read(heard: (message: Relayed) => Promise<void> | undefined): void {
    for (const channel of ['shell', 'control', 'stdin', 'iopub'] as const) void this.#read(channel, heard);
  }

  async #read(channel: KernelChannel, heard: (message: Relayed) => Promise<void> | undefined): Promise<void> {
    for await (const frames of this.#sockets[channel] as AsyncIterable<Buffer[]>) {
      const at = frames.findIndex((frame) => frame.equals(delimiter));
      if (at < 0 || frames.length < at + 6) continue;
      const waiting = heard({ channel, parts: frames.slice(at + 2, at + 6), buffers: frames.slice(at + 6) });
      if (waiting) await waiting;
    }
  }

  close(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
