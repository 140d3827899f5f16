const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for HTML and SVG: whatever comes from a value goes through here. */
export const escapeHtml = (text: unknown): string => String(text).replace(/[&<>"']/g, (c) => entities[c]);

/** Colours that follow the front-end's theme: JupyterLab's variables, then VS Code's, then what reads on both white and black. */
export const ink = 'var(--jp-ui-font-color1, var(--vscode-foreground, inherit))';
export const faint = 'var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #808080))';
export const line = 'var(--jp-border-color2, var(--vscode-panel-border, rgba(128,128,128,.35)))';
export const shade = 'var(--jp-layout-color2, var(--vscode-editorWidget-background, rgba(128,128,128,.1)))';
const mono = 'var(--jp-code-font-family, var(--vscode-editor-font-family, monospace))';

/** The style sheet of gradbook's HTML outputs, small enough to go with each of them. */
const sheet = `.gb{color:${ink};font-size:var(--jp-ui-font-size1,13px);line-height:1.45}
.gb.gb pre,.gb.gb code{font-family:${mono};font-size:.95em;background:none;color:inherit;margin:0;border:0}
.gb code{background:none!important;padding:0!important}
.gb pre{overflow:auto;max-height:24em;padding:.3em 0}
.gb .tag{border:1px solid ${line};border-radius:3px;padding:0 .4em;margin-right:.5em;font-family:${mono};font-size:.92em;white-space:nowrap}
.gb table{border-collapse:collapse;margin:.2em 0;border:0;font-size:1em;table-layout:auto}
.gb th,.gb td{text-align:right;padding:.2em .75em;border:0;border-bottom:1px solid ${line};white-space:pre;max-width:40em;overflow:hidden;text-overflow:ellipsis;vertical-align:top;background:none;color:inherit;font-variant-numeric:tabular-nums}
.gb th{font-weight:600;color:${faint};border-bottom-width:2px}.gb th.sort{cursor:pointer}.gb.gb .l{text-align:left}
.gb tr:hover td{background:${shade}}.gb tfoot td{border-bottom:0;font-weight:600}
.gb details{margin:.1em 0}.gb details>details,.gb details>.leaf{margin-left:1.3em}.gb summary{cursor:pointer;list-style-position:inside;padding:0;color:inherit}.gb.gb .dim{color:${faint}}.gb .leaf{padding-left:1.05em}
.gb img{image-rendering:pixelated;vertical-align:top;background:none}.gb .row{display:flex;flex-wrap:wrap;gap:.6em;align-items:flex-end;margin:.35em 0}
.gb figure{margin:0;text-align:center}.gb figcaption{color:${faint};font-size:.9em}`;

/** A piece of HTML with gradbook's style sheet. `body` is trusted: escape values before. */
export const page = (body: string): string => `<div class="gb"><style>${sheet}</style>${body}</div>`;
