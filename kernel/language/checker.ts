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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  API,
  type CompletionInfo,
  CompletionItemKind,
  DiagnosticCategory,
  NodeBuilderFlags,
  type Project,
  type Snapshot,
  SymbolFlags,
  type Diagnostic as TsDiagnostic,
  type Symbol as TsSymbol,
} from 'typescript/unstable/sync';
import type { CheckLevel, Completion, Diagnostic } from '../interfaces.ts';
import { npmCacheFolder, npmSpecifiers, parseNpmSpecifier, typesOf } from '../npm/cache.ts';
import { allCells, CellFiles, type Spelled } from './cellFiles.ts';
import { type CompilerTypes, compilerTypes, isInnerModule } from './compilerTypes.ts';
import type { Declaration } from './declarations.ts';
import { flight } from './flight.ts';
import { ambientDeclarations, sessionNames } from './globals.ts';
import { keywordNames, namesAround, type ScopeName } from './scopeNames.ts';
import { typedBefore } from './typed.ts';

/** How many texts' errors are remembered. */
const rememberedChecks = 64;

/** Of how many completions the type is told: each costs the compiler's process a question. */
const signed = 12;

/** Cells that use one another, run again and again, make chains; one that is longer starts anew with its types spelled out. */
const longestChain = 24;

/** A symbol, as the compiler names it. */
type Meant = Pick<TsSymbol, 'id' | 'flags'>;

const anyMeaning = SymbolFlags.Value | SymbolFlags.Type | SymbolFlags.Namespace | SymbolFlags.Alias;

/** The folder of gradbook's own package.json. */
const ownRoot = findUp(dirname(fileURLToPath(import.meta.url)), 'package.json') ?? process.cwd();
/** The `node_modules` that holds gradbook's dependencies. */
const ownModules = dirname(dirname(createRequire(import.meta.url).resolve('typescript/package.json')));

/** A folder for the compiler's files, in memory where the system has that: writing one to a disk takes as long as checking it. */
function scratchFolder(): string {
  for (const place of ['/dev/shm', tmpdir()])
    try {
      return realpathSync(mkdtempSync(join(place, 'gradbook-types-')));
    } catch {
      // The next one.
    }
  throw new Error(`no folder for temporary files can be made in ${tmpdir()}`);
}

/** The nearest folder, from `folder` upwards, that contains `name`. */
function findUp(folder: string, name: string): string | null {
  if (existsSync(join(folder, name))) return folder;
  const above = dirname(folder);
  return above === folder ? null : findUp(above, name);
}

/**
 * TypeScript 7 over a folder of its own: one module a cell, each naming what it uses of the latest cell that declared it, so that a
 * name may be declared again with another type (`cellFiles.ts`). The cells are real files in a temporary folder, because each callback of a virtual
 * file system costs a round trip to the compiler's process; links to `node_modules` put the notebook's packages before gradbook's own.
 */
export class Checker {
  #folder: string;
  readonly #base: string;
  #api: API;
  #snapshot: Snapshot;
  #project: Project;
  #level: CheckLevel = 'error';
  readonly #cells: CellFiles;
  /** The declaration files of `npm:` packages, by what a cell writes to import them. */
  readonly #installed = new Map<string, string>();
  /** What was found in texts that were checked since the last change of anything else. */
  readonly #checked = new Map<string, Diagnostic[]>();
  readonly #types: CompilerTypes;
  #builtIns: readonly ScopeName[] | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#base = scratchFolder();
    symlinkSync(ownModules, join(this.#base, 'node_modules'), 'junction');
    mkdirSync(dirname(this.#current), { recursive: true });
    this.#cells = new CellFiles(dirname(this.#current));
    this.#types = compilerTypes(ownRoot, ownModules, dirname(this.#current));
    [this.#api, this.#snapshot, this.#project] = this.#open();
    // The first check reads what all cells have in common: before there is a cell, if there is time.
    this.check('', []);
    setTimeout(() => this.#builtIn(), 1000).unref();
  }

  /** Which program a call to the compiler is about. */
  get #place(): { snapshot: number; project: string } {
    return { snapshot: this.#snapshot.id, project: this.#project.id };
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
    writeFileSync(this.#path('ambient.d.ts'), ambientDeclarations);
    writeFileSync(this.#current, this.#cells.text('', [], 'mentioned').text);
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
        ...this.#types.options,
        paths: {
          ...this.#types.options.paths,
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
      files: [this.#current, this.#path('ambient.d.ts'), ...this.#types.files],
    });
  }

  #projectOf(snapshot: Snapshot): Project {
    const project = snapshot.getProject(this.#config);
    if (!project) throw new Error(`the TypeScript project of ${this.#folder} did not open`);
    return project;
  }

  #update(changes: { changed?: string[]; created?: string[] }): void {
    const last = this.#snapshot;
    this.#snapshot = this.#api.updateSnapshot({ fileChanges: changes });
    this.#project = this.#projectOf(this.#snapshot);
    // Whoever waits for an answer does not wait for this.
    setImmediate(() => last.dispose());
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

  #show(code: string, own: readonly Declaration[], visible: 'mentioned' | 'all' = 'mentioned'): number {
    const { text, shift } = this.#cells.text(code, own, visible);
    writeFileSync(this.#current, text);
    this.#update({ changed: [this.#current] });
    return shift;
  }

  /** The type errors of a cell, in its own positions. `meanwhile` runs while the compiler's process looks for them. */
  check(code: string, own: readonly Declaration[], meanwhile: () => void = () => {}): Diagnostic[] {
    const { text } = this.#cells.text(code, own, 'mentioned');
    const known = this.#checked.get(text);
    if (known) {
      meanwhile();
      return known;
    }
    const { path, shift } = this.#draft(code, own);
    // The parser of the transform has seen to the syntax already.
    const call = { method: 'getSemanticDiagnostics', params: { ...this.#place, file: path } };
    const [answer] = flight(this.#api, [call], meanwhile) as [readonly TsDiagnostic[] | null];
    const found = (answer ?? [])
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
    const spelled = this.#cells.depth(code, own) > longestChain ? this.#spelledTypes(code, own) : undefined;
    this.#draft(code, own, spelled);
    this.#cells.keep(code, own, spelled);
    this.#checked.clear();
  }

  /** Shows the compiler a cell as it will be for later ones. */
  #draft(code: string, own: readonly Declaration[], spelled?: Spelled): { path: string; shift: number } {
    if (this.#cells.isFull) this.#update(this.#cells.grow());
    const { path, shift, changed } = this.#cells.draft(code, own, spelled);
    // By itself: two files that change at once make the compiler build the program anew.
    if (changed) this.#update({ changed: [path] });
    return { path, shift };
  }

  /** The types of the names that a cell uses, as text; `any` where the text means nothing by itself. */
  #spelledTypes(code: string, own: readonly Declaration[]): Spelled {
    const { text, shift } = this.#cells.text(code, own, 'mentioned');
    writeFileSync(this.#current, text);
    this.#update({ changed: [this.#current] });
    const { checker } = this.#project;
    const spelled = new Map<string, string>();
    for (const name of this.#cells.mentioned(code, own)) {
      const symbol = checker.resolveName(name, anyMeaning, { document: this.#current, position: shift });
      spelled.set(name, (symbol && this.#signature(symbol, NodeBuilderFlags.NoTruncation)) || 'any');
    }
    for (const [name, type] of spelled) {
      const probe = `export {}; let ${name}: ${type};`;
      writeFileSync(this.#current, probe);
      this.#update({ changed: [this.#current] });
      const { program } = this.#project;
      const wrong =
        program.getSyntacticDiagnostics(this.#current).length +
        program.getSemanticDiagnostics(this.#current).length;
      if (wrong > 0) spelled.set(name, 'any');
    }
    this.#show('', []);
    return spelled;
  }

  complete(code: string, own: readonly Declaration[], cursor: number): Completion[] {
    const wanted = typedBefore(code, cursor).toLowerCase();
    this.#builtIn();
    const place = this.#show(code, own, 'all') + cursor;
    const info = this.#completions(place);
    if (!info) return this.#scopeCompletions(place, wanted);
    const entries = info.entries
      .filter(({ name }) => name.toLowerCase().startsWith(wanted) && !isInnerModule(name))
      .sort((a, b) => (a.sortText ?? '').localeCompare(b.sortText ?? '') || a.name.localeCompare(b.name))
      .slice(0, 500);
    const signatures = this.#signatures(entries.slice(0, signed).map(({ symbol }) => symbol));
    return entries.map(({ name, kind }, i) => ({
      text: name,
      type: kind === undefined ? '<unknown>' : (CompletionItemKind[kind] ?? '<unknown>').toLowerCase(),
      signature: signatures[i],
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
    const { program } = this.#project;
    const file = program.getSourceFile(this.#current);
    const found = new Map<string, string>();
    const offer = ({ name, type }: ScopeName): void => {
      if (name.toLowerCase().startsWith(wanted) && !found.has(name)) found.set(name, type);
    };
    for (const { name, declaration } of this.#cells.names) offer({ name, type: declaration.kind });
    for (const name of file ? namesAround(file, place) : []) if (name.name !== allCells) offer(name);
    const near = found.size;
    for (const name of this.#types.names) offer({ name, type: /^[A-Z]/.test(name) ? 'class' : 'function' });
    for (const name of this.#builtIn()) offer(name);
    const names = [...found.keys()];
    const sorted = [...names.slice(0, near).sort(), ...names.slice(near).sort()].slice(0, 500);
    const explained = sorted.slice(0, signed).filter((name) => found.get(name) !== 'keyword');
    const symbols = flight(
      this.#api,
      explained.map((name) => ({
        method: 'resolveName',
        params: { ...this.#place, name, meaning: anyMeaning, file: this.#current, position: place },
      })),
    ) as (Meant | null)[];
    const signatures = this.#signatures(symbols.map((symbol) => symbol ?? undefined));
    return sorted.map((name) => ({
      text: name,
      type: found.get(name)!,
      signature: signatures[explained.indexOf(name)],
    }));
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

  /** The types of symbols, as text: asked for together, in three flights. */
  #signatures(symbols: readonly (Meant | undefined)[]): (string | undefined)[] {
    const ask = (calls: { method: string; params: object }[]): unknown[] =>
      flight(
        this.#api,
        calls.map(({ method, params }) => ({ method, params: { ...this.#place, ...params } })),
      );
    const aliases = symbols.filter((symbol) => symbol && symbol.flags & SymbolFlags.Alias) as Meant[];
    const targets = ask(aliases.map(({ id }) => ({ method: 'getAliasedSymbol', params: { symbol: id } })));
    const meant = symbols.map((symbol) =>
      symbol && symbol.flags & SymbolFlags.Alias ? (targets.shift() as Meant | null) : symbol,
    );
    const types = ask(
      meant
        .filter((symbol) => !!symbol)
        .map(({ id, flags }) => ({
          method: flags & SymbolFlags.Value ? 'getTypeOfSymbol' : 'getDeclaredTypeOfSymbol',
          params: { symbol: id },
        })),
    ) as ({ id: number } | null)[];
    const texts = ask(
      types.filter((type) => !!type).map(({ id }) => ({ method: 'typeToString', params: { type: id } })),
    ) as string[];
    return meant.map((symbol) => (symbol && types.shift() ? texts.shift() : undefined));
  }

  #signature(symbol: TsSymbol, flags?: number): string | undefined {
    const { checker } = this.#project;
    const meant = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const type =
      meant.flags & SymbolFlags.Value
        ? checker.getTypeOfSymbol(meant)
        : checker.getDeclaredTypeOfSymbol(meant);
    return type && checker.typeToString(type, undefined, flags);
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
    return this.#cells.names.map(({ name, declaration }) => ({ name, kind: declaration.kind, type: '' }));
  }

  setFolder(folder: string): void {
    this.#api.close();
    this.#folder = folder;
    this.reset(false);
  }

  reset(close = true): void {
    if (close) this.#api.close();
    this.#cells.clear();
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
