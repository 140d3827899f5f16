import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { MimeBundle } from '../interfaces.ts';

export interface Output {
  output_type: 'stream' | 'display_data' | 'execute_result' | 'error';
  [field: string]: unknown;
}

export interface Cell {
  cell_type: 'code' | 'markdown' | 'raw';
  id?: string;
  source: string | string[];
  metadata: MimeBundle & { tags?: string[] };
  outputs?: Output[];
  execution_count?: number | null;
}

/** A notebook as it is stored (nbformat 4). */
export interface Notebook {
  nbformat: number;
  nbformat_minor: number;
  metadata: MimeBundle;
  cells: Cell[];
}

export const sourceOf = ({ source }: Cell): string => (Array.isArray(source) ? source.join('') : source);

/** Error: a file that is not a notebook of format 4, by name. */
export function readNotebook(path: string): Notebook {
  let parsed: Partial<Notebook>;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8')) as Partial<Notebook>;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    throw new Error(code === 'ENOENT' ? 'there is no such file' : message);
  }
  if (parsed.nbformat !== 4 || !Array.isArray(parsed.cells))
    throw new Error(`not a notebook of format 4 (nbformat is ${String(parsed.nbformat)})`);
  return { metadata: {}, nbformat_minor: 5, ...parsed } as Notebook;
}

/** Writes whole or not at all: a full disk or a killed process leaves the old file as it was. */
export function writeNotebook(path: string, notebook: Notebook): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  const temporary = `${target}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w', existsSync(target) ? statSync(target).mode : 0o666);
  try {
    try {
      writeFileSync(file, `${JSON.stringify(notebook, null, 1)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
