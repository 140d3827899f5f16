import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { type IPty, spawn } from '@lydell/node-pty';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gradbook-console-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `gradbook console` in a pseudo-terminal. */
class Screen {
  readonly #terminal: IPty;
  readonly ended: Promise<number>;
  #text = '';

  constructor() {
    this.#terminal = spawn(process.execPath, [main, 'console'], {
      cols: 200,
      rows: 50,
      cwd: folder,
      env: { ...process.env, GRADBOOK_HISTORY: join(folder, 'history.sqlite') },
    });
    this.#terminal.onData((text) => (this.#text += text));
    this.ended = new Promise((resolve) => this.#terminal.onExit(({ exitCode }) => resolve(exitCode)));
  }

  type(text: string): void {
    this.#text = '';
    this.#terminal.write(text);
  }

  /** Waits until what came since the last typing matches. */
  async shows(wanted: RegExp): Promise<string> {
    const deadline = Date.now() + 20_000;
    while (!wanted.test(stripVTControlCharacters(this.#text))) {
      if (Date.now() > deadline)
        throw new Error(
          `waited for ${wanted} in vain; the screen: ${JSON.stringify(this.#text.slice(-1500))}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return stripVTControlCharacters(this.#text);
  }

  kill(): void {
    this.#terminal.kill();
  }
}

let screen: Screen;
beforeEach(async () => {
  screen = new Screen();
  await screen.shows(/In \[1\]: /);
});
afterEach(() => screen.kill());

describe('gradbook console', () => {
  test('shows results and errors, and takes cells of many lines', async () => {
    screen.type('6 * 7\r');
    await screen.shows(/Out\[1\]: 42[\s\S]*In \[2\]: /);
    screen.type('function twice(x: number) {\r');
    await screen.shows(/\.\.\.: {3}$/);
    screen.type('return x * 2 }\r');
    await screen.shows(/In \[3\]: /);
    screen.type('twice(4)\r');
    await screen.shows(/Out\[3\]: 8/);
    screen.type('const s: string = 3\r');
    await screen.shows(/TS2322[\s\S]*In \[5\]: /);
  });

  test('Tab completes, and the arrow brings back whole cells, also those of an earlier session', async () => {
    screen.type('const wonderful = [1,\r');
    await screen.shows(/\.\.\.: $/);
    screen.type('2]\r');
    await screen.shows(/In \[2\]: /);
    screen.type('wonderf');
    await screen.shows(/wonderf/);
    screen.type('\t');
    await screen.shows(/ul/);
    screen.type('.length\r');
    await screen.shows(/Out\[2\]: 2/);
    screen.type('\u0004');
    expect(await screen.ended).toBe(0);
    screen = new Screen();
    await screen.shows(/In \[1\]: /);
    screen.type('\u001b[A\u001b[A');
    await screen.shows(/const wonderful = \[1,\s+2\]/);
    screen.type('\r');
    await screen.shows(/In \[2\]: /);
    screen.type('wonderful\r');
    await screen.shows(/Out\[2\]: \[ 1, 2 \]/);
  });

  test('input() asks in the terminal, and a password is not shown', async () => {
    screen.type('input("name? ") + input("secret? ", { password: true })\r');
    await screen.shows(/name\? $/);
    screen.type('Ada\r');
    await screen.shows(/secret\? /);
    screen.type('xyzzy');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await screen.shows(/^/)).not.toMatch(/x|y|z/);
    screen.type('\r');
    await screen.shows(/Out\[1\]: 'Adaxyzzy'/);
  });

  test('Ctrl-C interrupts a cell and throws away what is typed; Ctrl-D ends the session', async () => {
    screen.type('let kept = 5; console.log("go" + 1); while (true);\r');
    await screen.shows(/go1/);
    screen.type('\u0003');
    await screen.shows(/Interrupted[\s\S]*In \[2\]: /);
    screen.type('nonsense(');
    await screen.shows(/nonsense/);
    screen.type('\u0003');
    await screen.shows(/\^C[\s\S]*In \[2\]: /);
    screen.type('kept\r');
    await screen.shows(/Out\[2\]: 5/);
    screen.type('\u0004');
    expect(await screen.ended).toBe(0);
  });
});
