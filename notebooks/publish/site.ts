import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Notebook, sourceOf } from '../../kernel/cli/notebook.ts';
import { parseNotebook } from '../../lab/server/contents/notebook.ts';
import { notebookToHtml } from '../../lab/server/nbconvert/html.ts';

/** One notebook in its editions. */
export interface Page {
  name: string;
  editions: { language: 'en' | 'zh'; notebook: Notebook }[];
}

const headings = { en: 'gradbook: notebooks', zh: 'gradbook：笔记' } as const;

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] as string);

/** The first heading, and the first paragraph behind it. */
export function titleOf(notebook: Notebook): { title: string; lead: string } {
  const text = notebook.cells.find(({ cell_type }) => cell_type === 'markdown');
  const [first = '', ...rest] = text ? sourceOf(text).split(/\n\s*\n/) : [];
  const [heading, ...lines] = first.split('\n');
  const lead = lines.join(' ').trim() || (rest[0] ?? '');
  return { title: heading.replace(/^#+\s*/, ''), lead: lead.replaceAll('\n', ' ').replace(/[*`]/g, '') };
}

function indexPage(language: 'en' | 'zh', pages: readonly Page[]): string {
  const items = pages.flatMap(({ name, editions }) => {
    const edition = editions.find((e) => e.language === language);
    if (!edition) return [];
    const { title, lead } = titleOf(edition.notebook);
    return [`<li><a href="${name}.html">${escaped(title)}</a><p>${escaped(lead)}</p></li>`];
  });
  const other =
    language === 'en' ? '<a href="zh/index.html">中文</a>' : '<a href="../index.html">English</a>';
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${headings[language]}</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 32px 24px; max-width: 760px; font: 16px/1.6 system-ui, sans-serif; }
header { display: flex; justify-content: space-between; align-items: baseline; }
ol { padding: 0; list-style: none; }
li { margin: 20px 0; }
li a { font-weight: 600; }
p { margin: 4px 0 0; opacity: 0.8; }
</style>
</head>
<body>
<header><h1>${headings[language]}</h1>${other}</header>
<ol>
${items.join('\n')}
</ol>
</body>
</html>
`;
}

/** Writes a page for each edition of each notebook, an index for each language, and plotly.js once. */
export function writeSite(folder: string, pages: readonly Page[]): void {
  mkdirSync(join(folder, 'zh'), { recursive: true });
  copyFileSync(
    createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js'),
    join(folder, 'plotly.min.js'),
  );
  for (const language of ['en', 'zh'] as const) {
    const base = language === 'en' ? folder : join(folder, 'zh');
    const plotly = language === 'en' ? 'plotly.min.js' : '../plotly.min.js';
    for (const { name, editions } of pages)
      for (const { notebook } of editions.filter((e) => e.language === language))
        writeFileSync(
          join(base, `${name}.html`),
          notebookToHtml(parseNotebook(JSON.stringify(notebook), name), titleOf(notebook).title, {
            language,
            plotly,
          }),
        );
    writeFileSync(join(base, 'index.html'), indexPage(language, pages));
  }
}
