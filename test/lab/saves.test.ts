import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { call, labForTest, notebook } from './labServer.ts';

const program = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));

/** A server in a process of its own, which can be killed. */
async function serverProcess(folder: string): Promise<{ url: string; kill(): Promise<void> }> {
  const data = mkdtempSync(join(tmpdir(), 'gradbook-data-'));
  const env = { ...process.env, JUPYTER_DATA_DIR: data, JUPYTER_CONFIG_DIR: data };
  const script = `const { startServer } = await import(${JSON.stringify(new URL('../../dist/lab/server/server.js', import.meta.url).href)});
const { url } = await startServer({ folder: ${JSON.stringify(folder)}, token: 'secret' });
console.log(url);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())),
  );
  return {
    url,
    kill: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

test('a server that is killed during 200 saves leaves every notebook whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-saves-'));
  const authorization = 'token secret';
  const large = (version: number) =>
    notebook(...Array.from({ length: 60 }, () => `// ${version}\n${`const a = ${version};\n`.repeat(200)}`));
  let saves = 0;
  let confirmed = 0;
  let killed = 0;
  while (saves < 200) {
    const server = await serverProcess(folder);
    const end = saves + 40;
    let stop = false;
    const at = 20 + Math.floor((killed * 137) % 400);
    const kill = new Promise<void>((resolve) =>
      setTimeout(async () => {
        stop = true;
        await server.kill();
        killed++;
        resolve();
      }, at),
    );
    while (!stop || saves < end) {
      if (stop) {
        saves++;
        continue;
      }
      const version = saves++;
      const body = { type: 'notebook', format: 'json', content: large(version) };
      const url = `${server.url}api/contents/n${version % 4}.ipynb`;
      const reply = await call(url, 'PUT', body, { authorization }).catch(() => null);
      if (reply && reply.status < 300) confirmed++;
    }
    await kill;
  }
  expect(killed).toBeGreaterThanOrEqual(5);
  expect(confirmed).toBeGreaterThan(0);
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.ipynb') && !name.startsWith('.'))) {
    const { cells } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      cells: { source: string[] }[];
    };
    expect(cells).toHaveLength(60);
    expect(new Set(cells.map(({ source }) => source[0])).size).toBe(1);
  }
  const lab = await labForTest({ folder });
  for (let i = 0; i < 4; i++)
    await lab.request('PUT', `api/contents/n${i}.ipynb`, { type: 'notebook', content: notebook('1') });
  expect(readdirSync(folder).filter((name) => name.startsWith('.~'))).toEqual([]);
}, 120_000);

test('a disk that refuses leaves the old file, and says so', async () => {
  const lab = await labForTest();
  const save = (content: string) =>
    lab.request('PUT', 'api/contents/full/a.txt', { type: 'file', format: 'text', content });
  mkdirSync(join(lab.folder, 'full'));
  expect((await save('old')).status).toBe(201);
  const name = 'x'.repeat(256);
  const long = await lab.request('PUT', `api/contents/${name}`, {
    type: 'file',
    format: 'text',
    content: '',
  });
  expect(long.status).toBe(400);
  expect(readFileSync(join(lab.folder, 'full/a.txt'), 'utf8')).toBe('old');
});

test('gradbook lab needs a token of the user’s for an address beyond this machine', async () => {
  const child = spawn(process.execPath, [program, 'lab', tmpdir(), '--ip', '0.0.0.0', '--no-browser'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1);
  expect(text).toMatch(/lets other machines run code on this one as you: choose a --token/);
});
