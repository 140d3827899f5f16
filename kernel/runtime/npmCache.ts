import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A specifier such as `npm:lodash@4/fp`, taken apart. */
export interface NpmSpecifier {
  name: string;
  /** A version, a range or a tag; empty for the latest. */
  range: string;
  /** `/fp`, or empty. */
  subpath: string;
}

/** Error: a text that is not `npm:` and a package's name. */
export function parseNpmSpecifier(specifier: string): NpmSpecifier {
  const match = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]+))?(\/.*)?$/.exec(specifier);
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
  const wanted = range ? `${name}@${range}` : name;
  print(`installing ${wanted} ...\n`);
  await npm(['install', wanted, '--no-audit', '--no-fund', '--loglevel=error'], cache, wanted);
  writeFileSync(stamps, JSON.stringify({ ...installed, [name]: range }));
  print(`installed ${wanted}\n`);
  return cache;
}

function npm(args: string[], cwd: string, wanted: string): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn('npm', args, {
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
