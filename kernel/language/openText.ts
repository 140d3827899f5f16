/**
 * Whether the text so far ends within a template string or a comment of many lines, kept from line to line. It knows no regular
 * expressions, so that brackets are only what seems to be open.
 */
export class OpenText {
  /** One entry a template string that is open: how many braces are open in its present `${`, or -1 in its text. */
  readonly #templates: number[] = [];
  #comment = false;
  /** The brackets that are open. */
  readonly #brackets: string[] = [];

  /** Whether it ends within round or square brackets, where a statement cannot start. */
  get isBracketed(): boolean {
    return /[([]/.test(this.#brackets.at(-1) ?? '');
  }

  get open(): boolean {
    return this.#comment || this.#templates.at(-1) === -1;
  }

  read(line: string): void {
    for (let i = 0; i < line.length; i++) {
      const pair = line.slice(i, i + 2);
      const top = this.#templates.length - 1;
      if (this.#comment) {
        if (pair === '*/') {
          this.#comment = false;
          i++;
        }
      } else if (this.#templates[top] === -1) {
        if (line[i] === '\\') i++;
        else if (line[i] === '`') this.#templates.pop();
        else if (pair === '${') {
          this.#templates[top] = 0;
          i++;
        }
      } else if (pair === '//') return;
      else if (pair === '/*') {
        this.#comment = true;
        i++;
      } else if (line[i] === '`') this.#templates.push(-1);
      else if (line[i] === '"' || line[i] === "'") i = endOfString(line, i);
      else if (/[([]/.test(line[i]) || (line[i] === '{' && top < 0)) this.#brackets.push(line[i]);
      else if (/[)\]]/.test(line[i]) || (line[i] === '}' && top < 0)) this.#brackets.pop();
      else if (top >= 0 && line[i] === '{') this.#templates[top]++;
      else if (top >= 0 && line[i] === '}' && this.#templates[top]-- === 0) this.#templates[top] = -1;
    }
  }
}

/** The index of the closing quote, or the line's end. */
function endOfString(line: string, start: number): number {
  for (let i = start + 1; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (line[i] === line[start]) return i;
  }
  return line.length;
}
