// Joins the runtime of cells, the library and the display, and the kernel's other threads, into few files: a kernel starts in the time of opening those, not hundreds.
// They are CommonJS, because Node keeps compiled code only for that (see kernel/compiledBundle.ts).
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
// Beside the library's other files, so that its own frames are known as such in a stack.
const output = join(dist, 'src/bundle');

/** A module still means its own place when it asks for it. `here` is the address of the bundle's file, which alone can resolve. */
const placeFrom = (here) => ({
  name: 'own-place',
  transform: (code, id) =>
    code.includes('import.meta.url')
      ? {
          code: code
            .replaceAll(
              'import.meta.url',
              `new URL(${JSON.stringify(relative(output, id).replaceAll('\\', '/'))}, ${here}).href`,
            )
            .replaceAll('import.meta.resolve', 'undefined'),
          map: null,
        }
      : null,
});
const ownPlace = placeFrom('__here');
// `__load` is what kernel/compiledBundle.ts gives instead of `import`.
const banner = [
  "const __here = require('node:url').pathToFileURL(__filename);",
  "var __load = typeof __load === 'function' ? __load : (__specifier) => import(__specifier);",
].join(' ');
const loaded = {
  name: 'loaded',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk') continue;
      const { program } = parseSync(file.fileName, file.code, { lang: 'js', sourceType: 'script' });
      const places = [];
      new Visitor({
        ImportExpression: ({ start, source }) => source.name !== '__specifier' && places.push(start),
      }).visit(program);
      // As long as what it takes the place of, so that the source map stays right.
      for (const start of places)
        file.code = `${file.code.slice(0, start)}__load${file.code.slice(start + 'import'.length)}`;
    }
  },
};
const ownPlaceOfModule = placeFrom('import.meta.url');

/** One byte a character, which is read without decoding. */
const ascii = {
  name: 'ascii',
  generateBundle(_options, files) {
    for (const file of Object.values(files))
      if (file.type === 'chunk')
        file.code = file.code.replace(
          /[^\0-\x7f]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
  },
};

/** Library and display in one file: what one takes from the other needs no way through exports. */
const entries = { library: join(dist, 'src/index.js'), display: join(dist, 'display/index.js') };
const preload = {
  name: 'preload',
  resolveId: (id) => (id === 'preload' ? '\0preload' : null),
  load: (id) =>
    id === '\0preload'
      ? Object.entries(entries)
          .map(([name, path]) => `export * as ${name} from ${JSON.stringify(path)};`)
          .join('\n')
      : null,
};

/** What `import()` gives, with its names: the same module that the kernel has loaded. */
function facade(part, names) {
  const locals = names.map((name, i) => [name, `_${i}`]);
  return [
    "import { createRequire } from 'node:module';",
    `const { ${locals.map(([name, local]) => `${name}: ${local}`).join(', ')} } = createRequire(import.meta.url)('./preload.cjs').${part};`,
    `export { ${locals.map(([name, local]) => `${local} as ${name}`).join(', ')} };`,
    '',
  ].join('\n');
}

rmSync(output, { recursive: true, force: true });
const bundle = await rolldown({
  input: {
    runtime: join(dist, 'kernel/runtime/index.js'),
    preload: 'preload',
  },
  // Packages stay where they are.
  external: (id, importer) => importer !== undefined && !/^[./\0]|^[A-Za-z]:[\\/]/.test(id),
  platform: 'node',
  plugins: [preload, ownPlace, loaded, ascii],
  checks: { bundlerTimings: false },
});
await bundle.write({
  dir: output,
  format: 'cjs',
  banner,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  sourcemap: true,
  keepNames: true,
  minify: { mangle: false, compress: false, codegen: true },
});
await bundle.close();

// The language thread, with the packages that it uses: only their native parts stay where they are.
const language = await rolldown({
  input: { language: join(dist, 'kernel/language/serve.js') },
  external: /^node:|^@oxc-(parser|transform)\/|^@typescript\//,
  platform: 'node',
  plugins: [ownPlace, loaded, ascii],
  checks: { bundlerTimings: false },
});
await language.write({
  dir: output,
  format: 'cjs',
  banner,
  entryFileNames: '[name].cjs',
  sourcemap: true,
  keepNames: true,
  codeSplitting: false,
  minify: { mangle: false, compress: false, codegen: true },
});
await language.close();

// The io thread's own files; nothing of them is worth compiling beforehand.
const io = await rolldown({
  input: { io: join(dist, 'kernel/protocol/io.js') },
  external: (id, importer) => importer !== undefined && !/^[./]|^[A-Za-z]:[\\/]/.test(id),
  platform: 'node',
  plugins: [ownPlaceOfModule],
});
await io.write({ dir: output, format: 'esm', sourcemap: true, minify: { mangle: false, compress: false } });
await io.close();

// The first kernel finds compiled code already.
const warmUp = `
  import { CompiledBundle } from ${JSON.stringify(pathToFileURL(join(dist, 'kernel/compiledBundle.js')).href)};
  const bundle = new CompiledBundle(${JSON.stringify(output)});
  bundle.load('runtime.cjs');
  const loaded = bundle.load('preload.cjs');
  const service = bundle.load('language.cjs').serveLanguage({ ports: [], folder: ${JSON.stringify(dist)} });
  await service.prepare({ id: 1, code: 'const x: number = 1; x', level: 'error' });
  await service.commit(1);
  await service.complete('x.to', 4);
  bundle.keep();
  console.log(JSON.stringify(Object.fromEntries(Object.entries(loaded).map(([part, names]) => [part, Object.keys(names)]))));
`;
const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', warmUp], {
  stdio: ['ignore', 'pipe', 'pipe'],
  encoding: 'utf8',
  env: { ...process.env, GRADBOOK_ENGINE: 'reference' },
});
if (status !== 0) throw new Error(`the bundle does not load: ${stderr}`);
for (const [part, names] of Object.entries(JSON.parse(stdout)))
  writeFileSync(join(output, `${part}.js`), facade(part, names));
