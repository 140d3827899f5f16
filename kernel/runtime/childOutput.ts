import childProcess, { type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { StringDecoder } from 'node:string_decoder';
import type { Output } from './output.ts';

type Name = 'stdout' | 'stderr';
type Stdio = unknown;

/** What an entry of `stdio` says about the streams of this process. */
const inherits = (entry: Stdio, index: number): boolean =>
  entry === 'inherit' || entry === index || entry === process.stdout || entry === process.stderr;

/** `stdio` with a pipe in place of each stream that would have been this process's, and which those are. */
function piped(stdio: Stdio, missing: string): { stdio: Stdio[]; streams: { index: 1 | 2; name: Name }[] } {
  const given = Array.isArray(stdio) ? [...(stdio as Stdio[])] : [stdio, stdio, stdio];
  const entries = [0, 1, 2].map((i) => given[i] ?? missing).concat(given.slice(3));
  const streams: { index: 1 | 2; name: Name }[] = [];
  for (const index of [1, 2] as const)
    if (inherits(entries[index], index)) {
      const name = entries[index] === process.stderr || index === 2 ? 'stderr' : 'stdout';
      streams.push({ index, name });
      entries[index] = 'pipe';
    }
  // The kernel's own standard input is no place to read from.
  if (inherits(entries[0], 0)) entries[0] = 'ignore';
  return { stdio: entries, streams };
}

interface SpawnOptions {
  stdio?: Stdio;
  [option: string]: unknown;
}

/**
 * Sends what child processes of the user's code write to streams they inherit to the cell that started them. `execSync` and the like
 * show a child's stderr, as Node does. `children` are those that an interrupt must end.
 */
export function followChildren(
  output: Output,
  children: Set<{ kill(signal?: NodeJS.Signals): boolean }>,
): void {
  const original = { ...childProcess };

  const spawn = (command: string, args?: unknown, options?: unknown): ChildProcess => {
    const given = (Array.isArray(args) ? options : args) as SpawnOptions | undefined;
    const list = Array.isArray(args) ? (args as string[]) : [];
    const { stdio, streams } = piped(given?.stdio ?? 'pipe', 'pipe');
    const child = original.spawn(command, list, {
      ...given,
      ...(given?.stdio === undefined ? {} : { stdio }),
    } as never) as ChildProcess;
    return followed(child, streams);
  };

  const fork = (file: string, args?: unknown, options?: unknown): ChildProcess => {
    const given = (Array.isArray(args) ? options : args) as (SpawnOptions & { silent?: boolean }) | undefined;
    const list = Array.isArray(args) ? (args as string[]) : [];
    const wanted = given?.stdio ?? (given?.silent ? 'pipe' : 'inherit');
    const { stdio, streams } = piped(
      Array.isArray(wanted) ? wanted : [wanted, wanted, wanted, 'ipc'],
      'pipe',
    );
    return followed(original.fork(file, list, { ...given, stdio } as never), streams);
  };

  /** Shows what a child writes to the streams that it was to inherit. */
  function followed(child: ChildProcess, streams: { index: 1 | 2; name: Name }[]): ChildProcess {
    const { context } = output;
    for (const { index, name } of streams) {
      const decoder = new StringDecoder('utf8');
      const show = (text: string): void => {
        if (context) output.within(context, () => output.stream(name, text));
        else output.stream(name, text);
      };
      const stream = child.stdio[index] as NodeJS.ReadableStream;
      stream.on('data', (chunk: Buffer) => show(decoder.write(chunk)));
      stream.on('end', () => show(decoder.end()));
      // To the user the stream is inherited: there is nothing to read.
      Object.assign(child, { [name]: null });
    }
    if (streams.length > 0) {
      children.add(child);
      child.on('close', () => children.delete(child));
    }
    return child;
  }

  const spawnSync = (
    command: string,
    args?: unknown,
    options?: unknown,
  ): SpawnSyncReturns<Buffer | string> => {
    const given = (Array.isArray(args) ? options : args) as SpawnOptions | undefined;
    const list = Array.isArray(args) ? (args as string[]) : [];
    return showInherited(given, 'pipe', (patched) => original.spawnSync(command, list, patched as never));
  };

  const execFileSync = (file: string, args?: unknown, options?: unknown): Buffer | string => {
    const given = (Array.isArray(args) ? options : args) as SpawnOptions | undefined;
    const list = Array.isArray(args) ? (args as string[]) : [];
    return checked(
      file,
      showInherited(given, 'pipe', (p) => original.spawnSync(file, list, p as never), true),
    );
  };

  const execSync = (command: string, options?: SpawnOptions): Buffer | string => {
    const shell = (options?.shell as string | undefined) ?? true;
    return checked(
      command,
      showInherited(options, 'pipe', (p) => original.spawnSync(command, [], { ...p, shell } as never), true),
    );
  };

  /** Runs a blocking child with pipes for inherited streams, and shows afterwards what it wrote there. */
  function showInherited(
    given: SpawnOptions | undefined,
    missing: string,
    run: (options: SpawnOptions) => SpawnSyncReturns<Buffer | string>,
    stderrShown = false,
  ): SpawnSyncReturns<Buffer | string> {
    const { stdio, streams } = piped(given?.stdio ?? 'pipe', missing);
    const shown: { index: 1 | 2; name: Name }[] =
      stderrShown && given?.stdio === undefined ? [{ index: 2, name: 'stderr' }] : streams;
    const result = run({ maxBuffer: Number.POSITIVE_INFINITY, ...given, stdio });
    for (const { index, name } of shown) output.stream(name, String(result.output?.[index] ?? ''));
    for (const { index, name } of streams) {
      if (result.output) result.output[index] = null;
      Object.assign(result, { [name]: null });
    }
    return result;
  }

  Object.assign(childProcess, { spawn, fork, spawnSync, execSync, execFileSync });
  syncBuiltinESMExports();
}

/** The output of a child that must have succeeded; an error as Node's own otherwise. */
function checked(command: string, result: SpawnSyncReturns<Buffer | string>): Buffer | string {
  if (result.error) throw Object.assign(result.error, result);
  if (result.status !== 0) {
    const detail = result.stderr && result.stderr.length > 0 ? `\n${String(result.stderr)}` : '';
    throw Object.assign(new Error(`Command failed: ${command}${detail}`), result);
  }
  return result.stdout;
}
