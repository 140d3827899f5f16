import type { CheckLevel, Language, PreparedCell } from '../interfaces.ts';

/** How many cells are remembered. */
const limit = 64;

/**
 * Cells as the language thread has prepared them. One that says of itself that it `repeats` is kept here, and is there without a way to
 * that thread when it comes again, until something changes what a cell may mean.
 */
export class PreparedCells {
  /** The language thread, for whoever changes what it knows of the session: that is heeded here. */
  readonly changing: Pick<Language, 'commit' | 'reset' | 'setFolder'>;
  readonly #language: Language;
  readonly #kept = new Map<string, PreparedCell>();
  #changes = 0;

  constructor(language: Language) {
    this.#language = language;
    this.changing = {
      commit: (id) => this.#forget(language.commit(id)),
      reset: () => this.#forget(language.reset()),
      setFolder: (path) => this.#forget(language.setFolder(path)),
    };
  }

  /** What is known of a cell already. */
  find(code: string, level: CheckLevel): PreparedCell | undefined {
    return this.#kept.get(`${level}\n${code}`);
  }

  async prepare(id: number, code: string, level: CheckLevel): Promise<PreparedCell> {
    const before = this.#changes;
    const prepared = await this.#language.prepare({ id, code, level });
    if (prepared.repeats && before === this.#changes) {
      if (this.#kept.size === limit) this.#kept.delete(this.#kept.keys().next().value!);
      this.#kept.set(`${level}\n${code}`, prepared);
    }
    return prepared;
  }

  #forget(change: Promise<void>): Promise<void> {
    this.#changes++;
    this.#kept.clear();
    return change;
  }
}
