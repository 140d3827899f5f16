import { Hono } from 'hono';
import { KernelProcess } from './kernelProcess.ts';
import { findKernelspecs } from './kernelspecs.ts';

export interface KernelModel {
  id: string;
  name: string;
  last_activity: string;
  execution_state: string;
  connections: number;
}

/** The kernels that this server has started. */
export class Kernels {
  readonly #running = new Map<string, KernelProcess>();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(id: string): KernelProcess | undefined {
    return this.#running.get(id);
  }

  list(): KernelModel[] {
    return [...this.#running.values()].map(model);
  }

  /** Error: a name that no kernelspec has. */
  async start(name = 'gradbook', folder = this.#folder): Promise<KernelProcess> {
    const spec = findKernelspecs().get(name);
    if (!spec) throw new Error(`there is no kernel '${name}': ${[...findKernelspecs().keys()].join(', ')}`);
    const kernel = new KernelProcess(name, spec, folder);
    this.#running.set(kernel.id, kernel);
    try {
      await kernel.start();
    } catch (error) {
      this.#running.delete(kernel.id);
      await kernel.shutdown();
      throw error;
    }
    return kernel;
  }

  async shutdown(id: string): Promise<void> {
    const kernel = this.#running.get(id);
    this.#running.delete(id);
    await kernel?.shutdown();
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

/** `/api/kernels` and `/api/kernelspecs`. */
export function kernelRoutes(kernels: Kernels): Hono {
  const routes = new Hono();
  const missing = (id: string): { message: string } => ({ message: `Kernel does not exist: ${id}` });
  routes.get('/kernelspecs', (c) =>
    c.json({
      default: 'gradbook',
      kernelspecs: Object.fromEntries(
        [...findKernelspecs()].map(([name, spec]) => [name, { name, spec, resources: {} }]),
      ),
    }),
  );
  routes.get('/kernels', (c) => c.json(kernels.list()));
  routes.post('/kernels', async (c) => {
    const { name } = (await c.req.json().catch(() => ({}))) as { name?: string };
    return c.json(model(await kernels.start(name)), 201);
  });
  routes.get('/kernels/:id', (c) => {
    const kernel = kernels.get(c.req.param('id'));
    return kernel ? c.json(model(kernel)) : c.json(missing(c.req.param('id')), 404);
  });
  routes.delete('/kernels/:id', async (c) => {
    if (!kernels.get(c.req.param('id'))) return c.json(missing(c.req.param('id')), 404);
    await kernels.shutdown(c.req.param('id'));
    return c.body(null, 204);
  });
  routes.post('/kernels/:id/interrupt', async (c) => {
    const kernel = kernels.get(c.req.param('id'));
    if (!kernel) return c.json(missing(c.req.param('id')), 404);
    await kernel.interrupt();
    return c.body(null, 204);
  });
  routes.post('/kernels/:id/restart', async (c) => {
    const kernel = kernels.get(c.req.param('id'));
    if (!kernel) return c.json(missing(c.req.param('id')), 404);
    await kernel.restart();
    return c.json(model(kernel));
  });
  return routes;
}
