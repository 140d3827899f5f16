import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JupyterServer, ServerOptions } from '../../lab/server/server.ts';

export { notebook } from '../notebook.ts';

/** The server as it is built: kernels are started from there. */
const { startServer } = (await import(
  new URL('../../dist/lab/server/server.js', import.meta.url).href
)) as typeof import('../../lab/server/server.ts');

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came
  json: any;
  text: string;
}

export interface Lab {
  server: JupyterServer;
  /** The root that it serves. */
  folder: string;
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  close(): Promise<void>;
}

/** One REST call, its answer read. */
export async function call(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON.
  }
  return { status: response.status, headers: response.headers, json, text };
}

/** A server on a folder of its own, with settings and data of its own, which `prepare` may fill before it starts. */
export async function openLab(
  options: Partial<ServerOptions> = {},
  prepare: (dataFolder: string) => void = () => {},
): Promise<Lab> {
  const base = mkdtempSync(join(tmpdir(), 'gradbook-lab-'));
  process.env.JUPYTER_CONFIG_DIR = join(base, 'config');
  process.env.JUPYTER_DATA_DIR = join(base, 'data');
  process.env.GRADBOOK_HISTORY = ':memory:';
  prepare(process.env.JUPYTER_DATA_DIR);
  const folder = options.folder ?? mkdtempSync(join(base, 'root-'));
  const server = await startServer({ folder, dataFolder: join(base, 'own'), ...options });
  return {
    server,
    folder,
    request: (method, path, body, headers = {}) =>
      call(`${server.url}${path}`, method, body, { authorization: `token ${server.token}`, ...headers }),
    close: async () => {
      await server.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** As {@link openLab}, closed when the test ends. */
export async function labForTest(options: Partial<ServerOptions> = {}): Promise<Lab> {
  const lab = await openLab(options);
  onTestFinished(() => lab.close());
  return lab;
}
