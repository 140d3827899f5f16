import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Display } from '../../display/display.ts';
import type { CheckLevel, Language } from '../interfaces.ts';
import { cellMagics, lineMagics } from './magicTable.ts';
import type { Modules } from './modules.ts';
import type { Output } from './output.ts';
import type { Session } from './session.ts';

export interface MagicHost {
  session: Session;
  modules: Modules;
  output: Output;
  display: Display;
  language: Pick<Language, 'inspect' | 'reset' | 'setFolder'>;
  level: CheckLevel;
  /** Runs source as a part of the running cell. */
  runSource(code: string): Promise<unknown>;
  /** Children that an interrupt must end. */
  children: Set<{ kill(signal?: NodeJS.Signals): boolean }>;
}

const levels: readonly CheckLevel[] = ['off', 'warn', 'error', 'strict'];

const milliseconds = (ms: number): string =>
  ms >= 1000
    ? `${(ms / 1000).toPrecision(3)} s`
    : ms >= 1
      ? `${ms.toPrecision(3)} ms`
      : ms >= 1e-3
        ? `${(ms * 1e3).toPrecision(3)} µs`
        : `${(ms * 1e6).toPrecision(3)} ns`;

/** The `__magic` object that `%`, `%%`, `!` and `?` lines become calls of. */
export function createMagic(host: MagicHost) {
  const print = (text: string): void => host.output.stream('stdout', `${text}\n`);

  const shell = (command: string, folder: string): Promise<void> =>
    new Promise((done, fail) => {
      const child = spawn(command, {
        shell: true,
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
      });
      const handle = {
        kill: (signal: NodeJS.Signals = 'SIGINT'): boolean => {
          try {
            return process.kill(
              child.pid && process.platform !== 'win32' ? -child.pid : (child.pid ?? 0),
              signal,
            );
          } catch {
            return false;
          }
        },
      };
      host.children.add(handle);
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8');
        child[name].on('data', (text: string) => host.output.stream(name, text));
      }
      child.on('error', fail);
      child.on('close', (code, signal) => {
        host.children.delete(handle);
        if (code === 0) done();
        else fail(new Error(`${command.split(' ')[0]} ended with ${signal ?? `exit code ${code}`}`));
      });
    });

  const changeFolder = async (path: string): Promise<void> => {
    const folder = resolve(
      host.modules.folder,
      path.replace(/^~(?=\/|$)/, process.env.HOME ?? '~') || (process.env.HOME ?? '.'),
    );
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw new Error(`%cd: there is no folder ${folder}`);
    host.modules.folder = folder;
    process.chdir(folder);
    await host.language.setFolder(folder);
    print(folder);
  };

  const environment = (args: string): void => {
    if (args === '') {
      for (const [name, value] of Object.entries(process.env).sort()) print(`${name}=${value}`);
      return;
    }
    const at = args.indexOf('=');
    if (at < 0) print(process.env[args] ?? `%env: ${args} is not set`);
    else process.env[args.slice(0, at).trim()] = args.slice(at + 1).trim();
  };

  const setLevel = (args: string): void => {
    if (args === '') {
      print(host.level);
      return;
    }
    const level = levels.find((l) => l === args);
    if (!level) throw new Error(`%check: '${args}' is not a level: use ${levels.join(', ')}`);
    host.level = level;
  };

  const who = (): void => {
    const names = host.session.variables;
    print(names.length > 0 ? names.join('  ') : 'no variables');
  };

  const help = async (name: string): Promise<void> => {
    const { found, data } = await host.language.inspect(name, [...name].length, 1);
    if (!found) throw new Error(`?${name}: nothing is known of ${name}`);
    host.output.context?.payload.push({ source: 'page', data, start: 0 });
  };

  const lines: Record<string, (args: string) => unknown> = {
    who,
    help,
    env: environment,
    check: setLevel,
    cd: changeFolder,
    reset: async () => {
      await host.language.reset();
      host.session.reset();
    },
    load: (args) => {
      const text = readFileSync(resolve(host.modules.folder, args), 'utf8');
      host.output.context?.payload.push({ source: 'set_next_input', text, replace: true });
    },
    run: (args) => {
      return host.runSource(readFileSync(resolve(host.modules.folder, args), 'utf8'));
    },
    npm: (args) => shell(`npm ${args}`, host.modules.folder),
    sx: (args) => shell(args, host.modules.folder),
    lsmagic: () => {
      for (const text of [...Object.values(lineMagics), ...Object.values(cellMagics)]) print(text);
    },
  };

  const cells: Record<string, (args: string, body: string) => void> = {
    html: (_args, body) => host.display.html(body),
    javascript: (_args, body) => host.display.javascript(body),
    markdown: (_args, body) => host.display.markdown(body),
    writefile: (args, body) => {
      if (args === '') throw new Error('%%writefile: name the file: %%writefile notes.txt');
      const path = resolve(host.modules.folder, args);
      writeFileSync(path, body);
      print(`wrote ${Buffer.byteLength(body)} bytes to ${path}`);
    },
  };

  const unknown = (sigil: string, name: string, known: object): never => {
    throw new Error(
      `${sigil}${name} is not a magic. There are ${Object.keys(known)
        .map((n) => sigil + n)
        .join(', ')}`,
    );
  };

  return {
    line: async (name: string, args: string): Promise<void> => {
      await (lines[name] ?? unknown('%', name, lineMagics))(args);
    },
    cell: async (name: string, args: string, body: string): Promise<void> =>
      (cells[name] ?? unknown('%%', name, cellMagics))(args, body),
    time: async <T>(body: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      const value = await body();
      print(`wall time ${milliseconds(performance.now() - start)}`);
      return value;
    },
    timeit: async (body: () => Promise<unknown>): Promise<void> => {
      const once = async (count: number): Promise<number> => {
        const start = performance.now();
        for (let i = 0; i < count; i++) await body();
        return (performance.now() - start) / count;
      };
      let count = 1;
      while (count < 1e6 && (await once(count)) * count < 100) count *= 10;
      const runs: number[] = [];
      for (let r = 0; r < 5; r++) runs.push(await once(count));
      const mean = runs.reduce((a, b) => a + b) / runs.length;
      print(`best ${milliseconds(Math.min(...runs))}, mean ${milliseconds(mean)} (5 runs of ${count})`);
    },
  };
}
