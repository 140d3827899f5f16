import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jupyterDataPaths } from '../kernelspecs.ts';

/** The package's own folder, from the sources and from `dist`. */
const packageRoot = ['../../../', '../../../../']
  .map((up) => fileURLToPath(new URL(up, import.meta.url)))
  .find((folder) => existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'lab')))!;

export const bundledNotebooks = join(packageRoot, 'notebooks');

/** Where the front end's build lies. */
export const frontEndFolder = join(packageRoot, 'lab/app/build');

export const assetsFolder = join(packageRoot, 'lab/app/assets');

export const jupyterConfigFolder = (): string =>
  process.env.JUPYTER_CONFIG_DIR ?? join(homedir(), '.jupyter');

/** The folders of Jupyter's settings, the user's own in front. */
export function jupyterConfigPaths(): string[] {
  const listed = process.env.JUPYTER_CONFIG_PATH?.split(delimiter) ?? [];
  const environment = [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX].flatMap((prefix) =>
    prefix ? [join(prefix, 'etc', 'jupyter')] : [],
  );
  const system =
    process.platform === 'win32'
      ? [join(process.env.PROGRAMDATA ?? 'C:\\ProgramData', 'jupyter')]
      : ['/usr/local/etc/jupyter', '/etc/jupyter'];
  return [...listed, jupyterConfigFolder(), ...environment, ...system];
}

/** What the server keeps for this user: signatures of notebooks, layouts. */
export const ownDataFolder = (): string =>
  join(
    process.env.JUPYTER_DATA_DIR ??
      jupyterDataPaths().find((path) => path.startsWith(homedir())) ??
      homedir(),
    'gradbook',
  );

/** Where prebuilt extensions of JupyterLab are installed. */
export const labextensionFolders = (): string[] =>
  jupyterDataPaths().map((path) => join(path, 'labextensions'));
