/** Values by text, the latest of them: what was found once need not be looked for again while nothing it depends on has changed. */
export class Recent<T> {
  readonly #limit: number;
  readonly #values = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.#values.delete(key);
    if (this.#values.size === this.#limit) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
  }

  clear(): void {
    this.#values.clear();
  }
}
