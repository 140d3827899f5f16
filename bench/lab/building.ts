import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve, token } from './contestants.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const start = (port: number): string[] => [
  npm,
  'start',
  '--silent',
  '--',
  '--no-browser',
  '--token',
  token,
  '--port',
  String(port),
];

/** Error: the front end does not build. */
function prepared(): number {
  const begin = performance.now();
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/prepareLab.js')], { stdio: 'ignore' });
  if (status !== 0) throw new Error(`scripts/prepareLab.js ended with exit code ${status}`);
  return (performance.now() - begin) / 1000;
}

/** Seconds of building the front end from its installed packages, and of finding that it is built; of `npm start` then. */
export async function building(): Promise<{ anew: number; unchanged: number; start: number }> {
  prepared();
  const unchanged = prepared();
  rmSync(join(root, 'lab/app/node_modules/.cache/rspack'), { recursive: true, force: true });
  rmSync(join(root, 'lab/app/build/.built'), { force: true });
  const anew = prepared();
  // Once to bring the rest up to date.
  await (await serve(start, root)).end();
  const started = await serve(start, root);
  await started.end();
  return { anew, unchanged, start: started.seconds };
}

/** Seconds from a fresh clone until `npm start` answers: packages of two folders are downloaded, and everything is built. */
export async function firstStart(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-clone-'));
  try {
    const { status } = spawnSync('git', ['clone', '--quiet', root, folder], { stdio: 'ignore' });
    if (status !== 0) throw new Error(`git clone of ${root} ended with exit code ${status}`);
    const started = await serve(start, folder, 1800);
    await started.end();
    return started.seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
