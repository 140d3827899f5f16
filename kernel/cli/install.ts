import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jupyterDataPaths, ownKernelspec } from '../../lab/server/kernelspecs.ts';
import { removeLabExtension, writeLabExtension } from './labExtension.ts';
import { removeWidgetExtension, type WidgetExtension, writeWidgetExtension } from './widgetExtension.ts';

export interface InstallOptions {
  user?: boolean;
  sysPrefix?: boolean;
  prefix?: string;
}

/** `share/jupyter` under the prefix that was asked for; the user's data folder by default. Error: --sys-prefix without a Python. */
export function dataFolder({ sysPrefix, prefix }: InstallOptions): string {
  if (prefix) return join(prefix, 'share', 'jupyter');
  if (!sysPrefix)
    return process.env.JUPYTER_DATA_DIR ?? jupyterDataPaths().find((p) => !p.startsWith('/usr'))!;
  const active = process.env.VIRTUAL_ENV ?? process.env.CONDA_PREFIX;
  if (active) return join(active, 'share', 'jupyter');
  try {
    const found = execFileSync('python3', ['-c', 'import sys; print(sys.prefix)'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return join(found.trim(), 'share', 'jupyter');
  } catch {
    throw new Error(
      '--sys-prefix: there is no active Python environment and no python3: use --user or --prefix DIR',
    );
  }
}

const logos = ['logo-32x32.png', 'logo-64x64.png', 'logo-svg.svg'];

/** Where the logos lie: beside the sources, also seen from `dist`. */
function logoFolder(): string | null {
  return (
    ['./logo/', '../../../kernel/cli/logo/']
      .map((path) => fileURLToPath(new URL(path, import.meta.url)))
      .find(existsSync) ?? null
  );
}

/** Registers the kernel with Jupyter. @returns the kernelspec's folder. */
export function installKernelspec(options: InstallOptions): string {
  const folder = join(dataFolder(options), 'kernels', 'gradbook');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kernel.json'), `${JSON.stringify(ownKernelspec(), null, 2)}\n`);
  const from = logoFolder();
  if (from)
    for (const logo of logos)
      if (existsSync(join(from, logo))) copyFileSync(join(from, logo), join(folder, logo));
  return folder;
}

/** Puts the extension that draws figures where JupyterLab looks for it. @returns its folder. */
export const installLabExtension = (options: InstallOptions): string =>
  writeLabExtension(join(dataFolder(options), 'labextensions'));

/** Gives JupyterLab the manager of widgets. @returns null where the lab's front end, which has it, is not built. */
export const installWidgetExtension = (options: InstallOptions): WidgetExtension | null =>
  writeWidgetExtension(join(dataFolder(options), 'labextensions'));

/** Removes the kernel from Jupyter. @returns the folder that was removed, or null when there was none. */
export function uninstallKernelspec(options: InstallOptions): string | null {
  const folder = join(dataFolder(options), 'kernels', 'gradbook');
  if (!existsSync(folder)) return null;
  rmSync(folder, { recursive: true });
  removeLabExtension(join(dataFolder(options), 'labextensions'));
  removeWidgetExtension(join(dataFolder(options), 'labextensions'));
  return folder;
}
