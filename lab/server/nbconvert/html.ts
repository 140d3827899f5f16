import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Cell, Notebook } from '../contents/notebook.ts';
import { ansiToHtml, escapeHtml } from './ansi.ts';
import { renderMarkdown } from './markdown.ts';
import { type WidgetStates, widgetStatesOf, widgetToHtml, widgetType } from './widgets.ts';

type Bundle = Record<string, unknown>;

const plotlyType = 'application/vnd.plotly.v1+json';

const style = `
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --field: #f5f6f8; --line: #d8dce2; --prompt: #6a7280; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #16181d; --field: #20242b; --line: #363c46; --prompt: #8b949e; } }
body { margin: 0 auto; padding: 24px; max-width: 960px; background: var(--paper); color: var(--ink); font: 15px/1.6 system-ui, sans-serif; }
pre { margin: 0; overflow-x: auto; font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.cell { margin: 12px 0; }
.input, .output { display: grid; grid-template-columns: 64px minmax(0, 1fr); gap: 8px; }
.input pre { background: var(--field); border: 1px solid var(--line); border-radius: 4px; padding: 8px 10px; }
.output { margin-top: 6px; }
.prompt { color: var(--prompt); font: 12px/1.8 ui-monospace, monospace; text-align: right; padding-top: 7px; user-select: none; }
.stderr { background: #f5c2c733; padding: 4px 8px; }
.markdown { margin-left: 72px; }
.markdown code { background: var(--field); padding: 1px 4px; border-radius: 3px; }
.markdown pre code { display: block; padding: 8px 10px; }
table { border-collapse: collapse; margin: 8px 0; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: right; }
.markdown th, .markdown td { text-align: left; }
summary { color: var(--prompt); cursor: pointer; padding: 6px 10px; }
img, svg { max-width: 100%; height: auto; }
.figure { overflow-x: auto; }
.widget { border: 1px solid var(--line); border-radius: 4px; padding: 8px 12px; }
.control { display: grid; grid-template-columns: 120px minmax(0, 300px) auto; gap: 12px; align-items: center; justify-content: start; font-size: 13px; }
.control span { text-align: right; overflow-wrap: anywhere; }
.note { margin: 6px 0 0; color: var(--prompt); font-size: 12px; }
@media (max-width: 640px) { .input, .output { grid-template-columns: minmax(0, 1fr); } .prompt { text-align: left; } .markdown { margin-left: 0; } }
`;

/** A picture in any of the formats that browsers know, or nothing. */
function pictureOf(data: Bundle): string {
  const type = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'].find((name) => data[name]);
  return type ? `<img alt="" src="data:${type};base64,${String(data[type]).replace(/\s/g, '')}">` : '';
}

interface Page {
  language: string;
  widgets: WidgetStates;
}

/** The richest form that a page without a kernel can show. */
function richest(data: Bundle, page: Page): string {
  const text = (type: string): string => String(data[type]);
  if (data[widgetType]) {
    const { model_id: id } = data[widgetType] as { model_id: string };
    const widget = widgetToHtml(id, page.widgets, (output) => bodyOf(output, page), page.language);
    if (widget) return widget;
  }
  if (data[plotlyType]) {
    const figure = JSON.stringify(data[plotlyType]).replaceAll('<', '\\u003c');
    // Where no script runs, the figure's picture stands in.
    const picture = pictureOf(data);
    return `<div class="figure"><script type="application/json">${figure}</script>${picture && `<noscript>${picture}</noscript>`}</div>`;
  }
  if (data['text/html']) return text('text/html');
  if (data['text/markdown']) return renderMarkdown(text('text/markdown'));
  if (data['image/svg+xml']) return text('image/svg+xml');
  const picture = pictureOf(data);
  if (picture) return picture;
  if (data['text/latex']) return renderMarkdown(text('text/latex'));
  if (data['application/json'])
    return `<pre>${escapeHtml(JSON.stringify(data['application/json'], null, 2))}</pre>`;
  return `<pre>${ansiToHtml(text('text/plain'))}</pre>`;
}

function bodyOf(output: Bundle, page: Page): string {
  if (output.output_type === 'stream')
    return `<pre class="${output.name === 'stderr' ? 'stderr' : 'stdout'}">${ansiToHtml(String(output.text))}</pre>`;
  if (output.output_type === 'error')
    return `<pre class="stderr">${ansiToHtml((output.traceback as string[]).join('\n'))}</pre>`;
  return richest((output.data ?? {}) as Bundle, page);
}

function outputOf(output: Bundle, page: Page): string {
  const prompt = output.output_type === 'execute_result' ? `[${output.execution_count ?? ' '}]:` : '';
  return `<div class="output"><div class="prompt">${prompt}</div><div>${bodyOf(output, page)}</div></div>`;
}

/** Pictures that are kept inside of the cell. */
const withAttachments = ({ source, attachments = {} }: Cell): string =>
  source.replace(/attachment:([^)\s"']+)/g, (all, name: string) => {
    const [type, data] =
      Object.entries(attachments[decodeURIComponent(name)] ?? attachments[name] ?? {})[0] ?? [];
    return type ? `data:${type};base64,${data}` : all;
  });

/** What stands for code that its author hid. */
const hiddenCode: Readonly<Record<string, string>> = { en: 'Show the code', zh: '显示代码' };

function cellOf(cell: Cell, page: Page): string {
  if (cell.cell_type === 'markdown')
    return `<section class="cell markdown">${renderMarkdown(withAttachments(cell))}</section>`;
  if (cell.cell_type === 'raw')
    return `<section class="cell"><pre>${escapeHtml(cell.source)}</pre></section>`;
  const prompt = `[${cell.execution_count ?? ' '}]:`;
  const source = `<pre><code>${escapeHtml(cell.source)}</code></pre>`;
  const { source_hidden: hidden } = (cell.metadata?.jupyter ?? {}) as { source_hidden?: boolean };
  const shown = hidden
    ? `<details><summary>${hiddenCode[page.language] ?? hiddenCode.en}</summary>${source}</details>`
    : source;
  const input = `<div class="input"><div class="prompt">${prompt}</div>${shown}</div>`;
  return `<section class="cell">${input}${(cell.outputs ?? []).map((output) => outputOf(output, page)).join('')}</section>`;
}

/** Draws each figure with plotly.js: inside of the page, or at an address. */
function plotting(address: string | undefined): string {
  const library = address
    ? ''
    : readFileSync(createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js'), 'utf8');
  const draw = `for (const node of document.querySelectorAll('.figure')) {
  const { data, layout, config } = JSON.parse(node.firstElementChild.textContent);
  const base = layout?.template?.layout;
  if (base) base.font = { ...base.font, color: getComputedStyle(document.body).color };
  Plotly.newPlot(node, data, layout, { responsive: true, ...config });
}`;
  const loaded = address
    ? `<script src="${address}"></script>`
    : `<script>${library.replaceAll('</script', '<\\/script')}</script>`;
  return `${loaded}<script>${draw}</script>`;
}

export interface PageOptions {
  /** Default en. */
  language?: string;
  /** Where the page finds plotly.js; by default it is part of the page. */
  plotly?: string;
}

/** A notebook as one page, which by default needs nothing else. */
export function notebookToHtml(
  notebook: Pick<Notebook, 'cells'> & Partial<Pick<Notebook, 'metadata'>>,
  title: string,
  { language = 'en', plotly }: PageOptions = {},
): string {
  const page = { language, widgets: widgetStatesOf(notebook.metadata) };
  const cells = notebook.cells.map((cell) => cellOf(cell, page)).join('\n');
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${cells}
${cells.includes('class="figure"') ? plotting(plotly) : ''}
</body>
</html>
`;
}
