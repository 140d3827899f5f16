import { Command, InvalidArgumentError } from 'commander';
import { activeEngine } from '../../src/engine/kernel.ts';
import { engineStatus, useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import type { GoldenOptions } from './operators.ts';
import { goldenSuites } from './suites.ts';

function dtype(text: string): 'float32' | 'float64' {
  if (text !== 'float32' && text !== 'float64') throw new InvalidArgumentError('Use float32 or float64.');
  return text;
}

/** Makes the named engine the active one. Errors: another name; a native engine that does not load, with the reason. */
function engine(text: string): string {
  if (text === 'reference') useReferenceEngine();
  else if (text !== 'native') throw new InvalidArgumentError('Use native or reference.');
  else if (!useNativeEngine()) throw new InvalidArgumentError(`It does not load: ${engineStatus()}.`);
  return text;
}

/** The share of cases that may be unsupported. */
const allowance = 0.02;

/** Runs every case of a folder, and prints each failure, the cases that are not supported by reason, and a line of totals. */
function main(folder: string, { filter, ...options }: GoldenOptions & { filter?: string }): void {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const unsupported = new Map<string, number>();
  for (const suite of goldenSuites(folder).filter(({ name }) => !filter || name.includes(filter)))
    for (const { name, verdict } of suite.run(options)) {
      counts[verdict.status]++;
      if (verdict.status === 'failed') process.stdout.write(`${name}: ${verdict.reason}\n`);
      if (verdict.status === 'skipped')
        unsupported.set(verdict.reason, (unsupported.get(verdict.reason) ?? 0) + 1);
    }
  const { passed, failed, skipped } = counts;
  const share = skipped / Math.max(1, passed + failed + skipped);
  if (skipped > 0) process.stdout.write(`\nnot supported (${(100 * share).toFixed(1)} % of the cases):\n`);
  for (const [reason, count] of [...unsupported].sort((a, b) => b[1] - a[1]))
    process.stdout.write(`${String(count).padStart(6)}  ${reason}\n`);
  process.stdout.write(
    `\nengine: ${activeEngine() === 'native' ? engineStatus() : 'reference (TypeScript)'}\n`,
  );
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed > 0 || (!filter && share > allowance) ? 1 : 0;
}

new Command('golden')
  .description('compare the operations with cases from PyTorch')
  .argument('<folder>', 'a folder of golden files')
  .option('--engine <name>', 'the engine to run: native or reference (default: the active one)', engine)
  .option('--dtype <name>', 'what floating inputs are converted to', dtype, 'float64')
  .option('--noncontiguous', 'read every input through a strided view', false)
  .option('--filter <text>', 'only operators and other files whose name contains this')
  .action(main)
  .parse();
