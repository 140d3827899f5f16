// Joins the runtime of cells, the library and the display into few files: a kernel starts in the time of opening those, not hundreds.
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
// Beside the library's other files, so that its own frames are known as such in a stack.
const output = join(dist, 'src/bundle');

/** A module still means its own place when it asks for it. */
const ownPlace = {
  name: 'own-place',
  transform: (code, id) =>
    code.includes('import.meta.url')
      ? {
          code: code.replaceAll(
            'import.meta.url',
            `new URL(${JSON.stringify(relative(output, id).replaceAll('\\', '/'))}, import.meta.url).href`,
          ),
          map: null,
        }
      : null,
};

rmSync(output, { recursive: true, force: true });
const bundle = await rolldown({
  input: {
    runtime: join(dist, 'kernel/runtime/index.js'),
    library: join(dist, 'src/index.js'),
    display: join(dist, 'display/index.js'),
  },
  // Packages stay where they are.
  external: (id, importer) => importer !== undefined && !/^[./]|^[A-Za-z]:[\\/]/.test(id),
  platform: 'node',
  plugins: [ownPlace],
});
await bundle.write({
  dir: output,
  format: 'esm',
  sourcemap: true,
  keepNames: true,
  minify: { mangle: false, compress: false, codegen: true },
});
await bundle.close();
