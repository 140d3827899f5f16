import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { KernelConnection, ownMessage, type Relayed } from './connection.ts';
import { type Kernelspec, programOf } from './kernelspecs.ts';

/** Hears a message; what it returns settles when it is ready for the next. */
export type Listener = (message: Relayed) => Promise<void> | undefined;

/** Requests that do not make a kernel busy in the front-end's eyes, as in Jupyter Server. */
const untracked =
  /"msg_type": ?"(?:comm_info_request|kernel_info_request|shutdown_request|interrupt_request|debug_request|input_reply)"/;

/** More crashes than this within the time are a kernel that cannot live. */
const restartLimit = { count: 5, milliseconds: 60_000 };

/** A kernel that this server started: its process, which may be followed by another under the same id, and the sockets to it. */
export class KernelProcess {
  readonly id = randomUUID();
  readonly name: string;
  executionState = 'starting';
  lastActivity = new Date();
  readonly #spec: Kernelspec;
  readonly #folder: string;
  readonly #sessionName: string;
  readonly #listeners = new Set<Listener>();
  #child: ChildProcess | null = null;
  #connection: KernelConnection | null = null;
  /** What is sent while the kernel is started anew waits for it. */
  #opening: Promise<KernelConnection> | null = null;
  #crashes: number[] = [];
  #ending = false;

  /**
   * @param folder where the kernel works: the notebook's folder.
   * @param sessionName the notebook's path, told to the kernel as `JPY_SESSION_NAME`.
   */
  constructor(name: string, spec: Kernelspec, folder: string, sessionName = '') {
    this.name = name;
    this.#spec = spec;
    this.#folder = folder;
    this.#sessionName = sessionName;
  }

  get connections(): number {
    return this.#listeners.size;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Settles when the kernel answers. Error: it does not start, or ends at once. */
  async start(): Promise<void> {
    this.#opening = KernelConnection.open(this.name);
    const connection = await this.#opening;
    this.#connection = connection;
    connection.read((message) => this.#hear(message));
    const argv = this.#spec.argv.map((arg) =>
      arg
        .replace('{connection_file}', connection.file)
        .replace('{resource_dir}', this.#spec.resourceFolder ?? ''),
    );
    const environment = Object.fromEntries(
      Object.entries(this.#spec.env ?? {}).map(([name, value]) => [
        name,
        value.replace(/\$\{(\w+)\}/g, (_, variable: string) => process.env[variable] ?? ''),
      ]),
    );
    const child = spawn(programOf(this.#spec.resourceFolder, argv[0]), argv.slice(1), {
      cwd: this.#folder,
      env: {
        ...process.env,
        ...environment,
        JPY_PARENT_PID: String(process.pid),
        ...(this.#sessionName && { JPY_SESSION_NAME: this.#sessionName }),
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#child = child;
    const ended = new Promise<never>((_, reject) => {
      child.once('error', (error) =>
        reject(new Error(`kernel ${this.name} did not start: ${error.message}`)),
      );
      child.once('exit', (code, signal) =>
        reject(new Error(`kernel ${this.name} ended at its start with ${signal ?? `exit code ${code}`}`)),
      );
    });
    try {
      await Promise.race([this.#answered(), ended]);
    } catch (error) {
      if (child === this.#child) this.#close();
      throw error;
    }
    ended.catch(() => {});
    child.once('exit', () => void this.#died(child));
    if (child.exitCode !== null || child.signalCode !== null) void this.#died(child);
  }

  /** Settles when the kernel answers, and its output is subscribed to. Error: a minute has passed. */
  #answered(): Promise<void> {
    return new Promise((resolve, reject) => {
      const seen = { shell: false, iopub: false };
      const ask = (): void => void this.#request('shell', 'kernel_info_request', {});
      const finish = (error?: Error): void => {
        clearInterval(timer);
        clearTimeout(limit);
        this.#listeners.delete(heard);
        if (error) reject(error);
        else resolve();
      };
      const heard: Listener = ({ channel }) => {
        if (channel === 'shell' || channel === 'iopub') seen[channel] = true;
        if (seen.shell && seen.iopub) finish();
        return undefined;
      };
      const timer = setInterval(ask, 200);
      const limit = setTimeout(
        () => finish(new Error(`kernel ${this.name} did not answer within 60 s`)),
        60_000,
      );
      this.#child!.once('exit', () => finish());
      this.#listeners.add(heard);
      ask();
    });
  }

  /** Calls `heard` with each message of the kernel, of this process and of those that follow it; the function that is returned ends it. */
  listen(heard: Listener): () => void {
    this.#listeners.add(heard);
    return () => void this.#listeners.delete(heard);
  }

  send(channel: 'shell' | 'control' | 'stdin', parts: Buffer[], buffers: Buffer[] = []): Promise<void> {
    this.lastActivity = new Date();
    const connection = this.#connection ?? this.#opening;
    if (!connection) return Promise.reject(new Error(`kernel ${this.id} is not running`));
    if (connection instanceof KernelConnection) return connection.send(channel, parts, buffers);
    return connection.then((opened) => opened.send(channel, parts, buffers));
  }

  #request(channel: 'shell' | 'control', type: string, content: unknown): Promise<void> {
    return this.#connection?.send(channel, ownMessage(this.id, type, content)) ?? Promise.resolve();
  }

  /** As the kernelspec says: by a message on control, or by SIGINT. */
  async interrupt(): Promise<void> {
    if (this.#spec.interrupt_mode === 'message') await this.#request('control', 'interrupt_request', {});
    else this.#child?.kill('SIGINT');
  }

  async restart(): Promise<void> {
    this.#crashes = [];
    await this.shutdown(true);
    this.#ending = false;
    this.executionState = 'starting';
    await this.start();
  }

  /** Asks the kernel to end; after 2.5 s it is terminated, after 5 s killed. */
  async shutdown(restart = false): Promise<void> {
    this.#ending = true;
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const terminate = setTimeout(() => child.kill('SIGTERM'), 2500);
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      this.#child = null;
      await this.#request('control', 'shutdown_request', { restart });
      await ended;
      clearTimeout(terminate);
      clearTimeout(kill);
    }
    this.#close();
  }

  #close(): void {
    this.#child = null;
    this.#connection?.close();
    this.#connection = null;
    this.#opening = null;
  }

  /** Tells every front-end what has become of the kernel. */
  #tell(state: 'restarting' | 'dead'): void {
    this.executionState = state;
    const parts = ownMessage(this.id, 'status', { execution_state: state });
    for (const heard of this.#listeners) void heard({ channel: 'iopub', parts, buffers: [] });
  }

  /** A kernel that crashed is started anew, unless it keeps crashing. */
  async #died(child: ChildProcess): Promise<void> {
    if (child !== this.#child || this.#ending) return;
    this.#close();
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < restartLimit.milliseconds), now];
    if (this.#crashes.length > restartLimit.count) return this.#tell('dead');
    this.#tell('restarting');
    try {
      await this.start();
    } catch {
      this.#tell('dead');
    }
  }

  #hear(message: Relayed): Promise<void> | undefined {
    if (message.channel === 'iopub') this.#follow(message.parts);
    let waiting: Promise<void>[] | undefined;
    for (const heard of this.#listeners) {
      const busy = heard(message);
      if (busy) (waiting ??= []).push(busy);
    }
    return waiting && Promise.all(waiting).then(() => {});
  }

  #follow([header, parent, , content]: Buffer[]): void {
    this.lastActivity = new Date();
    if (!header.includes('"status"') || untracked.test(parent.toString())) return;
    const state = (JSON.parse(content.toString()) as { execution_state?: string }).execution_state;
    if (state) this.executionState = state;
  }
}
