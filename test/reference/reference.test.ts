import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as library from '../../src/index.ts';

interface Row {
  name: string;
  status: 'yes' | 'partly' | 'no';
  note: string;
}

interface Generator {
  generate(of: typeof library): Map<string, string>;
  compatibility(of: typeof library): { part: string; rows: Row[] }[];
}

const generator = (await import(
  new URL('../../scripts/reference/generate.js', import.meta.url).href
)) as Generator;
const pages = generator.generate(library);

test('every operation that is exported is described, with its call, PyTorch’s signature and whether it has a gradient', () => {
  const text = pages.get('operations.md')!;
  const sections = new Map(text.split(/^### /m).map((part) => [part.split('\n')[0], part]));
  const undescribed: string[] = [];
  for (const { name } of library.operations().values()) {
    if (name.endsWith('_') || !(name in library || name in library.F)) continue;
    const section = sections.get(name) ?? '';
    const body = section.split('```').at(2)?.trim() ?? '';
    if (!section.includes('PyTorch: `') || body.startsWith('PyTorch:')) undescribed.push(name);
  }
  expect(undescribed).toEqual([]);
});

test('the table says yes, partly or no for each name of PyTorch, once', () => {
  const parts = generator.compatibility(library);
  const status = (part: string, name: string): string | undefined =>
    parts.find((p) => p.part === part)?.rows.find((row) => row.name === name)?.status;
  expect(status('torch.Tensor', 'index_select')).toBe('yes');
  expect(status('torch', 'full')).toBe('partly');
  expect(status('torchvision.ops', 'deform_conv2d')).toBe('no');
  for (const { rows } of parts) {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    for (const row of rows) if (row.status === 'partly') expect(row.note).not.toBe('');
  }
});

test('docs/reference is current: else run npm run docs', () => {
  const stale = [...pages].filter(([name, text]) => {
    const path = new URL(`../../docs/reference/${name}`, import.meta.url);
    return !existsSync(path) || readFileSync(path, 'utf8') !== text;
  });
  expect(stale.map(([name]) => name)).toEqual([]);
});
