import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import open from 'open';
import { builtFrontEnd } from '../../lab/server/page/frontEnd.ts';
import { type JupyterServer, startServer } from '../../lab/server/server.ts';
import { storedPassword } from './password.ts';

export interface LabOptions {
  browser: boolean;
  port: number;
  ip: string;
  token?: string;
}

const isLoopback = (ip: string): boolean => ip === '127.0.0.1' || ip === '::1' || ip === 'localhost';

/** `gradbook` in the user's home folder: what `npm start` shows. */
export function homeFolder(): string {
  const folder = join(homedir(), 'gradbook');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Whether there is a screen for a browser. */
const hasScreen = (): boolean =>
  process.platform !== 'linux' ||
  ['DISPLAY', 'WAYLAND_DISPLAY', 'WSL_DISTRO_NAME'].some((name) => process.env[name]);

/** Asks on a terminal; a second Ctrl-C, or five seconds of silence, decide. True to end. */
async function isSure(server: JupyterServer): Promise<boolean> {
  if (!process.stdin.isTTY) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const again = new AbortController();
  terminal.on('SIGINT', () => again.abort());
  const limit = setTimeout(() => terminal.close(), 5000);
  const running = server.kernels.list().length;
  try {
    const question = `\n${running} kernel${running === 1 ? '' : 's'} running. Shut the server down? [y/N] `;
    const answer = await Promise.race([
      terminal.question(question, { signal: again.signal }),
      new Promise<string>((done) => terminal.once('close', () => done('no'))),
    ]);
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return true;
  } finally {
    clearTimeout(limit);
    terminal.close();
  }
}

/**
 * Serves JupyterLab until it is told to end: Ctrl-C asks, SIGTERM does not; both shut the kernels down.
 *
 * Errors: a folder that is not there, an address beyond this machine without a token or password of the user's, no front end.
 */
export async function lab(folder: string, options: LabOptions): Promise<void> {
  const token = options.token ?? process.env.GRADBOOK_TOKEN;
  const passwordHash = storedPassword();
  if (!isLoopback(options.ip) && !token && !passwordHash)
    throw new Error(
      `--ip ${options.ip} lets other machines run code on this one as you: choose a --token (or GRADBOOK_TOKEN) for them, or set a gradbook password`,
    );
  if (!builtFrontEnd())
    throw new Error('the front end is not built: run npm start once in the folder of gradbook');
  const place = resolve(folder);
  if (!existsSync(place)) throw new Error(`there is no folder ${place}`);

  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const server = await startServer({
    folder: place,
    port: options.port,
    portRetries: 50,
    ip: options.ip,
    token,
    passwordHash,
    toTrash: true,
    onShutdown: end,
  });
  const address = `${server.url}lab?token=${server.token}`;
  process.stderr.write(`Notebooks in ${place}\nJupyterLab at ${address}\n`);
  if (!isLoopback(options.ip))
    process.stderr.write(
      `Anyone who reaches ${options.ip} and has the token${passwordHash ? ' or the password' : ''} can read and write ${place} and run programs as you.\n`,
    );
  if (options.browser && hasScreen()) {
    const browser = await open(address).catch(() => null);
    browser?.on('error', () => process.stderr.write('No browser opened: go to the address above.\n'));
  }

  process.on('SIGTERM', end);
  process.on('SIGHUP', end);
  let asking = false;
  process.on('SIGINT', () => {
    if (asking) return end();
    asking = true;
    void isSure(server).then((sure) => {
      asking = false;
      if (sure) end();
    });
  });
  await ended;
  const running = server.kernels.list().length;
  if (running > 0) process.stderr.write(`Shutting ${running} kernel${running === 1 ? '' : 's'} down ...\n`);
  await server.close();
}
