import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Root } from './contents/root.ts';
import type { Kernels } from './kernels.ts';
import type { Terminals } from './terminals.ts';

/** The version of Jupyter Server whose REST API this is. */
export const apiVersion = '2.17.0';

function identity(): object {
  let username = 'user';
  try {
    ({ username } = userInfo());
  } catch {
    // A container without an entry for its user.
  }
  const name = username[0].toUpperCase() + username.slice(1);
  return { username, name, display_name: name, initials: name[0], avatar_url: null, color: null };
}

/** Who is let in may do all that is asked about. Error: 400. */
function permissions(asked = '{}'): Record<string, string[]> {
  try {
    const value = JSON.parse(asked) as Record<string, string[]>;
    if (Object.values(value).every(Array.isArray) && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new HTTPException(400, {
    message: `permissions should be a JSON dict of {"resource": ["action",]}, got '${asked}'`,
  });
}

/** What the front end asks about the server itself. */
export function informationRoutes(
  kernels: Kernels,
  terminals: Terminals,
  root: Root,
  connections: () => number,
): Hono {
  const routes = new Hono();
  const started = new Date().toISOString();
  routes.get('/api', (c) => c.json({ version: apiVersion }));
  routes.get('/api/status', (c) => {
    const models = kernels.list();
    const activity = [started, ...models.map((kernel) => kernel.last_activity)].sort().at(-1);
    return c.json({
      started,
      last_activity: activity,
      kernels: models.length,
      connections: models.reduce((sum, kernel) => sum + kernel.connections, 0),
      sockets: connections(),
      terminals: terminals.list().length,
    });
  });
  routes.get('/api/me', (c) =>
    c.json({ identity: identity(), permissions: permissions(c.req.query('permissions')) }),
  );
  routes.get('/lsp/status', (c) => c.json({ version: 2, sessions: {}, specs: {} }));
  routes.get('/lab/api/listings/*', (c) =>
    c.json({
      blocked_extensions: [],
      allowed_extensions: [],
      blocked_extensions_uris: [],
      allowed_extensions_uris: [],
    }),
  );
  routes.post('/api/security/csp-report', (c) => c.body(null, 204));

  /** A path of the file system, as an error's traceback names it, to one below the root. */
  routes.get('/api/resolvePath', async (c) => {
    const path = (c.req.query('path') ?? '').replace(/^~(?=\/|$)/, homedir());
    const relative = isAbsolute(path) ? root.apiPath(path) : path;
    const place = relative === null ? null : await root.locate(relative).catch(() => null);
    const info = place && (await stat(place).catch(() => null));
    if (relative === null || !info)
      throw new HTTPException(404, { message: `${path} is not below the root` });
    return c.json({ path: relative, full: join(root.folder, relative), scope: 'server' });
  });
  return routes;
}
