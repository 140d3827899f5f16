import { randomBytes } from 'node:crypto';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsIn = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';

/** What formats 2 and 3 call the types of what is shown. */
const mimeTypes: Record<string, string> = {
  text: 'text/plain',
  html: 'text/html',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpeg: 'image/jpeg',
  latex: 'text/latex',
  json: 'application/json',
  javascript: 'application/javascript',
};

const renamed = (bundle: Fields): Fields =>
  Object.fromEntries(Object.entries(bundle).map(([type, value]) => [mimeTypes[type] ?? type, value]));

/** JSON was kept as text. */
function parsed(data: Fields): Fields {
  const json = data['application/json'];
  if (json === undefined) return data;
  try {
    return { ...data, 'application/json': JSON.parse(textOf(json)) };
  } catch {
    return data;
  }
}

function output({ output_type, prompt_number, metadata, stream, ...rest }: Fields): Fields {
  if (output_type === 'pyerr') return { output_type: 'error', ...rest };
  if (output_type === 'stream') return { output_type, name: stream ?? 'stdout', ...rest };
  if (output_type !== 'pyout' && output_type !== 'display_data')
    return { output_type, ...rest, ...(metadata !== undefined && { metadata }) };
  const shown = { data: parsed(renamed(rest)), metadata: renamed(isFields(metadata) ? metadata : {}) };
  return output_type === 'pyout'
    ? { output_type: 'execute_result', execution_count: prompt_number ?? null, ...shown }
    : { output_type, ...shown };
}

function cell(old: Fields): Fields {
  const { cell_type, source, input, prompt_number, outputs, collapsed, language, level, ...rest } = old;
  const id = randomBytes(4).toString('hex');
  const metadata = isFields(rest.metadata) ? rest.metadata : {};
  if (cell_type === 'code')
    return {
      ...rest,
      id,
      cell_type,
      metadata: { ...metadata, ...(collapsed !== undefined && { collapsed }) },
      source: textOf(input),
      execution_count: prompt_number ?? null,
      outputs: fieldsIn(outputs).map(output),
    };
  if (cell_type === 'heading') {
    const hashes = '#'.repeat(typeof level === 'number' ? level : 1);
    const title = textOf(source).split(/\r?\n/).join(' ').trim();
    return { ...rest, id, cell_type: 'markdown', metadata, source: `${hashes} ${title}` };
  }
  return {
    ...rest,
    id,
    cell_type: cell_type === 'html' ? 'markdown' : cell_type,
    metadata,
    source: textOf(source),
  };
}

/**
 * A notebook of format 2 or 3 (IPython 0.12 to 2) as one of format 4, its worksheets in a row. Where it came from stands in
 * `metadata.orig_nbformat`, by which the front end tells its user. Others come back as they are.
 */
export function upgraded(value: unknown): unknown {
  const isOld = isFields(value) && (value.nbformat === 2 || value.nbformat === 3);
  if (!isOld || !Array.isArray(value.worksheets)) return value;
  const { worksheets, metadata, nbformat, nbformat_minor, orig_nbformat, orig_nbformat_minor, ...rest } =
    value;
  const { name, signature, ...kept } = isFields(metadata) ? metadata : {};
  return {
    ...rest,
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { ...kept, orig_nbformat: nbformat, orig_nbformat_minor: nbformat_minor ?? 0 },
    cells: fieldsIn(worksheets).flatMap(({ cells }) => fieldsIn(cells).map(cell)),
  };
}
