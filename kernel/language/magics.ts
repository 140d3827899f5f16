import { cellMagics, lineMagics } from '../runtime/magicTable.ts';
import { readCell } from './declarations.ts';
import { OpenText } from './openText.ts';

/**
 * Lines that belong to the runtime: `%name args`, `!command` and `?name`, from the line's first column. They become calls of the session of
 * the same meaning, on the same line, so that nothing else of the cell moves. `%%name` takes the whole cell.
 */
export function lowerMagics(code: string): string {
  const cellMagic = /^\s*%%(\w+)([^\n]*)\n?/.exec(code);
  if (cellMagic) {
    const [whole, name, args] = cellMagic;
    const body = code.slice(whole.length);
    return `await __magic.cell(${JSON.stringify(name)}, ${JSON.stringify(args.trim())}, ${JSON.stringify(body)});`;
  }
  if (!/^[%!?]/m.test(code)) return code;
  const { lowered, left } = lowerLines(code, false);
  // What seemed to be within brackets was not, if the rest makes no sense.
  return left && readCell(lowered).problems.length > 0 ? lowerLines(code, true).lowered : lowered;
}

/** `left` says whether lines within brackets were left as they are. */
function lowerLines(code: string, bracketed: boolean): { lowered: string; left: boolean } {
  const text = new OpenText();
  let left = false;
  const lines = code.split('\n').map((line) => {
    const lowered = text.open ? line : lowerLine(line);
    const stays = lowered === line || (text.isBracketed && !bracketed);
    if (stays) text.read(line);
    left ||= stays && lowered !== line;
    return stays ? line : lowered;
  });
  return { lowered: lines.join('\n'), left };
}

function lowerLine(line: string): string {
  const timed = /^%(time|timeit)[ \t]+(.+)$/.exec(line);
  if (timed) return `await __magic.${timed[1]}(async () => (${timed[2].replace(/;\s*$/, '')}));`;
  const named = /^%(\w+)[ \t]*(.*)$/.exec(line);
  if (named) return `await __magic.line(${JSON.stringify(named[1])}, ${JSON.stringify(named[2].trim())});`;
  const shell = /^!(.+)$/.exec(line);
  if (shell) return `await __magic.line("sx", ${JSON.stringify(shell[1].trim())});`;
  const help = /^\?[ \t]*([\w$.]+)[ \t]*$/.exec(line);
  return help ? `await __magic.line("help", ${JSON.stringify(help[1])});` : line;
}

/** The magic whose name stands at or before `cursor`: its sigil, what is typed of the name, and where that starts. */
export function magicAt(
  code: string,
  cursor: number,
): { table: Readonly<Record<string, string>>; start: number } | null {
  const lineStart = code.lastIndexOf('\n', cursor - 1) + 1;
  const typed = /^(%%?)\w*$/.exec(code.slice(lineStart, cursor));
  if (!typed) return null;
  const [, sigil] = typed;
  return { table: sigil === '%%' ? cellMagics : lineMagics, start: lineStart + sigil.length };
}
