import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import json5 from 'json5';
import { jupyterDataPaths } from '../kernelspecs.ts';
import { jupyterConfigPaths } from './folders.ts';

type Section = Record<string, unknown>;

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `below` with what stands in `above` over it, objects inside of objects too. */
export function layered(below: Section, above: Section): Section {
  const entries = Object.entries(above).map(([key, value]): [string, unknown] => {
    const under = Object.hasOwn(below, key) ? below[key] : undefined;
    return [key, isSection(value) && isSection(under) ? layered(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(entries) };
}

/** `disabledExtensions` and its like may also be lists of names. */
const named = (section: Section): Section =>
  Object.fromEntries(
    Object.entries(section).map(([key, value]) => [
      key,
      key.endsWith('Extensions') && Array.isArray(value)
        ? Object.fromEntries(value.map((name) => [name, true]))
        : value,
    ]),
  );

const warned = new Set<string>();

/** A file that is no JSON object must not keep the page from starting: it is told of once and passed over. */
function read(file: string): Section {
  if (!existsSync(file)) return {};
  try {
    const value: unknown = json5.parse(readFileSync(file, 'utf8') || '{}');
    if (isSection(value)) return named(value);
  } catch {
    // Told below.
  }
  if (!warned.has(file)) process.stderr.write(`${file} is not a JSON object: it is passed over\n`);
  warned.add(file);
  return {};
}

/** `<name>.d/*`, in the order of their names, then `<name>.json` and `<name>.json5`. */
function filesOf(folder: string, name: string): string[] {
  const parts = join(folder, `${name}.d`);
  const inParts = existsSync(parts)
    ? readdirSync(parts)
        .filter((file) => /\.json5?$/.test(file))
        .sort()
        .map((file) => join(parts, file))
    : [];
  return [...inParts, join(folder, `${name}.json`), join(folder, `${name}.json5`)];
}

/**
 * What administrators and the user chose for JupyterLab: `labconfig/<name>.json` in the folders of settings, the user's over the
 * machine's, and below them `lab/settings/<application>.json` in the folders of data.
 */
export function labConfig(name: string, application: string): Section {
  const files = [
    ...jupyterDataPaths()
      .reverse()
      .flatMap((path) => filesOf(join(path, 'lab', 'settings'), application)),
    ...jupyterConfigPaths()
      .reverse()
      .flatMap((path) => filesOf(join(path, 'labconfig'), name)),
  ];
  return files.map(read).reduce(layered, {});
}
