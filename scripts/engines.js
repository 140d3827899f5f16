// On each instruction set of the machine: a folder of golden cases in every mode, and every kernel on large tensors in float32 and float64, interrupted and with
// several numbers of threads. `npm test` does a part of that.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machineIsas } from '../dist/src/engine/build.js';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const golden = [
  path('dist/test/golden/main.js'),
  process.argv[2] ?? path('test/golden/data'),
  '--engine',
  'native',
];
const runs = [
  golden,
  [...golden, '--noncontiguous'],
  [...golden, '--dtype', 'float32'],
  [...golden, '--dtype', 'float32', '--noncontiguous'],
  [
    path('node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'together',
    '--maxWorkers',
    '1',
    'test/engine/interrupts',
    'test/engine/threads',
  ],
];
const failed = [];
for (const isa of machineIsas())
  for (const args of runs) {
    const env = { ...process.env, GRADBOOK_ISA: isa, GRADBOOK_THOROUGH: '1' };
    if (spawnSync(process.execPath, args, { cwd: path('.'), stdio: 'inherit', env }).status !== 0)
      failed.push(`${isa}: ${args.join(' ')}`);
  }
process.stdout.write(
  failed.length === 0 ? 'all instruction sets passed\n' : `failed:\n${failed.join('\n')}\n`,
);
process.exit(failed.length === 0 ? 0 : 1);
