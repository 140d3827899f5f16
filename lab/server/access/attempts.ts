const window = 60_000;
const allowed = 10;

/** Counts wrong passwords: whoever guesses gets ten tries a minute, from wherever they come. */
export class Attempts {
  #failures: number[] = [];
  #underWay = 0;

  /** Seconds until the next try; 0 when there may be one now. */
  wait(now = Date.now()): number {
    this.#failures = this.#failures.filter((time) => now - time < window);
    // Tries that are still being answered count, or a thousand at once would all pass.
    if (this.#failures.length + this.#underWay < allowed) return 0;
    return Math.max(1, Math.ceil(((this.#failures[0] ?? now) + window - now) / 1000));
  }

  /** One try, which is remembered where it fails. */
  async try(passes: () => Promise<boolean>): Promise<boolean> {
    this.#underWay++;
    try {
      const good = await passes();
      if (!good) this.#failures.push(Date.now());
      return good;
    } finally {
      this.#underWay--;
    }
  }
}
