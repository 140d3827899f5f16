import type { MimeBundle } from '../host.ts';
import { page } from '../html.ts';
import { type Displayable, displaySymbol } from '../registry.ts';

/** A picture made of HTML, with what it says in a terminal. */
export class Picture implements Displayable {
  readonly html: string;
  readonly #text: string;

  constructor(html: string, text: string) {
    this.html = html;
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  [displaySymbol](): MimeBundle {
    return { 'text/html': page(this.html), 'text/plain': this.#text };
  }
}
