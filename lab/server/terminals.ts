import { homedir, platform } from 'node:os';
import { type IPty, spawn } from '@lydell/node-pty';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { WebSocket } from 'ws';
import type { Root } from './contents/root.ts';
import { jsonBody } from './contents/routes.ts';
import { Outbox } from './outbox.ts';

/** What a terminal shows to one that opens it again. */
const scrollback = 200_000;

interface TerminalModel {
  name: string;
  last_activity: string;
}

/** A shell, and the browsers that look at it. */
class Terminal {
  readonly name: string;
  readonly #shell: IPty;
  readonly #sockets = new Map<WebSocket, Outbox>();
  #shown = '';
  #lastActivity = new Date();

  constructor(name: string, folder: string, ended: () => void) {
    this.name = name;
    const command = platform() === 'win32' ? 'powershell.exe' : (process.env.SHELL ?? '/bin/sh');
    this.#shell = spawn(command, platform() === 'win32' ? [] : ['-l'], {
      name: 'xterm-256color',
      cols: 80,
      rows: 24,
      cwd: folder,
      env: { ...process.env, TERM: 'xterm-256color' } as Record<string, string>,
    });
    this.#shell.onData((text) => this.#show(text));
    this.#shell.onExit(() => {
      for (const [socket, outbox] of this.#sockets) {
        void outbox.send(JSON.stringify(['disconnect', 1]));
        socket.close();
      }
      ended();
    });
  }

  get model(): TerminalModel {
    return { name: this.name, last_activity: this.#lastActivity.toISOString() };
  }

  /** A browser that reads slowly holds the shell up, not the server's memory. */
  #show(text: string): void {
    this.#lastActivity = new Date();
    this.#shown = (this.#shown + text).slice(-scrollback);
    const message = JSON.stringify(['stdout', text]);
    const busy = [...this.#sockets.values()].flatMap((outbox) => outbox.send(message) ?? []);
    if (busy.length === 0) return;
    this.#shell.pause();
    void Promise.all(busy).then(() => this.#shell.resume());
  }

  /** Speaks terminado's protocol: arrays of a word and its values. Anything else is ignored. */
  attach(socket: WebSocket): void {
    const outbox = new Outbox(socket);
    this.#sockets.set(socket, outbox);
    void outbox.send(JSON.stringify(['setup', {}]));
    if (this.#shown) void outbox.send(JSON.stringify(['stdout', this.#shown]));
    socket.on('message', (data: Buffer) => {
      this.#lastActivity = new Date();
      try {
        const [word, ...values] = JSON.parse(data.toString()) as unknown[];
        if (word === 'stdin' && typeof values[0] === 'string') this.#shell.write(values[0]);
        else if (word === 'set_size') {
          const [rows, columns] = values.map(Number);
          if (rows > 0 && columns > 0 && rows < 10_000 && columns < 10_000)
            this.#shell.resize(Math.floor(columns), Math.floor(rows));
        }
      } catch {
        // Not of the protocol.
      }
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      outbox.close();
      this.#sockets.delete(socket);
    });
  }

  end(): void {
    this.#shell.kill(platform() === 'win32' ? undefined : 'SIGHUP');
  }
}

/** The terminals that are open. */
export class Terminals {
  readonly #open = new Map<string, Terminal>();
  readonly #root: Root;

  constructor(root: Root) {
    this.#root = root;
  }

  get(name: string): Terminal | undefined {
    return this.#open.get(name);
  }

  list(): TerminalModel[] {
    return [...this.#open.values()].map(({ model }) => model);
  }

  /** Error: 400 for a name that is no name. */
  async start(asked: string | undefined, folder: string | undefined): Promise<Terminal> {
    if (asked && !/^\w{1,64}$/.test(asked))
      throw new HTTPException(400, { message: 'a name is letters and digits' });
    let name = asked || '1';
    while (!asked && this.#open.has(name)) name = String(Number(name) + 1);
    const existing = this.#open.get(name);
    if (existing) return existing;
    const place = folder ? await this.#root.locate(folder).catch(() => this.#root.folder) : this.#root.folder;
    const terminal = new Terminal(name, place || homedir(), () => this.#open.delete(name));
    this.#open.set(name, terminal);
    return terminal;
  }

  end(name: string): boolean {
    const terminal = this.#open.get(name);
    this.#open.delete(name);
    terminal?.end();
    return terminal !== undefined;
  }

  endAll(): void {
    for (const name of [...this.#open.keys()]) this.end(name);
  }
}

/** `/api/terminals`. */
export function terminalRoutes(terminals: Terminals): Hono {
  const routes = new Hono();
  const missing = (name: string): never => {
    throw new HTTPException(404, { message: `Terminal not found: '${name}'` });
  };
  routes.get('/terminals', (c) => c.json(terminals.list()));
  routes.post('/terminals', async (c) => {
    const { name, cwd } = (await jsonBody<{ name: string; cwd: string }>(c)) ?? {};
    return c.json((await terminals.start(name, cwd)).model);
  });
  routes.get('/terminals/:name', (c) => {
    const name = c.req.param('name');
    return c.json((terminals.get(name) ?? missing(name)).model);
  });
  routes.delete('/terminals/:name', (c) => {
    const name = c.req.param('name');
    return terminals.end(name) ? c.body(null, 204) : missing(name);
  });
  return routes;
}
