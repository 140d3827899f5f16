import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An instruction set that the engine is compiled for. */
export type Isa = 'avx512' | 'avx2' | 'baseline' | 'neon';

const commonFlags = [
  '-std=c++17',
  '-O2',
  '-ftree-vectorize',
  '-fvect-cost-model=dynamic',
  '-fPIC',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-fvisibility=hidden',
  '-pthread',
  '-w',
];

const isaFlags: Readonly<Record<Isa, readonly string[]>> = {
  avx512: ['-march=x86-64-v4', '-mprefer-vector-width=512'],
  avx2: ['-march=x86-64-v3'],
  baseline: [],
  neon: [],
};

/** The instruction sets of this kind of machine, the fastest first. */
export const isas = (): readonly Isa[] =>
  process.arch === 'x64'
    ? ['avx512', 'avx2', 'baseline']
    : process.arch === 'arm64'
      ? ['neon', 'baseline']
      : ['baseline'];

let root: string | undefined;

/** Flags by which Linux tells of an instruction set. */
const flagsOf: Readonly<Partial<Record<Isa, readonly string[]>>> = {
  avx512: ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl', 'avx2', 'fma'],
  avx2: ['avx2', 'fma', 'bmi2'],
};

/**
 * The instruction sets of this very machine, the fastest first. Where the system does not tell, all of its kind: whether it has one
 * is seen when its engine is loaded.
 */
export function machineIsas(): readonly Isa[] {
  if (process.arch !== 'x64' || !existsSync('/proc/cpuinfo')) return isas();
  const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  if (line === null) return isas();
  const flags = new Set(line[1].split(' '));
  return isas().filter((isa) => (flagsOf[isa] ?? []).every((flag) => flags.has(flag)));
}

/** Where the package lies, seen from the sources or from `dist`. */
export function packageRoot(): string {
  if (root) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return (root = folder);
}

const sourceFolder = (): string => join(packageRoot(), 'src/engine/native');

const sources = (): string[] =>
  readdirSync(sourceFolder())
    .filter((name) => /\.(cpp|h)$/.test(name))
    .sort();

/** Compiles with AddressSanitizer and UndefinedBehaviorSanitizer, into files of their own. */
const sanitize = process.env.GRADBOOK_SANITIZE === '1';

function fingerprintOfText(): string {
  const hash = createHash('sha256').update(`${process.arch} ${process.platform} ${sanitize}`);
  for (const name of sources()) hash.update(name).update(readFileSync(join(sourceFolder(), name)));
  hash.update(JSON.stringify([commonFlags, isaFlags]));
  return hash.digest('hex').slice(0, 16);
}

/** Changes when a source is edited: its size or its time does. */
const stateOfSources = (): string =>
  [process.arch, process.platform, sanitize, commonFlags, JSON.stringify(isaFlags)]
    .concat(
      sources().map((name) => {
        const { size, mtimeMs } = statSync(join(sourceFolder(), name));
        return `${name} ${size} ${mtimeMs}`;
      }),
    )
    .join('\n');

/** Names what the engines are built of. The text is read only when the state of the files is not that of the last build. */
function fingerprint(): string {
  const state = stateOfSources();
  for (const folder of outputFolders())
    try {
      const { state: kept, fingerprint } = JSON.parse(
        readFileSync(join(folder, stateFile), 'utf8'),
      ) as KeptState;
      if (kept === state) return fingerprint;
    } catch {
      // Never built there.
    }
  return fingerprintOfText();
}

interface KeptState {
  state: string;
  fingerprint: string;
}

const stateFile = 'sources.json';

/** So that the next start need not read the sources. Where the folder cannot be written, it reads them. */
function keepState(folder: string, kept: KeptState): void {
  const path = join(folder, stateFile);
  const text = JSON.stringify(kept);
  try {
    if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // An installed package that is only read.
  }
}

/** Built engines lie in the package, or in the user's cache where the package cannot be written; `GRADBOOK_ENGINES` names one folder instead. */
function outputFolders(): string[] {
  if (process.env.GRADBOOK_ENGINES) return [process.env.GRADBOOK_ENGINES];
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return [join(packageRoot(), 'dist/native'), join(cache, 'gradbook/native')];
}

const fileName = (isa: Isa, print = fingerprint()): string => `${print}-${isa}.node`;

/**
 * Whether a library is there and whole. One that was cut off (a full disk, a lost power supply) would end the process when it is loaded:
 * in an ELF file the table of sections comes last, and the header tells where.
 */
function isWhole(path: string): boolean {
  const header = Buffer.alloc(64);
  try {
    const file = openSync(path, 'r');
    try {
      if (readSync(file, header, 0, 64, 0) < 64) return false;
    } finally {
      closeSync(file);
    }
    if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2) return process.platform !== 'linux';
    const end = Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
    return statSync(path).size >= end;
  } catch {
    return false;
  }
}

/** The built engine for an instruction set, or null. */
export function builtEngine(isa: Isa): string | null {
  const name = fileName(isa);
  return (
    outputFolders()
      .map((folder) => join(folder, name))
      .find(isWhole) ?? null
  );
}

/** Removes an engine that does not load, and what it was linked of, so that it is compiled anew. False where it cannot be removed. */
export function removeEngine(path: string): boolean {
  try {
    rmSync(path);
    rmSync(join(dirname(path), 'objects'), { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

/** Removes what compilations left that were killed. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, id] = /^\.work-(\d+)$/.exec(name) ?? [];
    if (id === undefined) continue;
    try {
      process.kill(Number(id), 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH')
        rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** The system's C++ compiler: `CXX`, or the first of c++, g++ and clang++ that runs. Null where there is none. */
export function findCompiler(): string | null {
  if (process.platform === 'win32') return null;
  for (const name of process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'])
    if (spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) return name;
  return null;
}

function writableFolder(): string {
  for (const folder of outputFolders())
    try {
      mkdirSync(folder, { recursive: true });
      const probe = join(folder, `.probe-${process.pid}`);
      writeFileSync(probe, '');
      rmSync(probe);
      return folder;
    } catch {
      // The next one.
    }
  throw new Error(`none of ${outputFolders().join(', ')} can be written`);
}

interface Step {
  /** Bytes of the source. */
  readonly size: number;
  readonly args: string[];
  readonly output: string;
}

/** Compiler calls: each source to an object (`module.cpp` without instruction set flags), then the link. */
function steps(isa: Isa, folder: string): { compile: Step[]; link: Step } {
  const require = createRequire(import.meta.url);
  const { include_dir: headers } = require('node-api-headers') as { include_dir: string };
  const extra = sanitize ? ['-fsanitize=address,undefined', '-fno-omit-frame-pointer', '-g', '-O1'] : [];
  const compile = sources()
    .filter((name) => name.endsWith('.cpp'))
    .map((name) => {
      const output = join(folder, name.replace('.cpp', '.o'));
      const own = name === 'module.cpp' ? [] : isaFlags[isa];
      return {
        args: [
          ...commonFlags,
          ...own,
          ...extra,
          `-DGRADBOOK_ISA="${isa}"`,
          '-DNAPI_VERSION=8',
          `-I${headers}`,
          '-c',
          join(sourceFolder(), name),
          '-o',
          output,
        ],
        output,
        size: statSync(join(sourceFolder(), name)).size,
      };
    });
  const output = join(folder, 'engine.node');
  const undefinedSymbols = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  return {
    compile,
    link: {
      size: 0,
      args: [
        '-shared',
        '-pthread',
        ...extra,
        ...undefinedSymbols,
        ...compile.map((step) => step.output),
        '-o',
        output,
      ],
      output,
    },
  };
}

/** Compiles one source, unless an object of the same text, headers and flags is kept from before. */
async function compileSource(compiler: string, step: Step, kept: string): Promise<void> {
  const hash = createHash('sha256');
  for (const argument of step.args) if (argument !== step.output) hash.update(`${argument}\n`);
  for (const name of sources())
    if (name.endsWith('.h') || step.args.some((argument) => argument.endsWith(`/${name}`)))
      hash.update(readFileSync(join(sourceFolder(), name)));
  const path = join(kept, `${hash.digest('hex').slice(0, 24)}.o`);
  if (!existsSync(path)) {
    await compileOne(compiler, step);
    renameSync(step.output, path);
  }
  copyFileSync(path, step.output);
}

function compileOne(compiler: string, { args }: Step): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', (data) => (text += data));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${compiler} failed:\n${text.slice(0, 4000)}`)),
    );
  });
}

/**
 * Compiles the engine for the given instruction sets (default: the one that this machine will choose; others are compiled when they are
 * forced), as many files at a time as there are cores, the longest first; what is built already stays.
 *
 * Errors: the compiler's; no folder that can be written. Returns false where there is no compiler.
 */
export async function buildEngines(
  wanted: readonly Isa[] = machineIsas().slice(0, 1),
  report: (line: string) => void = () => {},
): Promise<boolean> {
  const missing = wanted.filter((isa) => builtEngine(isa) === null);
  // What is compiled is named by the sources as they are now, whoever edits them meanwhile.
  const built: KeptState = { state: stateOfSources(), fingerprint: fingerprintOfText() };
  if (missing.length === 0) {
    for (const isa of wanted) keepState(dirname(builtEngine(isa)!), built);
    return true;
  }
  const compiler = findCompiler();
  if (compiler === null) return false;
  const target = writableFolder();
  removeLeftovers(target);
  const work = join(target, `.work-${process.pid}`);
  report(`Compiling the native engine (${missing.join(', ')}) with ${compiler} ...`);
  const started = performance.now();
  try {
    const plans = missing.map((isa) => {
      const folder = join(work, isa);
      mkdirSync(folder, { recursive: true });
      return { isa, ...steps(isa, folder) };
    });
    const kept = join(target, 'objects');
    const compileAll = async (): Promise<void> => {
      mkdirSync(kept, { recursive: true });
      const queue = plans.flatMap(({ compile }) => compile).sort((a, b) => b.size - a.size);
      const runner = async (): Promise<void> => {
        for (let step = queue.shift(); step; step = queue.shift()) await compileSource(compiler, step, kept);
      };
      await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, runner));
      for (const { link } of plans) await compileOne(compiler, link);
    };
    const hadObjects = existsSync(kept);
    await compileAll().catch(async (error) => {
      // An object that was kept may be damaged: once more, without them.
      if (!hadObjects) throw error;
      rmSync(kept, { recursive: true, force: true });
      await compileAll();
    });
    // Renaming is atomic: another process sees a whole file or none.
    for (const { isa, link } of plans)
      renameSync(link.output, join(target, fileName(isa, built.fingerprint)));
    keepState(target, built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  report(`Compiling the native engine took ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return true;
}
