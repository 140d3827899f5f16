import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { readNotebook, writeNotebook } from '../../kernel/cli/notebook.ts';
import { problems } from '../../notebooks/publish/check.ts';
import { titleOf } from '../../notebooks/publish/site.ts';
import { shareOutputs } from '../../notebooks/publish/twins.ts';
import { difference, goldensOf, valuesIn, withValues } from './goldens.ts';

const gradbook = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const folder = fileURLToPath(new URL('../../notebooks', import.meta.url));
const names = (path: string): string[] =>
  readdirSync(path)
    .filter((file) => file.endsWith('.ipynb'))
    .sort();
const originals = names(folder);

describe('stored notebooks', () => {
  test.each(originals)('%s has run, shows no error, and is small', (name) => {
    const path = join(folder, name);
    expect(problems(readNotebook(path), statSync(path).size)).toEqual([]);
  });

  test.each(names(join(folder, 'zh')))('the Chinese edition of %s has the same code', (name) => {
    const original = readNotebook(join(folder, name));
    const translated = readNotebook(join(folder, 'zh', name));
    expect(() => shareOutputs(name, original, translated)).not.toThrow();
    expect(titleOf(translated).title).toMatch(/\p{Script=Han}/u);
  });

  test('every notebook has both editions', () => {
    expect(names(join(folder, 'zh'))).toEqual(originals);
  });
});

// Their cells assert what their text claims; what PyTorch can compute is compared with it.
describe('notebooks run from top to bottom, and their values are PyTorch’s', () => {
  const work = mkdtempSync(join(tmpdir(), 'gradbook-notebooks-'));
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test.each(originals)('%s', { timeout: 600_000 }, async (file) => {
    const name = file.replace(/\.ipynb$/, '');
    const path = join(work, file);
    writeNotebook(path, withValues(name, readNotebook(join(folder, file))));
    await promisify(execFile)(process.execPath, [gradbook, 'run', path, '--inplace', '--timeout', '500']);
    const values = valuesIn(readNotebook(path));
    const differences = goldensOf(name).map((golden, i) => difference(golden, values[i]));
    expect(differences.filter((found) => found !== null)).toEqual([]);
  });

  test('every notebook has values to compare', () => {
    // The gallery shows kinds of output; it teaches no topic.
    const teaching = originals
      .map((file) => file.replace(/\.ipynb$/, ''))
      .filter((name) => name !== '00-gallery');
    expect(teaching.filter((name) => goldensOf(name).length === 0)).toEqual([]);
  });
});
