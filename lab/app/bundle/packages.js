// What the dependencies of this package bring: JupyterLab extensions, their styles, settings schemas and themes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** The installed package's folder and its package.json. */
export function installed(name) {
  const folder = join(root, 'node_modules', name);
  return { name, folder, manifest: read(join(folder, 'package.json')) };
}

export const own = read(join(root, 'package.json'));

/** The dependencies that say in `jupyterlab` that they are extensions. */
export const extensions = Object.keys(own.dependencies)
  .map(installed)
  .filter(({ manifest }) => manifest.jupyterlab?.extension || manifest.jupyterlab?.mimeExtension);

/** The module that an extension's `extension` or `mimeExtension` field names: `true` is the package itself. */
const entry = (name, field) => (field === true ? name : `${name}/${field}`);

/** Our own renderer of figures, which other JupyterLabs get as a prebuilt extension. */
export const figures = { name: '@gradbook/plotly', entry: join(root, '../extension/src/bundled.ts') };

/** A module that exports how to load each extension, and that imports their styles. */
export function extensionsModule() {
  const lines = (kind) =>
    extensions
      .filter(({ manifest }) => manifest.jupyterlab[kind])
      .map(
        ({ name, manifest }) =>
          `  ['${name}', () => import(/* webpackMode: "eager" */ '${entry(name, manifest.jupyterlab[kind])}')],`,
      );
  const styles = extensions.flatMap(({ name, manifest }) => {
    const style = manifest.styleModule ?? manifest.style;
    return style ? [`import '${name}/${style}';`] : [];
  });
  return [
    ...styles,
    'export const extensions = [',
    ...lines('extension'),
    '];',
    'export const mimeExtensions = [',
    ...lines('mimeExtension'),
    `  ['${figures.name}', () => import(/* webpackMode: "eager" */ ${JSON.stringify(figures.entry)})],`,
    '];',
    '',
  ].join('\n');
}

/**
 * Where our defaults are not JupyterLab's: a kernel that computes on a busy machine may complete a little later, and a notebook that is saved
 * has the states of its widgets.
 */
const defaults = {
  '@jupyterlab/completer-extension:manager': { providerTimeout: 5000 },
  '@jupyter-widgets/jupyterlab-manager:plugin': { saveState: true },
};

/** `{id: {schema, version}}` of every setting that the extensions have. */
export function settingSchemas() {
  const found = {};
  for (const { name, folder, manifest } of [...extensions, { name: own.name, folder: root, manifest: own }]) {
    const schemas = manifest.jupyterlab?.schemaDir && join(folder, manifest.jupyterlab.schemaDir);
    if (!schemas || !existsSync(schemas)) continue;
    for (const file of readdirSync(schemas).filter((file) => file.endsWith('.json')))
      if (file !== 'package.json.orig')
        found[`${name}:${file.slice(0, -'.json'.length)}`] = {
          schema: read(join(schemas, file)),
          version: manifest.version,
        };
  }
  for (const [id, values] of Object.entries(defaults))
    for (const [key, value] of Object.entries(values)) found[id].schema.properties[key].default = value;
  return found;
}

/** `{package: its theme's style sheet}`. */
export const themes = Object.fromEntries(
  extensions
    .filter(({ manifest }) => manifest.jupyterlab.themePath)
    .map(({ name, folder, manifest }) => [name, join(folder, manifest.jupyterlab.themePath)]),
);
