import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { Readable } from 'node:stream';
import { type Context, Hono } from 'hono';
import { html, raw } from 'hono/html';
import mime from 'mime';
import { pathBehind } from '../contents/routes.ts';
import { assetsFolder, frontEndFolder } from './folders.ts';
import { type PageSettings, pageConfig } from './pageConfig.ts';

export interface FrontEnd {
  version: string;
  scripts: string[];
  /** Scripts that these ask for at once. */
  preload: string[];
  /** Extensions of ours that take the place of a copy on Jupyter's paths, which may be older. */
  builtIn: string[];
}

/** What the build says of itself; null before `npm start` has made it. */
export function builtFrontEnd(): FrontEnd | null {
  const file = join(frontEndFolder, 'page.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FrontEnd) : null;
}

const typed = (path: string): string =>
  `${mime.getType(path) ?? 'application/octet-stream'}${/\.(js|css|json|svg|html|txt)$/.test(path) ? '; charset=utf-8' : ''}`;

/** Files up to this size are read and sent at once, which is faster than in pieces. */
const wholeLimit = 4 * 2 ** 20;

/** Sends a file below `folder`, compressed where its `.gz` lies beside it. 404 for anything else. */
export async function sendFile(c: Context, folder: string, path: string, cache: string): Promise<Response> {
  const place = normalize(join(folder, path));
  if (!place.startsWith(normalize(folder + sep)) || path.includes('\0')) return c.notFound();
  const zipped = c.req.header('accept-encoding')?.includes('gzip') ? `${place}.gz` : null;
  const found = zipped ? await stat(zipped).catch(() => null) : null;
  const info = found ?? (await stat(place).catch(() => null));
  if (!info?.isFile()) return c.notFound();
  c.header('Content-Type', typed(place));
  c.header('Cache-Control', cache);
  c.header('Vary', 'Accept-Encoding');
  c.header('Content-Length', String(info.size));
  if (found) c.header('Content-Encoding', 'gzip');
  const file = found ? zipped! : place;
  if (info.size <= wholeLimit) return c.body(new Uint8Array(await readFile(file)));
  return c.body(Readable.toWeb(createReadStream(file)) as ReadableStream);
}

/** File names of the build hold a hash of what is in them. */
const forever = 'public, max-age=31536000, immutable';
const revalidate = 'no-cache';

/** JSON inside of a script element: `<` could end it. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

function page(
  c: Context,
  settings: PageSettings,
  { scripts, preload }: FrontEnd,
): Response | Promise<Response> {
  const { pathname } = new URL(c.req.url);
  const [, area, workspace, tree] =
    /^\/(lab|doc)(?:\/workspaces\/([^/]+))?(?:\/tree\/(.*))?$/.exec(pathname.replace(/\/$/, '')) ?? [];
  const config = pageConfig(settings, {
    mode: area === 'doc' ? 'single-document' : 'multiple-document',
    workspace: workspace ? decodeURIComponent(workspace) : 'default',
    treePath: tree ? decodeURIComponent(tree) : '',
  });
  c.header('Cache-Control', 'no-store');
  return c.html(html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>gradbook</title>
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <link rel="icon" type="image/svg+xml" href="/static/favicons/favicon.ico" class="idle favicon" />
    <script id="jupyter-config-data" type="application/json">${raw(embedded(config))}</script>
    ${preload.map((script) => html`<link rel="preload" as="script" href="/static/lab/${script}" />`)}
    ${scripts.map((script) => html`<script defer src="/static/lab/${script}"></script>`)}
    <style>
      :root { color-scheme: light dark; }
      #gradbook-loading { position: fixed; inset: 0; display: grid; place-content: center; justify-items: center; gap: 12px; font: 15px system-ui, sans-serif; color: #777; }
      #gradbook-loading img { width: 64px; height: 64px; }
      .jp-LabShell ~ #gradbook-loading, body:has(.jp-LabShell) #gradbook-loading { display: none; }
    </style>
  </head>
  <body class="jp-ThemedContainer">
    <div id="gradbook-loading"><img src="/static/favicons/favicon.ico" alt="" />Starting JupyterLab</div>
    <script>
      {
        const url = new URL(location.href);
        if (url.searchParams.has('token')) {
          url.searchParams.delete('token');
          history.replaceState({}, '', url);
        }
      }
    </script>
  </body>
</html>`);
}

/** The page, its scripts, and those of prebuilt extensions. */
export function frontEndRoutes(settings: PageSettings): Hono {
  const routes = new Hono();
  const built = builtFrontEnd();
  routes.get('/', (c) => c.redirect('/lab'));
  routes.get('/tree', (c) => c.redirect('/lab'));
  routes.get('/notebooks/*', (c) =>
    c.redirect(`/lab/tree${new URL(c.req.url).pathname.slice('/notebooks'.length)}`),
  );
  const show = (c: Context): Response | Promise<Response> =>
    built
      ? page(c, settings, built)
      : c.text('The front end is not built: run npm start in the folder of gradbook.', 503);
  for (const path of [
    '/lab',
    '/lab/tree/*',
    '/lab/tree',
    '/lab/workspaces/*',
    '/doc',
    '/doc/tree/*',
    '/doc/workspaces/*',
  ])
    routes.get(path, show);
  routes.get('/static/lab/*', (c) =>
    sendFile(c, join(frontEndFolder, 'static'), pathBehind(c, '/static/lab'), forever),
  );
  routes.get('/static/favicons/*', (c) => {
    const name = pathBehind(c, '/static/favicons');
    if (!/^favicon[\w-]*\.ico$/.test(name)) return c.notFound();
    const kind = name.includes('busy') ? 'busy' : name.includes('terminal') ? 'terminal' : 'idle';
    return sendFile(c, assetsFolder, `favicon-${kind}.svg`, 'public, max-age=3600');
  });
  routes.get('/lab/api/themes/*', (c) =>
    sendFile(c, join(frontEndFolder, 'themes'), pathBehind(c, '/lab/api/themes'), revalidate),
  );
  routes.get('/lab/extensions/*', (c) => {
    const path = pathBehind(c, '/lab/extensions');
    const names = path.split('/');
    const name = names.slice(0, path.startsWith('@') ? 2 : 1).join('/');
    const extension = settings.labextensions.find((candidate) => candidate.name === name);
    if (!extension) return c.notFound();
    const hashed = /\.[0-9a-f]{16,}\.(js|css)$/.test(path) || extname(path) === '.woff2';
    return sendFile(c, extension.folder, path.slice(name.length + 1), hashed ? forever : revalidate);
  });
  return routes;
}
