import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';

interface Chunk {
  readonly script: Script;
  readonly path: string;
  readonly cacheName: string;
  /** Whether V8 took the compiled code that was kept. */
  readonly fromCache: boolean;
}

/** Code that V8 has kept finds no loader for its `import()`: the bundle calls `__load` instead. */
const head = '(function (exports, require, module, __filename, __dirname, __load) {';

type Wrapper = (
  this: unknown,
  exports: unknown,
  require: (id: string) => unknown,
  module: Module,
  filename: string,
  dirname: string,
  load: (specifier: string) => Promise<unknown>,
) => void;

/**
 * The CommonJS files of a bundle, with the code that V8 made of them kept from an earlier start: compiling takes several times as long
 * as everything else that the library does when it loads. Whoever requires the files after `load` gets the same modules.
 */
export class CompiledBundle {
  readonly #folder: string;
  readonly #chunks: Chunk[] = [];

  /** @param folder where the files are; the compiled code is kept there, or in the user's cache where that cannot be written. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The exports of a file, for instance `preload.cjs`, run once. */
  load(name: string): unknown {
    const path = join(this.#folder, name);
    const require = createRequire(path);
    const known = require.cache[path];
    if (known) return known.exports;
    const chunk = this.#compile(path);
    this.#chunks.push(chunk);
    const module = new Module(path);
    module.filename = path;
    require.cache[path] = module;
    try {
      (chunk.script.runInThisContext() as Wrapper).call(
        module.exports,
        module.exports,
        (id) => (id.startsWith('./') ? this.load(id.slice(2)) : require(id)),
        module,
        path,
        this.#folder,
        (id) => import(id.startsWith('.') ? new URL(id, pathToFileURL(path)).href : id),
      );
    } catch (error) {
      delete require.cache[path];
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  #compile(path: string): Chunk {
    // One byte a character: that is how the bundle is written.
    const source = `${head}\n${readFileSync(path, 'latin1')}\n})`;
    const { size, mtimeMs } = statSync(path);
    // V8's tag stands for its version, its flags and what the processor can do.
    const stamp = [size, Math.round(mtimeMs), cachedDataVersionTag()]
      .map((part) => part.toString(36))
      .join('-');
    const cacheName = `${basename(path)}.${stamp}.compiled`;
    const cachedData = this.#kept(cacheName);
    const script = new Script(source, {
      filename: path,
      lineOffset: -1,
      cachedData,
    });
    return { script, path, cacheName, fromCache: cachedData !== undefined && !script.cachedDataRejected };
  }

  /** Where compiled code may lie, the first choice first. */
  get #places(): string[] {
    const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
    return [join(this.#folder, 'compiled'), join(cache, 'gradbook/compiled')];
  }

  #kept(name: string): Buffer | undefined {
    for (const place of this.#places)
      try {
        return readFileSync(join(place, name));
      } catch {
        // The next one.
      }
    return undefined;
  }

  /** Keeps the code of the files that were compiled now, the functions that have run among it. Where nothing can be written, nothing is. */
  keep(): void {
    for (const { script, path, cacheName, fromCache } of this.#chunks) {
      if (fromCache) continue;
      for (const place of this.#places)
        try {
          mkdirSync(place, { recursive: true });
          const temporary = join(place, `.${cacheName}.${process.pid}`);
          writeFileSync(temporary, script.createCachedData());
          renameSync(temporary, join(place, cacheName));
          if (dirname(place) !== this.#folder) forgetOld(place, basename(path), cacheName);
          break;
        } catch {
          // The next one.
        }
    }
  }
}

/** Removes what an earlier version of a file left in the user's cache. */
function forgetOld(place: string, name: string, current: string): void {
  for (const other of readdirSync(place))
    if (other.startsWith(`${name}.`) && other !== current) rmSync(join(place, other), { force: true });
}
