import { createHmac, randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Notebook, sortedKeys } from './notebook.ts';

const limit = 65_536;

/** Output that shows nothing but text cannot harm. */
const isHarmless = (output: Record<string, unknown>): boolean =>
  output.output_type === 'stream' ||
  output.output_type === 'error' ||
  Object.keys((output.data as object | undefined) ?? {}).length === 0;

/**
 * Which notebooks' outputs this user made or vouched for: HTML and JavaScript of others is shown only after it was trusted. A notebook is
 * known by a keyed digest of its contents, so that whoever edits its file loses its trust.
 */
export class Notary {
  readonly #file: string;
  readonly #secret: Buffer;
  readonly #known: Set<string>;

  /** @param folder where the key and the signatures are kept. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const secret = join(folder, 'notebook_secret');
    if (!existsSync(secret)) writeFileSync(secret, randomBytes(64), { mode: 0o600 });
    chmodSync(secret, 0o600);
    this.#secret = readFileSync(secret);
    this.#file = join(folder, 'nbsignatures');
    const lines = existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n').filter(Boolean) : [];
    this.#known = new Set(lines.slice(-limit * 0.75));
    if (lines.length > limit) writeFileSync(this.#file, `${[...this.#known].join('\n')}\n`, { mode: 0o600 });
  }

  #digest(notebook: Notebook): string {
    const { signature, ...metadata } = notebook.metadata;
    const cells = notebook.cells.map((cell) => {
      const { trusted, ...rest } = cell.metadata;
      return { ...cell, metadata: rest };
    });
    const text = JSON.stringify(sortedKeys({ ...notebook, metadata, cells }));
    return createHmac('sha256', this.#secret).update(text).digest('hex');
  }

  isTrusted(notebook: Notebook): boolean {
    return this.#known.has(this.#digest(notebook));
  }

  sign(notebook: Notebook): void {
    const digest = this.#digest(notebook);
    if (this.#known.has(digest)) return;
    this.#known.add(digest);
    appendFileSync(this.#file, `${digest}\n`, { mode: 0o600 });
  }

  /** Tells the front end which code cells it may show in full. */
  mark(notebook: Notebook): Notebook {
    const trusted = this.isTrusted(notebook);
    const cells = notebook.cells.map((cell) =>
      cell.cell_type === 'code' ? { ...cell, metadata: { ...cell.metadata, trusted } } : cell,
    );
    return { ...notebook, cells };
  }

  /** Signs a notebook whose every code cell the front end calls trusted, or has nothing to be trusted. */
  signIfTrusted(notebook: Notebook): void {
    const trusted = notebook.cells.every(
      (cell) =>
        cell.cell_type !== 'code' || cell.metadata.trusted === true || (cell.outputs ?? []).every(isHarmless),
    );
    if (trusted) this.sign(notebook);
  }
}
