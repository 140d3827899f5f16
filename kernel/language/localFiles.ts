import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

const endings = ['', '.ts', '.tsx', '.mts', '.js', '.mjs', '.json', '/index.ts', '/index.js'];

/** The files of the notebook's folder that cells import, with all that those import, and when each was written last. */
export class LocalFiles {
  readonly #written = new Map<string, number | null>();

  /** Follows the files that `code`, standing in `folder`, imports. */
  follow(code: string, folder: string): void {
    for (const [, specifier] of code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g)) {
      const places = endings.map((ending) => resolve(folder, specifier) + ending);
      const path = places.find((place) => timeOf(place) !== null);
      // One that is not there yet may come.
      if (path === undefined) for (const place of places) this.#written.set(place, null);
      else if (!this.#written.has(path)) {
        this.#written.set(path, timeOf(path));
        this.follow(readFileSync(path, 'utf8'), resolve(path, '..'));
      }
    }
  }

  /** What was written, came or went since the last question. */
  changes(): { changed: string[]; created: string[]; deleted: string[] } | null {
    const found = { changed: [] as string[], created: [] as string[], deleted: [] as string[] };
    for (const [path, before] of this.#written) {
      const now = timeOf(path);
      if (now === before) continue;
      this.#written.set(path, now);
      (before === null ? found.created : now === null ? found.deleted : found.changed).push(path);
      if (now !== null) this.follow(readFileSync(path, 'utf8'), resolve(path, '..'));
    }
    return found.changed.length + found.created.length + found.deleted.length > 0 ? found : null;
  }
}

/** Null for what is no file. */
function timeOf(path: string): number | null {
  try {
    const found = statSync(path);
    return found.isFile() ? found.mtimeMs + found.size / 1e9 : null;
  } catch {
    return null;
  }
}
