import { createInterface, type Interface } from 'node:readline';
import { KernelProcess } from '../../lab/server/kernelProcess.ts';
import { findKernelspecs } from '../../lab/server/kernelspecs.ts';
import type { MimeBundle } from '../interfaces.ts';
import { type Heard, KernelClient } from './client.ts';

export interface ConsoleOptions {
  kernel: string;
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
}

/** How many earlier cells the arrow keys reach. */
const remembered = 500;

/**
 * A terminal session with a kernel of its own, which ends with it. Cells may have many lines: a line that leaves one incomplete goes on
 * with the next. Ctrl-C interrupts the running cell, or throws away what is typed; Ctrl-D ends the session. Error: no such kernel.
 */
export async function runConsole(options: ConsoleOptions): Promise<void> {
  const spec = findKernelspecs().get(options.kernel);
  if (!spec)
    throw new Error(
      `there is no kernel '${options.kernel}': there are ${[...findKernelspecs().keys()].join(', ')}`,
    );
  const kernel = new KernelProcess(options.kernel, spec, process.cwd());
  await kernel.start();
  const client = new KernelClient(kernel);
  try {
    await new Terminal(client, options).run();
  } finally {
    client.close();
    await kernel.shutdown();
  }
}

/** Node's interface with what its types leave out. */
type Editor = Interface & { history: string[]; line: string };

class Terminal {
  readonly #client: KernelClient;
  readonly #output: NodeJS.WriteStream;
  readonly #readline: Editor;
  /** Lines that were typed or pasted before anybody asked for them. */
  readonly #typed: string[] = [];
  /** Who waits for the next line; `null` ends the session. */
  #asked: ((line: string | null) => void) | null = null;
  #ended = false;
  #running = false;
  #hidden = false;
  /** Ctrl-C came while nothing was asked for and nothing ran. */
  #dropped = false;
  /** The lines of the cell so far. */
  #cell: string[] = [];
  #count = 1;

  constructor(client: KernelClient, { input, output }: ConsoleOptions) {
    this.#client = client;
    this.#output = output;
    const readline = createInterface({
      input,
      output,
      historySize: remembered,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) => {
        this.#complete(line).then(
          (found) => done(null, found),
          () => done(null, [[], line]),
        );
      },
    }) as Editor;
    this.#readline = readline;
    readline.on('line', (line) => this.#line(line));
    readline.on('SIGINT', () => this.#interrupt());
    readline.on('close', () => {
      this.#ended = true;
      this.#asked?.(null);
    });
    client.onPublish = (message, own) => {
      if (own) this.#show(message);
    };
    client.onInput = (prompt, password) => this.#answer(prompt, password);
    this.#hidePasswords();
  }

  async run(): Promise<void> {
    const info = await this.#client.request('kernel_info_request', {});
    this.#print(`${String(info.banner)}\nCtrl-C interrupts, Ctrl-D ends.\n`);
    await this.#recall();
    for (;;) {
      const code = await this.#nextCell();
      if (code === null) break;
      if (code.trim() === '') continue;
      this.#remember(code);
      this.#running = true;
      const reply = await this.#client.execute(code);
      this.#running = false;
      this.#count = Number(reply.execution_count ?? this.#count) + 1;
      this.#payloads((reply.payload ?? []) as MimeBundle[]);
    }
    this.#print('\n');
    this.#readline.close();
  }

  /** The next whole cell, or null at the end. */
  async #nextCell(): Promise<string | null> {
    const first = `In [${this.#count}]: `;
    this.#cell = [];
    let prompt = first;
    let indent = '';
    for (;;) {
      const line = await this.#ask(prompt, indent);
      if (line === null) return null;
      if (line === undefined) {
        // Ctrl-C: what was typed of this cell is gone.
        this.#cell = [];
        [prompt, indent] = [first, ''];
        continue;
      }
      this.#cell.push(line);
      const code = this.#cell.join('\n');
      this.#dropped = false;
      const { status, indent: next } = await this.#client.request('is_complete_request', { code });
      if (this.#dropped) {
        this.#cell = [];
        [prompt, indent] = [first, ''];
        continue;
      }
      // An empty line ends a cell that cannot become complete, so that nobody is held in it.
      if (
        status !== 'incomplete' ||
        (line.trim() === '' && this.#cell.length > 1 && this.#typed.length === 0)
      )
        return code;
      prompt = `${' '.repeat(Math.max(0, first.length - 5))}...: `;
      indent = String(next ?? '');
    }
  }

  /** One line; `null` at the end of the input, `undefined` after Ctrl-C. */
  #ask(prompt: string, indent = ''): Promise<string | null | undefined> {
    const waiting = this.#typed.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    if (this.#ended) return Promise.resolve(null);
    this.#readline.setPrompt(prompt);
    this.#readline.prompt();
    if (indent !== '' && this.#readline.terminal) this.#readline.write(indent);
    return new Promise((resolve) => {
      this.#asked = (line) => {
        this.#asked = null;
        resolve(line);
      };
      this.#cancel = () => {
        this.#asked = null;
        resolve(undefined);
      };
    });
  }

  #cancel: () => void = () => {};

  #line(line: string): void {
    if (this.#asked) this.#asked(line);
    else this.#typed.push(line);
  }

  #interrupt(): void {
    if (this.#running) {
      this.#typed.length = 0;
      void this.#client.request('interrupt_request', {}, 'control');
      // A question of the cell ends with it.
      if (this.#asked) this.#asked('');
      return;
    }
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#print('^C\n');
    this.#dropped = true;
    this.#cancel();
  }

  async #answer(prompt: string, password: boolean): Promise<string> {
    this.#print(prompt);
    this.#hidden = password;
    try {
      // The prompt stands there already; readline may redraw it.
      return (await this.#ask(this.#readline.terminal ? prompt : '')) ?? '';
    } finally {
      if (password) {
        this.#hidden = false;
        this.#readline.history.shift();
      }
    }
  }

  /** While a password is typed, readline's echo is held back. */
  #hidePasswords(): void {
    const readline = this.#readline as unknown as { _writeToOutput?: (text: string) => void };
    const write = readline._writeToOutput?.bind(this.#readline);
    if (write)
      readline._writeToOutput = (text) => {
        if (!this.#hidden || text === '\r\n') write(text);
      };
  }

  async #complete(line: string): Promise<[string[], string]> {
    const code = [...this.#cell, line].join('\n');
    const found = await this.#client.request('complete_request', { code, cursor_pos: [...code].length });
    const start = [...code].slice(0, Number(found.cursor_start)).join('').length;
    return [found.matches as string[], code.slice(start)];
  }

  /** The cells of earlier sessions, for the arrow keys. */
  async #recall(): Promise<void> {
    const { history } = await this.#client.request('history_request', {
      hist_access_type: 'tail',
      n: remembered,
      output: false,
      raw: true,
    });
    const cells = (history as [number, number, string][]).map(([, , source]) => source);
    if (this.#readline.terminal) this.#readline.history.push(...cells.reverse());
  }

  /** A cell of many lines is one entry, in place of its lines. */
  #remember(code: string): void {
    const { history } = this.#readline;
    if (!this.#readline.terminal || this.#cell.length < 2) return;
    for (const line of [...this.#cell].reverse()) if (history[0] === line) history.shift();
    history.unshift(code);
  }

  #print(text: string): void {
    this.#output.write(text);
  }

  #show({ type, content }: Heard): void {
    const text = published(type, content);
    if (text === '') return;
    if (this.#running) {
      this.#print(text);
      return;
    }
    // Late output of an earlier cell goes above the line that is being typed.
    this.#print(`\r\u001b[K${text}`);
    if (!text.endsWith('\n')) this.#print('\n');
    this.#readline.prompt(true);
  }

  #payloads(payloads: readonly MimeBundle[]): void {
    for (const { source, data, text } of payloads)
      if (source === 'page') this.#print(`${plain(data as MimeBundle)}\n`);
      else if (source === 'set_next_input') this.#typed.push(...String(text).split('\n'));
  }
}

/** A MIME bundle in a terminal. */
function plain(data: MimeBundle): string {
  const text = data['text/plain'];
  return typeof text === 'string' ? text : `<${Object.keys(data).join(', ')}>`;
}

/** What a terminal shows of an iopub message. */
function published(type: string, content: MimeBundle): string {
  switch (type) {
    case 'stream':
      return String(content.text);
    case 'error':
      return `${(content.traceback as string[]).join('\n')}\n`;
    case 'execute_result': {
      const text = plain(content.data as MimeBundle);
      return `Out[${String(content.execution_count)}]: ${text.includes('\n') ? '\n' : ''}${text}\n`;
    }
    case 'display_data':
      return `${plain(content.data as MimeBundle)}\n`;
    default:
      return '';
  }
}
