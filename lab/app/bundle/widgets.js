// The manager of widgets as JupyterLab loads an extension that was built elsewhere: what `gradbook install` gives to one from pip.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installed } from './packages.js';

export const widgets = installed('@jupyter-widgets/jupyterlab-manager');

/** Of these the page that loads the extension has the only copy. */
const isPages = (name) => name.startsWith('@jupyterlab/') || name.startsWith('@lumino/');

/** Module federation's `shared`: JupyterLab's packages are taken, those of the widgets are given, for packages of more widgets. */
export function widgetsShared() {
  const names = Object.keys(widgets.manifest.dependencies).filter((name) => !name.startsWith('@types/'));
  return Object.fromEntries(
    names.map((name) => {
      const { version } = installed(name).manifest;
      const requiredVersion = widgets.manifest.dependencies[name];
      if (isPages(name)) return [name, { import: false, singleton: true, requiredVersion }];
      return [
        name,
        { version, requiredVersion, ...(name.startsWith('@jupyter-widgets/') && { singleton: true }) },
      ];
    }),
  );
}

/** Writes what stands beside the scripts: the package's description, its settings, and who installed it. */
export function describeWidgets(folder, load) {
  const { name, version, description, license, jupyterlab } = widgets.manifest;
  const schemas = join(folder, 'schemas', name);
  mkdirSync(schemas, { recursive: true });
  cpSync(join(widgets.folder, jupyterlab.schemaDir), schemas, { recursive: true });
  cpSync(join(widgets.folder, 'LICENSE'), join(folder, 'LICENSE'));
  const described = {
    name,
    version,
    description,
    license,
    jupyterlab: { extension: true, schemaDir: './schema', _build: { load, extension: './extension' } },
  };
  const installer = {
    packageManager: 'npm',
    packageName: 'gradbook',
    uninstallInstructions: 'Run gradbook uninstall.',
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(described, null, 2)}\n`);
  writeFileSync(join(folder, 'install.json'), `${JSON.stringify(installer, null, 2)}\n`);
}
