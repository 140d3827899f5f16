// Installs the packages of JupyterLab's front end and builds it, each only when something it depends on has changed.
import { join } from 'node:path';
import { fingerprintOf, lockOf, once, root, run } from './steps.js';

const app = join(root, 'lab/app');
const lock = lockOf('lab/app');
once('lab/app/node_modules/.gradbook-installed', `${lock} ${process.version}`, () =>
  run(
    'Installing JupyterLab',
    'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'],
    app,
  ),
);
once('lab/app/build/.built', fingerprintOf(lock, ['lab/app', 'lab/extension']), () =>
  run('Building JupyterLab', process.execPath, ['build.js'], app),
);
