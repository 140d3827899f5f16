import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { writeWhole } from '../contents/atomic.ts';
import { jsonBody, pathBehind } from '../contents/routes.ts';

interface Workspace {
  data: Record<string, unknown>;
  metadata: { id: string; last_modified?: string; created?: string };
}

const extension = '.jupyterlab-workspace';

/** A file name for a workspace, which may be called anything. */
const fileName = (id: string): string => {
  const readable = id
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .slice(0, 80);
  return `${readable}-${createHash('sha256').update(id).digest('hex').slice(0, 8)}${extension}`;
};

const bare = (id: string): string => decodeURIComponent(id).replace(/^\/+/, '');

/** `/lab/api/workspaces`: which documents were open, and where. */
export function workspaceRoutes(folder: string): Hono {
  const routes = new Hono();
  const prefix = '/lab/api/workspaces';
  const load = async (file: string): Promise<Workspace | null> => {
    try {
      const { mtime, birthtime } = await stat(file);
      const workspace = JSON.parse(await readFile(file, 'utf8')) as Workspace;
      const times = { last_modified: mtime.toISOString(), created: birthtime.toISOString() };
      return { ...workspace, metadata: { ...workspace.metadata, ...times } };
    } catch {
      return null;
    }
  };
  routes.get('/workspaces', async (c) => {
    const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(extension)).sort();
    const values = (await Promise.all(files.map((name) => load(join(folder, name))))).filter(
      (w) => w !== null,
    );
    return c.json({ workspaces: { ids: values.map(({ metadata }) => metadata.id), values } });
  });
  routes.get('/workspaces/*', async (c) => {
    const id = bare(pathBehind(c, prefix));
    return c.json((await load(join(folder, fileName(id)))) ?? { data: {}, metadata: { id } });
  });
  routes.put('/workspaces/*', async (c) => {
    const id = bare(pathBehind(c, prefix));
    const body = await jsonBody<Workspace>(c);
    if (!id || typeof body?.data !== 'object' || typeof body.metadata?.id !== 'string')
      throw new HTTPException(400, { message: 'a workspace has data and metadata.id' });
    if (bare(body.metadata.id) !== id)
      throw new HTTPException(400, {
        message: `Workspace metadata ID mismatch: expected '${id}' got '${bare(body.metadata.id)}'`,
      });
    await mkdir(folder, { recursive: true });
    await writeWhole(join(folder, fileName(id)), JSON.stringify(body));
    return c.body(null, 204);
  });
  routes.delete('/workspaces/*', async (c) => {
    const id = bare(pathBehind(c, prefix));
    await rm(join(folder, fileName(id))).catch(() => {
      throw new HTTPException(404, { message: `Workspace '${id}' not found` });
    });
    return c.body(null, 204);
  });
  return routes;
}
