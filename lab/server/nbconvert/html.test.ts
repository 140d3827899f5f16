import { expect, test } from 'vitest';
import { notebookToHtml } from './html.ts';

type Page = Parameters<typeof notebookToHtml>[0];

test('code that its author hid is folded, in the page’s language; other code is not', () => {
  const cell = (metadata: object) => ({
    cell_type: 'code',
    source: 'answer()',
    metadata,
    execution_count: 1,
    outputs: [],
  });
  const notebook = { cells: [cell({}), cell({ jupyter: { source_hidden: true } })] } as unknown as Page;
  const folded = '<details><summary>Show the code</summary><pre><code>answer()</code></pre></details>';
  const html = notebookToHtml(notebook, 'a');
  expect(html.split('answer()').length).toBe(3);
  expect(html).toContain(folded);
  expect(html.split('<details>').length).toBe(2);
  expect(notebookToHtml(notebook, 'a', { language: 'zh' })).toContain('<summary>显示代码</summary>');
});
