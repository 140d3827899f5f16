import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What every cell has besides JavaScript and Node: `runtime/session.ts` puts the values there. */
const session = `
/** Asks the user for a line of text; blocks until it is there. */
function input(prompt?: string, options?: { password?: boolean }): string;
/** Asks for a line of text; the default when it is empty. */
function prompt(message?: string, defaultValue?: string): string | null;
/** Asks a yes-or-no question. */
function confirm(message?: string): boolean;
/** The sources of the cells, by number. */
const In: string[];
/** The results of the cells, by number. */
const Out: Record<number, unknown>;
/** The last result, the one before, and the one before that. */
const __magic: {
  line(name: string, args: string): Promise<void>;
  cell(name: string, args: string, body: string): Promise<void>;
  time<T>(body: () => Promise<T>): Promise<T>;
  timeit<T>(body: () => Promise<T>): Promise<void>;
};
const _: any;
const __: any;
const ___: any;
`;

/** The names of the functions and values above. */
export const sessionNames = [...session.matchAll(/^(?:function|const) (\w+)/gm)]
  .map(([, name]) => name)
  .filter((name) => !name.startsWith('_'));

/** Another file, because it must not be a module: packages that are not installed yet have no types. */
export const ambientDeclarations = "declare module 'npm:*';\n";

/** The parts of JavaScript's own library that cells have. */
export const libraries: readonly string[] = ['es2023', 'esnext.disposable'];

/** The declaration files whose exports are globals of every cell, by the name that cells may import them with. */
export const ownLibraries: Readonly<Record<string, string>> = {
  gradbook: 'dist/src/index.d.ts',
  'gradbook/display': 'dist/display/index.d.ts',
};

/** A function of such a name can be reached as a member only. */
const reserved =
  /^(case|catch|class|const|continue|default|delete|do|else|enum|for|function|if|in|new|return|switch|this|throw|try|typeof|var|void|while|with)$/;

/** What cells have as globals besides JavaScript and Node. */
export interface Globals {
  /** The text of an ambient declaration file. */
  text: string;
  /** Names of the library. */
  names: string[];
}

/**
 * Ambient declarations for cells: the session's functions, and every export of the library as a global alias, which keeps its types,
 * generics, members and documentation.
 */
export function globalDeclarations(root: string): Globals {
  const names = new Set<string>();
  const imports: string[] = [];
  const aliases: string[] = [];
  for (const [library, path] of Object.entries(ownLibraries)) {
    const index = join(root, path);
    if (!existsSync(index)) continue;
    const space = `library${imports.length}`;
    imports.push(`import * as ${space} from ${JSON.stringify(library)};`);
    const exported = new Set<string>();
    collect(index, exported);
    for (const name of exported) {
      if (names.has(name) || reserved.test(name)) continue;
      names.add(name);
      aliases.push(`  export import ${name} = ${space}.${name};`);
    }
  }
  const text = `${imports.join('\n')}\nexport {};\ndeclare global {\n${session}\n${aliases.join('\n')}\n}\n`;
  return { text, names: [...names] };
}

/** The names that a generated declaration file exports; `export *` is followed. */
function collect(path: string, names: Set<string>): void {
  const text = readFileSync(path, 'utf8');
  for (const [, target] of text.matchAll(/^export \* from ['"](.+?)['"]/gm))
    collect(join(path, '..', target.replace(/\.(js|ts)$/, '.d.ts')), names);
  for (const [, name] of text.matchAll(/^export \* as (\w+) from/gm)) names.add(name);
  for (const [, name] of text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:const enum|const|let|function|class|enum|namespace|interface|type) (\w+)/gm,
  ))
    names.add(name);
  for (const [, list] of text.matchAll(/^export (?:type )?\{([^}]*)\}/gm))
    for (const item of list.split(','))
      if (item.trim() !== '')
        names.add(
          item
            .trim()
            .replace(/^type /, '')
            .split(/ as /)
            .at(-1)!,
        );
}
