import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What every cell has besides JavaScript and Node: `runtime/session.ts` puts the values there. */
const session = `
/** Asks the user for a line of text; blocks until it is there. */
declare function input(prompt?: string, options?: { password?: boolean }): string;
/** Asks for a line of text; the default when it is empty. */
declare function prompt(message?: string, defaultValue?: string): string | null;
/** Asks a yes-or-no question. */
declare function confirm(message?: string): boolean;
/** The sources of the cells, by number. */
declare const In: string[];
/** The results of the cells, by number. */
declare const Out: Record<number, unknown>;
/** The last result, the one before, and the one before that. */
declare const __magic: {
  line(name: string, args: string): Promise<void>;
  cell(name: string, args: string, body: string): Promise<void>;
  time<T>(body: () => Promise<T>): Promise<T>;
  timeit<T>(body: () => Promise<T>): Promise<void>;
};
// Packages that are installed at their first use have no types here.
declare module 'npm:*';
declare const _: any;
declare const __: any;
declare const ___: any;
`;

/** Ambient declarations for cells: the session's functions, and every export of the library as a global. */
export function globalDeclarations(root: string): string {
  const indexes = ['src', 'display'].map((folder) => join(root, 'dist', folder, 'index.d.ts'));
  return [session, ...indexes.filter((path) => existsSync(path)).map(libraryGlobals)].join('\n');
}

/** `declare global` for each name that the library's index exports. */
function libraryGlobals(index: string): string {
  const module = JSON.stringify(index.replace(/\.d\.ts$/, '.js'));
  const values = new Set<string>();
  const types = new Set<string>();
  collect(index, values, types);
  const lines = [
    ...[...values].map((name) => `declare const ${name}: typeof import(${module}).${name};`),
    ...[...types].map((name) => `type ${name} = import(${module}).${name};`),
  ];
  return lines.join('\n');
}

/** Reads the export lists of generated declaration files; `export *` is followed. */
function collect(path: string, values: Set<string>, types: Set<string>): void {
  const text = readFileSync(path, 'utf8');
  for (const [, target] of text.matchAll(/^export \* from ['"](.+?)['"]/gm))
    collect(join(path, '..', target.replace(/\.(js|ts)$/, '.d.ts')), values, types);
  for (const [, name] of text.matchAll(/^export \* as (\w+) from/gm)) values.add(name);
  for (const [, name] of text.matchAll(/^export declare (?:const|function|let) (\w+)/gm)) values.add(name);
  for (const [, name] of text.matchAll(/^export (?:declare )?(?:abstract )?class (\w+)/gm)) {
    values.add(name);
    types.add(name);
  }
  for (const [, , name] of text.matchAll(/^export (declare )?(?:interface|type) (\w+)(?=[^<\w])(?!<)/gm))
    types.add(name);
  for (const [, onlyTypes, list] of text.matchAll(/^export (type )?\{([^}]*)\}/gm))
    for (const item of list
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)) {
      const isType = onlyTypes !== undefined || item.startsWith('type ');
      const name = item
        .replace(/^type /, '')
        .split(/ as /)
        .at(-1)!;
      (isType ? types : values).add(name);
      if (!isType && /^[A-Z]/.test(name)) types.add(name);
    }
}
