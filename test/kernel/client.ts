import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { curveKeyPair, Dealer, Request, Subscriber } from 'zeromq';

type Json = Record<string, unknown>;

export interface Received {
  header: Json & { msg_type: string; msg_id: string };
  parent: Json & { msg_id?: string };
  metadata: Json;
  /** The frames before the delimiter. */
  topics: string[];
  content: Json & { [key: string]: never };
  buffers: Buffer[];
}

const main = fileURLToPath(new URL('../../dist/kernel/main.js', import.meta.url));

/** What starts gradbook's own kernel. */
export const gradbookCommand = (connectionFile: string): string[] => [
  process.execPath,
  '--no-force-async-hooks-checks',
  main,
  '-f',
  connectionFile,
];

/**
 * Ports that nobody listens on, below those that systems take for outgoing connections: a client that tries one of its own system's
 * outgoing ports again and again, before the kernel is there, in the end connects to itself, and the kernel finds the port taken.
 */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const servers: Server[] = [];
  while (ports.length < count) {
    const server = createServer();
    const port = randomInt(16_000, 32_000);
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!listens) continue;
    ports.push(port);
    servers.push(server);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A kernel process and a client of it over ZeroMQ that shares no code with the kernel. */
export class TestKernel {
  readonly process: ChildProcess;
  readonly session = randomUUID();
  readonly iopub: Received[] = [];
  /** What the process wrote to stderr. */
  stderr = '';
  readonly #key: string;
  readonly #folder: string;
  readonly #sockets: { shell: Dealer; control: Dealer; stdin: Dealer; sub: Subscriber; hb: Request };
  readonly #replies = new Map<string, (message: Received) => void>();
  readonly #watchers = new Set<() => void>();

  private constructor(process: ChildProcess, key: string, folder: string, sockets: TestKernel['sockets']) {
    this.process = process;
    this.#key = key;
    this.#folder = folder;
    this.#sockets = sockets;
    process.stderr?.on('data', (text: Buffer) => (this.stderr += text.toString()));
    void this.#listen('shell');
    void this.#listen('control');
    void this.#subscribe();
  }

  /** Settles when the kernel answers. Error: it ended, or did not answer in time; then nothing of it is left. */
  async #started(subscribed: boolean, limit: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the kernel did not answer within ${limit} ms`)), limit);
      this.process.once('error', reject);
      this.process.once('exit', () =>
        reject(new Error(`the kernel ended at its start: ${this.stderr.slice(-2000)}`)),
      );
    });
    try {
      await Promise.race([this.#answers(subscribed), failed]);
    } catch (error) {
      this.process.kill('SIGKILL');
      this.#release();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #answers(subscribed: boolean): Promise<void> {
    await this.request('kernel_info_request', {});
    // The subscription may be younger than the first status: ask until one arrives.
    while (subscribed && !this.iopub.some(({ header }) => header.msg_type === 'status')) {
      await this.request('kernel_info_request', {});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #release(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get sockets(): { shell: Dealer; control: Dealer; stdin: Dealer; sub: Subscriber; hb: Request } {
    return this.#sockets;
  }

  static async start({
    key = 'secret',
    transport = 'tcp',
    command = gradbookCommand,
    reconnectInterval = 100,
    subscribed = true,
    limit = 30_000,
    curve = false,
    history,
  }: {
    key?: string;
    transport?: 'tcp' | 'ipc';
    /** Another kernel. */
    command?: (connectionFile: string) => string[];
    /** Milliseconds between attempts to connect. */
    reconnectInterval?: number;
    /** Waits until what the kernel publishes arrives. */
    subscribed?: boolean;
    /** Milliseconds that the start may take. */
    limit?: number;
    /** Encrypts all sockets. */
    curve?: boolean;
    /** The file of the history; else one of its own. */
    history?: string;
  } = {}): Promise<TestKernel> {
    const folder = mkdtempSync(join(tmpdir(), 'gradbook-test-'));
    const [shell_port, control_port, stdin_port, iopub_port, hb_port] =
      transport === 'tcp' ? await freePorts(5) : [1, 2, 3, 4, 5];
    const ip = transport === 'tcp' ? '127.0.0.1' : join(folder, 'socket');
    const keys = curveKeyPair();
    const file = {
      ...(curve ? { curve_publickey: keys.publicKey, curve_secretkey: keys.secretKey } : {}),
      transport,
      ip,
      shell_port,
      control_port,
      stdin_port,
      iopub_port,
      hb_port,
      key,
      signature_scheme: 'hmac-sha256',
    };
    const path = join(folder, 'connection.json');
    writeFileSync(path, JSON.stringify(file));
    const [program, ...args] = command(path);
    const child = spawn(program, args, {
      cwd: folder,
      env: {
        ...process.env,
        GRADBOOK_HISTORY: history ?? join(folder, 'history.sqlite'),
        GRADBOOK_CACHE: join(folder, 'cache'),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const address = (port: number): string => `${transport}://${ip}${transport === 'tcp' ? ':' : '-'}${port}`;
    const routingId = randomUUID();
    const own = curveKeyPair();
    const encrypted = curve
      ? { curveServerKey: keys.publicKey, curvePublicKey: own.publicKey, curveSecretKey: own.secretKey }
      : {};
    const options = { linger: 0, reconnectInterval, ...encrypted };
    const sockets = {
      shell: new Dealer({ routingId, ...options }),
      control: new Dealer({ routingId, ...options }),
      stdin: new Dealer({ routingId, ...options }),
      sub: new Subscriber({ receiveHighWaterMark: 0, ...options }),
      hb: new Request({ linger: 0, ...encrypted }),
    };
    sockets.sub.subscribe();
    sockets.shell.connect(address(shell_port));
    sockets.control.connect(address(control_port));
    sockets.stdin.connect(address(stdin_port));
    sockets.sub.connect(address(iopub_port));
    sockets.hb.connect(address(hb_port));
    const kernel = new TestKernel(child, key, folder, sockets);
    await kernel.#started(subscribed, limit);
    return kernel;
  }

  encode(type: string, content: unknown, header: Json = {}, buffers: Buffer[] = []): (string | Buffer)[] {
    const full = {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.session,
      username: 'tester',
      date: new Date().toISOString(),
      version: '5.5',
      ...header,
    };
    const json = [full, {}, {}, content].map((part) => JSON.stringify(part));
    const hmac = createHmac('sha256', this.#key);
    for (const part of json) hmac.update(part);
    return ['<IDS|MSG>', this.#key === '' ? '' : hmac.digest('hex'), ...json, ...buffers];
  }

  /** Sends a request and gives its id at once. */
  async send(
    type: string,
    content: unknown,
    channel: 'shell' | 'control' | 'stdin' = 'shell',
    header: Json = {},
    buffers: Buffer[] = [],
  ): Promise<string> {
    const id = randomUUID();
    await this.#sockets[channel].send(this.encode(type, content, { msg_id: id, ...header }, buffers));
    return id;
  }

  reply(id: string): Promise<Received> {
    return new Promise((resolve) => this.#replies.set(id, resolve));
  }

  async request(
    type: string,
    content: unknown,
    channel: 'shell' | 'control' = 'shell',
    header: Json = {},
  ): Promise<Received> {
    const id = randomUUID();
    const answer = this.reply(id);
    await this.send(type, content, channel, { msg_id: id, ...header });
    return answer;
  }

  /** Runs a cell; settles when the reply and the idle status are there. */
  async execute(
    code: string,
    content: Json = {},
    header: Json = {},
  ): Promise<{ reply: Received; outputs: Received[] }> {
    const id = randomUUID();
    const answer = this.reply(id);
    await this.send(
      'execute_request',
      {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: false,
        stop_on_error: true,
        ...content,
      },
      'shell',
      { msg_id: id, ...header },
    );
    const reply = await answer;
    await this.until(() =>
      this.of(id).some(
        (m) => m.header.msg_type === 'status' && (m.content.execution_state as unknown) === 'idle',
      ),
    );
    return {
      reply,
      outputs: this.of(id).filter(
        (m) => m.header.msg_type !== 'status' && m.header.msg_type !== 'execute_input',
      ),
    };
  }

  /** The iopub messages of a request. */
  of(id: string): Received[] {
    return this.iopub.filter(({ parent }) => parent.msg_id === id);
  }

  async until(done: () => boolean, timeout = 10_000): Promise<void> {
    const deadline = Date.now() + timeout;
    while (!done()) {
      if (Date.now() > deadline)
        throw new Error(`waited ${timeout} ms in vain. stderr: ${this.stderr.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#watchers.delete(wake);
          resolve();
        };
        this.#watchers.add(wake);
        setTimeout(wake, 20);
      });
    }
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => {
      if (this.hasEnded) resolve(this.process.exitCode);
      else this.process.on('exit', resolve);
    });
    if (!this.hasEnded) await this.send('shutdown_request', { restart: false }, 'control');
    const code = await ended;
    this.#release();
    return code;
  }

  #decode(frames: Buffer[]): Received {
    const at = frames.findIndex((frame) => frame.toString() === '<IDS|MSG>');
    const [signature, header, parent, metadata, content, ...buffers] = frames.slice(at + 1);
    const hmac = createHmac('sha256', this.#key);
    for (const part of [header, parent, metadata, content]) hmac.update(part);
    if (this.#key !== '' && hmac.digest('hex') !== signature.toString())
      throw new Error('the kernel signed a message wrongly');
    const json = (part: Buffer): never => JSON.parse(part.toString()) as never;
    return {
      topics: frames.slice(0, at).map(String),
      header: json(header),
      parent: json(parent),
      metadata: json(metadata),
      content: json(content),
      buffers,
    };
  }

  async #listen(channel: 'shell' | 'control'): Promise<void> {
    for await (const frames of this.#sockets[channel]) {
      const message = this.#decode(frames);
      this.#replies.get(message.parent.msg_id ?? '')?.(message);
      this.#replies.delete(message.parent.msg_id ?? '');
    }
  }

  async #subscribe(): Promise<void> {
    for await (const frames of this.#sockets.sub) {
      this.iopub.push(this.#decode(frames));
      for (const wake of [...this.#watchers]) wake();
    }
  }
}
