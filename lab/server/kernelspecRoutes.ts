import { existsSync, readdirSync } from 'node:fs';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { findKernelspecs, type Kernelspec } from './kernelspecs.ts';
import { sendFile } from './page/frontEnd.ts';

/** `logo-64x64` to the address of the file. */
function resources(name: string, folder: string | undefined): Record<string, string> {
  if (!folder || !existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder)
      .filter((file) => /^(logo-.*|kernel\.(js|css))$/.test(file))
      .map((file) => [
        file.startsWith('logo-') ? file.replace(/\.[^.]*$/, '') : file,
        `/kernelspecs/${encodeURIComponent(name)}/${encodeURIComponent(file)}`,
      ]),
  );
}

function describe(name: string, { resourceFolder, ...spec }: Kernelspec): object {
  const complete = { env: {}, interrupt_mode: 'signal', metadata: {}, ...spec };
  return { name, spec: complete, resources: resources(name, resourceFolder) };
}

/** `/api/kernelspecs`, and the logos that they name. */
export function kernelspecRoutes(): Hono {
  const routes = new Hono();
  routes.get('/api/kernelspecs', (c) =>
    c.json({
      default: 'gradbook',
      kernelspecs: Object.fromEntries(
        [...findKernelspecs()].map(([name, spec]) => [name, describe(name, spec)]),
      ),
    }),
  );
  routes.get('/api/kernelspecs/:name', (c) => {
    const name = c.req.param('name');
    const spec = findKernelspecs().get(name);
    if (!spec) throw new HTTPException(404, { message: `Kernel spec ${name} not found` });
    return c.json(describe(name, spec));
  });
  routes.get('/kernelspecs/:name/:file', (c) => {
    const { name, file } = c.req.param();
    const folder = findKernelspecs().get(name)?.resourceFolder;
    return folder ? sendFile(c, folder, file, 'public, max-age=3600') : c.notFound();
  });
  return routes;
}
