import { spawn, spawnSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { type DType, dtypeInfo } from '../tensor/dtype.ts';
import { setAddressOf } from '../tensor/storage.ts';
import { Tensor } from '../tensor/tensor.ts';
import { builtEngine, findCompiler, type Isa, machineIsas, packageRoot, removeEngine } from './build.ts';
import { type NativeKernel, setFirstUse, useEngine } from './kernel.ts';

/** What the compiled module exports. */
interface Addon {
  readonly supported: boolean;
  readonly kernels: readonly string[];
  call(): void;
  useCommandBuffer(buffer: Float64Array): void;
  addressOf(buffer: ArrayBuffer): number;
  useInterruptWords(words: Int32Array): void;
  setThreads(count: number): void;
}

const codes: Readonly<Record<DType, number>> = { float32: 0, float64: 1, int32: 2, uint8: 3, bool: 4 };

/** As many dimensions as the C++ side has room for. */
const maxRank = 8;

/** How a call ended: as `call` in `module.cpp` writes it. */
const covered = 1;
const stopped = 2;

const command = new Float64Array(64 * 1024);

/** Where the next argument is written; -1 when one cannot be passed. */
let at = 0;

function writeTensor(tensor: Tensor): void {
  const { storage, shape, strides } = tensor;
  const rank = shape.length;
  if (rank > maxRank || at + 2 * maxRank + 4 > command.length) {
    at = command.length;
    return;
  }
  const { dtype } = storage;
  let place = at;
  command[place] = codes[dtype];
  command[place + 1] = storage.address + tensor.offset * dtypeInfo(dtype).bytes;
  command[place + 2] = rank;
  place += 3;
  for (let d = 0; d < rank; d++) {
    command[place + d] = shape[d];
    command[place + rank + d] = strides[d];
  }
  at = place + 2 * rank;
}

function write(argument: unknown): void {
  if (argument instanceof Tensor) writeTensor(argument);
  else if (typeof argument === 'number') command[at++] = argument;
  else if (typeof argument === 'boolean') command[at++] = argument ? 1 : 0;
  else if (argument === null || argument === undefined) command[at++] = -1;
  else if (Array.isArray(argument)) {
    command[at++] = argument.length;
    for (let i = 0; i < argument.length; i++) write(argument[i]);
  } else if (typeof argument === 'string') {
    command[at++] = argument.length;
    for (let i = 0; i < argument.length; i++) command[at++] = argument.charCodeAt(i);
  } else at = command.length;
}

/** The calls of one kernel, by the number of arguments, as in `kernel.ts`. */
function caller(addon: Addon, index: number): NativeKernel {
  const finish = (): boolean => {
    if (at >= command.length) return false;
    command[0] = index;
    addon.call();
    const status = command[0];
    if (status === stopped) waitForTermination();
    return status === covered;
  };
  const run = (...args: unknown[]): boolean => {
    at = 1;
    for (let i = 0; i < args.length; i++) write(args[i]);
    return finish();
  };
  return ((a: unknown, b: unknown, c: unknown, d: unknown, ...rest: unknown[]): boolean => {
    if (rest.length > 0) return run(a, b, c, d, ...rest);
    at = 1;
    write(a);
    write(b);
    if (c !== undefined) write(c);
    if (d !== undefined) write(d);
    return finish();
  }) as NativeKernel;
}

/** The kernel that interrupts ends this thread's JavaScript in a moment; until then nothing may use the unfinished result. */
function waitForTermination(): void {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < 2000; i++) Atomics.wait(nap, 0, 0, 1);
  throw new Error('interrupted: the operation was not finished');
}

let loaded: { readonly addon: Addon; readonly isa: Isa } | null = null;
let reason = '';

/** Set by whoever must not wait for a compiler while the library loads: then the engine is compiled meanwhile, and takes over when it is there. */
const compilesMeanwhile = Symbol.for('gradbook.compilesMeanwhile');
let waits = process.env.GRADBOOK_ENGINE === 'native' || !(compilesMeanwhile in globalThis);

function open(path: string): Addon {
  const holder = { exports: {} as Addon };
  process.dlopen(holder, path);
  return holder.exports;
}

/** Compiles in a process of its own, because loading is synchronous. */
function compile(isa: Isa): void {
  if (findCompiler() === null) return;
  process.stderr.write('gradbook: compiling the native engine, once (less than a minute) ...\n');
  const { status, stderr } = spawnSync(process.execPath, building(isa), {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) explain(stderr);
}

/** The arguments of a Node that builds an engine. */
function building(isa: Isa): string[] {
  const builder = pathToFileURL(join(packageRoot(), 'dist/src/engine/build.js')).href;
  const script = `import(${JSON.stringify(builder)}).then((b) => b.buildEngines([${JSON.stringify(isa)}]))`;
  return ['--input-type=module', '-e', script];
}

/** Keeps what the compiler said as the reason. */
function explain(stderr: string): void {
  const lines = stderr.split('\n');
  const said = [/\berror\b.*:/, /Error: /].map((kind) => lines.find((line) => kind.test(line))?.trim());
  reason = `it could not be compiled: ${said.find((line) => line !== undefined) ?? stderr.trim()}`;
}

/** How a loader speaks of a file that is no library any more. */
const damaged = /\bELF\b|too short|mach-o|truncated|self-register/i;

/** The path of an engine, compiled if need be, or null. */
function pathOf(isa: Isa): string | null {
  const path = builtEngine(isa);
  if (path !== null || !waits) return path;
  compile(isa);
  return builtEngine(isa);
}

/** The fastest engine that this machine runs, or the forced one. Null: none, and `reason` says why. */
function find(forced: Isa | undefined): { addon: Addon; isa: Isa } | null {
  for (const isa of forced ? [forced] : machineIsas().slice(0, waits ? undefined : 1)) {
    for (let path = pathOf(isa), attempt = 0; path !== null; path = pathOf(isa), attempt++)
      try {
        const addon = open(path);
        if (addon.supported) return { addon, isa };
        reason = `this machine does not have ${isa}`;
        break;
      } catch (error) {
        reason = (error as Error).message;
        // A damaged file is compiled anew, once.
        if (attempt > 0 || !damaged.test(reason) || findCompiler() === null || !removeEngine(path)) break;
      }
  }
  reason ||= 'there is no C++ compiler (install g++ or clang++)';
  return null;
}

/**
 * Makes the native engine the active one. What it does not cover still runs on the reference.
 *
 * @param isa the instruction set; default: `GRADBOOK_ISA`, else the fastest of this machine.
 * @returns false where it cannot be loaded; `engineStatus` says why.
 */
export function useNativeEngine(isa = process.env.GRADBOOK_ISA as Isa | undefined): boolean {
  if (loaded === null || (isa !== undefined && loaded.isa !== isa)) {
    const found = find(isa);
    if (found === null) return false;
    const { addon } = found;
    addon.useCommandBuffer(command);
    addon.setThreads(threads);
    if (words) addon.useInterruptWords(words);
    loaded = found;
  }
  const { addon } = loaded;
  setAddressOf((buffer) => addon.addressOf(buffer));
  useEngine('native', new Map(addon.kernels.map((name, i) => [name, caller(addon, i)])));
  return true;
}

/** The names of the kernels that the loaded engine has. */
export const nativeKernels = (): readonly string[] => loaded?.addon.kernels ?? [];

/** Makes the reference engine (TypeScript) the active one. */
export const useReferenceEngine = (): void => useEngine('reference', new Map());

let threads = availableParallelism();

/** How many threads native kernels use. Default: one for each core. Source: `torch.get_num_threads`. */
export const getNumThreads = (): number => threads;

/** Sets how many threads native kernels use; results do not depend on it. Source: `torch.set_num_threads`. */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new RangeError(`setNumThreads: ${count} threads: use a whole number from 1 to 256`);
  threads = count;
  loaded?.addon.setThreads(count);
}

let words: Int32Array | null = null;

/**
 * Gives the engine two words of shared memory: while they differ, an interrupt is wanted, and long native calls end early. Whoever
 * sets them apart also terminates this thread's JavaScript, so that the unfinished result is never seen.
 */
export function setInterruptWords(shared: Int32Array): void {
  words = shared;
  loaded?.addon.useInterruptWords(shared);
}

/** One line about the engine: which, for which instruction set, how many threads, or why there is none. */
export function engineStatus(): string {
  if (process.env.GRADBOOK_ENGINE === 'reference') return 'reference (TypeScript), by GRADBOOK_ENGINE';
  return loaded
    ? `native (C++, ${loaded.isa}, ${threads} thread${threads === 1 ? '' : 's'})`
    : `reference (TypeScript): ${reason}`;
}

/** Compiles while this thread goes on with the reference engine. */
function compileMeanwhile(isa: Isa): void {
  reason = 'the native engine is being compiled, once, which takes about a minute';
  const child = spawn(process.execPath, building(isa), { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const stop = (): boolean => child.kill();
  process.once('exit', stop);
  child.unref();
  (child.stderr as Socket).unref();
  child.on('error', (error) => explain(error.message));
  child.on('close', (code, signal) => {
    process.off('exit', stop);
    // An interrupt of a cell that waits for a child reaches this one too.
    if (signal !== null) compileMeanwhile(isa);
    else if (code !== 0) {
      explain(text);
      tellOfReference();
    } else useNativeEngine(isa);
  });
  setFirstUse(() =>
    process.stderr.write(`gradbook: ${reason}; until then tensors run on the slow reference engine\n`),
  );
}

const tellOfReference = (): void =>
  setFirstUse(() =>
    process.stderr.write(
      `gradbook: the native engine is missing, so tensors run on the slow reference engine: ${reason}\n`,
    ),
  );

/** Loads what `GRADBOOK_ENGINE` says: `reference`, or `native` (the default, where it can be built). */
function start(): void {
  if (process.env.GRADBOOK_ENGINE === 'reference' || !isMainThread) return;
  if (useNativeEngine()) return;
  const isa = (process.env.GRADBOOK_ISA as Isa | undefined) ?? machineIsas()[0];
  if (!waits && builtEngine(isa) === null && findCompiler() !== null) {
    waits = true;
    compileMeanwhile(isa);
    return;
  }
  if (process.env.GRADBOOK_ENGINE === 'native')
    throw new Error(`GRADBOOK_ENGINE=native, but the native engine does not load: ${reason}`);
  tellOfReference();
}

start();
