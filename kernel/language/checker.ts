import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type __String, unescapeLeadingUnderscores } from 'typescript/unstable/ast';
import {
  CompletionItemKind,
  DiagnosticCategory,
  NodeBuilderFlags,
  SymbolFlags,
  type Diagnostic as TsDiagnostic,
} from 'typescript/unstable/sync';
import type { CheckLevel, Completion, Diagnostic } from '../interfaces.ts';
import { npmCacheFolder, npmSpecifiers, parseNpmSpecifier, typesOf } from '../npm/cache.ts';
import { allCells, CellFiles, type Spelled } from './cellFiles.ts';
import { type Call, Compiler, type FileChanges } from './compiler.ts';
import { type CompilerTypes, compilerTypes, isInnerModule } from './compilerTypes.ts';
import type { CellSyntax, Declaration } from './declarations.ts';
import { freePlace } from './freePlace.ts';
import { ambientDeclarations, sessionNames } from './globals.ts';
import { LocalFiles, namesFiles } from './localFiles.ts';
import { type Meant, type Offer, Offers } from './offers.ts';
import { Recent } from './recent.ts';
import { keywordNames, namesAround, type ScopeName } from './scopeNames.ts';
import { scratchFolder } from './scratchFolder.ts';
import { isWithinString, typedBefore } from './typed.ts';

/** How many texts' errors are remembered. */
const rememberedChecks = 64;

/** Of how many completions the type is told: each costs the compiler's process a question. */
const signed = 12;

/** Cells that use one another, run again and again, make chains; one that is longer starts anew with its types spelled out. */
const longestChain = 24;

/** How long a list of completions may be of which all types are looked up before they are asked for. */
const foreseen = 64;

/** How many places' completions and explanations are remembered. */
const rememberedPlaces = 32;

const anyMeaning = SymbolFlags.Value | SymbolFlags.Type | SymbolFlags.Namespace | SymbolFlags.Alias;

/** What a name is, for a hover. */
export interface Explained {
  name: string;
  type: string;
  documentation: string;
}

/** The part of the compiler's completions that is used. */
interface CompletionInfoResponse {
  entries: { name: string; kind?: CompletionItemKind; sortText?: string; symbol?: Meant }[];
}

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
 * TypeScript 7 over a folder of its own: one module a cell, each naming what it uses of the latest cell that declared it, so that a
 * name may be declared again with another type (`cellFiles.ts`). The cells are real files in a temporary folder, because each callback of a virtual
 * file system costs a round trip to the compiler's process; links to `node_modules` put the notebook's packages before gradbook's own.
 */
export class Checker {
  #folder: string;
  readonly #base: string;
  #compiler: Compiler;
  #level: CheckLevel = 'error';
  readonly #cells: CellFiles;
  /** The text that is only looked at. */
  #shown = '';
  /** The declaration files of `npm:` packages, by what a cell writes to import them. */
  readonly #installed = new Map<string, string>();
  /** What was found in texts that were checked since the last change of anything else. */
  readonly #checked = new Recent<Diagnostic[]>(rememberedChecks);
  /** What was offered and explained since then. */
  readonly #offers = new Recent<Offers>(rememberedPlaces);
  readonly #explained = new Recent<{ found: Explained | null }>(rememberedPlaces);
  readonly #localFiles = new LocalFiles();
  readonly #types: CompilerTypes;
  #builtIns: readonly ScopeName[] | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#base = scratchFolder();
    symlinkSync(ownModules, join(this.#base, 'node_modules'), 'junction');
    mkdirSync(dirname(this.#current), { recursive: true });
    this.#cells = new CellFiles(dirname(this.#current));
    this.#types = compilerTypes(ownRoot, ownModules, dirname(this.#current));
    this.#compiler = this.#open();
    // The first check reads what all cells have in common: before there is a cell, if there is time.
    this.check('', []);
    setTimeout(() => this.#builtIn(), 1000).unref();
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

  #open(): Compiler {
    this.#linkModules();
    this.#builtIns = null;
    this.#shown = '';
    this.#localFiles.clear();
    this.#changed();
    writeFileSync(this.#path('ambient.d.ts'), ambientDeclarations);
    writeFileSync(this.#current, this.#cells.text('', [], 'mentioned').text);
    writeFileSync(this.#config, this.#configText());
    return new Compiler(this.#base, this.#config);
  }

  #linkModules(): void {
    const modules = findUp(this.#folder, 'node_modules');
    const link = this.#path('node_modules');
    rmSync(link, { force: true });
    if (modules) symlinkSync(join(modules, 'node_modules'), link, 'junction');
  }

  #configText(): string {
    return JSON.stringify({
      compilerOptions: {
        target: 'es2024',
        // Also `import x = require('y')`.
        module: 'preserve',
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

  /** Has the compiler read again what the user has edited. */
  #refresh(): void {
    const changes = this.#localFiles.changes();
    if (!changes) return;
    this.#changed();
    this.#compiler.update(changes);
  }

  /** Something that any cell may depend on is another now. */
  #changed(): void {
    this.#checked.clear();
    this.#offers.clear();
    this.#explained.clear();
  }

  /** Asks about the program after `changes`, if there are any. */
  #ask(changes: FileChanges | undefined, calls: readonly Call[], meanwhile?: () => void): unknown[] {
    return changes ? this.#compiler.update(changes, calls, meanwhile) : this.#compiler.ask(calls, meanwhile);
  }

  setLevel(level: CheckLevel): void {
    const strictness = (value: CheckLevel): boolean => value === 'strict';
    const changes = strictness(level) !== strictness(this.#level);
    this.#level = level;
    if (!changes) return;
    this.#configure();
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
    if (this.#installed.size > before) this.#configure();
  }

  #configure(): void {
    this.#changed();
    writeFileSync(this.#config, this.#configText());
    this.#compiler.update({ changed: [this.#config] });
  }

  /** Writes a text that is only looked at; says what the compiler has to be told. */
  #show({ text }: { text: string }): FileChanges | undefined {
    if (text === this.#shown) return undefined;
    writeFileSync(this.#current, text);
    this.#shown = text;
    return { changed: [this.#current] };
  }

  /** The type errors of a cell, in its own positions. `meanwhile` runs while the compiler's process looks for them. */
  check(code: string, own: readonly Declaration[], meanwhile: () => void = () => {}): Diagnostic[] {
    this.#refresh();
    const { text } = this.#cells.text(code, own, 'mentioned');
    const known = this.#checked.get(text);
    if (known) {
      meanwhile();
      return known;
    }
    const { path, shift, changes } = this.#draft(code, own);
    // The parser of the transform has seen to the syntax already.
    const calls: Call[] = [{ method: 'getSemanticDiagnostics', params: { file: path } }];
    const imports = namesFiles(code);
    if (imports) calls.push({ method: 'getSourceFileNames', params: {} });
    const [answer, files] = this.#ask(changes, calls, meanwhile) as [
      readonly TsDiagnostic[] | null,
      string[],
    ];
    if (imports) this.#watch(code, files);
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
    this.#checked.set(text, found);
    return found;
  }

  #watch(code: string, files: readonly string[]): void {
    const isOwn = (path: string): boolean => path.startsWith(this.#base) || path.includes('/node_modules/');
    this.#localFiles.watch(files.filter((path) => !isOwn(path)));
    this.#localFiles.expect(code, this.#folder);
  }

  /** Makes what a cell declares visible to later cells. */
  commit(code: string, own: readonly Declaration[]): void {
    if (own.length === 0) return;
    const spelled = this.#cells.depth(code, own) > longestChain ? this.#spelledTypes(code, own) : undefined;
    const { changes } = this.#draft(code, own, spelled);
    if (changes) this.#compiler.update(changes);
    this.#cells.keep(code, own, spelled);
    this.#changed();
  }

  /** Writes a cell as it will be for later ones; `changes` are for the compiler. */
  #draft(
    code: string,
    own: readonly Declaration[],
    spelled?: Spelled,
  ): { path: string; shift: number; changes?: FileChanges } {
    if (this.#cells.isFull) this.#compiler.update(this.#cells.grow());
    const { path, shift, changed } = this.#cells.draft(code, own, spelled);
    // By itself: two files that change at once make the compiler build the program anew.
    return { path, shift, changes: changed ? { changed: [path] } : undefined };
  }

  /** The types of the names that a cell uses, as text; `any` where the text means nothing by itself. */
  #spelledTypes(code: string, own: readonly Declaration[]): Spelled {
    const names = this.#cells.mentioned(code, own);
    const shown = this.#cells.text(code, own, 'mentioned');
    const symbols = this.#ask(
      this.#show(shown),
      names.map((name) => ({
        method: 'resolveName',
        params: { name, meaning: anyMeaning, file: this.#current, position: shown.shift },
      })),
    ) as (Meant | null)[];
    const types = this.#signatures(
      symbols.map((symbol) => symbol ?? undefined),
      NodeBuilderFlags.NoTruncation,
    );
    const spelled = new Map<string, string>();
    for (const [i, name] of names.entries()) {
      const type = types[i] || 'any';
      const wrong = this.#ask(
        this.#show({ text: `export {}; let ${name}: ${type};` }),
        ['getSyntacticDiagnostics', 'getSemanticDiagnostics'].map((method) => ({
          method,
          params: { file: this.#current },
        })),
      ) as (readonly unknown[] | null)[];
      spelled.set(name, wrong.some((found) => found && found.length > 0) ? 'any' : type);
    }
    this.#ask(this.#show(this.#cells.text('', [], 'mentioned')), []);
    return spelled;
  }

  complete(code: string, syntax: CellSyntax, cursor: number): Completion[] {
    this.#refresh();
    const typed = typedBefore(code, cursor);
    const keys = this.#completionKeys(code, syntax, cursor, typed);
    let offers = keys.map((key) => this.#offers.get(key)).find((known) => !!known);
    if (!offers || !this.#canExplain(offers, this.#shownFirst(offers, typed))) {
      offers = this.#offersAt(code, syntax.declarations, cursor);
      for (const key of keys) this.#offers.set(key, offers);
    }
    this.#explain(offers, this.#shownFirst(offers, typed));
    this.#foresee(offers);
    const { signatures } = offers;
    return offers.fitting(typed).map((offer) => ({
      text: offer.name,
      type: offer.type,
      signature: signatures.get(offer),
    }));
  }

  /** By what the offers at a place are remembered: neither holds what is typed of the name, the second not even the cell around it. */
  #completionKeys(code: string, syntax: CellSyntax, cursor: number, typed: string): string[] {
    const start = cursor - typed.length;
    const end = cursor + /^[\p{ID_Continue}$]*/u.exec(code.slice(cursor))![0].length;
    const name = code.slice(start, end);
    const isDeclared = syntax.declarations.some((declaration) => declaration.name === name);
    if (isWithinString(code, cursor) || isDeclared || keywordNames.some((keyword) => keyword.name === name))
      return [];
    const keys = [`${code.slice(0, start)}\0${name === '' ? '' : 'name'}\0${code.slice(end)}`];
    const free = freePlace(code, syntax, start, end);
    if (free?.includes('.')) keys.push(free.slice(0, free.lastIndexOf('.')));
    return keys;
  }

  /** Whose types are told. */
  #shownFirst(offers: Offers, typed: string): Offer[] {
    return offers
      .fitting(typed)
      .slice(0, signed)
      .filter(({ type, symbol }) => symbol || type !== 'keyword');
  }

  /** Whether the types are known, or their program is there still to be asked. */
  #canExplain(offers: Offers, wanted: readonly Offer[]): boolean {
    return offers.program === this.#compiler.program || wanted.every((offer) => offers.signatures.has(offer));
  }

  #explain({ signatures, place }: Offers, wanted: readonly Offer[]): void {
    const unknown = wanted.filter((offer) => !signatures.has(offer));
    if (unknown.length === 0) return;
    const named = unknown.filter(({ symbol }) => !symbol);
    const found = this.#compiler.ask(
      named.map(({ name }) => ({
        method: 'resolveName',
        params: { name, meaning: anyMeaning, file: this.#current, position: place },
      })),
    ) as (Meant | null)[];
    const symbols = unknown.map(({ symbol }) => symbol ?? found.shift() ?? undefined);
    const texts = this.#signatures(symbols);
    for (const [i, offer] of unknown.entries()) signatures.set(offer, texts[i]);
  }

  /** Looks up the other types of a short list when there is time: the next letter needs some of them. */
  #foresee(offers: Offers): void {
    if (offers.all.length > foreseen) return;
    setImmediate(() => {
      if (offers.program === this.#compiler.program) this.#explain(offers, offers.all);
    });
  }

  #offersAt(code: string, own: readonly Declaration[], cursor: number): Offers {
    // Before this cell is shown, for it shows another.
    const builtIn = this.#builtIn();
    const shown = this.#cells.text(code, own, 'all');
    const place = shown.shift + cursor;
    const info = this.#completions(this.#show(shown), place);
    const all = info
      ? info.entries
          .filter(({ name }) => !isInnerModule(name))
          .sort((a, b) => (a.sortText ?? '').localeCompare(b.sortText ?? '') || a.name.localeCompare(b.name))
          .map(({ name, kind, symbol }) => ({
            name,
            type: kind === undefined ? '<unknown>' : (CompletionItemKind[kind] ?? '<unknown>').toLowerCase(),
            symbol,
          }))
      : this.#namesAt(place, builtIn);
    return new Offers(all, this.#compiler.program, place);
  }

  /** The compiler's completions; undefined for a plain name, which it cannot complete without a registry of imports. */
  #completions(changes: FileChanges | undefined, position: number): CompletionInfoResponse | undefined {
    const params = { file: this.#current, position, includeSymbol: true };
    try {
      const [answer] = this.#ask(changes, [{ method: 'getCompletionsAtPosition', params }]);
      return (answer as CompletionInfoResponse | null) ?? undefined;
    } catch (error) {
      if (!/auto imports/.test((error as Error).message)) throw error;
      return undefined;
    }
  }

  /** Plain names at `place`: what the scopes around it declare, what earlier cells left, the globals and the keywords. */
  #namesAt(place: number, builtIn: readonly ScopeName[]): Offer[] {
    const file = this.#compiler.project.program.getSourceFile(this.#current);
    const found = new Map<string, string>();
    const offer = ({ name, type }: ScopeName): void => {
      if (!found.has(name)) found.set(name, type);
    };
    for (const { name, declaration } of this.#cells.names) offer({ name, type: declaration.kind });
    for (const name of file ? namesAround(file, place) : []) if (name.name !== allCells) offer(name);
    const near = found.size;
    for (const name of this.#types.names) offer({ name, type: /^[A-Z]/.test(name) ? 'class' : 'function' });
    for (const name of builtIn) offer(name);
    const names = [...found.keys()];
    const sorted = [...names.slice(0, near).sort(), ...names.slice(near).sort()];
    return sorted.map((name) => ({ name, type: found.get(name)! }));
  }

  /** JavaScript's and Node's globals, and the keywords. */
  #builtIn(): readonly ScopeName[] {
    if (this.#builtIns) return this.#builtIns;
    const code = 'globalThis.';
    const shown = this.#cells.text(code, [], 'mentioned');
    const entries = this.#completions(this.#show(shown), shown.shift + code.length)?.entries ?? [];
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
  #signatures(symbols: readonly (Meant | undefined)[], flags?: number): (string | undefined)[] {
    const ask = (calls: readonly Call[]): unknown[] => this.#compiler.ask(calls);
    const aliases = symbols.filter((symbol) => symbol && symbol.flags & SymbolFlags.Alias) as Meant[];
    const targets = ask(aliases.map(({ id }) => ({ method: 'getAliasedSymbol', params: { symbol: id } })));
    const meant = symbols.map((symbol) =>
      symbol && symbol.flags & SymbolFlags.Alias ? (targets.shift() as Meant | null) : symbol,
    );
    const types = ask(
      meant
        .filter((symbol) => !!symbol)
        .map((symbol) => ({ method: typeMethod(symbol), params: { symbol: symbol.id } })),
    ) as ({ id: number } | null)[];
    const texts = ask(
      types
        .filter((type) => !!type)
        .map(({ id }) => ({ method: 'typeToString', params: { type: id, flags } })),
    ) as string[];
    return meant.map((symbol) => (symbol && types.shift() ? texts.shift() : undefined));
  }

  /** Type and documentation of the name at `cursor`. */
  inspect(code: string, syntax: CellSyntax, cursor: number): Explained | null {
    this.#refresh();
    const start = cursor - /[\p{ID_Continue}$]*$/u.exec(code.slice(0, cursor))![0].length;
    const end = cursor + /^[\p{ID_Continue}$]*/u.exec(code.slice(cursor))![0].length;
    const key = freePlace(code, syntax, start, end) ?? `${start} ${code}`;
    const known = this.#explained.get(key);
    if (known) return known.found;
    const found = this.#explainedAt(code, syntax.declarations, cursor);
    this.#explained.set(key, { found });
    return found;
  }

  #explainedAt(code: string, own: readonly Declaration[], cursor: number): Explained | null {
    const shown = this.#cells.text(code, own, 'all');
    const params = { file: this.#current, position: shown.shift + cursor };
    const [named, typed] = this.#ask(this.#show(shown), [
      { method: 'getSymbolAtPosition', params },
      { method: 'getTypeAtPosition', params },
    ]) as [(Meant & { name: __String }) | null, { id: number } | null];
    if (!named) return null;
    const ask = (method: string, params: object): unknown => this.#compiler.ask([{ method, params }])[0];
    const symbol =
      named.flags & SymbolFlags.Alias
        ? (ask('getAliasedSymbol', { symbol: named.id }) as typeof named)
        : named;
    const type = typed ?? (ask('getTypeOfSymbol', { symbol: symbol.id }) as typeof typed);
    const [documentation, text] = this.#compiler.ask([
      { method: 'getDocumentationComment', params: { symbol: symbol.id } },
      ...(type ? [{ method: 'typeToString', params: { type: type.id } }] : []),
    ]) as [string, string | undefined];
    return { name: unescapeLeadingUnderscores(symbol.name), type: text ?? 'unknown', documentation };
  }

  names(): { name: string; kind: string; type: string }[] {
    return this.#cells.names.map(({ name, declaration }) => ({ name, kind: declaration.kind, type: '' }));
  }

  /** The cells so far keep their types. */
  setFolder(folder: string): void {
    this.#compiler.close();
    this.#folder = folder;
    this.#compiler = this.#open();
  }

  reset(): void {
    this.#compiler.close();
    this.#cells.clear();
    this.#compiler = this.#open();
  }

  /** Packages have come, gone or changed. */
  invalidatePackages(): void {
    this.#linkModules();
    this.#changed();
    this.#compiler.update({ invalidateAll: true });
  }

  close(): void {
    this.#compiler.close();
    rmSync(this.#base, { recursive: true, force: true });
  }
}

/** What to ask for the type of a symbol. */
const typeMethod = ({ flags }: Meant): string =>
  flags & SymbolFlags.Value ? 'getTypeOfSymbol' : 'getDeclaredTypeOfSymbol';

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
