import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A prebuilt extension that is installed on Jupyter's paths. */
export interface Labextension {
  name: string;
  version: string;
  folder: string;
  load: string;
  extension?: string;
  mimeExtension?: string;
  style?: string;
  /** Built-in extensions that it stands in for. */
  disables: string[];
}

const foldersIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder).flatMap((name) =>
        name.startsWith('@')
          ? readdirSync(join(folder, name)).map((inner) => join(folder, name, inner))
          : [join(folder, name)],
      )
    : [];

/** The first of each name; one whose package.json is broken is not there. */
export function findLabextensions(paths: readonly string[]): Labextension[] {
  const found = new Map<string, Labextension>();
  for (const folder of paths.flatMap(foldersIn)) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    try {
      const { name, version, jupyterlab } = JSON.parse(readFileSync(file, 'utf8')) as {
        name: string;
        version: string;
        jupyterlab?: {
          _build?: { load: string; extension?: string; mimeExtension?: string; style?: string };
          disabledExtensions?: string[];
        };
      };
      const build = jupyterlab?._build;
      if (!build || found.has(name)) continue;
      const { load, extension, mimeExtension, style } = build;
      const disables = jupyterlab.disabledExtensions ?? [];
      found.set(name, { name, version, folder, load, extension, mimeExtension, style, disables });
    } catch {
      // A broken extension must not hide the others.
    }
  }
  return [...found.values()];
}
