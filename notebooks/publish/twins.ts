import { basename } from 'node:path';
import { type Notebook, sourceOf } from '../../kernel/cli/notebook.ts';

const codeOf = (notebook: Notebook) => notebook.cells.filter(({ cell_type }) => cell_type === 'code');

/**
 * Gives the translated edition the outputs of the original, whose code it shares.
 *
 * Error: a code cell that differs, by its number.
 */
export function shareOutputs(path: string, original: Notebook, translated: Notebook): void {
  const [ours, theirs] = [codeOf(original), codeOf(translated)];
  const different = ours.findIndex((cell, i) => !theirs[i] || sourceOf(cell) !== sourceOf(theirs[i]));
  if (different >= 0 || ours.length !== theirs.length)
    throw new Error(
      `${basename(path)}: code cell ${(different < 0 ? ours.length : different) + 1} of the two editions differs: keep the code identical`,
    );
  for (const [i, cell] of theirs.entries()) {
    cell.outputs = structuredClone(ours[i].outputs);
    cell.execution_count = ours[i].execution_count;
  }
  translated.metadata = { ...translated.metadata, ...structuredClone(original.metadata) };
}
