import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import { goldenSuites } from './suites.ts';

// The full set where it lies beside the checkout, else the part that is kept here.
const full = fileURLToPath(new URL('../../../shared/golden', import.meta.url));
const folder = existsSync(full) ? full : fileURLToPath(new URL('./data', import.meta.url));

const engines = { reference: useReferenceEngine, ...(useNativeEngine() ? { native: useNativeEngine } : {}) };

const runs = Object.keys(engines).flatMap((engine) => [
  { engine, dtype: 'float64', noncontiguous: false } as const,
  { engine, dtype: 'float64', noncontiguous: true } as const,
  { engine, dtype: 'float32', noncontiguous: false } as const,
]);

describe.each(runs)('equal to PyTorch: $engine, $dtype, non-contiguous inputs $noncontiguous', (options) => {
  beforeAll(() => void engines[options.engine as keyof typeof engines]!());
  test.for(goldenSuites(folder).map(({ name, run }) => [name, run] as const))('%s', ([, run], { skip }) => {
    const verdicts = [...run(options)];
    skip(
      verdicts.every(({ verdict }) => verdict.status === 'skipped'),
      'not an operation here',
    );
    expect(
      verdicts.flatMap(({ name, verdict }) =>
        verdict.status === 'failed' ? [`${name}: ${verdict.reason}`] : [],
      ),
    ).toEqual([]);
  });
});
