import { stat } from 'node:fs/promises';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { jsonBody } from './contents/routes.ts';
import { KernelProcess } from './kernelProcess.ts';
import { findKernelspecs } from './kernelspecs.ts';
import { Replay } from './replay.ts';

export interface KernelModel {
  id: string;
  name: string;
  last_activity: string;
  execution_state: string;
  connections: number;
}

export type KernelAction = 'start' | 'interrupt' | 'restart' | 'shutdown';

/** The kernels that this server has started. */
export class Kernels {
  readonly replay = new Replay();
  readonly #running = new Map<string, KernelProcess>();
  readonly #folder: string;
  readonly #done: (action: KernelAction, id: string, name: string) => void;

  /**
   * @param folder where kernels work that belong to no document.
   * @param done told of what was done to a kernel.
   */
  constructor(folder: string, done: (action: KernelAction, id: string, name: string) => void = () => {}) {
    this.#folder = folder;
    this.#done = done;
  }

  get(id: string): KernelProcess | undefined {
    return this.#running.get(id);
  }

  list(): KernelModel[] {
    return [...this.#running.values()].map(model);
  }

  /** Error: a name that no kernelspec has, or a kernel that does not start. */
  async start(name = 'gradbook', folder = this.#folder, sessionName = ''): Promise<KernelProcess> {
    const spec = findKernelspecs().get(name);
    if (!spec)
      throw new HTTPException(404, {
        message: `No such kernel: ${name}. There are: ${[...findKernelspecs().keys()].join(', ')}`,
      });
    const isFolder = (await stat(folder).catch(() => null))?.isDirectory() ?? false;
    const kernel = new KernelProcess(name, spec, isFolder ? folder : this.#folder, sessionName);
    this.#running.set(kernel.id, kernel);
    try {
      await kernel.start();
    } catch (error) {
      this.#running.delete(kernel.id);
      await kernel.shutdown();
      throw error;
    }
    this.#done('start', kernel.id, name);
    return kernel;
  }

  async interrupt(kernel: KernelProcess): Promise<void> {
    await kernel.interrupt();
    this.#done('interrupt', kernel.id, kernel.name);
  }

  async restart(kernel: KernelProcess): Promise<void> {
    await kernel.restart();
    this.#done('restart', kernel.id, kernel.name);
  }

  async shutdown(id: string): Promise<void> {
    const kernel = this.#running.get(id);
    this.#running.delete(id);
    if (!kernel) return;
    this.replay.forget(kernel);
    await kernel.shutdown();
    this.#done('shutdown', id, kernel.name);
  }

  async shutdownAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.shutdown(id)));
  }
}

export const model = (kernel: KernelProcess): KernelModel => ({
  id: kernel.id,
  name: kernel.name,
  last_activity: kernel.lastActivity.toISOString(),
  execution_state: kernel.executionState,
  connections: kernel.connections,
});

/** `/api/kernels`. */
export function kernelRoutes(kernels: Kernels): Hono {
  const routes = new Hono();
  const existing = (id: string): KernelProcess => {
    const kernel = kernels.get(id);
    if (!kernel) throw new HTTPException(404, { message: `Kernel does not exist: ${id}` });
    return kernel;
  };
  routes.get('/kernels', (c) => c.json(kernels.list()));
  routes.post('/kernels', async (c) => {
    const { name } = (await jsonBody<{ name: string; path: string }>(c)) ?? {};
    const kernel = await kernels.start(name || undefined);
    c.header('Location', `/api/kernels/${kernel.id}`);
    return c.json(model(kernel), 201);
  });
  routes.get('/kernels/:id', (c) => c.json(model(existing(c.req.param('id')))));
  routes.delete('/kernels/:id', async (c) => {
    await kernels.shutdown(existing(c.req.param('id')).id);
    return c.body(null, 204);
  });
  routes.post('/kernels/:id/interrupt', async (c) => {
    await kernels.interrupt(existing(c.req.param('id')));
    return c.body(null, 204);
  });
  routes.post('/kernels/:id/restart', async (c) => {
    const kernel = existing(c.req.param('id'));
    await kernels.restart(kernel);
    return c.json(model(kernel));
  });
  return routes;
}
