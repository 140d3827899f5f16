import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Hono } from 'hono';
import mime from 'mime';
import { sandbox } from '../access/headers.ts';
import { missing } from './model.ts';
import type { Root } from './root.ts';
import { pathBehind } from './routes.ts';

/** `bytes=from-to`, of which either end may be missing; null when it cannot be met. */
function rangeOf(header: string, size: number): { start: number; end: number } | null {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (from === undefined || (from === '' && to === '')) return null;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start <= end ? { start, end } : null;
}

/** `/files`: the bytes of a file, for downloads, images and media. What is opened from here runs in a sandbox. */
export function fileRoutes(root: Root): Hono {
  const routes = new Hono();
  routes.get('/files/*', async (c) => {
    const path = pathBehind(c, '/files');
    const place = await root.locate(path);
    const info = await stat(place).catch(() => missing(path));
    if (!info.isFile()) missing(path);
    const name = path.split('/').at(-1)!;
    c.header('Content-Security-Policy', sandbox);
    c.header('Content-Type', mime.getType(name) ?? 'application/octet-stream');
    c.header('Cache-Control', 'no-cache');
    c.header('Last-Modified', info.mtime.toUTCString());
    c.header('Accept-Ranges', 'bytes');
    if (c.req.query('download') !== undefined || name.endsWith('.ipynb'))
      c.header('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`);
    const asked = c.req.header('range');
    const range = asked ? rangeOf(asked, info.size) : null;
    if (asked && !range) {
      c.header('Content-Range', `bytes */${info.size}`);
      return c.body(null, 416);
    }
    const { start, end } = range ?? { start: 0, end: info.size - 1 };
    c.header('Content-Length', String(end - start + 1));
    if (range) c.header('Content-Range', `bytes ${start}-${end}/${info.size}`);
    const status = range ? 206 : 200;
    if (info.size === 0) return c.body(null, status);
    return c.body(Readable.toWeb(createReadStream(place, { start, end })) as ReadableStream, status);
  });
  return routes;
}
