import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HTTPException } from 'hono/http-exception';
import mime from 'mime';
import { temporaryPrefix } from './atomic.ts';
import { readNotebook } from './notebook.ts';
import type { Root } from './root.ts';
import type { Notary } from './trust.ts';

export type ContentsType = 'directory' | 'file' | 'notebook';
export type ContentsFormat = 'json' | 'text' | 'base64';

/** A file or folder as Jupyter's contents API describes it. */
export interface ContentsModel {
  name: string;
  path: string;
  type: ContentsType;
  created: string;
  last_modified: string;
  content: unknown;
  format: ContentsFormat | null;
  mimetype: string | null;
  size: number | null;
  writable: boolean;
  hash: string | null;
  hash_algorithm: string | null;
  message?: string;
}

export interface Wanted {
  type?: ContentsType;
  format?: 'text' | 'base64';
  content: boolean;
  hash: boolean;
}

/** What is larger is downloaded or opened by a kernel, not sent as JSON. */
const readLimit = 512 * 2 ** 20;

export const missing = (path: string): never => {
  throw new HTTPException(404, { message: `file or directory does not exist: '${path}'` });
};

/** A time outside of what a date can say, which broken file systems report, counts as 1970. */
const isoTime = (milliseconds: number): string =>
  new Date(Math.abs(milliseconds) <= 8.64e15 ? milliseconds : 0).toISOString();

/** Guesses as Jupyter does; `.ts` is TypeScript here, not a video. */
function mimeTypeOf(name: string): string | null {
  if (/\.[cm]?tsx?$/i.test(name)) return 'text/x-typescript';
  if (name.endsWith('.ipynb')) return 'application/x-ipynb+json';
  if (name.endsWith('.py')) return 'text/x-python';
  return mime.getType(name);
}

/** What no one looks for in a list of files. */
const isNoise = (name: string): boolean =>
  name.startsWith(temporaryPrefix) ||
  name === '__pycache__' ||
  name === '.DS_Store' ||
  /(\.py[co]|~)$/.test(name);

const isUtf8 = (bytes: Buffer): string | null => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
};

/** Reads the files below a root as contents models. */
export class Reader {
  readonly #root: Root;
  readonly #notary: Notary;

  constructor(root: Root, notary: Notary) {
    this.#root = root;
    this.#notary = notary;
  }

  /**
   * The model of a path. Errors: 404 when it does not exist or leads out of the root, 400 when it is not of the type or
   * format that was asked for, 413 when it is too large to be sent.
   */
  async read(path: string, wanted: Wanted): Promise<ContentsModel> {
    const place = await this.#root.locate(path);
    const model = await this.#base(path, place);
    if (model.type === 'directory') {
      if (wanted.type && wanted.type !== 'directory')
        throw new HTTPException(400, { message: `${path} is a directory, not a ${wanted.type}` });
      return wanted.content ? { ...model, format: 'json', content: await this.#list(path, place) } : model;
    }
    if (wanted.type === 'directory') throw new HTTPException(400, { message: `${path} is not a directory` });
    const type = wanted.type ?? model.type;
    const read = { ...model, type, mimetype: type === 'notebook' ? null : model.mimetype };
    if (!wanted.content && !wanted.hash) return read;
    if (model.size! > readLimit)
      throw new HTTPException(413, { message: `${path} has ${model.size} bytes: download it instead` });
    const bytes = await readFile(place);
    return {
      ...read,
      ...(wanted.content && this.#content(path, bytes, type, wanted.format, model.mimetype)),
      ...(wanted.hash && {
        hash: createHash('sha256').update(bytes).digest('hex'),
        hash_algorithm: 'sha256',
      }),
    };
  }

  /** The model of a file whose upload is under way: it is not there before its last piece. */
  async unfinished(path: string, size: number): Promise<ContentsModel> {
    const names = path.split('/');
    const folder = await this.read(names.slice(0, -1).join('/'), { content: false, hash: false });
    const name = names.at(-1)!;
    return { ...folder, name, path, type: 'file', size, mimetype: mimeTypeOf(name) ?? 'text/plain' };
  }

  #content(
    path: string,
    bytes: Buffer,
    type: ContentsType,
    format: Wanted['format'],
    mimetype: string | null,
  ): Pick<ContentsModel, 'content' | 'format' | 'mimetype' | 'message'> {
    if (type === 'notebook') {
      const text = isUtf8(bytes);
      if (text === null)
        throw new HTTPException(400, { message: `Unreadable Notebook: ${path} is not UTF-8` });
      const { notebook, problem } = readNotebook(text, path);
      return {
        content: this.#notary.mark(notebook),
        format: 'json',
        mimetype: null,
        ...(problem && { message: `Notebook validation failed: ${problem}` }),
      };
    }
    const text = format === 'base64' ? null : isUtf8(bytes);
    if (text === null && format === 'text')
      throw new HTTPException(400, { message: `${path} is not UTF-8 encoded` });
    return text === null
      ? {
          content: bytes.toString('base64'),
          format: 'base64',
          mimetype: mimetype ?? 'application/octet-stream',
        }
      : { content: text, format: 'text', mimetype: mimetype ?? 'text/plain' };
  }

  async #base(path: string, place: string): Promise<ContentsModel> {
    const name = path.split('/').filter(Boolean).at(-1) ?? '';
    const info = await stat(place).catch(() => missing(path));
    const isFolder = info.isDirectory();
    if (!isFolder && !info.isFile()) missing(path);
    const writable = await access(place, constants.W_OK).then(
      () => true,
      () => false,
    );
    return {
      name,
      path: path.split('/').filter(Boolean).join('/'),
      type: isFolder ? 'directory' : name.endsWith('.ipynb') ? 'notebook' : 'file',
      created: isoTime(info.birthtimeMs || info.ctimeMs),
      last_modified: isoTime(info.mtimeMs),
      content: null,
      format: null,
      mimetype: isFolder || name.endsWith('.ipynb') ? null : mimeTypeOf(name),
      size: isFolder ? null : info.size,
      writable,
      hash: null,
      hash_algorithm: null,
    };
  }

  /** Links that lead out of the root, sockets, and files in the making are not there. */
  async #list(path: string, place: string): Promise<ContentsModel[]> {
    const names = (await readdir(place)).filter((name) => !isNoise(name));
    const models = await Promise.all(
      names.map(async (name) => {
        try {
          const child = path === '' ? name : `${path}/${name}`;
          const isLink = (await lstat(join(place, name))).isSymbolicLink();
          return await this.#base(child, isLink ? await this.#root.locate(child) : join(place, name));
        } catch {
          return null;
        }
      }),
    );
    return models.filter((model) => model !== null);
  }
}
