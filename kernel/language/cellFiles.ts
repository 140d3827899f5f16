import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Declaration } from './declarations.ts';

/** A cell as later cells see it. */
export interface CheckedCell {
  /** The number of its file. */
  slot: number;
  declarations: readonly Declaration[];
  /** The cells whose names it uses. */
  uses: readonly CheckedCell[];
  /** How many cells stand behind it, each using the next. */
  depth: number;
}

/** Types as text, for names that are declared by them instead of by a cell. */
export type Spelled = ReadonlyMap<string, string>;

/** A text for the compiler, and where the cell's own code starts in it. */
export interface CellText {
  text: string;
  shift: number;
}

/** How many files are there at first; more come by as many. */
const batch = 32;
/** What a cell sees the others through. */
export const allCells = '__cells';

/**
 * The cells that later ones need, each a module in a file of its own. A program whose imports have changed costs the compiler ten times
 * one whose text alone has. So the files are there before their cells, and each sees all of them through one import that never
 * changes: `import x = __cells.c3.x` is none, only a name for what is there.
 */
export class CellFiles {
  readonly #folder: string;
  readonly #names = new Map<string, { cell: CheckedCell; declaration: Declaration }>();
  #cells = new Set<CheckedCell>();
  #free: number[] = [];
  /** The text in the first free file. */
  #drafted = '';
  #count = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.grow();
  }

  /** Every name that a cell has left, and what it is. */
  get names(): { name: string; declaration: Declaration }[] {
    return [...this.#names].map(([name, { declaration }]) => ({ name, declaration }));
  }

  path(slot: number): string {
    return join(this.#folder, `c${slot}.tsx`);
  }

  get #index(): string {
    return join(this.#folder, 'cells.ts');
  }

  get isFull(): boolean {
    return this.#free.length === 0;
  }

  /** Adds empty files; gives the one that has changed and those that are new. */
  grow(): { changed: string[]; created: string[] } {
    const slots = Array.from({ length: batch }, (_, i) => this.#count + i);
    this.#count += batch;
    for (const slot of slots) writeFileSync(this.path(slot), this.text('', [], 'mentioned').text);
    this.#free.push(...slots);
    const exports = Array.from({ length: this.#count }, (_, i) => `export * as c${i} from './c${i}.tsx';\n`);
    writeFileSync(this.#index, exports.join(''));
    return { changed: [this.#index], created: slots.map((slot) => this.path(slot)) };
  }

  /** The cell that the compiler is to see: with the earlier names that it mentions, or with all of them, for completion. */
  text(code: string, own: readonly Declaration[], visible: 'mentioned' | 'all', spelled?: Spelled): CellText {
    // The compiler minds these comments before the first statement alone.
    const factory = code.match(/@jsx(?:Frag)?\s+[\w$.]+/g)?.map((pragma) => `/** ${pragma} */ `) ?? [];
    const names = visible === 'all' ? this.#others(own) : this.mentioned(code, own);
    const header = `${factory.join('')}${this.#header(names, spelled)}\n`;
    const exported = own.filter((d) => !d.exported);
    const values = exported.filter((d) => d.kind !== 'type').map((d) => d.name);
    const types = exported.filter((d) => d.kind === 'type').map((d) => d.name);
    const footer = `\nexport { ${values.join(', ')} };${types.length > 0 ? ` export type { ${types.join(', ')} };` : ''}`;
    return { text: `${header}${code}${footer}`, shift: header.length };
  }

  #header(names: Iterable<string>, spelled: Spelled = new Map()): string {
    const parts = [`import * as ${allCells} from './cells.ts';`];
    for (const name of names) {
      const { cell, declaration } = this.#names.get(name)!;
      const place = `${allCells}.c${cell.slot}.${name}`;
      const type = spelled.get(name);
      if (type !== undefined) parts.push(`declare let ${name}: ${type};`);
      else if (declaration.kind === 'variable' || declaration.kind === 'function')
        parts.push(`declare let ${name}: typeof ${place};`);
      else parts.push(`import ${name} = ${place};`);
    }
    return parts.join(' ');
  }

  #others(own: readonly Declaration[]): string[] {
    const mine = new Set(own.map(({ name }) => name));
    return [...this.#names.keys()].filter((name) => !mine.has(name));
  }

  /** The earlier names that `code` mentions and does not declare. */
  mentioned(code: string, own: readonly Declaration[]): string[] {
    const words = new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? []);
    // JSX calls it without naming it.
    if (code.includes('<')) words.add('React');
    for (const { name } of own) words.delete(name);
    return [...words].filter((name) => this.#names.has(name));
  }

  /** How long the longest chain of cells is that `code` stands at the end of. */
  depth(code: string, own: readonly Declaration[]): number {
    return 1 + Math.max(0, ...this.#uses(code, own).map(({ depth }) => depth));
  }

  #uses(code: string, own: readonly Declaration[]): CheckedCell[] {
    return [...new Set(this.mentioned(code, own).map((name) => this.#names.get(name)!.cell))];
  }

  /**
   * Writes a cell where it will stay if it is kept: the compiler then has it already. `spelled` are types of the names that it uses.
   * Says whether the file has changed.
   */
  draft(
    code: string,
    own: readonly Declaration[],
    spelled?: Spelled,
  ): { path: string; shift: number; changed: boolean } {
    const { text, shift } = this.text(code, own, 'mentioned', spelled);
    const path = this.path(this.#free[0]);
    const changed = text !== this.#drafted;
    if (changed) writeFileSync(path, text);
    this.#drafted = text;
    return { path, shift, changed };
  }

  /** Makes what the cell that was drafted last declares visible to later cells. With spelled types it needs no other cells. */
  keep(code: string, own: readonly Declaration[], spelled?: Spelled): void {
    const cell: CheckedCell = {
      slot: this.#free.shift()!,
      declarations: own,
      uses: spelled ? [] : this.#uses(code, own),
      depth: spelled ? 1 : this.depth(code, own),
    };
    this.#drafted = '';
    for (const declaration of own) this.#names.set(declaration.name, { cell, declaration });
    this.#cells.add(cell);
    this.#forgetCells();
  }

  /** Frees the files of the cells that no name needs any more, directly or through the types of another. */
  #forgetCells(): void {
    const needed = new Set([...this.#names.values()].map(({ cell }) => cell));
    for (const cell of needed) for (const used of cell.uses) needed.add(used);
    for (const cell of this.#cells) if (!needed.has(cell)) this.#free.push(cell.slot);
    this.#cells = needed;
  }

  /** Forgets every cell. */
  clear(): void {
    for (let slot = 0; slot < this.#count; slot++) rmSync(this.path(slot), { force: true });
    this.#names.clear();
    this.#cells.clear();
    this.#drafted = '';
    this.#free = [];
    this.#count = 0;
    this.grow();
  }
}
