import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  API,
  type CompletionInfo,
  CompletionItemKind,
  DiagnosticCategory,
  type Project,
  type Snapshot,
  SymbolFlags,
  type Symbol as TsSymbol,
} from 'typescript/unstable/sync';
import type { CheckLevel, Completion, Diagnostic } from '../interfaces.ts';
import { npmCacheFolder, npmSpecifiers, parseNpmSpecifier, typesOf } from '../npm/cache.ts';
import type { Declaration } from './declarations.ts';
import { ambientDeclarations, globalDeclarations, sessionNames } from './globals.ts';
import { keywordNames, namesAround, type ScopeName } from './scopeNames.ts';
import { typedBefore } from './typed.ts';

/** A cell as later cells see it. */
interface CheckedCell {
  path: string;
  declarations: readonly Declaration[];
  /** The cells whose names it uses. */
  uses: readonly CheckedCell[];
}

/** How a cell's first line makes earlier names visible: those it mentions and an empty import for the others, those alone, or all. */
type Visible = 'padded' | 'mentioned' | 'all';

/** How many texts' errors are remembered. */
const rememberedChecks = 64;

/** The folder of gradbook's own package.json. */
const ownRoot = findUp(dirname(fileURLToPath(import.meta.url)), 'package.json') ?? process.cwd();
/** The `node_modules` that holds gradbook's dependencies. */
const ownModules = dirname(dirname(createRequire(import.meta.url).resolve('typescript/package.json')));

/** The nearest folder, from `folder` upwards, that contains `name`. */
function findUp(folder: string, name: string): string | null {
  if (existsSync(join(folder, name))) return folder;
  const above = dirname(folder);
  return above === folder ? null : findUp(above, name);
}

/**
 * TypeScript 7 over a folder of its own: one module a cell, each importing what it uses from the latest cell that declared it, so that a
 * name may be declared again with another type. The cells are real files in a temporary folder, because each callback of a virtual
 * file system costs a round trip to the compiler's process; links to `node_modules` put the notebook's packages before gradbook's own.
 */
export class Checker {
  #folder: string;
  readonly #base: string;
  #api: API;
  #snapshot: Snapshot;
  #project: Project;
  #level: CheckLevel = 'error';
  readonly #names = new Map<string, { cell: CheckedCell; declaration: Declaration }>();
  #serial = 0;
  /** Every cell that the latest names still need. */
  #cells = new Set<CheckedCell>();
  /** The declaration files of `npm:` packages, by what a cell writes to import them. */
  readonly #installed = new Map<string, string>();
  /** What was found in texts that were checked since the last change of anything else. */
  readonly #checked = new Map<string, Diagnostic[]>();
  readonly #globals = globalDeclarations(ownRoot);
  #builtIns: readonly ScopeName[] | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#base = realpathSync(mkdtempSync(join(tmpdir(), 'gradbook-types-')));
    symlinkSync(ownModules, join(this.#base, 'node_modules'), 'junction');
    mkdirSync(dirname(this.#current), { recursive: true });
    [this.#api, this.#snapshot, this.#project] = this.#open();
  }

  get #config(): string {
    return this.#path('tsconfig.json');
  }

  get #current(): string {
    return this.#path('current.tsx');
  }

  #path(name: string): string {
    return join(this.#base, 'cells', name);
  }

  #open(): [API, Snapshot, Project] {
    const modules = findUp(this.#folder, 'node_modules');
    const link = this.#path('node_modules');
    rmSync(link, { force: true });
    if (modules) symlinkSync(join(modules, 'node_modules'), link, 'junction');
    this.#builtIns = null;
    this.#checked.clear();
    writeFileSync(this.#path('globals.d.ts'), this.#globals.text);
    writeFileSync(this.#path('ambient.d.ts'), ambientDeclarations);
    writeFileSync(this.#current, 'export {}');
    writeFileSync(this.#config, this.#configText());
    const api = new API({ cwd: this.#base });
    const snapshot = api.updateSnapshot({ openProject: this.#config });
    return [api, snapshot, this.#projectOf(snapshot)];
  }

  #configText(): string {
    return JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        moduleDetection: 'force',
        lib: ['es2023', 'esnext.disposable'],
        types: ['node'],
        typeRoots: [join(ownModules, '@types')],
        paths: {
          gradbook: [join(ownRoot, 'dist/src/index.d.ts')],
          'gradbook/display': [join(ownRoot, 'dist/display/index.d.ts')],
          ...Object.fromEntries([...this.#installed].map(([specifier, file]) => [specifier, [file]])),
        },
        rootDirs: ['.', this.#folder],
        jsx: 'react',
        strict: true,
        strictNullChecks: this.#level === 'strict',
        noImplicitAny: this.#level === 'strict',
        experimentalDecorators: true,
        allowImportingTsExtensions: true,
        resolveJsonModule: true,
        esModuleInterop: true,
        allowJs: true,
        skipLibCheck: true,
        noEmit: true,
      },
      files: [this.#current, this.#path('globals.d.ts'), this.#path('ambient.d.ts')],
    });
  }

  #projectOf(snapshot: Snapshot): Project {
    const project = snapshot.getProject(this.#config);
    if (!project) throw new Error(`the TypeScript project of ${this.#folder} did not open`);
    return project;
  }

  #update(changes: { changed?: string[]; created?: string[] }): void {
    const next = this.#api.updateSnapshot({ fileChanges: changes });
    this.#snapshot.dispose();
    this.#snapshot = next;
    this.#project = this.#projectOf(next);
  }

  setLevel(level: CheckLevel): void {
    const strictness = (value: CheckLevel): boolean => value === 'strict';
    const changes = strictness(level) !== strictness(this.#level);
    this.#level = level;
    if (!changes) return;
    this.#checked.clear();
    writeFileSync(this.#config, this.#configText());
    this.#update({ changed: [this.#config] });
  }

  /** Gives the `npm:` packages that `code` imports and that are in the notebook's cache their own types. */
  linkPackages(code: string): void {
    const before = this.#installed.size;
    for (const specifier of npmSpecifiers(code)) {
      if (this.#installed.has(specifier)) continue;
      const modules = join(npmCacheFolder(this.#folder), 'node_modules');
      const types = typesOf(modules, parseNpmSpecifier(specifier));
      if (types) this.#installed.set(specifier, types);
    }
    if (this.#installed.size === before) return;
    this.#checked.clear();
    writeFileSync(this.#config, this.#configText());
    this.#update({ changed: [this.#config] });
  }

  /**
   * One line that makes the earlier names that `code` may use visible; `all` for completion. Padded, it has an empty import for each
   * that is not used: a cell whose imports are those of the cell before costs the compiler a tenth of one with others. A cell that is
   * kept has none of these, lest it keep every cell before it.
   */
  #header(code: string, own: readonly Declaration[], visible: Visible): string {
    const used = this.#used(code, own);
    const mine = new Set(own.map(({ name }) => name));
    const parts: string[] = [];
    for (const [name, { cell, declaration }] of this.#names) {
      const from = JSON.stringify(`./${basename(cell.path)}`);
      if (visible === 'all' ? mine.has(name) : !used.has(name)) {
        if (visible !== 'mentioned') parts.push(`import {} from ${from};`);
      } else if (declaration.kind === 'type') parts.push(`import type { ${name} } from ${from};`);
      else if (declaration.kind === 'variable' || declaration.kind === 'function')
        parts.push(`declare let ${name}: typeof import(${from}).${name};`);
      else parts.push(`import { ${name} } from ${from};`);
    }
    return parts.join(' ');
  }

  /** The earlier names that `code` mentions and does not declare. */
  #used(code: string, own: readonly Declaration[]): Set<string> {
    const used = new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? []);
    // JSX calls it without naming it.
    if (code.includes('<')) used.add('React');
    for (const { name } of own) used.delete(name);
    return used;
  }

  #text(code: string, own: readonly Declaration[], visible: Visible): { text: string; shift: number } {
    // The compiler minds these comments before the first statement alone.
    const factory = code.match(/@jsx(?:Frag)?\s+[\w$.]+/g)?.map((pragma) => `/** ${pragma} */ `) ?? [];
    const header = `${factory.join('')}${this.#header(code, own, visible)}\n`;
    const exported = own.filter((d) => !d.exported);
    const values = exported.filter((d) => d.kind !== 'type').map((d) => d.name);
    const types = exported.filter((d) => d.kind === 'type').map((d) => d.name);
    const footer = `\nexport { ${values.join(', ')} };${types.length > 0 ? ` export type { ${types.join(', ')} };` : ''}`;
    return { text: `${header}${code}${footer}`, shift: header.length };
  }

  #show(code: string, own: readonly Declaration[], visible: Visible = 'padded'): number {
    const { text, shift } = this.#text(code, own, visible);
    writeFileSync(this.#current, text);
    this.#update({ changed: [this.#current] });
    return shift;
  }

  /** The type errors of a cell, in its own positions. */
  check(code: string, own: readonly Declaration[]): Diagnostic[] {
    const { text } = this.#text(code, own, 'padded');
    const known = this.#checked.get(text);
    if (known) return known;
    const shift = this.#show(code, own);
    // The parser of the transform has seen to the syntax already.
    const found = this.#project.program
      .getSemanticDiagnostics(this.#current)
      .filter(
        (d) => d.category === DiagnosticCategory.Error && d.pos >= shift && d.pos - shift <= code.length,
      )
      .map((d) => ({
        ...position(code, d.pos - shift),
        length: Math.max(1, Math.min(d.end, shift + code.length) - d.pos),
        message: [d.text, ...(d.messageChain ?? []).map((m) => `  ${m.text}`)].join('\n'),
        code: d.code,
        category: 'error' as const,
      }));
    if (this.#checked.size === rememberedChecks) this.#checked.delete(this.#checked.keys().next().value!);
    this.#checked.set(text, found);
    return found;
  }

  /** Makes what a cell declares visible to later cells. */
  commit(code: string, own: readonly Declaration[]): void {
    if (own.length === 0) return;
    const path = this.#path(`cell-${++this.#serial}.tsx`);
    writeFileSync(path, this.#text(code, own, 'mentioned').text);
    const used = [...this.#used(code, own)].flatMap((name) => this.#names.get(name)?.cell ?? []);
    const cell: CheckedCell = { path, declarations: own, uses: [...new Set(used)] };
    for (const declaration of own) this.#names.set(declaration.name, { cell, declaration });
    this.#checked.clear();
    // The compiler takes the new cell in now, while nobody waits.
    this.#show('', []);
    this.#cells.add(cell);
    this.#forgetCells();
  }

  /** Removes the cells that no name needs any more, directly or through the types of another. */
  #forgetCells(): void {
    const needed = new Set([...this.#names.values()].map(({ cell }) => cell));
    for (const cell of needed) for (const used of cell.uses) needed.add(used);
    for (const cell of this.#cells) if (!needed.has(cell)) rmSync(cell.path, { force: true });
    this.#cells = needed;
  }

  complete(code: string, own: readonly Declaration[], cursor: number): Completion[] {
    const wanted = typedBefore(code, cursor).toLowerCase();
    this.#builtIn();
    const place = this.#show(code, own, 'all') + cursor;
    const info = this.#completions(place);
    if (!info) return this.#scopeCompletions(place, wanted);
    const entries = info.entries
      .filter(({ name }) => name.toLowerCase().startsWith(wanted))
      .sort((a, b) => (a.sortText ?? '').localeCompare(b.sortText ?? '') || a.name.localeCompare(b.name))
      .slice(0, 500);
    return entries.map(({ name, kind, symbol }, i) => ({
      text: name,
      type: kind === undefined ? '<unknown>' : (CompletionItemKind[kind] ?? '<unknown>').toLowerCase(),
      signature: symbol && i < 50 ? this.#signature(symbol) : undefined,
    }));
  }

  /** The compiler's completions; undefined for a plain name, which it cannot complete without a registry of imports. */
  #completions(place: number): CompletionInfo | undefined {
    try {
      return this.#project.checker.getCompletionsAtPosition(this.#current, place, { includeSymbol: true });
    } catch (error) {
      if (!/auto imports/.test((error as Error).message)) throw error;
      return undefined;
    }
  }

  /** A plain name at `place`: what the scopes around it declare, what earlier cells left, the globals and the keywords. */
  #scopeCompletions(place: number, wanted: string): Completion[] {
    const { checker, program } = this.#project;
    const file = program.getSourceFile(this.#current);
    const found = new Map<string, string>();
    const offer = ({ name, type }: ScopeName): void => {
      if (name.toLowerCase().startsWith(wanted) && !found.has(name)) found.set(name, type);
    };
    for (const [name, { declaration }] of this.#names) offer({ name, type: declaration.kind });
    for (const name of file ? namesAround(file, place) : []) offer(name);
    const near = found.size;
    for (const name of this.#globals.names) offer({ name, type: /^[A-Z]/.test(name) ? 'class' : 'function' });
    for (const name of this.#builtIn()) offer(name);
    const names = [...found.keys()];
    const sorted = [...names.slice(0, near).sort(), ...names.slice(near).sort()].slice(0, 500);
    const meaning = SymbolFlags.Value | SymbolFlags.Type | SymbolFlags.Namespace | SymbolFlags.Alias;
    return sorted.map((name, i) => {
      const type = found.get(name)!;
      if (i >= 20 || type === 'keyword') return { text: name, type };
      const symbol = checker.resolveName(name, meaning, { document: this.#current, position: place });
      return { text: name, type, signature: symbol && this.#signature(symbol) };
    });
  }

  /** JavaScript's and Node's globals, and the keywords. */
  #builtIn(): readonly ScopeName[] {
    if (this.#builtIns) return this.#builtIns;
    const code = 'globalThis.';
    const shift = this.#show(code, []);
    const entries = this.#completions(shift + code.length)?.entries ?? [];
    this.#builtIns = [
      ...entries.map(({ name, kind }) => ({
        name,
        type: kind === undefined ? 'variable' : (CompletionItemKind[kind] ?? 'variable').toLowerCase(),
      })),
      ...sessionNames.map((name) => ({ name, type: 'function' })),
      ...keywordNames,
    ];
    return this.#builtIns;
  }

  #signature(symbol: TsSymbol): string | undefined {
    const { checker } = this.#project;
    const meant = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const type =
      meant.flags & SymbolFlags.Value
        ? checker.getTypeOfSymbol(meant)
        : checker.getDeclaredTypeOfSymbol(meant);
    return type && checker.typeToString(type);
  }

  /** Type and documentation of the name at `cursor`. */
  inspect(
    code: string,
    own: readonly Declaration[],
    cursor: number,
  ): { type: string; documentation: string; name: string } | null {
    const shift = this.#show(code, own, 'all');
    const { checker } = this.#project;
    const named = checker.getSymbolAtPosition(this.#current, shift + cursor);
    if (!named) return null;
    const symbol = named.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(named) : named;
    const type = checker.getTypeAtPosition(this.#current, shift + cursor) ?? checker.getTypeOfSymbol(symbol);
    return {
      name: symbol.name,
      type: type ? checker.typeToString(type) : 'unknown',
      documentation: checker.getDocumentationCommentOfSymbol(symbol),
    };
  }

  names(): { name: string; kind: string; type: string }[] {
    return [...this.#names].map(([name, { declaration }]) => ({ name, kind: declaration.kind, type: '' }));
  }

  setFolder(folder: string): void {
    this.#api.close();
    this.#folder = folder;
    this.reset(false);
  }

  reset(close = true): void {
    if (close) this.#api.close();
    this.#names.clear();
    this.#forgetCells();
    [this.#api, this.#snapshot, this.#project] = this.#open();
  }

  invalidate(paths: string[]): void {
    this.#checked.clear();
    this.#update({ changed: paths });
  }

  close(): void {
    this.#api.close();
    rmSync(this.#base, { recursive: true, force: true });
  }
}

/** 1-based line, 0-based column and the line itself of an offset. */
export function position(code: string, offset: number): { line: number; column: number; source: string } {
  const start = code.lastIndexOf('\n', offset - 1) + 1;
  const end = code.indexOf('\n', offset);
  return {
    line: code.slice(0, start).split('\n').length,
    column: offset - start,
    source: code.slice(start, end < 0 ? undefined : end),
  };
}
