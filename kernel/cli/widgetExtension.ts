import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { frontEndFolder } from '../../lab/server/page/folders.ts';

export const widgetExtensionName = '@jupyter-widgets/jupyterlab-manager';

/** Whether the extension in a folder was put there by us: another's is neither replaced nor removed. */
function isOurs(folder: string): boolean {
  try {
    const { packageName } = JSON.parse(readFileSync(join(folder, 'install.json'), 'utf8')) as {
      packageName?: string;
    };
    return packageName === 'gradbook';
  } catch {
    return false;
  }
}

/** What became of the manager of widgets: `kept` is one that somebody else installed there. */
export interface WidgetExtension {
  folder: string;
  kept: boolean;
}

/**
 * Puts the prebuilt manager of widgets, which the lab's front end is built with, into `labextensions`: a JupyterLab from pip has none.
 * @returns null where the front end is not built.
 */
export function writeWidgetExtension(labextensions: string): WidgetExtension | null {
  const folder = join(labextensions, widgetExtensionName);
  if (existsSync(folder) && !isOurs(folder)) return { folder, kept: true };
  const built = join(frontEndFolder, 'labextensions', widgetExtensionName);
  if (!existsSync(built)) return null;
  const fresh = `${folder}.${process.pid}.new`;
  mkdirSync(dirname(folder), { recursive: true });
  cpSync(built, fresh, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return { folder, kept: false };
}

/** Removes the manager where it is ours. */
export function removeWidgetExtension(labextensions: string): void {
  const folder = join(labextensions, widgetExtensionName);
  if (isOurs(folder)) rmSync(folder, { recursive: true });
}
