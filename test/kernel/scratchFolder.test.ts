import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder, sweep } from '../../kernel/language/scratchFolder.ts';

test('what a killed kernel has left is removed, what a running one uses is not', () => {
  const place = mkdtempSync(join(tmpdir(), 'gradbook-sweep-'));
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  const left = `gradbook-types-${ended}-abcdef`;
  const used = `gradbook-types-${process.pid}-abcdef`;
  for (const name of [left, used, 'gradbook-types-other', 'else']) {
    mkdirSync(join(place, name, 'cells'), { recursive: true });
    writeFileSync(join(place, name, 'cells', 'current.tsx'), '');
  }
  sweep(place);
  expect(readdirSync(place).sort()).toEqual(['else', used, 'gradbook-types-other'].sort());
  rmSync(place, { recursive: true });
});

test('a folder is there, and names its process', () => {
  const folder = scratchFolder();
  expect(existsSync(folder)).toBe(true);
  expect(folder).toContain(`gradbook-types-${process.pid}-`);
  rmSync(folder, { recursive: true });
});
