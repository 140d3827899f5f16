import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { goldenOperators, readCases } from './cases.ts';
import { runCase } from './operators.ts';

// The full set where it lies beside the checkout, else the part that is kept here.
const full = fileURLToPath(new URL('../../../shared/golden', import.meta.url));
const folder = existsSync(full) ? full : fileURLToPath(new URL('./data', import.meta.url));

const runs = [
  { dtype: 'float64', noncontiguous: false },
  { dtype: 'float64', noncontiguous: true },
  { dtype: 'float32', noncontiguous: false },
] as const;

describe.each(runs)('operations equal PyTorch: $dtype, non-contiguous inputs $noncontiguous', (options) => {
  test.for(goldenOperators(folder))('%s', (operator, { skip }) => {
    const verdicts = readCases(folder, operator).map((golden) => runCase(golden, options));
    skip(
      verdicts.every(({ status }) => status === 'skipped'),
      'not an operation here',
    );
    expect(verdicts.flatMap((v, i) => (v.status === 'passed' ? [] : [`case ${i}: ${v.reason}`]))).toEqual([]);
  });
});
