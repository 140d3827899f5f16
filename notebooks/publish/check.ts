import type { Notebook, Output } from '../../kernel/cli/notebook.ts';

/** Bytes that a stored notebook may have. */
const sizeLimit = 1_500_000;

/** Seconds that a notebook may take on two cores: 17 trains four detectors. */
export const timeLimit = (name: string): number => (name.startsWith('17') ? 120 : 60);

const figureType = 'application/vnd.plotly.v1+json';

const isError = ({ output_type }: Output): boolean => output_type === 'error';

/** What is wrong with a stored notebook, in words. */
export function problems(notebook: Notebook, bytes: number): string[] {
  const found: string[] = [];
  const { cells, nbformat, nbformat_minor: minor } = notebook;
  if (nbformat !== 4 || minor < 5) found.push(`format ${nbformat}.${minor}: use 4.5, whose cells have ids`);
  const ids = cells.map(({ id }) => id);
  if (ids.some((id) => !id || !/^[\w-]{1,64}$/.test(id)) || new Set(ids).size !== ids.length)
    found.push('cells need ids, each its own');
  for (const [i, { cell_type, outputs = [], execution_count: count }] of cells.entries()) {
    if (outputs.some(isError)) found.push(`cell ${i + 1} shows an error`);
    if (cell_type === 'code' && count == null) found.push(`cell ${i + 1} has not run`);
    for (const { data } of outputs as { data?: Record<string, unknown> }[])
      if (data?.[figureType] && !data['image/png'] && !data['image/svg+xml'])
        found.push(`the figure of cell ${i + 1} has no picture`);
  }
  if (bytes > sizeLimit) found.push(`${bytes} bytes: more than ${sizeLimit}`);
  return found;
}
