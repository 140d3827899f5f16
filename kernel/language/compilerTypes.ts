import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { globalDeclarations, libraries, ownLibraries } from './globals.ts';

/** The declarations that every cell sees, as options of the compiler. */
export interface CompilerTypes {
  options: {
    lib: readonly string[];
    libReplacement: boolean;
    types: readonly string[];
    typeRoots: readonly string[];
    paths: Readonly<Record<string, readonly string[]>>;
  };
  files: readonly string[];
  /** The library's names, which are globals. */
  names: readonly string[];
}

/** Modules that `scripts/bundleTypes.js` made of files: nobody imports them by these names. */
export const isInnerModule = (name: string): boolean => name.startsWith('gradbook:');

/**
 * The few files that `npm run build` makes of the declarations, where they are not older than what they were made of; else those themselves.
 *
 * @param root gradbook's own folder.
 * @param modules the `node_modules` with its dependencies.
 * @param folder for the file of globals, if it must be made.
 */
export function compilerTypes(root: string, modules: string, folder: string): CompilerTypes {
  const made = join(root, 'dist/types');
  return isFresh(join(made, 'contents.json'), join(root, 'dist/.tsbuildinfo'))
    ? bundledTypes(made, modules)
    : separateTypes(root, modules, folder);
}

function isFresh(file: string, source: string): boolean {
  if (!existsSync(file)) return false;
  return !existsSync(source) || statSync(file).mtimeMs >= statSync(source).mtimeMs;
}

function bundledTypes(made: string, modules: string): CompilerTypes {
  const { names, included } = JSON.parse(readFileSync(join(made, 'contents.json'), 'utf8')) as {
    names: string[];
    included: string[];
  };
  const [main] = libraries;
  const others = included.filter((name) => name !== main);
  return {
    options: {
      lib: [main],
      libReplacement: true,
      types: ['node'],
      // What a package means by `node` is this one too.
      typeRoots: [made, join(modules, '@types')],
      paths: {
        ...Object.fromEntries(others.map((name) => [replacementOf(name), [join(made, 'none.d.ts')]])),
        [replacementOf(main)]: [join(made, 'es.d.ts')],
        // Declared there as ambient modules: these say that no other files are to be looked for.
        ...Object.fromEntries(Object.keys(ownLibraries).map((name) => [name, [join(made, 'gradbook.d.ts')]])),
        'undici-types': [join(made, 'node/index.d.ts')],
      },
    },
    files: ['gradbook.d.ts', 'globals.d.ts'].map((name) => join(made, name)),
    names,
  };
}

/** The package that the compiler takes for one of its libraries, where there is one: `@typescript/lib-es2015/symbol-wellknown`. */
function replacementOf(library: string): string {
  const [first, ...rest] = library.split('.');
  return `@typescript/lib-${[first, ...(rest.length > 0 ? [rest.join('-')] : [])].join('/')}`;
}

function separateTypes(root: string, modules: string, folder: string): CompilerTypes {
  const { text, names } = globalDeclarations(root);
  const globals = join(folder, 'globals.d.ts');
  writeFileSync(globals, text);
  return {
    options: {
      lib: libraries,
      libReplacement: false,
      types: ['node'],
      typeRoots: [join(modules, '@types')],
      paths: {
        ...Object.fromEntries(Object.entries(ownLibraries).map(([name, file]) => [name, [join(root, file)]])),
      },
    },
    files: [globals],
    names,
  };
}
