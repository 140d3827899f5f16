import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn as spawnTerminal } from '@lydell/node-pty';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../lab/server/access/credentials.ts';
import { buildFrontEnd } from './browserPage.ts';
import { call } from './labServer.ts';

const program = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const authorization = 'token secret';

beforeAll(() => buildFrontEnd(), 600_000);

/** Settings of its own for each server. */
function environment(): NodeJS.ProcessEnv & { JUPYTER_CONFIG_DIR: string } {
  const base = mkdtempSync(join(tmpdir(), 'gradbook-command-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return { ...process.env, JUPYTER_CONFIG_DIR: base, JUPYTER_DATA_DIR: base, GRADBOOK_HISTORY: ':memory:' };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const args = (port = 0): string[] => [
  program,
  'lab',
  tmpdir(),
  '--no-browser',
  '--port',
  String(port),
  '--token',
  'secret',
];

/** `gradbook lab`, until it has said where it is. */
async function start(env: NodeJS.ProcessEnv, port = 0): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, args(port), { env, stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr!.on('data', (data: Buffer) => {
      text += data.toString();
      const found = /JupyterLab at (http\S+?)lab\?token/.exec(text);
      if (found) resolve(found[1]);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
  return { child, url };
}

describe('gradbook lab', () => {
  test('takes the stored password at its login page, and the next port where its own is in use', async () => {
    const env = environment();
    writeFileSync(join(env.JUPYTER_CONFIG_DIR, 'gradbook-password'), hashPassword('correct horse'));
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const { url } = await start(env, port);
    expect(Number(new URL(url).port)).toBeGreaterThan(port);

    const page = await call(`${url}login`, 'GET');
    expect(page.text).toContain('Password or token');
    const _xsrf = /name="_xsrf" value="(\w+)"/.exec(page.text)![1];
    const log = (password: string) =>
      fetch(`${url}login?next=%2Flab`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ _xsrf, password }),
      });
    expect((await log('wrong house')).status).toBe(401);
    const good = await log('correct horse');
    const cookie = good.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    expect((await call(`${url}lab`, 'GET', undefined, { cookie })).text).toContain('jupyter-config-data');
    const out = await fetch(`${url}logout`, { headers: { cookie }, redirect: 'manual' });
    expect(out.headers.getSetCookie().join()).toMatch(/gradbook-\d+=;/);
  }, 60_000);

  test.skipIf(process.platform === 'win32')(
    'SIGTERM shuts its kernels down',
    async () => {
      const { child, url } = await start(environment());
      const { id } = (await call(`${url}api/kernels`, 'POST', { name: 'gradbook' }, { authorization })).json;
      const usage = await call(`${url}api/metrics/v1/kernel_usage/get_usage/${id}`, 'GET', undefined, {
        authorization,
      });
      const { pid } = usage.json.content;
      expect(isAlive(pid)).toBe(true);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
      expect(isAlive(pid)).toBe(false);
    },
    60_000,
  );

  test.skipIf(process.platform === 'win32')(
    'Ctrl-C asks; no goes on, yes ends it',
    async () => {
      const terminal = spawnTerminal(process.execPath, args(), {
        env: environment() as Record<string, string>,
      });
      let text = '';
      terminal.onData((data) => (text += data));
      const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
      onTestFinished(() => {
        try {
          terminal.kill('SIGKILL');
        } catch {
          // It has ended.
        }
      });
      const says = (pattern: RegExp) => expect.poll(() => text, { timeout: 30_000 }).toMatch(pattern);
      await says(/JupyterLab at/);
      const url = /JupyterLab at (http\S+?)lab\?token/.exec(text)![1];
      const isUp = async () =>
        (await call(`${url}api/status`, 'GET', undefined, { authorization })).status === 200;
      terminal.write('\u0003');
      await says(/0 kernels running\. Shut the server down\? \[y\/N\]/);
      terminal.write('n\r');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await isUp()).toBe(true);
      text = '';
      terminal.write('\u0003');
      await says(/Shut the server down/);
      terminal.write('y\r');
      expect(await ended).toBe(0);
    },
    60_000,
  );
});
