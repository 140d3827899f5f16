import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const modified = (path: string): number | null => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.mtimeMs : null;
};

/** The nearest folder with packages, from `folder` upwards. */
export function packagesFolder(folder: string): string | null {
  const found = statSync(join(folder, 'node_modules'), { throwIfNoEntry: false });
  if (found?.isDirectory()) return join(folder, 'node_modules');
  const above = dirname(folder);
  return above === folder ? null : packagesFolder(above);
}

/** The packages that `code` imports by name, without their subpaths. */
const packageImports = (code: string): string[] =>
  [...code.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*['"]((?:@[\w.-]+\/)?[\w][\w.-]*)[^'"]*['"]/g)].map(
    ([, name]) => name,
  );

/** The packages of the notebook's folder, which another program may install at any time. */
export class LocalPackages {
  readonly #known = new Map<string, number | null>();
  #place: string | null = null;

  constructor(folder: string) {
    this.setFolder(folder);
  }

  setFolder(folder: string): void {
    this.#known.clear();
    this.#place = packagesFolder(folder);
    this.#look('.package-lock.json');
  }

  /** Whether what was known of the packages that `code` imports, or of all, is not so any more. */
  haveChanged(folder: string, code: string): boolean {
    const names = packageImports(code);
    if (names.length === 0) return false;
    if (packagesFolder(folder) !== this.#place) {
      this.setFolder(folder);
      for (const name of names) this.#look(`${name}/package.json`);
      return true;
    }
    const looks = ['.package-lock.json', ...names.map((name) => `${name}/package.json`)];
    return looks.map((file) => this.#look(file)).includes(true);
  }

  /** Whether a file is not as it was known to be. */
  #look(file: string): boolean {
    if (!this.#place) return false;
    const now = modified(join(this.#place, file));
    const isOther = this.#known.has(file) && this.#known.get(file) !== now;
    this.#known.set(file, now);
    return isOther;
  }
}
