import { realpath } from 'node:fs/promises';
import { platform } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { HTTPException } from 'hono/http-exception';

const refuse = (status: 400 | 403 | 404, message: string): never => {
  throw new HTTPException(status, { message });
};

/** Names that Windows gives to devices, or that it does not keep as they are written. */
const isWindowsTrap = (name: string): boolean =>
  /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i.test(name) ||
  /[<>:"|?*\\]/.test(name) ||
  /[. ]$/.test(name);

/**
 * The names in an API path, relative to the root and separated by `/`.
 *
 * Errors: 400 for a NUL character and for what Windows does not allow (there), 404 for `..`.
 */
export function namesIn(path: string, os = platform()): string[] {
  if (path.includes('\0')) refuse(400, 'a path cannot have a NUL character');
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const name of names) {
    if (name === '..' || (os === 'win32' && name.split('\\').includes('..')))
      refuse(404, `${path} is outside root contents directory`);
    if (os === 'win32' && isWindowsTrap(name)) refuse(400, `'${name}' is not a name on Windows`);
    if (Buffer.byteLength(name) > 255) refuse(400, 'a name is longer than 255 bytes');
  }
  return names;
}

/** The folder that the browser sees; nothing outside it is read or written. */
export class Root {
  readonly folder: string;

  /** @param folder with all links resolved. */
  constructor(folder: string) {
    this.folder = folder;
  }

  static async at(folder: string): Promise<Root> {
    return new Root(await realpath(folder));
  }

  /** The path in the file system. Errors: those of {@link namesIn}, and 404 when a link on the way leads out of the root. */
  async locate(path: string): Promise<string> {
    const names = namesIn(path);
    const full = join(this.folder, ...names);
    const real = await realDestination(full);
    if (real !== this.folder && !real.startsWith(this.folder === sep ? sep : this.folder + sep))
      refuse(404, `${path} is outside root contents directory`);
    return full;
  }

  /** The API path of a place in the root, or null for one outside. */
  apiPath(place: string): string | null {
    if (place === this.folder) return '';
    const prefix = this.folder === sep ? sep : this.folder + sep;
    return place.startsWith(prefix) ? place.slice(prefix.length).split(sep).join('/') : null;
  }
}

/** Where a path leads with all links followed, also when its last names do not exist yet. */
async function realDestination(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') refuse(404, 'a link that leads to itself');
    if (code === 'ENAMETOOLONG') refuse(400, 'a path is too long');
    const parent = dirname(path);
    if (parent === path) return path;
    return join(await realDestination(parent), basename(path));
  }
}
