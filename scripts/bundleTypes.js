// Joins the declarations that every cell sees (the library's, Node's, JavaScript's own) into few files in dist/types. The compiler opens
// those in half the time, and each cell's program, which looks at all files, is made and checked faster.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const output = join(dist, 'types');
const require = createRequire(import.meta.url);

/** The names of modules that were files start with this; no cell imports them. */
const inner = 'gradbook:';

const read = (file) =>
  readFileSync(file, 'utf8')
    .replace(/\r\n/g, '\n')
    .replace(/^\/\/# sourceMappingURL=.*$/gm, '');
const withoutReferences = (text) => text.replace(/^\/\/\/ *<reference .*$/gm, '');
/** Within `declare module` all is ambient already. */
const withoutDeclare = (text) =>
  text.replace(/^(export )?declare (?!module\b)/gm, (_, exported = '') => exported);

const ambient = (name, body) => `declare module ${JSON.stringify(name)} {\n${body}\n}\n`;

/** A module's declaration file and those that it imports by relative paths, each as an ambient module. */
function ambientModules(entries, nameOf) {
  const files = [...entries];
  const parts = [];
  const target = (from, specifier) => {
    const base = resolve(dirname(from), specifier);
    const file = [base.replace(/\.[jt]s$/, '.d.ts'), `${base}.d.ts`, join(base, 'index.d.ts')].find(
      existsSync,
    );
    if (!file) throw new Error(`${from} imports '${specifier}', which is not there`);
    if (!files.includes(file)) files.push(file);
    return nameOf(file);
  };
  for (const file of files) {
    const text = withoutDeclare(withoutReferences(read(file))).replace(
      /(\bfrom\s*|\bimport\s*\(\s*|^import\s*)(['"])(\.[^'"\n]*)\2/gm,
      (_, head, _quote, specifier) => head + JSON.stringify(target(file, specifier)),
    );
    parts.push(ambient(nameOf(file), text));
  }
  return parts.join('');
}

/** A script of global declarations and those that it refers to by path, without the ES libraries that it names. */
function scripts(entry) {
  const files = [entry];
  for (const file of files)
    for (const [, path] of read(file).matchAll(/^\/\/\/ *<reference path="(.+?)"/gm)) {
      const other = resolve(dirname(file), path);
      if (!files.includes(other)) files.push(other);
    }
  return files;
}

const isModule = (text) => /^(?:export|import)\b/m.test(text);

function library() {
  const entries = {
    gradbook: join(dist, 'src/index.d.ts'),
    'gradbook/display': join(dist, 'display/index.d.ts'),
  };
  const nameOf = (file) =>
    inner +
    relative(dist, file)
      .replaceAll('\\', '/')
      .replace(/\.d\.ts$/, '');
  const open = Object.entries(entries).map(([name, file]) =>
    ambient(name, `export * from ${JSON.stringify(nameOf(file))};`),
  );
  return ambientModules(Object.values(entries), nameOf) + open.join('');
}

function node() {
  const folder = dirname(require.resolve('@types/node/package.json'));
  const undici = dirname(createRequire(join(folder, 'package.json')).resolve('undici-types/package.json'));
  const files = scripts(join(folder, 'index.d.ts')).map((file) => ({
    file,
    text: withoutReferences(read(file)),
  }));
  const global = files.filter(({ text }) => !isModule(text)).map(({ text }) => text);
  const modules = files
    .filter(({ text }) => isModule(text))
    .map(({ file, text }) => ambient(`${inner}node/${relative(folder, file)}`, withoutDeclare(text)));
  const fetch = ambientModules([join(undici, 'index.d.ts')], (file) => {
    const name = relative(undici, file)
      .replaceAll('\\', '/')
      .replace(/\.d\.ts$/, '');
    return name === 'index' ? 'undici-types' : `${inner}undici-types/${name}`;
  });
  return [...global, ...modules, fetch].join('\n');
}

/** The ES libraries that cells have, in one text, and their names. */
function javascript(wanted) {
  const compiler = createRequire(require.resolve('typescript/package.json'));
  const folder = join(
    dirname(compiler.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`)),
    'lib',
  );
  const names = [];
  const visit = (name) => {
    if (names.includes(name)) return;
    for (const [, other] of read(join(folder, `lib.${name}.d.ts`)).matchAll(
      /^\/\/\/ *<reference lib="(.+?)"/gm,
    ))
      visit(other);
    names.push(name);
  };
  wanted.forEach(visit);
  return {
    names,
    text: names.map((name) => withoutReferences(read(join(folder, `lib.${name}.d.ts`)))).join('\n'),
  };
}

rmSync(output, { recursive: true, force: true });
mkdirSync(join(output, 'node'), { recursive: true });
const { globalDeclarations, libraries } = await import('../dist/kernel/language/globals.js');
const { text, names } = globalDeclarations(root);
const { names: included, text: es } = javascript(libraries);
writeFileSync(join(output, 'gradbook.d.ts'), library());
writeFileSync(join(output, 'node/index.d.ts'), node());
writeFileSync(join(output, 'es.d.ts'), es);
writeFileSync(join(output, 'none.d.ts'), '// What a package asks for here is in es.d.ts.\n');
writeFileSync(join(output, 'globals.d.ts'), text);
writeFileSync(join(output, 'contents.json'), JSON.stringify({ names, included }));
