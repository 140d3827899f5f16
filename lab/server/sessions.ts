import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Root } from './contents/root.ts';
import { jsonBody } from './contents/routes.ts';
import { type KernelModel, type Kernels, model as kernelModel } from './kernels.ts';

interface Session {
  id: string;
  path: string;
  name: string | null;
  type: string;
  kernelId: string;
}

export interface SessionModel {
  id: string;
  path: string;
  name: string | null;
  type: string;
  kernel: KernelModel;
  /** For notebooks, what clients read before sessions had types. */
  notebook?: { path: string; name: string | null };
}

interface Request {
  path: string;
  name: string;
  type: string;
  kernel: { id?: string | null; name?: string | null };
}

/** Which document runs in which kernel. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #kernels: Kernels;
  readonly #root: Root;
  /** Tabs that ask for the same document at once get one session. */
  readonly #starting = new Map<string, Promise<Session>>();

  constructor(kernels: Kernels, root: Root) {
    this.#kernels = kernels;
    this.#root = root;
  }

  #model(session: Session): SessionModel {
    const { kernelId, ...fields } = session;
    const kernel = kernelModel(this.#kernels.get(kernelId)!);
    const { path, name, type } = session;
    return { ...fields, kernel, ...(type === 'notebook' && { notebook: { path, name } }) };
  }

  /** Those whose kernel still exists; the others are forgotten. */
  list(): SessionModel[] {
    for (const { id, kernelId } of this.#sessions.values())
      if (!this.#kernels.get(kernelId)) this.#sessions.delete(id);
    return [...this.#sessions.values()].map((session) => this.#model(session));
  }

  #existing(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new HTTPException(404, { message: `Session not found: session_id='${id}'` });
    if (!this.#kernels.get(session.kernelId)) {
      this.#sessions.delete(id);
      throw new HTTPException(404, { message: `the kernel of session ${id} is gone` });
    }
    return session;
  }

  get(id: string): SessionModel {
    return this.#model(this.#existing(id));
  }

  /** A kernel works where its document lies, or in the root for one that is nowhere yet. */
  async #startKernel(name: string | null | undefined, path: string, type: string): Promise<string> {
    const folder = await this.#root.locate(dirname(join('/', path)).slice(1)).catch(() => this.#root.folder);
    const sessionName = type === 'notebook' ? join(folder, basename(path)) : path;
    const kernel = await this.#kernels.start(name || undefined, folder, sessionName);
    return kernel.id;
  }

  /** The document's session, with a kernel that is started where it has none. Error: 400 without a path or type. */
  async open(request: Partial<Request>): Promise<SessionModel> {
    const { path, type, name = null, kernel } = request;
    if (!path) throw new HTTPException(400, { message: 'Missing field in JSON data: path' });
    if (!type) throw new HTTPException(400, { message: 'Missing field in JSON data: type' });
    const same = this.list().find((session) => session.path === path && session.type === type);
    if (same) return same;
    const key = JSON.stringify([path, type]);
    let starting = this.#starting.get(key);
    if (!starting) {
      starting = this.#create(path, type, name, kernel);
      this.#starting.set(key, starting);
      starting.finally(() => this.#starting.delete(key)).catch(() => {});
    }
    return this.#model(await starting);
  }

  async #create(
    path: string,
    type: string,
    name: string | null,
    kernel: Request['kernel'] | undefined,
  ): Promise<Session> {
    if (kernel?.id && !this.#kernels.get(kernel.id))
      throw new HTTPException(404, { message: `Kernel does not exist: ${kernel.id}` });
    const kernelId = kernel?.id || (await this.#startKernel(kernel?.name, path, type));
    const session = { id: randomUUID(), path, name, type, kernelId };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Renames, or gives the document another kernel; the one that it had ends where nothing else uses it. */
  async change(id: string, { path, name, type, kernel }: Partial<Request>): Promise<SessionModel> {
    const session = this.#existing(id);
    const before = session.kernelId;
    if (path !== undefined) session.path = path;
    if (name !== undefined) session.name = name;
    if (type !== undefined) session.type = type;
    if (kernel?.id && kernel.id !== before) {
      if (!this.#kernels.get(kernel.id))
        throw new HTTPException(400, { message: `No such kernel: ${kernel.id}` });
      session.kernelId = kernel.id;
    } else if (kernel?.name)
      session.kernelId = await this.#startKernel(kernel.name, session.path, session.type);
    if (session.kernelId !== before) await this.#release(before);
    return this.#model(session);
  }

  async #release(kernelId: string): Promise<void> {
    const used = [...this.#sessions.values()].some((session) => session.kernelId === kernelId);
    if (!used) await this.#kernels.shutdown(kernelId);
  }

  async close(id: string): Promise<void> {
    const { kernelId } = this.#existing(id);
    this.#sessions.delete(id);
    await this.#release(kernelId);
  }
}

/** `/api/sessions`. */
export function sessionRoutes(sessions: Sessions): Hono {
  const routes = new Hono();
  routes.get('/sessions', (c) => c.json(sessions.list()));
  routes.post('/sessions', async (c) => {
    const session = await sessions.open((await jsonBody<Request>(c)) ?? {});
    c.header('Location', `/api/sessions/${session.id}`);
    return c.json(session, 201);
  });
  routes.get('/sessions/:id', (c) => c.json(sessions.get(c.req.param('id'))));
  routes.patch('/sessions/:id', async (c) =>
    c.json(await sessions.change(c.req.param('id'), (await jsonBody<Request>(c)) ?? {})),
  );
  routes.delete('/sessions/:id', async (c) => {
    await sessions.close(c.req.param('id'));
    return c.body(null, 204);
  });
  return routes;
}
