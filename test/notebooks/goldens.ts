import { readFileSync } from 'node:fs';
import type { Notebook } from '../../kernel/cli/notebook.ts';

type Values = number | readonly Values[];

/** A value of a notebook as PyTorch computes it: written by `pytorch.py`. */
interface Golden {
  /** Evaluated behind the notebook's last cell. */
  expression: string;
  value: Values;
  /** How far a number may be off, relative to the largest of its value. */
  tolerance: number;
}

const stored = JSON.parse(readFileSync(new URL('./pytorch.json', import.meta.url), 'utf8')) as Record<
  string,
  Golden[]
>;

/** What PyTorch says about the notebook of that name. */
export const goldensOf = (name: string): readonly Golden[] => stored[name] ?? [];

const mark = 'values beside PyTorch: ';

/** The notebook with one more cell, which prints the values that PyTorch has, too. */
export function withValues(name: string, notebook: Notebook): Notebook {
  const expressions = goldensOf(name).map(({ expression }) => expression);
  const source = `console.log(${JSON.stringify(mark)} + JSON.stringify([\n${expressions.join(',\n')}\n]));`;
  const cell = {
    cell_type: 'code',
    id: 'goldens',
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  } as const;
  return { ...notebook, cells: [...notebook.cells, cell as unknown as Notebook['cells'][number]] };
}

/** What the cell of {@link withValues} printed. */
export function valuesIn(notebook: Notebook): Values[] {
  const outputs = (notebook.cells.at(-1)?.outputs ?? []) as { text?: string | string[] }[];
  const text = outputs.map((output) => [output.text ?? ''].flat().join('')).join('');
  return JSON.parse(text.slice(text.indexOf(mark) + mark.length)) as Values[];
}

const flat = (value: Values): number[] => (typeof value === 'number' ? [value] : value.flatMap(flat));

/** Where a value differs from PyTorch's, in words; null where it does not. */
export function difference({ expression, value, tolerance }: Golden, found: Values): string | null {
  const [expected, actual] = [flat(value), flat(found)];
  if (expected.length !== actual.length)
    return `${expression}: ${actual.length} numbers, PyTorch has ${expected.length}`;
  // Numbers of different orders stand side by side: gradients by depth. Each is compared with itself and with its neighbours' size.
  const spread = Math.max(...expected.map(Math.abs)) / Math.max(1e-300, Math.min(...expected.map(Math.abs)));
  const scale = spread < 1e6 ? Math.max(...expected.map(Math.abs)) : 0;
  const at = expected.findIndex(
    (e, i) => !(Math.abs(actual[i] - e) <= tolerance * Math.max(Math.abs(e), scale)),
  );
  return at < 0 ? null : `${expression}: number ${at} is ${actual[at]}, in PyTorch ${expected[at]}`;
}
