import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { machineIsas } from '../../src/engine/build.ts';
import { useNativeEngine, useReferenceEngine } from '../../src/engine/native.ts';
import { goldenSuites } from './suites.ts';

// The full set where it lies beside the checkout, else the part that is kept here.
const full = fileURLToPath(new URL('../../../shared/golden', import.meta.url));
const folder = existsSync(full) ? full : fileURLToPath(new URL('./data', import.meta.url));

/** The reference, and the native engine for each instruction set of the machine. */
const engines: Readonly<Record<string, () => unknown>> = {
  reference: useReferenceEngine,
  ...Object.fromEntries(
    machineIsas()
      .filter((isa) => useNativeEngine(isa))
      .map((isa) => [isa, () => useNativeEngine(isa)]),
  ),
};

const runs = Object.keys(engines).flatMap((engine) => [
  { engine, dtype: 'float64', noncontiguous: false } as const,
  { engine, dtype: 'float64', noncontiguous: true } as const,
  { engine, dtype: 'float32', noncontiguous: false } as const,
]);

describe.each(runs)('equal to PyTorch: $engine, $dtype, non-contiguous inputs $noncontiguous', (options) => {
  beforeAll(() => void engines[options.engine]());
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
