import katex from 'katex';
import { Marked, type TokenizerAndRendererExtension } from 'marked';

/** MathML is drawn by the browser itself: no font and no script has to come along. */
const formula = (source: string, displayMode: boolean): string =>
  katex.renderToString(source, { displayMode, output: 'mathml', throwOnError: false });

const block: TokenizerAndRendererExtension = {
  name: 'displayMath',
  level: 'inline',
  start: (source) => source.match(/\$\$|\\begin\{/)?.index,
  tokenizer: (source) => {
    const [raw, body, environment] =
      /^\$\$([\s\S]+?)\$\$|^(\\begin\{(\w+\*?)\}[\s\S]+?\\end\{\3\})/.exec(source) ?? [];
    return raw === undefined ? undefined : { type: 'displayMath', raw, text: body ?? environment };
  },
  renderer: ({ text }) => formula(text as string, true),
};

const inline: TokenizerAndRendererExtension = {
  name: 'inlineMath',
  level: 'inline',
  start: (source) => source.indexOf('$'),
  tokenizer: (source) => {
    const [raw, text] = /^\$(?!\s)((?:\\[\s\S]|[^$\\])+?)(?<!\s)\$(?!\d)/.exec(source) ?? [];
    return raw === undefined ? undefined : { type: 'inlineMath', raw, text };
  },
  renderer: ({ text }) => formula(text as string, false),
};

const marked = new Marked({ gfm: true, extensions: [block, inline] });

/** Markdown with formulas, as a notebook's text cells have it. */
export const renderMarkdown = (source: string): string => marked.parse(source, { async: false });
