import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a Python can import a module. */
export function pythonHas(python: string, module: string): boolean {
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

/** A Python with Jupyter Server: the one that `GRADBOOK_PYTHON` names, or the one on the path. */
export const jupyterPython = [process.env.GRADBOOK_PYTHON, 'python3', 'python'].find(
  (name) => name && pythonHas(name, 'jupyter_server'),
);

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

export interface Jupyter {
  url: string;
  token: string;
  folder: string;
  process: ChildProcess;
  close(): Promise<void>;
}

/** Starts Jupyter Server, or JupyterLab, on a folder of its own. Error: it does not answer within a minute. */
export async function startJupyter(
  kind: 'server' | 'lab' = 'server',
  environment: Record<string, string> = {},
  baseUrl = '/',
): Promise<Jupyter> {
  const base = mkdtempSync(join(tmpdir(), 'gradbook-jupyter-'));
  const folder = mkdtempSync(join(base, 'root-'));
  const port = await freePort();
  const token = 'secret';
  const child = spawn(
    jupyterPython!,
    [
      '-m',
      kind === 'lab' ? 'jupyterlab' : 'jupyter_server',
      '--no-browser',
      '--allow-root',
      `--port=${port}`,
      `--ServerApp.base_url=${baseUrl}`,
      '--ServerApp.port_retries=0',
      `--ServerApp.root_dir=${folder}`,
      `--IdentityProvider.token=${token}`,
      '--ContentsManager.allow_hidden=True',
      '--FileContentsManager.delete_to_trash=False',
      // For tests in the browser, which drive the page's own commands.
      ...(kind === 'lab' ? ['--LabApp.expose_app_in_browser=True'] : []),
    ],
    {
      env: {
        ...process.env,
        JUPYTER_CONFIG_DIR: join(base, 'config'),
        JUPYTER_DATA_DIR: join(base, 'data'),
        JUPYTER_RUNTIME_DIR: join(base, 'runtime'),
        ...environment,
      },
      stdio: 'ignore',
    },
  );
  const url = `http://127.0.0.1:${port}${baseUrl}`;
  const close = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(base, { recursive: true, force: true });
  };
  for (let i = 0; i < 600; i++) {
    const answer = await fetch(`${url}api/status?token=${token}`).catch(() => null);
    if (answer?.ok) return { url, token, folder, process: child, close };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await close();
  throw new Error('Jupyter did not answer within a minute');
}
