import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'oxc-transform';

export const extensionName = '@gradbook/plotly';

/** The extension's sources: beside this file's folder, also seen from `dist`. */
function sources(): string {
  const found = ['../../lab/extension/', '../../../lab/extension/']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(join(path, 'src', 'container.ts')));
  if (!found)
    throw new Error('the sources of the JupyterLab extension are missing from this copy of gradbook');
  return found;
}

/** TypeScript as the browser reads it. */
function compiled(folder: string, name: string): string {
  const path = join(folder, 'src', `${name}.ts`);
  const { code, errors } = transformSync(path, readFileSync(path, 'utf8'), { target: 'es2022' });
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0].message}`);
  return code;
}

/** plotly.js as a script that leaves one name behind, also on pages where a module loader would take it. */
const wrapped = (source: string): string =>
  `(function(){var module={exports:{}},exports=module.exports,define;${source}\n;window.gradbookPlotlyLibrary=module.exports.react?module.exports:window.Plotly})();\n`;

/**
 * Puts the prebuilt JupyterLab extension into `labextensions` (a folder on Jupyter's data path ends with that name). What is there from
 * the same sources is kept. @returns the extension's folder.
 */
export function writeLabExtension(labextensions: string): string {
  const folder = sources();
  const target = join(labextensions, extensionName);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  const plotly = createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js');
  const library = JSON.parse(readFileSync(join(dirname(plotly), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const container = compiled(folder, 'container');
  const renderer = compiled(folder, 'renderer');
  const digest = createHash('sha256')
    .update(container)
    .update(renderer)
    .update(library.version)
    .digest('hex')
    .slice(0, 16);
  const entry = `static/remoteEntry.${digest}.js`;
  if (existsSync(join(target, entry)) && existsSync(join(target, 'package.json'))) return target;
  const fresh = `${target}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(join(fresh, 'static'), { recursive: true });
  const rename = (code: string): string =>
    code
      .replaceAll('./plotly.js', `./plotly.${digest}.js`)
      .replaceAll('./renderer.js', `./renderer.${digest}.js`);
  writeFileSync(
    join(fresh, entry),
    `(function(){${rename(container).replace(/^export \{\};?$/m, '')}\n})();\n`,
  );
  writeFileSync(join(fresh, `static/renderer.${digest}.js`), renderer);
  writeFileSync(join(fresh, `static/plotly.${digest}.js`), wrapped(readFileSync(plotly, 'utf8')));
  writeFileSync(
    join(fresh, 'package.json'),
    `${JSON.stringify(
      {
        name: extensionName,
        version,
        description: 'Plotly figures in JupyterLab, offline, in the colours of the theme',
        license: 'MIT',
        jupyterlab: { mimeExtension: true, _build: { load: entry, mimeExtension: './mimeExtension' } },
      },
      null,
      2,
    )}\n`,
  );
  writeFileSync(
    join(fresh, 'install.json'),
    `${JSON.stringify({ packageManager: 'npm', packageName: 'gradbook', uninstallInstructions: 'Run gradbook uninstall.' }, null, 2)}\n`,
  );
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  return target;
}

/** Removes the extension. False when there was none. */
export function removeLabExtension(labextensions: string): boolean {
  const target = join(labextensions, extensionName);
  if (!existsSync(target)) return false;
  rmSync(target, { recursive: true });
  return true;
}
