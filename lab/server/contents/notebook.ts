import { HTTPException } from 'hono/http-exception';
import { upgraded } from './upgrade.ts';

type Json = unknown;
type Fields = Record<string, Json>;

export interface Cell extends Fields {
  cell_type: string;
  source: string;
  metadata: Fields;
  outputs?: Fields[];
  attachments?: Record<string, Fields>;
}

/** A notebook of format 4, its texts in one piece. */
export interface Notebook extends Fields {
  nbformat: number;
  nbformat_minor: number;
  metadata: Fields;
  cells: Cell[];
}

export const emptyNotebook = (): Notebook => ({ cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 });

const isFields = (value: Json): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isLines = (value: Json): value is string[] =>
  Array.isArray(value) && value.every((line) => typeof line === 'string');
const isJsonType = (mimeType: string): boolean => /^application\/(.*\+)?json$/i.test(mimeType);

const join = (value: Json): Json => (isLines(value) ? value.join('') : value);
const split = (value: Json): Json =>
  typeof value === 'string' ? (value.match(/[^\n]*\n|[^\n]+$/g) ?? []) : value;

const mapBundle = (bundle: Json, change: (value: Json) => Json): Json =>
  isFields(bundle)
    ? Object.fromEntries(
        Object.entries(bundle).map(([type, value]) => [type, isJsonType(type) ? value : change(value)]),
      )
    : bundle;

/** Changes the texts of a notebook, which its file keeps as arrays of lines. */
function mapTexts(notebook: Notebook, change: (value: Json) => Json): Notebook {
  const output = (fields: Fields): Fields => ({
    ...fields,
    ...(fields.data !== undefined && { data: mapBundle(fields.data, change) }),
    ...(fields.output_type === 'stream' && { text: change(fields.text) }),
  });
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: change(cell.source) as string,
    ...(cell.outputs && { outputs: cell.outputs.map(output) }),
    ...(cell.attachments && {
      attachments: Object.fromEntries(
        Object.entries(cell.attachments).map(([name, bundle]) => [name, mapBundle(bundle, change) as Fields]),
      ),
    }),
  }));
  return { ...notebook, cells };
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

const cellTypes: readonly unknown[] = ['code', 'markdown', 'raw'];

/** Why a value cannot be shown as a notebook of format 4, or null. */
export function fatalOf(value: Json): string | null {
  if (!isFields(value)) return 'a notebook is a JSON object';
  if (value.nbformat !== 4)
    return `nbformat is ${JSON.stringify(value.nbformat)}: only formats 2 to 4 are supported`;
  if (!Array.isArray(value.cells)) return "'cells' is not an array";
  const bad = value.cells.findIndex((cell) => !isFields(cell) || !cellTypes.includes(cell.cell_type));
  return bad < 0 ? null : `cell ${bad + 1} has no cell_type`;
}

/** What a notebook that can be shown lacks, or null. */
export function problemOf({ metadata, cells }: Fields): string | null {
  if (!isFields(metadata)) return "'metadata' is not an object";
  for (const [i, cell] of (cells as Fields[]).entries()) {
    if (typeof cell.source !== 'string' && !isLines(cell.source)) return `cell ${i + 1} has no source`;
    if (!isFields(cell.metadata)) return `cell ${i + 1} has no metadata`;
    if (cell.cell_type === 'code' && !(Array.isArray(cell.outputs) && cell.outputs.every(isFields)))
      return `cell ${i + 1} has no outputs`;
  }
  return null;
}

/** The notebook with empty fields in place of those that {@link problemOf} misses. */
export function mended(notebook: Fields): Notebook {
  const cells = (notebook.cells as Fields[]).map((cell) => ({
    ...cell,
    source: typeof cell.source === 'string' || isLines(cell.source) ? cell.source : '',
    metadata: isFields(cell.metadata) ? cell.metadata : {},
    ...(cell.cell_type === 'code' && {
      outputs: Array.isArray(cell.outputs) ? cell.outputs.filter(isFields) : [],
      execution_count: cell.execution_count ?? null,
    }),
  }));
  return {
    ...notebook,
    metadata: isFields(notebook.metadata) ? notebook.metadata : {},
    cells,
  } as unknown as Notebook;
}

/** The notebook in a file's text, and what it lacks. Error: 400 for what cannot be shown as one, with the reason. */
export function readNotebook(text: string, path: string): { notebook: Notebook; problem: string | null } {
  let value: Json;
  try {
    value = upgraded(JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text));
  } catch (error) {
    throw new HTTPException(400, { message: `Unreadable Notebook: ${path} ${(error as Error).message}` });
  }
  const fatal = fatalOf(value);
  if (fatal) throw new HTTPException(400, { message: `Unreadable Notebook: ${path} ${fatal}` });
  return { notebook: mapTexts(mended(value as Fields), join), problem: problemOf(value as Fields) };
}

/** As {@link readNotebook}, for those who take what there is. */
export const parseNotebook = (text: string, path: string): Notebook => readNotebook(text, path).notebook;

/** The text of a notebook's file as nbformat writes it: sorted keys, one blank of indentation, without what is only for this session. */
export function formatNotebook(notebook: Notebook): string {
  const { signature, orig_nbformat, orig_nbformat_minor, ...metadata } = notebook.metadata;
  const cells = notebook.cells.map((cell) => {
    const { trusted, ...rest } = cell.metadata;
    return { ...cell, metadata: rest };
  });
  return `${JSON.stringify(sorted(mapTexts({ ...notebook, metadata, cells }, split)), null, 1)}\n`;
}

export { join as joinLines, sorted as sortedKeys };
