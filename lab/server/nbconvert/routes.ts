import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { sandbox } from '../access/headers.ts';
import { missing } from '../contents/model.ts';
import { type Notebook, parseNotebook } from '../contents/notebook.ts';
import type { Root } from '../contents/root.ts';
import { pathBehind } from '../contents/routes.ts';
import { notebookToHtml } from './html.ts';
import { notebookToMarkdown, notebookToScript } from './text.ts';

interface Converted {
  text: string;
  extension: string;
  mimetype: string;
}

const exporters: Record<string, { mimetype: string; convert(notebook: Notebook, title: string): Converted }> =
  {
    html: {
      mimetype: 'text/html',
      convert: (notebook, title) => ({
        text: notebookToHtml(notebook, title),
        extension: '.html',
        mimetype: 'text/html',
      }),
    },
    markdown: {
      mimetype: 'text/markdown',
      convert: (notebook) => ({
        text: notebookToMarkdown(notebook),
        extension: '.md',
        mimetype: 'text/markdown',
      }),
    },
    notebook: {
      mimetype: 'application/json',
      convert: (notebook) => ({
        text: `${JSON.stringify(notebook, null, 1)}\n`,
        extension: '.ipynb',
        mimetype: 'application/json',
      }),
    },
    script: { mimetype: 'text/plain', convert: notebookToScript },
  };

/** `/nbconvert/<format>/<path>`: a notebook in another form, and `/api/nbconvert`, which lists the forms. */
export function nbconvertRoutes(root: Root): Hono {
  const routes = new Hono();
  routes.get('/api/nbconvert', (c) =>
    c.json(
      Object.fromEntries(
        Object.entries(exporters).map(([name, { mimetype }]) => [name, { output_mimetype: mimetype }]),
      ),
    ),
  );
  routes.get('/nbconvert/:format/*', async (c) => {
    const format = c.req.param('format');
    const exporter = Object.hasOwn(exporters, format) ? exporters[format] : undefined;
    if (!exporter)
      throw new HTTPException(404, {
        message: `No exporter for format: ${format}. There are: ${Object.keys(exporters).join(', ')}`,
      });
    const path = pathBehind(c, `/nbconvert/${format}`);
    if (!path.endsWith('.ipynb')) throw new HTTPException(400, { message: `Not a notebook: ${path}` });
    const text = await readFile(await root.locate(path), 'utf8').catch(() => missing(path));
    const title = path.replace(/^.*\/|\.ipynb$/g, '');
    const converted = exporter.convert(parseNotebook(text, path), title);
    const name = encodeURIComponent(`${title}${converted.extension}`);
    const isDownload = c.req.query('download') === 'true';
    c.header('Content-Disposition', `${isDownload ? 'attachment' : 'inline'}; filename*=UTF-8''${name}`);
    c.header('Content-Security-Policy', sandbox);
    c.header('Content-Type', `${converted.mimetype}; charset=utf-8`);
    return c.body(converted.text);
  });
  return routes;
}
