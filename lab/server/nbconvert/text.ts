import type { Notebook } from '../contents/notebook.ts';

interface LanguageInfo {
  name?: string;
  file_extension?: string;
  mimetype?: string;
}

const languageOf = ({ metadata }: Notebook): LanguageInfo => {
  const kernelspec = metadata.kernelspec as { language?: string } | undefined;
  return (metadata.language_info as LanguageInfo | undefined) ?? { name: kernelspec?.language };
};

/** The code, with the text as comments. */
export function notebookToScript(notebook: Notebook): { text: string; extension: string; mimetype: string } {
  const { name = 'typescript', file_extension, mimetype = 'text/plain' } = languageOf(notebook);
  const slashes = /script|java|^c|rust|go|swift|scala|kotlin|dart|php/i.test(name);
  const mark = slashes ? '//' : /haskell|lua|sql/i.test(name) ? '--' : '#';
  const parts = notebook.cells.map(({ cell_type, source }) =>
    cell_type === 'code' ? source : source.replace(/^/gm, `${mark} `).replace(/ +$/gm, ''),
  );
  const extension = file_extension ?? (name === 'typescript' ? '.ts' : '.txt');
  return { text: `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`, extension, mimetype };
}

/** The text as it is, code and plain output in fences. */
export function notebookToMarkdown(notebook: Notebook): string {
  const { name = '' } = languageOf(notebook);
  const fence = (text: string, language = ''): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
  const output = (fields: Record<string, unknown>): string => {
    if (fields.output_type === 'stream') return fence(String(fields.text));
    const data = (fields.data ?? {}) as Record<string, unknown>;
    if (data['image/png'])
      return `![](data:image/png;base64,${String(data['image/png']).replace(/\s/g, '')})`;
    if (data['text/markdown']) return String(data['text/markdown']);
    return data['text/plain'] === undefined ? '' : fence(String(data['text/plain']));
  };
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === 'code'
      ? [fence(cell.source, name), ...(cell.outputs ?? []).map(output).filter(Boolean)].join('\n\n')
      : cell.source,
  );
  return `${cells.join('\n\n')}\n`;
}
