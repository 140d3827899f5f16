import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { builtEngine, machineIsas, packageRoot } from '../../src/engine/build.ts';

const isa = machineIsas()[0];
const engine = builtEngine(isa);
const folder = mkdtempSync(join(tmpdir(), 'gradbook-engines-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const library = pathToFileURL(join(packageRoot(), 'dist/src/index.js')).href;
const sums = `const g = await import(${JSON.stringify(library)});
  const total = g.sum(g.add(g.ones([3]), g.ones([3]))).item();
  console.log(total + ' ' + g.engineStatus());`;

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the library in a process of its own, which finds and builds its engines in `engines`. */
function run(
  engines: string,
  env: Record<string, string>,
  args = ['--input-type=module', '-e', sums],
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, GRADBOOK_ENGINE: '', GRADBOOK_ISA: '', GRADBOOK_ENGINES: engines, ...env },
    });
    const out: Outcome = { status: null, stdout: '', stderr: '' };
    child.stdout.on('data', (data) => (out.stdout += data));
    child.stderr.on('data', (data) => (out.stderr += data));
    child.on('close', (status) => resolve({ ...out, status }));
  });
}

/** A compiler that takes a moment for an object, links the engine that is built already, and counts its calls. */
function quickCompiler(name: string, script = ''): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `#!/bin/sh
for last; do :; done
case "$*" in
  --version) exit 0 ;;
esac
echo call >> "${path}.calls"
${script}
case "$*" in
  *-shared*) cp "${engine}" "$last" ;;
  *) echo object > "$last" ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return path;
}

const calls = (compiler: string): number =>
  existsSync(`${compiler}.calls`) ? readFileSync(`${compiler}.calls`, 'utf8').split('\n').length - 1 : 0;

const enginesIn = (place: string): string[] => readdirSync(place).filter((name) => name.endsWith('.node'));
const native = new RegExp(`^6 native \\(C\\+\\+, ${isa}, \\d+ threads?\\)\n$`);

describe('without a compiler', () => {
  const none = { PATH: folder, CXX: '' };

  test('the reference engine runs, and one line at the first use says so', async () => {
    const { status, stdout, stderr } = await run(join(folder, 'none'), none);
    expect(stderr).toBe(
      'gradbook: the native engine is missing, so tensors run on the slow reference engine: there is no C++ compiler (install g++ or clang++)\n',
    );
    expect(stdout).toBe('6 reference (TypeScript): there is no C++ compiler (install g++ or clang++)\n');
    expect(status).toBe(0);
  });

  test('nothing is said where no tensor is computed with', async () => {
    const { stderr } = await run(join(folder, 'none'), none, [
      '--input-type=module',
      '-e',
      `await import(${JSON.stringify(library)})`,
    ]);
    expect(stderr).toBe('');
  });

  test('the native engine by force is an error that says why', async () => {
    const { status, stderr } = await run(join(folder, 'none'), { ...none, GRADBOOK_ENGINE: 'native' });
    expect(status).not.toBe(0);
    expect(stderr).toContain(
      'GRADBOOK_ENGINE=native, but the native engine does not load: there is no C++ compiler',
    );
  });

  test('gradbook doctor says so', async () => {
    const { stdout } = await run(join(folder, 'none'), none, [
      join(packageRoot(), 'dist/kernel/cli/main.js'),
      'doctor',
    ]);
    expect(stdout).toContain(
      'info  engine: reference (TypeScript): there is no C++ compiler (install g++ or clang++)',
    );
    expect(stdout).toContain('info  engines compiled for this machine: none');
  });
});

describe.runIf(engine !== null && process.platform === 'linux')('the cache of engines', () => {
  test('is filled once: the second process compiles nothing', async () => {
    const [place, CXX] = [join(folder, 'filled'), quickCompiler('once')];
    const first = await run(place, { CXX });
    expect(first.stdout).toMatch(native);
    expect(first.stderr).toBe('gradbook: compiling the native engine, once (less than a minute) ...\n');
    const after = calls(CXX);
    expect(await run(place, { CXX })).toMatchObject({ stderr: '', stdout: expect.stringMatching(native) });
    expect(calls(CXX)).toBe(after);
    expect(readdirSync(place).sort()).toEqual([basename(engine!), 'objects', 'sources.json'].sort());
  });

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['empty', () => Buffer.alloc(0)],
    ['no library', () => Buffer.alloc(100_000, 'x')],
    [
      'a library with a damaged header',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 54), Buffer.alloc(2), bytes.subarray(56)]),
    ],
  ])('is mended where an engine is %s', async (title, damage) => {
    const [place, CXX] = [join(folder, title), quickCompiler(`mends ${title}`)];
    mkdirSync(place);
    writeFileSync(join(place, basename(engine!)), damage(readFileSync(engine!)));
    expect((await run(place, { CXX })).stdout).toMatch(native);
    expect((await run(place, { CXX })).stderr).toBe('');
  });

  test('is mended where a kept object is damaged: the link fails once', async () => {
    const place = join(folder, 'objects');
    await run(place, { CXX: quickCompiler('compiles') });
    for (const name of enginesIn(place)) rmSync(join(place, name));
    for (const name of readdirSync(join(place, 'objects')))
      writeFileSync(join(place, 'objects', name), 'damaged');
    const CXX = quickCompiler(
      'links',
      'case "$*" in *-shared*) grep -q damaged $(echo "$*" | tr " " "\\n" | grep "[.]o$") && exit 1 ;; esac',
    );
    expect((await run(place, { CXX })).stdout).toMatch(native);
  });

  test('what a killed compilation left is removed', async () => {
    const [place, CXX] = [join(folder, 'killed'), quickCompiler('after a kill')];
    mkdirSync(join(place, '.work-999999999', isa), { recursive: true });
    writeFileSync(join(place, '.work-999999999', isa, 'gemm.o'), 'half of it');
    expect((await run(place, { CXX })).stdout).toMatch(native);
    expect(readdirSync(place).filter((name) => name.startsWith('.work'))).toEqual([]);
  });

  test('two processes at the same time both get a whole engine', async () => {
    const [place, CXX] = [join(folder, 'together'), quickCompiler('slow', 'sleep 0.02')];
    const both = await Promise.all([run(place, { CXX }), run(place, { CXX })]);
    for (const { stdout, status } of both) {
      expect(stdout).toMatch(native);
      expect(status).toBe(0);
    }
    expect(enginesIn(place)).toEqual([basename(engine!)]);
  });

  test('a compiler that fails leaves the reference engine, and its first error is told', async () => {
    const CXX = quickCompiler('fails', 'echo "gemm.cpp:7:3: error: expected a semicolon" >&2; exit 1');
    const { stdout, stderr } = await run(join(folder, 'failed'), { CXX });
    expect(stderr).toContain(
      'tensors run on the slow reference engine: it could not be compiled: gemm.cpp:7:3: error: expected a semicolon\n',
    );
    expect(stdout).toMatch(/^6 reference/);
    expect(enginesIn(join(folder, 'failed'))).toEqual([]);
  });

  test('a folder that cannot be written leaves the reference engine, and it is named', async () => {
    const place = join(folder, 'a file');
    writeFileSync(place, '');
    const { stdout, stderr } = await run(join(place, 'engines'), { CXX: quickCompiler('nowhere') });
    expect(stderr).toMatch(/could not be compiled: .*none of .*a file\/engines can be written/);
    expect(stdout).toMatch(/^6 reference/);
  });
});
