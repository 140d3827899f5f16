// Installs the packages and builds `dist`, and with --lab JupyterLab's front end, each only when something it depends on has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(title, command, args, cwd = root) {
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
function once(stamp, fingerprint, action) {
  const path = join(root, stamp);
  if (existsSync(path) && readFileSync(path, 'utf8') === fingerprint) return;
  action();
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, fingerprint);
}

const lockFile = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
once('node_modules/.gradbook-installed', `${lockFile} ${process.version}`, () =>
  run('Installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
);

const fingerprint = createHash('sha256').update(lockFile);
for (const folder of ['src', 'display', 'kernel', 'lab/server', 'test', 'bench', 'notebooks/publish']) {
  if (!existsSync(join(root, folder))) continue;
  for (const path of sources(join(root, folder))) {
    const { mtimeMs, size } = statSync(path);
    fingerprint.update(`${path} ${mtimeMs} ${size}\n`);
  }
}
once('dist/.built', fingerprint.digest('hex'), () => {
  run('Building', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);
  run('Bundling', process.execPath, [join(root, 'scripts/bundle.js')]);
});

if (process.argv.includes('--lab')) {
  const app = join(root, 'lab/app');
  const appLock = createHash('sha256')
    .update(readFileSync(join(app, 'package-lock.json')))
    .digest('hex');
  once('lab/app/node_modules/.gradbook-installed', `${appLock} ${process.version}`, () =>
    run(
      'Installing JupyterLab',
      'npm',
      ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'],
      app,
    ),
  );
  const appFingerprint = createHash('sha256').update(appLock);
  for (const folder of ['lab/app', 'lab/extension']) {
    if (!existsSync(join(root, folder))) continue;
    for (const path of sources(join(root, folder))) {
      const { mtimeMs, size } = statSync(path);
      appFingerprint.update(`${path} ${mtimeMs} ${size}\n`);
    }
  }
  once('lab/app/build/.built', appFingerprint.digest('hex'), () =>
    run('Building JupyterLab', process.execPath, ['build.js'], app),
  );
}
// Without a compiler, or where it fails, the library runs on its reference engine and says so.
const { buildEngines } = await import('../dist/src/engine/build.js');
await buildEngines(undefined, (line) => process.stderr.write(`${line}\n`)).catch((error) =>
  process.stderr.write(`${error.message}\n`),
);
