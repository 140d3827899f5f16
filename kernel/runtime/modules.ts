import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { installPackage, npmSpecifiers, parseNpmSpecifier } from '../npm/cache.ts';
import { plotlyWithoutPage } from './plotly.ts';

const kernelRequire = createRequire(import.meta.url);
const extensions = ['', '.ts', '.tsx', '.mts', '.js', '.mjs', '/index.ts', '/index.js'];

/**
 * Imports for cells: packages from the notebook's folder, then from the kernel's own; relative files (TypeScript too) from the
 * notebook's folder, read again after an edit.
 */
export class Modules {
  #folder: string;
  readonly #own: Readonly<Record<string, string>>;
  readonly #print: (text: string) => void;
  /** Called before a package is imported, with its specifier. */
  onImport: (specifier: string) => void = () => {};

  /** @param own addresses of the library's own modules: there must be one copy of each. */
  constructor(folder: string, own: Readonly<Record<string, string>>, print: (text: string) => void) {
    this.#own = own;
    this.#folder = folder;
    this.#print = print;
  }

  get folder(): string {
    return this.#folder;
  }

  set folder(path: string) {
    this.#folder = path;
  }

  /** `require` from the notebook's folder, then from the kernel. */
  get require(): NodeJS.Require {
    const own = createRequire(join(this.#folder, 'notebook.cjs'));
    return Object.assign((id: string) => {
      const plotly = plotlyWithoutPage(id);
      if (plotly) return plotly;
      try {
        return own(id) as unknown;
      } catch (error) {
        if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND' || id.startsWith('.')) throw error;
        return kernelRequire(id) as unknown;
      }
    }, own) as NodeJS.Require;
  }

  async import(specifier: string, attributes?: Record<string, string>): Promise<Record<string, unknown>> {
    if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('file:'))
      return this.#file(
        specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(this.#folder, specifier),
        attributes,
      );
    if (/^(node|data):/.test(specifier)) return (await import(specifier)) as Record<string, unknown>;
    if (specifier.startsWith('npm:')) return this.#npm(specifier);
    const plotly = plotlyWithoutPage(specifier);
    if (plotly) return plotly;
    this.onImport(specifier);
    return (await import(this.#own[specifier] ?? this.#resolvePackage(specifier))) as Record<string, unknown>;
  }

  /** Installs the packages that a cell names, so that it is checked with their types. */
  async installMentioned(code: string): Promise<void> {
    for (const specifier of npmSpecifiers(code))
      await installPackage(this.#folder, parseNpmSpecifier(specifier), this.#print);
  }

  /** `npm:name@range/path`: installed at its first use. */
  async #npm(specifier: string): Promise<Record<string, unknown>> {
    const wanted = parseNpmSpecifier(specifier);
    const cache = await installPackage(this.#folder, wanted, this.#print);
    const require = createRequire(join(cache, 'notebook.mjs'));
    const name = wanted.name + wanted.subpath;
    let path: string | null = null;
    try {
      path = require.resolve(name);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    }
    return (await import(esmEntry(require, name, path))) as Record<string, unknown>;
  }

  #resolvePackage(specifier: string): string {
    for (const from of [join(this.#folder, 'notebook.mjs'), fileURLToPath(import.meta.url)]) {
      const require = createRequire(from);
      try {
        const path = require.resolve(specifier);
        return path.startsWith('/') || /^[A-Za-z]:\\/.test(path) ? esmEntry(require, specifier, path) : path;
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
          const entry = esmEntry(require, specifier, null);
          if (entry) return entry;
        }
      }
    }
    throw new Error(
      `Cannot find package '${specifier}' from ${this.#folder}: install it with %npm install ${specifier}`,
    );
  }

  async #file(path: string, attributes?: Record<string, string>): Promise<Record<string, unknown>> {
    const found = extensions.map((extension) => path + extension).find(isFile);
    if (!found) throw new Error(`Cannot find module '${path}': no such file`);
    if (attributes?.type === 'json' || extname(found) === '.json')
      return { default: JSON.parse(readFileSync(found, 'utf8')) as unknown };
    return (await import(pathToFileURL(compiled(found, this.#own)).href)) as Record<string, unknown>;
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/**
 * A copy of a user's file (and of those it imports) as JavaScript, named for its content: an edited file has another name, so that it
 * is loaded again. Packages are resolved from the original's folder.
 */
function compiled(
  path: string,
  own: Readonly<Record<string, string>>,
  visiting = new Map<string, string>(),
): string {
  const known = visiting.get(path);
  if (known) return known;
  const source = readFileSync(path, 'utf8');
  const out = join(tmpdir(), `gradbook-modules-${process.pid}`);
  // Native code, which takes a while to load and which few notebooks need here.
  const { transformSync } = kernelRequire('oxc-transform') as typeof import('oxc-transform');
  const typescript = /\.[mc]?tsx?$/.test(path);
  const { code, errors } = typescript
    ? transformSync(path, source, { target: 'es2022', decorator: { legacy: true } })
    : { code: source, errors: [] };
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0].message}`);
  visiting.set(path, path);
  const require = createRequire(path);
  const rewritten = code.replace(
    /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\2/g,
    (whole, head: string, _quote, specifier: string) => {
      if (specifier.startsWith('node:')) return whole;
      if (own[specifier]) return `${head}${JSON.stringify(own[specifier])}`;
      if (!specifier.startsWith('.')) {
        try {
          return `${head}${JSON.stringify(pathToFileURL(require.resolve(specifier)).href)}`;
        } catch {
          return whole;
        }
      }
      const base = resolve(path, '..', specifier);
      const target = extensions.map((extension) => base + extension).find(isFile);
      return target ? `${head}${JSON.stringify(pathToFileURL(compiled(target, own, visiting)).href)}` : whole;
    },
  );
  const digest = createHash('sha256').update(path).update(rewritten).digest('hex').slice(0, 16);
  const name = join(out, `${digest}.mjs`);
  mkdirSync(out, { recursive: true });
  writeFileSync(name, rewritten);
  visiting.set(path, name);
  return name;
}

/** The file that `import` (rather than `require`) would take: the package's `import` condition where it has one. */
function esmEntry(require: NodeJS.Require, specifier: string, fallback: string | null): string {
  const name = specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : specifier.split('/')[0];
  const subpath = `.${specifier.slice(name.length)}`;
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = join(folder, name, 'package.json');
    if (!isFile(manifest)) continue;
    const { exports, module } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      exports?: unknown;
      module?: string;
      type?: string;
    };
    const table =
      typeof exports === 'object' && exports !== null && subpath in exports
        ? (exports as Record<string, unknown>)[subpath]
        : subpath === '.'
          ? exports
          : undefined;
    const target = pick(table);
    if (target) return pathToFileURL(join(folder, name, target)).href;
    if (!fallback && module && subpath === '.') return pathToFileURL(join(folder, name, module)).href;
    break;
  }
  return fallback ? pathToFileURL(fallback).href : '';
}

function pick(entry: unknown): string | null {
  if (typeof entry === 'string') return entry;
  if (Array.isArray(entry)) return entry.map(pick).find((e) => e !== null) ?? null;
  if (typeof entry !== 'object' || entry === null) return null;
  for (const [condition, target] of Object.entries(entry))
    if (['node', 'import', 'module-sync', 'default'].includes(condition)) {
      const found = pick(target);
      if (found) return found;
    }
  return null;
}
