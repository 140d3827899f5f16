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
  /** Told of what was done; `source` is where a copy or a renamed file comes from. */
  done(action: ContentsAction, path: string, source?: string): void;
}

export type ContentsAction = 'get' | 'save' | 'rename' | 'copy' | 'delete';

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
    throw new HTTPException(400, { message: `${name} '${value}' is invalid: it must be '0' or '1'` });
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
export function contentsRoutes({ reader, writer, checkpoints, toTrash, done }: Contents): Hono {
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
    const source = body?.copy_from?.replace(/^\/+|\/+$/g, '');
    const path = source
      ? await writer.copy(source, folder)
      : await writer.untitled(folder, typeOf(body?.type) ?? '', body?.ext ?? '');
    if (source) done('copy', path, source);
    else done('save', path);
    location(c, path);
    return send(c, await reader.read(path, bare), 201);
  };

  routes.get('/contents/*', serve);
  routes.get('/contents', serve);
  async function serve(c: Context): Promise<Response> {
    const path = pathBehind(c, prefix);
    const checkpoint = checkpointIn(path);
    // A folder may be called so, too.
    if (checkpoint && checkpoint[1] === undefined && !(await writer.exists(path)))
      return c.json(await checkpoints.list(checkpoint[0]));
    const model = await reader.read(path, wanted(c));
    done('get', path);
    return send(c, model);
  }

  routes.post('/contents', (c) => create(c, ''));
  routes.post('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const checkpoint = checkpointIn(path);
    if (checkpoint) {
      const [file, id] = checkpoint;
      if (id === undefined) {
        const made = await checkpoints.create(file);
        location(c, `${path}/${made.id}`);
        return c.json(made, 201);
      }
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
    if (!body || Object.keys(body).length === 0) {
      if (await writer.isFile(path)) throw new HTTPException(404, { message: `No such directory: ${path}` });
      return create(c, path);
    }
    if (body.copy_from) throw new HTTPException(400, { message: 'Cannot copy with PUT, only POST' });
    const existed = await writer.isFile(path);
    const type =
      typeOf(body.type) ??
      (body.type === undefined && !existed ? (path.endsWith('.ipynb') ? 'notebook' : 'file') : undefined);
    const isPiece = body.chunk !== undefined && body.chunk !== null;
    // A new file may come without content, as an empty one.
    const isNew = !existed && !isPiece && body.content === undefined && type !== undefined;
    const format = isNew && type === 'file' ? 'text' : body.format;
    const content = isNew ? (type === 'notebook' ? emptyNotebook() : '') : body.content;
    const message = await writer.save(path, { ...body, type, format, content });
    done('save', path);
    location(c, path);
    const status = existed || (isPiece && body.chunk !== 1) ? 200 : 201;
    if (isPiece && body.chunk !== -1)
      return send(c, await reader.unfinished(path, await writer.gathered(path)), status);
    const hash = body.require_hash === true || c.req.query('hash') === '1';
    const model = await reader.read(path, { content: false, hash });
    return send(c, message ? { ...model, message } : model, status);
  });

  routes.patch('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const body = await jsonBody<{ path: string }>(c);
    if (!body) throw new HTTPException(400, { message: 'JSON body missing' });
    const to = body.path ?? path;
    if (typeof to !== 'string') throw new HTTPException(400, { message: 'a path is text' });
    const target = to.replace(/^\/+|\/+$/g, '');
    await writer.rename(path, target);
    done('rename', target, path);
    location(c, target);
    return send(c, await reader.read(target, bare));
  });

  routes.delete('/contents/*', async (c) => {
    const path = pathBehind(c, prefix);
    const checkpoint = checkpointIn(path);
    if (checkpoint?.[1] !== undefined) await checkpoints.remove(checkpoint[0], checkpoint[1]);
    else {
      await writer.remove(path, toTrash);
      done('delete', path);
    }
    return c.body(null, 204);
  });
  return routes;
}
