// npm run docs: writes docs/reference.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { generate } from './generate.js';

const folder = new URL('../../docs/reference/', import.meta.url);
const library = await import('../../dist/src/index.js');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, text] of generate(library)) writeFileSync(new URL(name, folder), text);
