import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startServer } from '../../lab/server/server.ts';

const main = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gradbook-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

const gradbook = (...args: string[]): Promise<Result> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [main, ...args],
      { cwd: folder, env: { ...process.env, GRADBOOK_HISTORY: ':memory:' } },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });

function notebook(name: string, cells: { source: string; tags?: string[] }[]): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    JSON.stringify({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec: { name: 'gradbook', display_name: 'TypeScript', language: 'typescript' } },
      cells: cells.map(({ source, tags }, i) => ({
        cell_type: 'code',
        id: `c${i}`,
        metadata: tags ? { tags } : {},
        source,
        outputs: [],
        execution_count: null,
      })),
    }),
  );
  return path;
}

const read = (path: string) =>
  JSON.parse(readFileSync(path, 'utf8')) as {
    metadata: { language_info?: { name: string } };
    cells: {
      source: string;
      metadata: { tags?: string[] };
      execution_count: number | null;
      outputs: { output_type: string; text?: string; data?: Record<string, string> }[];
    }[];
  };

describe('gradbook run', () => {
  test('executes cells in order and writes outputs, counts and language_info', async () => {
    const path = notebook('good.ipynb', [
      { source: 'const a: number = 20; console.log("one"); console.log("two")' },
      { source: 'a + 22' },
    ]);
    const { code, stderr } = await gradbook('run', path, '--inplace');
    expect(stderr).toMatch(/done in/);
    expect(code).toBe(0);
    const { cells, metadata } = read(path);
    expect(metadata.language_info?.name).toBe('typescript');
    expect(cells.map((c) => c.execution_count)).toEqual([1, 2]);
    expect(cells[0].outputs).toEqual([{ output_type: 'stream', name: 'stdout', text: 'one\ntwo\n' }]);
    expect(cells[1].outputs[0].data?.['text/plain']).toBe('42');
  });

  test('a failing cell is named, ends the run with exit code 1, and leaves the input as it was', async () => {
    const path = notebook('bad.ipynb', [
      { source: '1' },
      { source: 'throw new RangeError("too far")' },
      { source: 'console.log("never")' },
    ]);
    const before = readFileSync(path, 'utf8');
    const { code, stderr } = await gradbook('run', path, '--output', join(folder, 'bad-out.ipynb'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/cell 2 failed: RangeError: too far/);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(read(join(folder, 'bad-out.ipynb')).cells[2].outputs).toEqual([]);
  });

  test('--allow-errors goes on behind a failing cell', async () => {
    const path = notebook('allowed.ipynb', [{ source: 'throw new Error("x")' }, { source: '7' }]);
    expect((await gradbook('run', path, '--inplace', '--allow-errors')).code).toBe(0);
    expect(read(path).cells[1].outputs[0].data?.['text/plain']).toBe('7');
  });

  test('parameters are injected behind the tagged cell, typed by their JSON', async () => {
    const path = notebook('parameters.ipynb', [
      { source: 'let rate = 0.1; let name = "a"', tags: ['parameters'] },
      { source: '[rate * 2, name]' },
    ]);
    expect((await gradbook('run', path, '--inplace', '-p', 'rate=0.5', '-p', 'name=Ada')).code).toBe(0);
    const { cells } = read(path);
    expect(cells[1].metadata.tags).toEqual(['injected-parameters']);
    expect(cells[2].outputs[0].data?.['text/plain']).toBe("[ 1, 'Ada' ]");
  });

  test('a parameter is what papermill takes its text for', async () => {
    const texts = ['True', 'None', '007', '-.5', '1e3', '[1, 2]', '"7"', 'true story', ''];
    const path = notebook('types.ipynb', [{ source: `[${texts.map((_, i) => `p${i}`).join(', ')}]` }]);
    const args = texts.flatMap((text, i) => ['-p', `p${i}=${text}`]);
    expect((await gradbook('run', path, '--inplace', ...args)).code).toBe(0);
    const shown = read(path).cells[1].outputs[0].data?.['text/plain'].replace(/\s+/g, ' ');
    expect(shown).toBe("[ true, null, 7, -0.5, 1000, [ 1, 2 ], '7', 'true story', '' ]");
  });

  test('a cell that runs too long is stopped and named', async () => {
    const path = notebook('slow.ipynb', [{ source: 'while (true);' }]);
    const { code, stderr } = await gradbook('run', path, '--timeout', '1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/cell 1 failed: Timeout: the cell ran longer than 1 s/);
  });

  test('--jobs runs several notebooks at a time, each in a kernel of its own, and one failure does not stop the others', async () => {
    // Each waits for the file that the other writes: one after the other they would never end.
    const meeting = (own: string, other: string): string =>
      `import { existsSync, writeFileSync } from 'node:fs'; writeFileSync('${own}', ''); while (!existsSync('${other}')) await new Promise((r) => setTimeout(r, 20));`;
    const paths = [
      notebook('one.ipynb', [{ source: meeting('one.met', 'two.met') }, { source: '"one"' }]),
      notebook('two.ipynb', [{ source: meeting('two.met', 'one.met') }, { source: '"two"' }]),
      notebook('wrong.ipynb', [{ source: 'nothing.here' }]),
    ];
    const { code, stderr } = await gradbook('run', ...paths, '--inplace', '--jobs', '2', '--timeout', '60');
    expect(code).toBe(1);
    expect(stderr).toMatch(/wrong\.ipynb: cell 1 failed: TypeError: TS2304/);
    expect(read(paths[0]).cells[1].outputs[0].data?.['text/plain']).toBe("'one'");
    expect(read(paths[1]).cells[1].outputs[0].data?.['text/plain']).toBe("'two'");
    expect(read(paths[2]).cells[0].outputs[0].output_type).toBe('error');
  });

  test('a file that is no notebook is named and left as it was', async () => {
    const path = join(folder, 'broken.ipynb');
    for (const text of ['{ "nbformat": 4, "cells": [', '{ "nbformat": 3, "worksheets": [] }', '']) {
      writeFileSync(path, text);
      const { code, stderr } = await gradbook('run', path, '--inplace');
      expect(code).toBe(1);
      expect(stderr).toMatch(/broken\.ipynb/);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  test('a run that is killed leaves the notebook as it was, and an executed one keeps its link and mode', async () => {
    const path = notebook('killed.ipynb', [{ source: '1' }, { source: 'while (true);' }]);
    const before = readFileSync(path, 'utf8');
    const child = execFile(process.execPath, [main, 'run', path, '--inplace'], { cwd: folder });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('exit', resolve));
    expect(readFileSync(path, 'utf8')).toBe(before);
    const target = notebook('target.ipynb', [{ source: '6 * 7' }]);
    const link = join(folder, 'link.ipynb');
    chmodSync(target, 0o640);
    symlinkSync(target, link);
    expect((await gradbook('run', link, '--inplace')).code).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(read(target).cells[0].outputs[0].data?.['text/plain']).toBe('42');
  });

  test.each([
    [['run'], 2],
    [['run', 'x.ipynb', '--timeout', 'soon'], 2],
    [['run', 'x.ipynb', '--jobs', '0'], 2],
    [['run', 'x.ipynb', '-p', 'noValue'], 2],
    [['run', 'x.ipynb', 'y.ipynb', '--output', 'z.ipynb'], 2],
    [['run', 'x.ipynb', '--unknown'], 2],
    [['nonsense'], 2],
    [['--help'], 0],
    [['run', '--help'], 0],
    [['--version'], 0],
    [['run', 'missing.ipynb'], 1],
  ])('%j ends with exit code %i', async (args, code) => {
    const result = await gradbook(...args);
    expect(result.code).toBe(code);
    if (code > 0) expect(result.stderr).not.toBe('');
  });
});

describe('the command line', () => {
  test.each([
    [['nosuch'], /unknown command 'nosuch'/],
    [['run'], /missing required argument 'notebook'/],
    [['run', 'a.ipynb', '--nosuch'], /unknown option '--nosuch'/],
    [['run', 'a.ipynb', 'b.ipynb', '--output', 'c.ipynb'], /--output takes one notebook/],
    [
      ['run', 'a.ipynb', '--output', 'c.ipynb', '--inplace'],
      /'--output <file>' cannot be used with option '--inplace'/,
    ],
    [['run', 'a.ipynb', '--jobs', '0'], /whole number from 1/],
    [['run', 'a.ipynb', '--timeout', 'x'], /number of seconds/],
    [['run', 'a.ipynb', '-p', 'bad'], /NAME=VALUE/],
    [['install', '--user', '--sys-prefix'], /cannot be used with option/],
    [['install', '--sys-prefix', '--prefix', 'x'], /cannot be used with option/],
    [['uninstall', 'extra'], /too many arguments/],
    [['doctor', '--nosuch'], /unknown option/],
  ])('%j ends with exit code 2 and says why on stderr', async (args, why) => {
    const { code, stdout, stderr } = await gradbook(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(why);
  });

  test('every command has its help, on stdout', async () => {
    const commands = ['run', 'install', 'uninstall', 'console', 'doctor', 'password', 'lab', 'start'];
    const { code, stdout } = await gradbook('--help');
    expect(code).toBe(0);
    for (const command of commands) {
      expect(stdout).toContain(`  ${command} `);
      const help = await gradbook(command, '--help');
      expect([help.code, help.stderr]).toEqual([0, '']);
      expect(help.stdout).toMatch(new RegExp(`^Usage: gradbook ${command}`));
    }
  });

  test('a notebook that is not there is named, with exit code 1', async () => {
    const { code, stderr } = await gradbook('run', 'nowhere.ipynb');
    expect(code).toBe(1);
    expect(stderr).toBe('nowhere.ipynb: there is no such file\n');
  });
});

describe('gradbook install', () => {
  test('writes a kernelspec with absolute paths, and uninstall removes it', async () => {
    expect((await gradbook('install', '--prefix', folder)).code).toBe(0);
    const place = join(folder, 'share', 'jupyter', 'kernels', 'gradbook');
    const spec = JSON.parse(readFileSync(join(place, 'kernel.json'), 'utf8')) as {
      argv: string[];
      display_name: string;
      interrupt_mode: string;
    };
    expect(spec).toMatchObject({
      display_name: 'TypeScript (gradbook)',
      language: 'typescript',
      interrupt_mode: 'message',
    });
    expect(existsSync(spec.argv[0])).toBe(true);
    expect(existsSync(spec.argv.find((arg) => arg.endsWith('main.js'))!)).toBe(true);
    expect(existsSync(join(place, 'logo-64x64.png'))).toBe(true);
    const logos = ['logo-32x32.png', 'logo-64x64.png', 'logo-svg.svg'];
    for (const logo of logos) expect(existsSync(join(place, logo))).toBe(true);
    expect((await gradbook('uninstall', '--prefix', folder)).code).toBe(0);
    expect(existsSync(place)).toBe(false);
  });

  test('doctor finds nothing wrong', async () => {
    const { code, stdout } = await gradbook('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Node\.js \d+[\s\S]*ZeroMQ[\s\S]*run --static[\s\S]*engine: /);
  });
});

describe('the embedded server', () => {
  test('refuses a missing or wrong token, a foreign host and a foreign origin', async () => {
    const server = await startServer({ folder });
    const get = (path: string, headers: Record<string, string> = {}): Promise<number> =>
      fetch(server.url + path, { headers }).then((r) => r.status);
    const authorization = `token ${server.token}`;
    expect(await get('api/kernels')).toBe(403);
    expect(await get('api/kernels?token=wrong')).toBe(403);
    expect(await get('api/kernels', { authorization })).toBe(200);
    const foreignHost = await new Promise((resolve) =>
      request(`${server.url}api/kernels`, { headers: { authorization, host: 'evil.example' } }, (r) =>
        resolve(r.statusCode),
      ).end(),
    );
    expect(foreignHost).toBe(403);
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}api/kernels/none/channels?token=${server.token}`,
      { origin: 'http://evil.example' },
    );
    expect(await new Promise((resolve) => socket.on('error', (error) => resolve(error.message)))).toMatch(
      /403/,
    );
    await server.close();
  });
});

const python = [process.env.GRADBOOK_PYTHON, 'python3', 'python'].find((name) => {
  try {
    if (!name) return false;
    execFileSync(name, ['-c', 'import nbclient, jupyter_client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

describe.skipIf(!python)(
  'Python’s own clients (skipped where no Python with nbclient is on the path)',
  () => {
    test('nbclient runs a notebook with the installed kernelspec', async () => {
      await gradbook('install', '--prefix', folder);
      const path = notebook('nbclient.ipynb', [{ source: 'const s: string = "from nbclient"; s' }]);
      const script =
        'import sys, nbformat, nbclient; nb = nbformat.read(sys.argv[1], 4); nbclient.NotebookClient(nb, timeout=60).execute(); nbformat.validate(nb); print(nb.cells[0].outputs[0]["data"]["text/plain"])';
      const out = execFileSync(python!, ['-c', script, path], {
        encoding: 'utf8',
        env: { ...process.env, JUPYTER_PATH: join(folder, 'share', 'jupyter'), GRADBOOK_HISTORY: ':memory:' },
      });
      expect(out.trim()).toBe("'from nbclient'");
    });
  },
);
