import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CompiledBundle } from '../../kernel/compiledBundle.ts';

/** Two files, of which one needs the other. */
function twoFiles(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-bundle-'));
  writeFileSync(
    join(folder, 'inner.cjs'),
    'exports.runs = (globalThis.innerRuns ?? 0) + 1; globalThis.innerRuns = exports.runs;',
  );
  writeFileSync(
    join(folder, 'outer.cjs'),
    "const inner = require('./inner.cjs'); exports.inner = inner; exports.fail = () => { throw new Error('here'); };",
  );
  return folder;
}

interface Outer {
  inner: { runs: number };
  fail: () => never;
}

describe('the files of a bundle', () => {
  test('run once, and are the modules that require gives afterwards', () => {
    const folder = twoFiles();
    const outer = new CompiledBundle(folder).load('outer.cjs') as Outer;
    const require = createRequire(join(folder, 'facade.mjs'));
    expect(require('./outer.cjs')).toBe(outer);
    expect(require('./inner.cjs')).toBe(outer.inner);
  });

  test('leave their compiled code beside them, one file each, and load from it', () => {
    const folder = twoFiles();
    const first = new CompiledBundle(folder);
    first.load('outer.cjs');
    first.keep();
    const kept = readdirSync(join(folder, 'compiled'));
    expect(kept.map((name) => name.split('.')[0]).sort()).toEqual(['inner', 'outer']);
    const { cache } = createRequire(join(folder, 'facade.mjs'));
    for (const name of ['inner.cjs', 'outer.cjs']) delete cache[join(folder, name)];
    const second = new CompiledBundle(folder);
    const outer = second.load('outer.cjs') as Outer;
    expect(outer.inner).toHaveProperty('runs');
    second.keep();
    expect(readdirSync(join(folder, 'compiled'))).toEqual(kept);
  });

  test('are named in the stack of what they throw', () => {
    const folder = twoFiles();
    const { fail } = new CompiledBundle(folder).load('outer.cjs') as Outer;
    expect(fail).toThrow(
      expect.objectContaining({ stack: expect.stringContaining(join(folder, 'outer.cjs:1:')) }),
    );
  });
});
