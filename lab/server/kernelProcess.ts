import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { Signer } from '../../kernel/protocol/signature.ts';
import type { Kernelspec } from './kernelspecs.ts';

/** A message between a front-end and a kernel, its JSON parts as they came. */
export interface Relayed {
  channel: 'shell' | 'control' | 'stdin' | 'iopub';
  /** header, parent_header, metadata, content. */
  parts: Buffer[];
  buffers: Buffer[];
}

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
  return ports;
}

/** A kernel that this server started: its process and the sockets to it. */
export class KernelProcess {
  readonly id = randomUUID();
  readonly name: string;
  executionState = 'starting';
  lastActivity = new Date();
  readonly #spec: Kernelspec;
  readonly #folder: string;
  readonly #listeners = new Set<(message: Relayed) => void>();
  #child: ChildProcess | null = null;
  #signer = new Signer('', 'hmac-sha256');
  #sockets: { shell: Dealer; control: Dealer; stdin: Dealer; iopub: Subscriber } | null = null;
  #sending: Promise<void> = Promise.resolve();
  #connectionFolder = '';

  /** @param folder where the kernel works: the notebook's folder. */
  constructor(name: string, spec: Kernelspec, folder: string) {
    this.name = name;
    this.#spec = spec;
    this.#folder = folder;
  }

  get connections(): number {
    return this.#listeners.size;
  }

  async start(): Promise<void> {
    const [shell_port, control_port, stdin_port, iopub_port, hb_port] = await freePorts(5);
    const key = randomBytes(24).toString('hex');
    const file = {
      transport: 'tcp',
      ip: '127.0.0.1',
      shell_port,
      control_port,
      stdin_port,
      iopub_port,
      hb_port,
      key,
      signature_scheme: 'hmac-sha256',
      kernel_name: this.name,
    };
    this.#connectionFolder = mkdtempSync(join(tmpdir(), 'gradbook-kernel-'));
    const path = join(this.#connectionFolder, 'connection.json');
    writeFileSync(path, JSON.stringify(file), { mode: 0o600 });
    this.#signer = new Signer(key, 'hmac-sha256');
    const routingId = randomUUID();
    const sockets = {
      shell: new Dealer({ routingId, linger: 0 }),
      control: new Dealer({ routingId, linger: 0 }),
      stdin: new Dealer({ routingId, linger: 0 }),
      iopub: new Subscriber({ linger: 0, receiveHighWaterMark: 0 }),
    };
    sockets.iopub.subscribe();
    sockets.shell.connect(`tcp://127.0.0.1:${shell_port}`);
    sockets.control.connect(`tcp://127.0.0.1:${control_port}`);
    sockets.stdin.connect(`tcp://127.0.0.1:${stdin_port}`);
    sockets.iopub.connect(`tcp://127.0.0.1:${iopub_port}`);
    this.#sockets = sockets;
    for (const channel of ['shell', 'control', 'stdin', 'iopub'] as const) void this.#listen(channel);
    const argv = this.#spec.argv.map((arg) => arg.replace('{connection_file}', path));
    const child = spawn(argv[0], argv.slice(1), {
      cwd: this.#folder,
      env: { ...process.env, ...this.#spec.env, JPY_PARENT_PID: String(process.pid) },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#child = child;
    child.on('error', () => this.#died(child));
    child.on('exit', () => this.#died(child));
    await this.#answered();
  }

  /** Settles when the kernel answers, and its output is subscribed to. Error: it ended instead, or a minute has passed. */
  #answered(): Promise<void> {
    return new Promise((resolve, reject) => {
      const seen = { shell: false, iopub: false };
      const ask = (): void => {
        const header = {
          msg_id: randomUUID(),
          msg_type: 'kernel_info_request',
          session: this.id,
          username: '',
          date: new Date().toISOString(),
          version: '5.5',
        };
        void this.send(
          'shell',
          [header, {}, {}, {}].map((part) => Buffer.from(JSON.stringify(part))),
        );
      };
      const finish = (error?: Error): void => {
        clearInterval(timer);
        clearTimeout(limit);
        stop();
        if (error) reject(error);
        else resolve();
      };
      const stop = this.listen(({ channel }) => {
        if (channel === 'shell' || channel === 'iopub') seen[channel] = true;
        if (seen.shell && seen.iopub) finish();
      });
      const timer = setInterval(ask, 200);
      const limit = setTimeout(
        () => finish(new Error(`kernel ${this.name} did not answer within 60 s`)),
        60_000,
      );
      this.#child!.once('exit', (code, signal) =>
        finish(new Error(`kernel ${this.name} ended at its start with ${signal ?? `exit code ${code}`}`)),
      );
      this.#child!.once('error', (error) =>
        finish(new Error(`kernel ${this.name} did not start: ${error.message}`)),
      );
      ask();
    });
  }

  /** Calls `heard` with each message of the kernel; the function that is returned ends it. */
  listen(heard: (message: Relayed) => void): () => void {
    this.#listeners.add(heard);
    return () => void this.#listeners.delete(heard);
  }

  send(channel: 'shell' | 'control' | 'stdin', parts: Buffer[], buffers: Buffer[] = []): Promise<void> {
    this.lastActivity = new Date();
    const sockets = this.#sockets;
    if (!sockets) return Promise.reject(new Error(`kernel ${this.id} is not running`));
    const frames = ['<IDS|MSG>', this.#signer.sign(parts), ...parts, ...buffers];
    this.#sending = this.#sending.then(() => sockets[channel].send(frames)).catch(() => {});
    return this.#sending;
  }

  /** As the kernelspec says: by a message on control, or by SIGINT. */
  async interrupt(): Promise<void> {
    if (this.#spec.interrupt_mode !== 'message') {
      this.#child?.kill('SIGINT');
      return;
    }
    await this.#control('interrupt_request', {});
  }

  async restart(): Promise<void> {
    await this.shutdown(true);
    this.executionState = 'starting';
    await this.start();
  }

  /** Asks the kernel to end; after 2.5 s it is terminated, after 5 s killed. */
  async shutdown(restart = false): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const terminate = setTimeout(() => child.kill('SIGTERM'), 2500);
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      this.#child = null;
      await this.#control('shutdown_request', { restart });
      await ended;
      clearTimeout(terminate);
      clearTimeout(kill);
    }
    this.#close();
  }

  #control(type: string, content: unknown): Promise<void> {
    const header = {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.id,
      username: '',
      date: new Date().toISOString(),
      version: '5.5',
    };
    return this.send(
      'control',
      [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part))),
    );
  }

  #close(): void {
    for (const socket of Object.values(this.#sockets ?? {})) socket.close();
    this.#sockets = null;
    rmSync(this.#connectionFolder, { recursive: true, force: true });
  }

  #died(child: ChildProcess): void {
    if (child !== this.#child) return;
    this.#child = null;
    this.executionState = 'dead';
    this.#close();
    const header = {
      msg_id: randomUUID(),
      msg_type: 'status',
      session: this.id,
      username: '',
      date: new Date().toISOString(),
      version: '5.5',
    };
    const parts = [header, {}, {}, { execution_state: 'dead' }].map((part) =>
      Buffer.from(JSON.stringify(part)),
    );
    for (const heard of this.#listeners) heard({ channel: 'iopub', parts, buffers: [] });
  }

  async #listen(channel: Relayed['channel']): Promise<void> {
    const socket = this.#sockets![channel];
    for await (const frames of socket as AsyncIterable<Buffer[]>) {
      const at = frames.findIndex((frame) => frame.equals(delimiter));
      if (at < 0 || frames.length < at + 6) continue;
      const parts = frames.slice(at + 2, at + 6);
      if (channel === 'iopub') this.#follow(parts);
      for (const heard of this.#listeners) heard({ channel, parts, buffers: frames.slice(at + 6) });
    }
  }

  #follow([header, , , content]: Buffer[]): void {
    this.lastActivity = new Date();
    if (!header.includes('"status"')) return;
    const state = (JSON.parse(content.toString()) as { execution_state?: string }).execution_state;
    if (state) this.executionState = state;
  }
}

const delimiter = Buffer.from('<IDS|MSG>');
