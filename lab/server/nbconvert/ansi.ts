const colours = ['#3e424d', '#e75c58', '#00a250', '#ddb62b', '#208ffb', '#d160c4', '#60c6c8', '#888'];

export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A terminal's colours and weights as HTML. Other control sequences are left out. */
export function ansiToHtml(text: string): string {
  let style = '';
  let bold = false;
  let html = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  for (const piece of text.split(/(\u001b\[[0-9;?]*[A-Za-z])/)) {
    const [, codes] = /^\[([0-9;]*)m$/.exec(piece.slice(1)) ?? [];
    if (piece.startsWith('\u001b')) {
      for (const code of codes === undefined ? [] : codes.split(';').map(Number)) {
        if (code === 0) [style, bold] = ['', false];
        else if (code === 1) bold = true;
        else if (code === 22) bold = false;
        else if (code === 39) style = '';
        else if (code >= 30 && code <= 37) style = colours[code - 30];
        else if (code >= 90 && code <= 97) style = colours[code - 90];
      }
      continue;
    }
    if (piece === '') continue;
    const css = `${style && `color:${style};`}${bold ? 'font-weight:bold;' : ''}`;
    html += css ? `<span style="${css}">${escapeHtml(piece)}</span>` : escapeHtml(piece);
  }
  return html;
}
