import { Command, InvalidArgumentError } from 'commander';
import type { GoldenOptions } from './operators.ts';
import { goldenSuites } from './suites.ts';

function dtype(text: string): 'float32' | 'float64' {
  if (text !== 'float32' && text !== 'float64') throw new InvalidArgumentError('Use float32 or float64.');
  return text;
}

function engine(text: string): string {
  if (text !== 'reference') throw new InvalidArgumentError('There is one engine: reference.');
  return text;
}

/** Runs every case of a folder, and prints each failure and a line of totals. */
function main(folder: string, { filter, ...options }: GoldenOptions & { filter?: string }): void {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const missing = new Map<string, number>();
  for (const suite of goldenSuites(folder).filter(({ name }) => !filter || name.includes(filter)))
    for (const { name, verdict } of suite.run(options)) {
      counts[verdict.status]++;
      if (verdict.status === 'failed') process.stdout.write(`${name}: ${verdict.reason}\n`);
      if (verdict.status === 'skipped') missing.set(verdict.reason, (missing.get(verdict.reason) ?? 0) + 1);
    }
  if (missing.size > 0) process.stdout.write('\nskipped:\n');
  for (const [reason, count] of missing) process.stdout.write(`  ${count}  ${reason}\n`);
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

new Command('golden')
  .description('compare the operations with cases from PyTorch')
  .argument('<folder>', 'a folder of golden files')
  .option('--engine <name>', 'the engine to run', engine, 'reference')
  .option('--dtype <name>', 'what floating inputs are converted to', dtype, 'float64')
  .option('--noncontiguous', 'read every input through a strided view', false)
  .option('--filter <text>', 'only operators and other files whose name contains this')
  .action(main)
  .parse();
