// Whose work the page is made of, and under which terms.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './packages.js';

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

const idOf = ({ license, licenses }) => {
  const named = license ?? licenses?.[0];
  return typeof named === 'string' ? named : (named?.type ?? '');
};

const textIn = (folder) => {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file ? readFileSync(join(folder, file), 'utf8') : '';
};

/** Of every package that is not only for building, as JupyterLab shows them. */
export function licenses() {
  const { packages } = read(join(root, 'package-lock.json'));
  const found = new Map();
  for (const [path, { dev }] of Object.entries(packages)) {
    const folder = join(root, path);
    if (path === '' || dev || !existsSync(join(folder, 'package.json'))) continue;
    const manifest = read(join(folder, 'package.json'));
    found.set(`${manifest.name} ${manifest.version}`, {
      name: manifest.name,
      versionInfo: manifest.version,
      licenseId: idOf(manifest),
      extractedText: textIn(folder),
    });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
