import { appendFile, cp, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HTTPException } from 'hono/http-exception';
import trash from 'trash';
import { replace, temporaryName, writeWhole } from './atomic.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type ContentsType, missing } from './model.ts';
import { emptyNotebook, fatalOf, formatNotebook, mended, parseNotebook, problemOf } from './notebook.ts';
import type { Root } from './root.ts';
import type { Notary } from './trust.ts';

/** What a save brings. */
export interface Upload {
  type?: string;
  format?: string | null;
  content?: unknown;
  /** 1, 2, ... and -1 for the last piece of a file that comes in several. */
  chunk?: number;
}

const bad = (message: string, status: 400 | 403 | 404 | 409 | 413 = 400): never => {
  throw new HTTPException(status, { message });
};

/** What the file system refuses, in the words of the contents API. */
function explain(error: unknown, path: string): never {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof HTTPException) throw error;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') bad(`Permission denied: ${path}`, 403);
  if (code === 'ENOENT') bad(`No such file or directory: ${path}`, 404);
  if (code === 'ENOTDIR') bad(`a folder on the way to ${path} is a file`);
  if (code === 'EISDIR') bad(`${path} is a directory`);
  if (code === 'ENAMETOOLONG') bad('a path is too long');
  if (code === 'EEXIST' || code === 'ENOTEMPTY') bad(`File already exists: ${path}`, 409);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    throw new HTTPException(500, { message: `the disk is full: ${path} is as it was before` });
  throw new HTTPException(500, { message: `Unexpected error while saving file: ${path} ${message}` });
}

/** The folder, the name up to its extensions, and these: `a.tar.gz` has two, `a.b.ipynb` one. */
function partsOf(name: string): [stem: string, extensions: string] {
  const dot = name.endsWith('.ipynb') ? name.length - '.ipynb'.length : name.indexOf('.', 1);
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
}

/** Changes the files below a root. */
export class Writer {
  readonly #root: Root;
  readonly #notary: Notary;
  readonly #checkpoints: Checkpoints;
  /** Where the pieces of unfinished uploads gather. */
  readonly #uploads = new Map<string, string>();

  constructor(root: Root, notary: Notary, checkpoints: Checkpoints) {
    this.#root = root;
    this.#notary = notary;
    this.#checkpoints = checkpoints;
  }

  async exists(path: string): Promise<boolean> {
    return (await stat(await this.#root.locate(path)).catch(() => null)) !== null;
  }

  async isFile(path: string): Promise<boolean> {
    return (await stat(await this.#root.locate(path)).catch(() => null))?.isFile() ?? false;
  }

  async #isFolder(path: string): Promise<boolean> {
    return (await stat(await this.#root.locate(path)).catch(() => null))?.isDirectory() ?? false;
  }

  /** @returns what is wrong with a notebook that was saved all the same. Errors: 400, 403, 404, 413 and a full disk. */
  async save(path: string, { type, format, content, chunk }: Upload): Promise<string | null> {
    const place = await this.#root.locate(path);
    if (!type) bad('No file type provided');
    if (content === undefined && type !== 'directory') bad('No file content provided');
    if (place === this.#root.folder) bad('the root itself cannot be written');
    try {
      if (type === 'directory') {
        if (await this.isFile(path)) bad(`Not a directory: ${path}`);
        if (!(await this.#isFolder(path))) await mkdir(place);
        return null;
      }
      if (chunk !== undefined && chunk !== null) {
        if (type === 'notebook') bad('File type "notebook" is not supported for large file transfer');
        if (!Number.isInteger(chunk)) bad(`chunk ${JSON.stringify(chunk)} is not a number`);
        await this.#gather(place, path, chunk, this.#bytes(content, format));
        return null;
      }
      if (type !== 'notebook') {
        await writeWhole(place, this.#bytes(content, format));
        return null;
      }
      return await this.#saveNotebook(path, place, content);
    } catch (error) {
      return explain(error, path);
    }
  }

  async #saveNotebook(path: string, place: string, content: unknown): Promise<string | null> {
    const fatal = fatalOf(content);
    if (fatal) bad(`not a notebook: ${fatal}`);
    const problem = problemOf(content as Record<string, unknown>);
    const notebook = mended(content as Record<string, unknown>);
    const text = formatNotebook(notebook);
    await writeWhole(place, text);
    if (!problem) {
      const read = parseNotebook(text, path);
      this.#notary.signIfTrusted({
        ...read,
        cells: read.cells.map((cell, i) => ({ ...cell, metadata: notebook.cells[i].metadata })),
      });
    }
    if ((await this.#checkpoints.list(path)).length === 0) await this.#checkpoints.create(path);
    return problem && `Notebook validation failed: ${problem}`;
  }

  #bytes(content: unknown, format: string | null | undefined): string | Buffer {
    if (typeof content !== 'string') return bad('the content of a file is text');
    if (format === 'base64') {
      if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) bad('the content is not base64');
      return Buffer.from(content, 'base64');
    }
    if (format !== 'text') bad(`Must specify format of file contents as 'text' or 'base64'`);
    return content;
  }

  /** The pieces gather beside the file, which changes when the last one has come. */
  async #gather(place: string, path: string, chunk: number, piece: string | Buffer): Promise<void> {
    if (chunk === 1) {
      const before = this.#uploads.get(place);
      if (before) await rm(before, { force: true });
      this.#uploads.set(place, join(dirname(place), temporaryName(basename(place))));
    }
    const temporary = this.#uploads.get(place) ?? bad(`chunk ${chunk} of ${path} came without a first one`);
    try {
      await appendFile(temporary, piece);
    } catch (error) {
      this.#uploads.delete(place);
      await rm(temporary, { force: true });
      throw error;
    }
    if (chunk !== -1) return;
    this.#uploads.delete(place);
    const file = await open(temporary, 'r+');
    await file.sync();
    await file.close();
    await replace(temporary, place);
  }

  /** How many bytes of an unfinished upload have come. */
  async gathered(path: string): Promise<number> {
    const temporary = this.#uploads.get(await this.#root.locate(path));
    return temporary === undefined ? 0 : (await stat(temporary)).size;
  }

  /** A new file with a name that is free, empty or a notebook without cells. @returns its path. */
  async untitled(folder: string, type: ContentsType | '' = '', extension = ''): Promise<string> {
    if (!(await this.#isFolder(folder))) bad(`No such directory: ${folder}`, 404);
    const kind = type || (extension === '.ipynb' ? 'notebook' : 'file');
    const [name, insert, ext] =
      kind === 'directory'
        ? ['Untitled Folder', ' ', '']
        : kind === 'notebook'
          ? ['Untitled', '', '.ipynb']
          : ['untitled', '', extension];
    const path = await this.#free(folder, `${name}${ext}`, insert);
    const content = kind === 'notebook' ? emptyNotebook() : '';
    await this.save(path, { type: kind, format: kind === 'notebook' ? 'json' : 'text', content });
    return path;
  }

  /** The first of `name`, `name1`, `name2`, ... that is free. */
  async #free(folder: string, name: string, insert = ''): Promise<string> {
    const [stem, extensions] = partsOf(name);
    for (let i = 0; ; i++) {
      const candidate = i === 0 ? name : `${stem}${insert}${i}${extensions}`;
      const path = folder === '' ? candidate : `${folder}/${candidate}`;
      if (!(await this.exists(path))) return path;
    }
  }

  /** `a.txt` becomes `a-Copy1.txt` where its name is taken. @returns the copy's path. */
  async copy(from: string, folder: string): Promise<string> {
    const source = await this.#root.locate(from);
    if (!(await stat(source).catch(() => null))) missing(from);
    if (!(await this.#isFolder(folder))) bad(`No such directory: ${folder}`, 404);
    const name = basename(from).replace(/-Copy\d*\./, '.');
    const [stem, extensions] = partsOf(name);
    const free = await this.#free(folder, name, '-Copy');
    const path = free.endsWith(`${stem}${extensions}`) && (await this.exists(free)) ? name : free;
    try {
      const target = await this.#root.locate(path);
      if (`${target}/`.startsWith(`${source}/`) && source !== target)
        bad(`${from} cannot be copied into itself`);
      await cp(source, target, { recursive: true, errorOnExist: true, force: false, verbatimSymlinks: true });
    } catch (error) {
      explain(error, path);
    }
    return path;
  }

  /** Errors: 404 when there is nothing to rename, 409 when the new name is taken. */
  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [await this.#root.locate(from), await this.#root.locate(to)];
    if (source === target) return;
    if (source === this.#root.folder || target === this.#root.folder) bad('the root cannot be renamed');
    const [old, taken] = await Promise.all([source, target].map((place) => stat(place).catch(() => null)));
    if (!old) bad(`File or directory does not exist: ${from}`, 404);
    const isSame = taken && old && taken.ino === old.ino && taken.dev === old.dev;
    if (taken && !isSame) bad(`File already exists: ${to}`, 409);
    try {
      await rename(source, target);
      await this.#checkpoints.follow(source, target);
    } catch (error) {
      explain(error, to);
    }
  }

  /** Into the desktop's bin where there is one; else a folder must be empty. */
  async remove(path: string, toTrash: boolean): Promise<void> {
    const place = await this.#root.locate(path);
    if (place === this.#root.folder) bad("Can't delete root");
    const info = await stat(place).catch(() => null);
    if (!info) missing(path);
    try {
      if (toTrash) await trash(place, { glob: false });
      else if (info!.isDirectory()) await this.#removeFolder(path, place);
      else await rm(place);
      await this.#checkpoints.forget(place);
    } catch (error) {
      explain(error, path);
    }
  }

  async #removeFolder(path: string, place: string): Promise<void> {
    const { readdir } = await import('node:fs/promises');
    const left = (await readdir(place)).filter((name) => name !== '.ipynb_checkpoints');
    if (left.length > 0) bad(`Directory ${path} not empty`);
    await rm(place, { recursive: true });
  }

  /** Vouches for a notebook as it is on disk. */
  async trust(path: string): Promise<void> {
    const place = await this.#root.locate(path);
    const text = await readFile(place, 'utf8').catch(() => missing(path));
    this.#notary.sign(parseNotebook(text, path));
  }
}
