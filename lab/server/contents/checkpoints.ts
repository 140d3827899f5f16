import { constants, copyFile, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { HTTPException } from 'hono/http-exception';
import { replace, temporaryName, writeWhole } from './atomic.ts';
import type { Root } from './root.ts';

export interface Checkpoint {
  id: string;
  last_modified: string;
}

const folderName = '.ipynb_checkpoints';

/** As Jupyter keeps them: one copy a file, in a hidden folder beside it. */
export class Checkpoints {
  readonly #root: Root;

  constructor(root: Root) {
    this.#root = root;
  }

  #copyOf(place: string, id = 'checkpoint'): string {
    const extension = extname(place);
    return join(dirname(place), folderName, `${basename(place, extension)}-${id}${extension}`);
  }

  async list(path: string): Promise<Checkpoint[]> {
    const info = await stat(this.#copyOf(await this.#root.locate(path))).catch(() => null);
    return info ? [{ id: 'checkpoint', last_modified: info.mtime.toISOString() }] : [];
  }

  /** Error: 404 when there is no such file. */
  async create(path: string): Promise<Checkpoint> {
    const place = await this.#root.locate(path);
    const info = await stat(place).catch(() => null);
    if (!info?.isFile()) throw new HTTPException(404, { message: `File does not exist: ${path}` });
    const copy = this.#copyOf(place);
    await mkdir(dirname(copy), { recursive: true });
    const temporary = join(dirname(copy), temporaryName(basename(copy)));
    try {
      await copyFile(place, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      await replace(temporary, copy);
    } finally {
      await rm(temporary, { force: true });
    }
    return (await this.list(path))[0];
  }

  async #existing(path: string, id: string): Promise<{ place: string; copy: string }> {
    const place = await this.#root.locate(path);
    const copy = this.#copyOf(place, id);
    if (id !== 'checkpoint' || !(await stat(copy).catch(() => null)))
      throw new HTTPException(404, { message: `Checkpoint does not exist: ${path}@${id}` });
    return { place, copy };
  }

  async restore(path: string, id: string): Promise<void> {
    const { place, copy } = await this.#existing(path, id);
    await writeWhole(place, await readFile(copy));
  }

  async remove(path: string, id: string): Promise<void> {
    const { copy } = await this.#existing(path, id);
    await rm(copy);
  }

  /** A file's checkpoint goes with it. */
  async follow(from: string, to: string): Promise<void> {
    const [old, copy] = [this.#copyOf(from), this.#copyOf(to)];
    if (!(await stat(old).catch(() => null))) return;
    await mkdir(dirname(copy), { recursive: true });
    await rename(old, copy).catch(async () => {
      await cp(old, copy);
      await rm(old);
    });
  }

  async forget(place: string): Promise<void> {
    await rm(this.#copyOf(place), { force: true });
  }
}
