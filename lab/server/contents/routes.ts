import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Checkpoints } from './checkpoints.ts';
import type { ContentsModel, ContentsType, Reader, Wanted } from './model.ts';
import { emptyNotebook } from './notebook.ts';
import type { Upload, Writer } from './writer.ts';

export interface Contents {
  reader: Reader;
  writer: Writer;
  checkpoints: Checkpoints;
  /** Whether deleted files go to the desktop's bin. */
  toTrash: boolean;
}

/** The decoded rest of the address behind `prefix`. Error: 400 for a bad escape. */
export function pathBehind(c: Context, prefix: string): string {
  const { pathname } = new URL(c.req.url);
  try {
    return decodeURIComponent(pathname.slice(prefix.length)).replace(/^\/+|\/+$/g, '');
  } catch {
    throw new HTTPException(400, { message: 'the address has a bad escape' });
  }
}

const types: readonly unknown[] = ['directory', 'file', 'notebook'];
const typeOf = (type: unknown): ContentsType | undefined =>
  type === undefined || type === null || type === ''
    ? undefined
    : types.includes(type)
      ? (type as ContentsType)
      : 'file';

function flag(c: Context, name: string, otherwise: '0' | '1'): boolean {
  const value = c.req.query(name) ?? otherwise;
  if (value !== '0' && value !== '1')
    throw new HTTPException(400, { message: `${name} '${value}' is invalid` });
  return value === '1';
}

function wanted(c: Context): Wanted {
  const format = c.req.query('format');
  if (format !== undefined && format !== 'text' && format !== 'base64')
    throw new HTTPException(400, { message: `Format '${format}' is invalid` });
  const type = c.req.query('type');
  return { type: typeOf(type), format, content: flag(c, 'content', '1'), hash: flag(c, 'hash', '0') };
}

/** The request's JSON object, or null when it has no body. Error: 400. */
export async function jsonBody<T extends object>(c: Context): Promise<Partial<T> | null> {
  const text = await c.req.text();
  if (text.trim() === '') return null;
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && !Array.isArray(value)) return value as Partial<T> | null;
  } catch {
    // Told below.
  }
  throw new HTTPException(400, { message: 'Invalid JSON in body of request' });
}

/** `/api/contents`. */
export function contentsRoutes({ reader, writer, checkpoints, toTrash }: Contents): Hono {
  const routes = new Hono();
  const prefix = '/api/contents';
  const bare: Wanted = { content: false, hash: false };
  const location = (c: Context, path: string): void =>
    c.header('Location', `${prefix}/${path.split('/').map(encodeURIComponent).join('/')}`);
  const send = (c: Context, model: ContentsModel, status: 200 | 201 = 200): Response => {
    c.header('Last-Modified', new Date(model.last_modified).toUTCString());
    return c.json(model, status);
  };
  /** `path/checkpoints/id` taken apart, when it reads so. */
  const checkpointIn = (path: string): [path: string, id: string | undefined] | null => {
    const [, file, id] = /^(.*?)\/checkpoints(?:\/([\w-]+))?$/.exec(path) ?? [];
    return file === undefined ? null : [file, id];
  };

  const create = async (c: Context, folder: string): Promise<Response> => {
    if (await writer.isFile(folder))
      throw new HTTPException(400, { message: 'Cannot POST to files, use PUT instead.' });
    const body = await jsonBody<{ copy_from: string; type: string; ext: string }>(c);
    const path = body?.copy_from
      ? await writer.copy(body.copy_from.replace(/^\/+|\/+$/g, ''), folder)
      : await writer.untitled(folder, typeOf(body?.type) ?? '', body?.ext ?? '');
    location(c, path);
    return send(c, await reader.read(path, bare), 201);
  };

  routes.get('/contents/*', serve);
  routes.get('/contents', serve);
  async function serve(c: Context): Promise<Response> {
    const path = pathBehind(c, prefix);
    const checkpoint = checkpointIn(path);
    if (checkpoint && checkpoint[1] === undefined && (await writer.isFile(checkpoint[0])))
      return c.json(await checkpoints.list(checkpoint[0]));
    return send(c, await reader.read(path, wanted(c)));
  }

  routes.post('/contents', (c) => create(c, ''));
  routes.post('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const checkpoint = checkpointIn(path);
    if (checkpoint) {
      const [file, id] = checkpoint;
      if (id === undefined) return c.json(await checkpoints.create(file), 201);
      await checkpoints.restore(file, id);
      return c.body(null, 204);
    }
    if (path.endsWith('/trust') && (await writer.isFile(path.slice(0, -'/trust'.length)))) {
      await writer.trust(path.slice(0, -'/trust'.length));
      return c.body(null, 201);
    }
    return create(c, path);
  });

  routes.put('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const body = await jsonBody<Upload & { copy_from: string; require_hash: boolean }>(c);
    if (!body) return create(c, path);
    if (body.copy_from) throw new HTTPException(400, { message: 'Cannot copy with PUT, only POST' });
    const existed = await writer.isFile(path);
    const type = typeOf(body.type) ?? (body.type === undefined && !existed ? 'file' : undefined);
    // A new file may come without content, as an empty one.
    const isNew = !existed && body.content === undefined && type !== undefined;
    const content = isNew ? (type === 'notebook' ? emptyNotebook() : '') : body.content;
    const message = await writer.save(path, { ...body, type, content });
    location(c, path);
    const hash = body.require_hash === true || c.req.query('hash') === '1';
    const model = await reader
      .read(path, { type: type === 'directory' ? undefined : type, content: false, hash })
      .catch((error: unknown) => {
        // The first pieces of an upload have not made a file yet.
        if (body.chunk === undefined || body.chunk === -1) throw error;
        return reader.read(path.split('/').slice(0, -1).join('/'), bare).then((folder) => ({
          ...folder,
          name: path.split('/').at(-1)!,
          path,
          type: 'file' as const,
        }));
      });
    return send(c, message ? { ...model, message } : model, existed ? 200 : 201);
  });

  routes.patch('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const to = (await jsonBody<{ path: string }>(c))?.path;
    if (typeof to !== 'string') throw new HTTPException(400, { message: 'JSON body missing' });
    const target = to.replace(/^\/+|\/+$/g, '');
    await writer.rename(path, target);
    location(c, target);
    return send(c, await reader.read(target, bare));
  });

  routes.delete('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const checkpoint = checkpointIn(path);
    if (checkpoint?.[1] !== undefined) await checkpoints.remove(checkpoint[0], checkpoint[1]);
    else await writer.remove(path, toTrash);
    return c.body(null, 204);
  });
  return routes;
}
