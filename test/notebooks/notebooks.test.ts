import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readNotebook } from '../../kernel/cli/notebook.ts';
import { problems } from '../../notebooks/publish/check.ts';
import { titleOf } from '../../notebooks/publish/site.ts';
import { shareOutputs } from '../../notebooks/publish/twins.ts';

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
    expect(problems(name, readNotebook(path), statSync(path).size)).toEqual([]);
  });

  test.each(names(join(folder, 'zh')))('the Chinese edition of %s has the same code', (name) => {
    const original = readNotebook(join(folder, name));
    const translated = readNotebook(join(folder, 'zh', name));
    expect(() => shareOutputs(name, original, translated)).not.toThrow();
    expect(titleOf(translated).title).toMatch(/\p{Script=Han}/u);
  });

  test('every notebook of the note has both editions', () => {
    const numbered = originals.filter((name) => /^(0[1-9]|1\d)-/.test(name));
    expect(numbered.filter((name) => !existsSync(join(folder, 'zh', name)))).toEqual([]);
  });
});

// Their cells assert what their text claims.
describe('notebooks run from top to bottom', () => {
  const output = mkdtempSync(join(tmpdir(), 'gradbook-notebooks-'));
  test.each(originals)('%s', { timeout: 600_000 }, async (name) => {
    const args = [gradbook, 'run', join(folder, name), '--output', join(output, name), '--timeout', '500'];
    await promisify(execFile)(process.execPath, args);
    expect(readNotebook(join(output, name)).cells.length).toBe(readNotebook(join(folder, name)).cells.length);
  });
});
