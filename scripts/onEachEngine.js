// What is run once on each instruction set, in processes of their own.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A file of the repository. */
export const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The golden cases of the command's folder, else the repository's, on the native engine. */
export const golden = (...options) => [
  path('dist/test/golden/main.js'),
  process.argv[2] ?? path('test/golden/data'),
  '--engine',
  'native',
  ...options,
];

/** Tests of the engine: files of `test/engine`. */
export const engineTests = (...names) => [
  path('node_modules/vitest/vitest.mjs'),
  'run',
  '--project',
  'together',
  '--maxWorkers',
  '1',
  ...names.map((name) => `test/engine/${name}.test.ts`),
];

/** Runs each of `runs`, Node's arguments, on each instruction set; tells which failed, and ends this process. */
export function runOnEach(isas, runs, env) {
  const failed = [];
  for (const isa of isas)
    for (const args of runs) {
      const { status } = spawnSync(process.execPath, args, {
        cwd: path('.'),
        stdio: 'inherit',
        env: { ...process.env, ...env, GRADBOOK_ISA: isa },
      });
      if (status !== 0) failed.push(`${isa}: ${args.join(' ')}`);
    }
  process.stdout.write(
    failed.length === 0 ? `all passed on ${isas.join(', ')}\n` : `failed:\n${failed.join('\n')}\n`,
  );
  process.exit(failed.length === 0 ? 0 : 1);
}
