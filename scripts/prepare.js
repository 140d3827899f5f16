// Installs the packages and builds `dist`, and with --lab JupyterLab's front end, each only when something it depends on has changed.
import { join } from 'node:path';
import { fingerprintOf, lockOf, once, root, run } from './steps.js';

const lock = lockOf('.');
once('node_modules/.gradbook-installed', `${lock} ${process.version}`, () =>
  run('Installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
);

const folders = ['src', 'display', 'kernel', 'lab/server', 'test', 'bench', 'notebooks/publish'];
once('dist/.built', fingerprintOf(lock, folders), () => {
  run('Building', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);
  run('Bundling', process.execPath, [join(root, 'scripts/bundle.js')]);
  run('Bundling types', process.execPath, [join(root, 'scripts/bundleTypes.js')]);
});

if (process.argv.includes('--lab')) await import('./prepareLab.js');
// For tests, every instruction set that the machine has. Without a compiler, or where it fails, the library runs on its reference engine and says so.
const { buildEngines, machineIsas } = await import('../dist/src/engine/build.js');
const wanted = process.argv.includes('--all-engines') ? machineIsas() : undefined;
await buildEngines(wanted, (line) => process.stderr.write(`${line}\n`)).catch((error) =>
  process.stderr.write(`${error.message}\n`),
);
