// Builds JupyterLab's front end into `build`: the page's scripts, themes, and settings schemas.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { rspack } from '@rspack/core';
import { page, prebuiltWidgets, themeSheets } from './bundle/config.js';
import { licenses } from './bundle/licenses.js';
import { extensionsModule, figures, own, root, settingSchemas } from './bundle/packages.js';
import { describeWidgets, widgets } from './bundle/widgets.js';

const build = join(root, 'build');
const fresh = join(root, 'node_modules/.cache/build');
const cache = join(root, 'node_modules/.cache/rspack');
const started = performance.now();

/** One line that is rewritten on a terminal, and a line for each tenth elsewhere. */
function progress() {
  let shown = -1;
  return (fraction) => {
    const percent = Math.floor(fraction * (process.stderr.isTTY ? 100 : 10));
    if (percent === shown) return;
    shown = percent;
    if (process.stderr.isTTY) process.stderr.write(`\rBuilding JupyterLab ${percent} %`);
  };
}

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
const prebuilt = join(fresh, 'labextensions', widgets.name);
const generated = join(fresh, 'extensions.js');
writeFileSync(generated, extensionsModule());

const compiler = rspack([
  page({ output: join(fresh, 'static'), cache: join(cache, 'page'), generated, onProgress: progress() }),
  themeSheets({ output: join(fresh, 'themes'), cache: join(cache, 'themes') }),
  prebuiltWidgets({ output: join(prebuilt, 'static'), cache: join(cache, 'widgets') }),
]);
const stats = await promisify(compiler.run.bind(compiler))();
await promisify(compiler.close.bind(compiler))();
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
if (stats.hasErrors()) {
  process.stderr.write(`${stats.toString('errors-only')}\n`);
  process.exit(1);
}
const { entrypoints, assets } = stats
  .toJson({ all: false, entrypoints: true, assets: true })
  .children.find(({ name }) => name === 'page');

/** What compresses is kept compressed too, so that the server only sends. */
const compressed = readdirSync(join(fresh, 'static'))
  .filter((file) => /\.(js|css|json|svg|txt)$/.test(file))
  .map(async (file) => {
    const path = join(fresh, 'static', file);
    writeFileSync(`${path}.gz`, await promisify(gzip)(readFileSync(path)));
  });
await Promise.all(compressed);
const entry = readdirSync(join(prebuilt, 'static')).find((name) => name.startsWith('remoteEntry.'));
describeWidgets(prebuilt, `static/${entry}`);
writeFileSync(join(fresh, 'licenses.json'), JSON.stringify(licenses()));
writeFileSync(join(fresh, 'schemas.json'), JSON.stringify(settingSchemas()));
writeFileSync(
  join(fresh, 'page.json'),
  JSON.stringify({
    version: own.dependencies['@jupyterlab/application'],
    builtIn: [figures.name, widgets.name],
    // What the page asks for as soon as its own script runs: the browser may fetch it meanwhile.
    preload: assets.map(({ name }) => name).filter((name) => /^(jlab_core|start|vendor)\..*\.js$/.test(name)),
    scripts: entrypoints.main.assets.map(({ name }) => name).filter((name) => name.endsWith('.js')),
  }),
);
rmSync(build, { recursive: true, force: true });
renameSync(fresh, build);
process.stderr.write(`JupyterLab is built: ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
