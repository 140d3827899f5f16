import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { call, labForTest, notebook, openLab } from './labServer.ts';

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
    const end = saves + 38 + killed;
    let killing: Promise<void> | undefined;
    const write = async (file: number): Promise<void> => {
      while (!killing) {
        const body = { type: 'notebook', format: 'json', content: large(saves++) };
        const url = `${server.url}api/contents/n${file}.ipynb`;
        const save = call(url, 'PUT', body, { authorization }).catch(() => null);
        // In the midst of this save, and of those of the other three.
        if (saves >= end) setTimeout(() => (killing ??= server.kill()), killed);
        const reply = await save;
        if (reply && reply.status < 300) confirmed++;
      }
    };
    await Promise.all([0, 1, 2, 3].map(write));
    await killing;
    killed++;
  }
  expect(killed).toBeGreaterThanOrEqual(4);
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
}, 240_000);

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

/** A disk of one megabyte that really fills up; null where this user may not mount one. */
function smallDisk(folder: string): (() => void) | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'gradbook-test', folder], { stdio: 'ignore' });
    return () => execFileSync('umount', [folder]);
  } catch {
    return null;
  }
}

test('a full disk leaves the old notebook whole and nothing half written, and says so', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-disk-'));
  const unmount = smallDisk(folder);
  if (!unmount) context.skip('this user may not mount a small disk');
  const lab = await openLab({ folder });
  onTestFinished(async () => {
    await lab.close();
    unmount!();
    rmSync(folder, { recursive: true });
  });
  const save = (name: string, body: object) => lab.request('PUT', `api/contents/${name}`, body);
  const old = { type: 'notebook', content: notebook('old') };
  expect((await save('n.ipynb', old)).status).toBe(201);
  const before = readFileSync(join(folder, 'n.ipynb'), 'utf8');
  const full = await save('n.ipynb', { type: 'notebook', content: notebook('x'.repeat(2 ** 21)) });
  expect([full.status, full.json.message]).toEqual([500, 'the disk is full: n.ipynb is as it was before']);
  const content = Buffer.alloc(2 ** 21).toString('base64');
  const upload = { type: 'file', format: 'base64', content, chunk: 1 };
  expect((await save('big.bin', upload)).json.message).toContain('the disk is full');
  expect(readFileSync(join(folder, 'n.ipynb'), 'utf8')).toBe(before);
  expect(readdirSync(folder).sort()).toEqual(['.ipynb_checkpoints', 'n.ipynb']);
  // There is room for what is small.
  expect((await save('n.ipynb', { type: 'notebook', content: notebook('new') })).status).toBe(200);
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
