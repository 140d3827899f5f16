import type {
  CheckLevel,
  CompletionResult,
  Diagnostic,
  Language,
  MimeBundle,
  PreparedCell,
} from '../interfaces.ts';
import { Checker, position } from './checker.ts';
import { type Declaration, readCell } from './declarations.ts';
import { LocalPackages } from './localPackages.ts';
import { lowerMagics, magicAt } from './magics.ts';
import { type Transformed, transformCell } from './transform.ts';
import { typedBefore } from './typed.ts';

interface Pending {
  code: string;
  declarations: readonly Declaration[];
  shares: readonly string[];
}

/** Code points before a UTF-16 offset, and back. */
const toCodePoints = (text: string, offset: number): number => [...text.slice(0, offset)].length;
const toUtf16 = (text: string, points: number): number => [...text].slice(0, points).join('').length;

/** What the language thread does: see `Language`. */
export class LanguageService implements Language {
  readonly #checker: Checker;
  /** Every top-level name that has a value at run time. */
  readonly #values = new Set<string>();
  /** Those of them that functions write. */
  readonly #shared = new Set<string>();
  readonly #pending = new Map<number, Pending>();

  readonly #packages: LocalPackages;
  #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#packages = new LocalPackages(folder);
    this.#checker = new Checker(folder);
  }

  async prepare(cell: { id: number; code: string; level: CheckLevel }): Promise<PreparedCell> {
    const code = lowerMagics(cell.code);
    const syntax = readCell(code);
    const failed = (errors: Diagnostic[]): PreparedCell => ({
      errors,
      warnings: [],
      declares: [],
      showsResult: false,
      repeats: false,
      localImports: [],
    });
    if (syntax.problems.length > 0)
      return failed(
        syntax.problems.map(({ message, start, end }) => ({
          ...position(code, start),
          length: Math.max(1, end - start),
          message,
          code: 'SyntaxError',
          category: 'error',
        })),
      );
    this.#checker.setLevel(cell.level);
    this.#checker.linkPackages(code);
    if (this.#packages.haveChanged(this.#folder, code)) this.#checker.invalidatePackages();
    let transformed!: Transformed;
    const transform = (): void => {
      transformed = transformCell(code, syntax, this.#values, this.#shared);
    };
    let found: Diagnostic[] = [];
    if (cell.level === 'off') transform();
    else found = this.#checker.check(code, syntax.declarations, transform);
    const stops = cell.level !== 'warn';
    if (stops && found.length > 0) return failed(found);
    const declares = syntax.declarations.filter((d) => d.kind !== 'type').map((d) => d.name);
    const { shares, ...javascript } = transformed;
    const repeats =
      syntax.declarations.length === 0 && shares.length === 0 && !/\b(?:import|require)\b/.test(code);
    if (!repeats) this.#pending.set(cell.id, { code, declarations: syntax.declarations, shares });
    return {
      ...javascript,
      errors: [],
      warnings: found.map((d) => ({ ...d, category: 'warning' })),
      declares,
      showsResult: syntax.showsResult,
      repeats,
      localImports: [...code.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)].map(
        ([, path]) => path,
      ),
    };
  }

  async commit(id: number): Promise<void> {
    const cell = this.#pending.get(id);
    if (!cell) return;
    this.#pending.delete(id);
    for (const { name, kind } of cell.declarations) if (kind !== 'type') this.#values.add(name);
    for (const name of cell.shares) this.#shared.add(name);
    this.#checker.commit(cell.code, cell.declarations);
  }

  async complete(code: string, cursor: number): Promise<CompletionResult> {
    const at = toUtf16(code, cursor);
    const magic = magicAt(code, at);
    if (magic) {
      const typed = code.slice(magic.start, at);
      const matches = Object.entries(magic.table)
        .filter(([name]) => name.startsWith(typed))
        .map(([text, signature]) => ({ text, type: 'magic', signature }));
      return { matches, cursorStart: toCodePoints(code, magic.start), cursorEnd: cursor };
    }
    const lowered = lowerMagics(code);
    const typed = typedBefore(code, at);
    const matches = this.#checker.complete(lowered, readCell(lowered), at);
    return { matches, cursorStart: toCodePoints(code, at - typed.length), cursorEnd: cursor };
  }

  async inspect(code: string, cursor: number, detail: 0 | 1): Promise<{ found: boolean; data: MimeBundle }> {
    const at = toUtf16(code, cursor);
    const end = at + /^\w*/.exec(code.slice(at))![0].length;
    const magic = magicAt(code, end);
    const help = magic?.table[code.slice(magic.start, end)];
    if (help) return { found: true, data: { 'text/plain': help, 'text/markdown': help } };
    const lowered = lowerMagics(code);
    const isName = (place: number): boolean => /[\p{ID_Continue}$]/u.test(lowered[place] ?? '');
    const place = isName(at) ? at : at - 1;
    const found =
      place >= 0 && isName(place) ? this.#checker.inspect(lowered, readCell(lowered), place) : null;
    if (!found) return { found: false, data: {} };
    const { name, type, documentation } = found;
    const signature = `${name}: ${type}`;
    const details = detail === 1 && documentation === '' ? 'No documentation.' : documentation;
    return {
      found: true,
      data: {
        'text/plain': [signature, details].filter(Boolean).join('\n\n'),
        'text/markdown': [`\`\`\`typescript\n${signature}\n\`\`\``, details].filter(Boolean).join('\n\n'),
      },
    };
  }

  async isComplete(
    code: string,
  ): Promise<{ status: 'complete' | 'incomplete' | 'invalid' | 'unknown'; indent?: string }> {
    const { problems } = readCell(lowerMagics(code));
    if (problems.length === 0) return { status: 'complete' };
    const text = code.trimEnd();
    const open = problems.some(
      ({ message, start }) =>
        start >= text.length || /unterminated|unexpected end|expected .* but found `?EOF/i.test(message),
    );
    if (!open) return { status: 'invalid' };
    const lastLine = text.slice(text.lastIndexOf('\n') + 1);
    const indent = /^\s*/.exec(lastLine)![0];
    return { status: 'incomplete', indent: /[{([]$/.test(lastLine) ? `${indent}  ` : indent };
  }

  async names(): Promise<{ name: string; kind: string; type: string }[]> {
    return this.#checker.names();
  }

  async reset(): Promise<void> {
    this.#values.clear();
    this.#shared.clear();
    this.#pending.clear();
    this.#checker.reset();
  }

  async setFolder(path: string): Promise<void> {
    this.#folder = path;
    this.#packages.setFolder(path);
    this.#checker.setFolder(path);
  }

  close(): void {
    this.#checker.close();
  }
}
