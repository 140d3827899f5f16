import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../kernel/cli/main.js', import.meta.url));
export const token = 'bench';

/** A server with JupyterLab's page. */
export interface Contestant {
  name: string;
  command(port: number): string[];
  kernel: string;
  /** Writes megabytes on the standard output. */
  flood(megabytes: number): string;
}

const gradbook: Contestant = {
  name: 'gradbook lab',
  command: (port) => [
    process.execPath,
    program,
    'lab',
    '--no-browser',
    '--token',
    token,
    '--port',
    String(port),
  ],
  kernel: 'gradbook',
  flood: (megabytes) =>
    `for (let i = 0; i < ${megabytes * 16}; i++) { console.log('x'.repeat(65535)); if (i % 16 === 0) await new Promise((r) => setTimeout(r)); }`,
};

const jupyter = (python: string): Contestant => ({
  name: 'Jupyter Server',
  command: (port) => [
    python,
    '-m',
    'jupyterlab',
    '--no-browser',
    '--allow-root',
    `--IdentityProvider.token=${token}`,
    '--ServerApp.iopub_data_rate_limit=1e12',
    `--ServerApp.port=${port}`,
    '--LabApp.news_url=None',
  ],
  kernel: 'python3',
  flood: (megabytes) => `for i in range(${megabytes * 16}): print('x' * 65535)`,
});

/** Ours, and Jupyter's where a Python has JupyterLab and ipykernel. */
export function findContestants(python?: string): Contestant[] {
  const found = [python, process.env.GRADBOOK_PYTHON, 'python3'].find((name) => {
    if (!name) return false;
    try {
      execFileSync(name, ['-c', 'import jupyterlab, ipykernel'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  return found ? [gradbook, jupyter(found)] : [gradbook];
}

/** Of a process, in MB; not a number where the system does not tell. */
export function memoryOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

export interface Started {
  child: ChildProcess;
  url: string;
  /** Until the page is answered. */
  seconds: number;
  end(): Promise<void>;
}

/** Jupyter's folders below one that nobody has used: no settings, no layout, no extensions of the user's. */
export const unused = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  JUPYTER_CONFIG_DIR: join(folder, 'config'),
  JUPYTER_DATA_DIR: join(folder, 'data'),
  JUPYTERLAB_WORKSPACES_DIR: join(folder, 'workspaces'),
});

/** Runs a command that serves JupyterLab's page on a port. Error: it ends, or says nothing for `limit` seconds. */
export async function serve(
  command: (port: number) => string[],
  folder: string,
  limit = 120,
  env = process.env,
): Promise<Started> {
  const port = await freePort();
  const [file, ...args] = command(port);
  const begin = performance.now();
  // A group of its own: what `npm start` starts ends with it.
  const child = spawn(file, args, { cwd: folder, stdio: 'ignore', detached: true, env });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // It has ended.
    }
  };
  const end = async (): Promise<void> => {
    kill('SIGTERM');
    const late = setTimeout(() => kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  };
  const url = `http://127.0.0.1:${port}/`;
  while (performance.now() - begin < limit * 1000) {
    const answer = await fetch(`${url}lab?token=${token}`).catch(() => null);
    const seconds = (performance.now() - begin) / 1000;
    await answer?.body?.cancel();
    if (answer?.ok) return { child, url, seconds, end };
    if (child.exitCode !== null)
      throw new Error(`'${[file, ...args].join(' ')}' ended with exit code ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await end();
  throw new Error(`'${[file, ...args].join(' ')}' did not answer within ${limit} s`);
}
