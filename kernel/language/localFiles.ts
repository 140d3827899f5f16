import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FileChanges } from './compiler.ts';

/** What `./name` may stand for. */
const endings = ['', '.ts', '.tsx', '.mts', '.d.ts', '.js', '.mjs', '.json', '/index.ts', '/index.js'];

/** Whether code names a file by a path, which it may import. */
export const namesFiles = (code: string): boolean => /['"](?:\.{1,2})?\/[^'"\n]*['"]/.test(code);

/** The notebook's own files that cells import, or tried to: the compiler does not look at a file twice unless it is told that it has changed. */
export class LocalFiles {
  /** By path, what tells one state of a file from another; nothing for one that is not there. */
  readonly #stamps = new Map<string, string>();

  /** @param paths files that the compiler has read. */
  watch(paths: readonly string[]): void {
    for (const path of paths) if (!this.#stamps.has(path)) this.#stamps.set(path, stamp(path));
  }

  /** Watches for what `code` names by a path and what is not there yet. */
  expect(code: string, folder: string): void {
    for (const [, path] of code.matchAll(/['"]((?:\.{1,2})?\/[^'"\n]*)['"]/g)) {
      const base = resolve(folder, path);
      this.watch([...endings.map((ending) => base + ending), base.replace(/\.([mc]?)js$/, '.$1ts')]);
    }
  }

  /** What has changed since it was asked last. */
  changes(): FileChanges | undefined {
    const [changed, created, deleted]: string[][] = [[], [], []];
    for (const [path, before] of this.#stamps) {
      const now = stamp(path);
      if (now === before) continue;
      this.#stamps.set(path, now);
      (before === '' ? created : now === '' ? deleted : changed).push(path);
    }
    return changed.length + created.length + deleted.length > 0 ? { changed, created, deleted } : undefined;
  }

  clear(): void {
    this.#stamps.clear();
  }
}

function stamp(path: string): string {
  try {
    const found = statSync(path);
    return found.isFile() ? `${found.mtimeMs} ${found.size} ${found.ino}` : '';
  } catch {
    // Not there, or not to be read: the compiler sees none either.
    return '';
  }
}
