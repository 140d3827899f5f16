import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** A specifier such as `npm:lodash@4/fp`, taken apart. */
export interface NpmSpecifier {
  name: string;
  /** A version, a range, a tag, or `file:` and a path from the notebook's folder; empty for the latest. */
  range: string;
  /** `/fp`, or empty. */
  subpath: string;
}

/** The packages that a cell's imports name, as they are written there: only those that `parseNpmSpecifier` takes. */
export const npmSpecifiers = (code: string): string[] =>
  [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*(['"])(npm:\/?(?:@[^'"/@]+\/)?[^'"/@]+[^'"]*)\1/g)].map(
    ([, , specifier]) => specifier,
  );

/** The declaration file of an installed package: its own, or that in `@types`; null when it is not installed or has none. */
export function typesOf(modules: string, { name, subpath }: NpmSpecifier): string | null {
  const own = join(modules, name);
  if (!existsSync(join(own, 'package.json'))) return null;
  return typesWithin(own, subpath) ?? typesWithin(join(modules, '@types', typesName(name)), subpath);
}

interface Manifest {
  types?: string;
  typings?: string;
  main?: string;
  exports?: unknown;
}

function typesWithin(folder: string, subpath: string): string | null {
  if (!existsSync(join(folder, 'package.json'))) return null;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const exported = exportTarget(manifest.exports, `.${subpath}`);
  const paths =
    subpath === ''
      ? [exported, manifest.types, manifest.typings, manifest.main, 'index']
      : [exported, subpath, `${subpath}/index`];
  for (const path of paths)
    for (const ending of path ? ['', '.d.ts', '.d.mts', '.d.cts'] : []) {
      const file = join(folder, ending ? path!.replace(/\.[cm]?js$/, '') + ending : path!);
      if (/\.[cm]?ts$/.test(file) && existsSync(file)) return file;
    }
  return null;
}

/** What an importer of types finds in a package's `exports`. */
function exportTarget(exports: unknown, subpath: string): string | undefined {
  const pick = (entry: unknown): string | undefined => {
    if (typeof entry === 'string') return entry;
    if (typeof entry !== 'object' || entry === null) return undefined;
    for (const [condition, target] of Object.entries(entry)) {
      const found = /^(types|import|node|default)$/.test(condition) ? pick(target) : undefined;
      if (found) return found;
    }
    return undefined;
  };
  if (typeof exports === 'object' && exports !== null && '.' in exports)
    return pick((exports as Record<string, unknown>)[subpath]);
  return subpath === '.' ? pick(exports) : undefined;
}

const typesName = (name: string): string => name.replace(/^@/, '').replace('/', '__');

/** Error: a text that is not `npm:` and a package's name. */
export function parseNpmSpecifier(specifier: string): NpmSpecifier {
  const match = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@(file:.+|[^/]+))?(\/.*)?$/.exec(specifier);
  if (!match)
    throw new Error(
      `'${specifier}' is not a package: write npm:name, npm:name@version or npm:@scope/name@version/path`,
    );
  const [, name, range = '', subpath = ''] = match;
  return { name, range, subpath };
}

/** Where the packages of a notebook's folder are kept; `GRADBOOK_CACHE` names another place for all of them. */
export const npmCacheFolder = (folder: string): string =>
  join(
    process.env.GRADBOOK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gradbook'),
    'npm',
    createHash('sha256').update(folder).digest('hex').slice(0, 16),
  );

/**
 * Installs a package into the cache of a notebook's folder, unless it is there for the same range. @returns the cache folder.
 *
 * Error: npm's own words, for instance when there is no network.
 */
export async function installPackage(
  folder: string,
  { name, range }: NpmSpecifier,
  print: (text: string) => void,
): Promise<string> {
  const cache = npmCacheFolder(folder);
  const manifest = join(cache, 'package.json');
  mkdirSync(cache, { recursive: true });
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  const stamps = join(cache, 'installed.json');
  const installed = existsSync(stamps)
    ? (JSON.parse(readFileSync(stamps, 'utf8')) as Record<string, string>)
    : {};
  if (installed[name] === range && existsSync(join(cache, 'node_modules', name))) return cache;
  const place = range.startsWith('file:') ? `file:${resolve(folder, range.slice('file:'.length))}` : range;
  const wanted = place ? `${name}@${place}` : name;
  print(`installing ${wanted} ...\n`);
  await npm([wanted, '--loglevel=error'], cache, wanted);
  const modules = join(cache, 'node_modules');
  // Types that are kept apart from their package; without them the package is `any`.
  if (!typesOf(modules, { name, range, subpath: '' }))
    await npm([`@types/${typesName(name)}`, '--loglevel=silent'], cache, wanted).catch(() => {});
  writeFileSync(stamps, JSON.stringify({ ...installed, [name]: range }));
  print(`installed ${wanted}\n`);
  return cache;
}

function npm(args: string[], cwd: string, wanted: string): Promise<void> {
  return new Promise((done, fail) => {
    const quick = ['--no-audit', '--no-fund', '--fetch-retries=1', '--fetch-retry-mintimeout=500'];
    const child = spawn('npm', ['install', ...args, ...quick], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      shell: process.platform === 'win32',
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', (error) => fail(new Error(`npm: specifiers need npm on the path: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) done();
      else fail(new Error(`npm could not install ${wanted} (exit code ${code}): ${errors.trim()}`));
    });
  });
}
