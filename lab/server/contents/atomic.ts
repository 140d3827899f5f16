import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Files in the making start with this; they are never listed. */
export const temporaryPrefix = '.~';

export const temporaryName = (name: string): string =>
  `${temporaryPrefix}${name.slice(0, 100)}.${process.pid}-${randomBytes(4).toString('hex')}`;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Removes what a server that was killed left unfinished for this file. */
async function sweep(folder: string, name: string): Promise<void> {
  const prefix = `${temporaryPrefix}${name.slice(0, 100)}.`;
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(prefix)) continue;
    const pid = /^(\d+)-[0-9a-f]{8}$/.exec(entry.slice(prefix.length))?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(folder, entry), { force: true });
  }
}

/** Makes a rename last through a power cut; Windows cannot open folders, and keeps them by itself. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // The file itself is on disk.
  } finally {
    await handle?.close();
  }
}

/** Puts a finished file in place of another, whose permissions it takes. */
export async function replace(temporary: string, path: string): Promise<void> {
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * Writes a file whole or not at all: a full disk or a killed server leaves the old file as it was. A link stays a link.
 */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const before = await stat(target).catch(() => null);
  const folder = dirname(target);
  const temporary = join(folder, temporaryName(basename(target)));
  try {
    const file = await open(temporary, 'wx', before ? before.mode & 0o777 : 0o666);
    try {
      if (before) await file.chmod(before.mode & 0o7777).catch(() => {});
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await replace(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await sweep(folder, basename(target)).catch(() => {});
}
