// What the preparing scripts share: a step that runs only when something that it depends on has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program, and ends this one when it fails. */
export function run(title, command, args, cwd = root) {
  const started = performance.now();
  process.stderr.write(`${title} ...\n`);
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (error || status !== 0) {
    process.stderr.write(`${title} failed${error ? `: ${error.message}` : ` with exit code ${status}`}.\n`);
    process.exit(1);
  }
  process.stderr.write(`${title} took ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (
      entry.name === 'node_modules' ||
      entry.name === 'dist' ||
      entry.name === 'build' ||
      entry.name.startsWith('.')
    )
      continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|tsx|js|css|json|svg)$/.test(entry.name)) yield path;
  }
}

/** Runs `action` unless the stamp file says that it already ran for the same fingerprint. */
export function once(stamp, fingerprint, action) {
  const path = join(root, stamp);
  if (existsSync(path) && readFileSync(path, 'utf8') === fingerprint) return;
  action();
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, fingerprint);
}

/** What a lock file says. */
export const lockOf = (folder) =>
  createHash('sha256')
    .update(readFileSync(join(root, folder, 'package-lock.json')))
    .digest('hex');

/** Changes when a source below one of the folders does, or `seed`. */
export function fingerprintOf(seed, folders) {
  const fingerprint = createHash('sha256').update(seed);
  for (const folder of folders) {
    if (!existsSync(join(root, folder))) continue;
    for (const path of sources(join(root, folder))) {
      const { mtimeMs, size } = statSync(path);
      fingerprint.update(`${path} ${mtimeMs} ${size}\n`);
    }
  }
  return fingerprint.digest('hex');
}
