import { inspect } from 'node:util';
import { Tensor } from '../../src/index.ts';
import type { MimeBundle } from '../host.ts';
import { escapeHtml, page } from '../html.ts';
import { type Displayable, displaySymbol, plainText, register } from '../registry.ts';
import { formatCount, formatNumber } from './numbers.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface TableOptions {
  /** Columns in this order; default: every key that a row has, in order of appearance. */
  columns?: readonly string[];
  /** Rows shown at most. Default 24: the first 16 and the last 8. */
  limit?: number;
  caption?: string;
  /** A last row, set apart. */
  footer?: Row;
  /** Columns of words that stand at the right, as numbers do. */
  rightAligned?: readonly string[];
}

/**
 * Digits behind the point that the numbers of a column share, so that their points stand below each other; undefined for whole
 * numbers, and where very large and very small ones are better off with exponents.
 */
function placesOf(columns: readonly string[], rows: readonly Row[]): Map<string, number | undefined> {
  return new Map(
    columns.map((name) => {
      const texts = rows
        .map((row) => row[name])
        .filter(
          (value): value is number => typeof value === 'number' && Number.isFinite(value) && value !== 0,
        )
        .map(formatNumber);
      const places = Math.max(0, ...texts.map((text) => text.split('.')[1]?.length ?? 0));
      return [
        name,
        places === 0 || places > 6 || texts.some((text) => text.includes('e')) ? undefined : places,
      ];
    }),
  );
}

const cellText = (value: unknown, places?: number): string => {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number')
    return places !== undefined && Number.isFinite(value) ? value.toFixed(places) : formatNumber(value);
  if (typeof value === 'string') return value;
  if (value instanceof Tensor)
    return value.size === 1 ? formatNumber(value.item()) : `Tensor (${value.shape.join(', ')})`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 8 });
};

/**
 * Sorts the rows by the column whose head was clicked: numbers as numbers, the other way round at the second click. Then again the first and
 * the last are shown with the gap between them; where the rows of the gap did not come along, it goes to the end.
 */
const sorter = `const h=event.target.closest('th');if(!h)return;const i=[...h.parentNode.children].indexOf(h),b=h.closest('table').tBodies[0],d=h.dataset.d==='1'?-1:1;for(const o of h.parentNode.children)delete o.dataset.d;h.dataset.d=d;const k=r=>r.cells[i].dataset.v??r.cells[i].textContent,g=b.querySelector('[data-gap]'),[u,v]=g?g.dataset.gap.split(' ').map(Number):[1/0,0];const a=[...b.rows].filter(r=>r!==g).sort((p,q)=>{const x=k(p),y=k(q),m=x-y;return d*(Number.isNaN(m)?x.localeCompare(y):m)});a.forEach((r,j)=>{if(g&&j===u)b.append(g);r.hidden=j>=u&&j<a.length-v;b.append(r)});if(g&&a.length<=u)b.append(g)`;

/** Columns that are shown where they are not named. */
const shownColumns = 40;

/** Cells of a table that is not shown in full but sorts in full: more would weigh too much. */
const carriedCells = 2000;

/** Rows of named values, shown as a table that sorts by a click on a column's head. */
export class Table implements Displayable {
  readonly rows: readonly Row[];
  readonly #options: TableOptions;

  constructor(rows: readonly Row[], options: TableOptions = {}) {
    this.rows = rows;
    this.#options = options;
  }

  get columns(): readonly string[] {
    return this.#options.columns ?? [...new Set(this.rows.slice(0, 1000).flatMap((row) => Object.keys(row)))];
  }

  /** The columns that are shown: the first, where there are very many. */
  get #wide(): readonly string[] {
    return this.#options.columns ?? this.columns.slice(0, shownColumns);
  }

  /** The first and last rows that fit, and how many lie between them. */
  #shown(): { head: readonly Row[]; tail: readonly Row[]; hidden: number } {
    const { limit = 24 } = this.#options;
    const { rows } = this;
    if (rows.length <= limit) return { head: rows, tail: [], hidden: 0 };
    const first = Math.ceil((limit * 2) / 3);
    return {
      head: rows.slice(0, first),
      tail: rows.slice(rows.length - (limit - first)),
      hidden: rows.length - limit,
    };
  }

  get #size(): string {
    const [rows, columns, wide] = [this.rows, this.columns, this.#wide].map(({ length }) => length);
    return `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'} × ${formatCount(columns)} ${columns === 1 ? 'column' : 'columns'}${wide < columns ? `, the first ${wide} shown` : ''}`;
  }

  toHtml(): string {
    const { caption, footer, rightAligned = [] } = this.#options;
    const columns = this.#wide;
    const { head, tail, hidden } = this.#shown();
    const places = placesOf(columns, [...head, ...tail]);
    const numeric = new Set(
      columns.filter((name) =>
        head.every(
          (row) =>
            row[name] === undefined || row[name] === null || ['number', 'bigint'].includes(typeof row[name]),
        ),
      ),
    );
    for (const name of rightAligned) numeric.add(name);
    const side = (name: string): string => (numeric.has(name) ? '' : ' class="l"');
    const cell = (row: Row, name: string): string => {
      const value = row[name];
      const text = cellText(value, places.get(name));
      const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
      const exact = typeof value === 'number' && String(value) !== text ? ` data-v="${value}"` : '';
      return `<td${side(name)}${exact}>${escapeHtml(short)}</td>`;
    };
    const lines = (rows: readonly Row[], attributes = ''): string =>
      rows.map((row) => `<tr${attributes}>${columns.map((name) => cell(row, name)).join('')}</tr>`).join('');
    const carried = hidden > 0 && this.rows.length * columns.length <= carriedCells;
    const middle = carried ? this.rows.slice(head.length, head.length + hidden) : [];
    const gapAt = carried ? `${head.length} ${tail.length}` : `${head.length + tail.length} 0`;
    const gap =
      hidden > 0
        ? `<tr data-gap="${gapAt}"><td class="l dim" colspan="${columns.length}">… ${formatCount(hidden)} more rows …</td></tr>${lines(middle, ' hidden')}`
        : '';
    const heads = columns
      .map((name) => `<th class="sort${numeric.has(name) ? '' : ' l'}">${escapeHtml(name)}</th>`)
      .join('');
    const foot = footer ? `<tfoot>${lines([footer])}</tfoot>` : '';
    const under = caption ?? this.#size;
    return page(
      `<table><thead onclick="${escapeHtml(sorter)}"><tr>${heads}</tr></thead><tbody>${lines(head)}${gap}${lines(tail)}</tbody>${foot}</table><div class="dim" style="white-space:pre-line">${escapeHtml(under)}</div>`,
    );
  }

  toString(): string {
    const { footer, caption } = this.#options;
    const columns = this.#wide;
    const { head, tail, hidden } = this.#shown();
    const places = placesOf(columns, [...head, ...tail]);
    const texts = (rows: readonly Row[]): string[][] =>
      rows.map((row) =>
        columns.map((name) => cellText(row[name], places.get(name)).replaceAll('\n', ' ').slice(0, 60)),
      );
    const above = texts(head);
    const below = texts(tail);
    const last = footer ? texts([footer]) : [];
    const all = [[...columns], ...above, ...below, ...last];
    const widths = columns.map((_, i) => Math.max(...all.map((cells) => cells[i].length)));
    const numeric = columns.map((name) => head.every((row) => typeof row[name] !== 'string'));
    const lineOf = (cells: readonly string[]): string =>
      cells
        .map((text, i) => (numeric[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
        .join('  ')
        .trimEnd();
    const rule = widths.map((w) => '─'.repeat(w)).join('  ');
    return [
      lineOf(columns),
      rule,
      ...above.map(lineOf),
      ...(hidden > 0 ? [`… ${formatCount(hidden)} more rows …`] : []),
      ...below.map(lineOf),
      ...(last.length > 0 ? [rule, ...last.map(lineOf)] : []),
      caption ?? this.#size,
    ].join('\n');
  }

  [displaySymbol](): MimeBundle {
    return { 'text/html': this.toHtml(), 'text/plain': this.toString() };
  }
}

const isPlain = (value: unknown): value is Row =>
  typeof value === 'object' &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

/**
 * Rows as a table, or columns (arrays or 1-d tensors of one length) as a table.
 *
 * @example
 * table([{ layer: 'conv1', parameters: 896 }, { layer: 'conv2', parameters: 18496 }])
 * table({ x: [1, 2, 3], y: tensor([1, 4, 9]) })
 */
export function table(
  data: readonly Row[] | Readonly<Record<string, ArrayLike<unknown> | Tensor>>,
  options?: TableOptions,
): Table {
  if (Array.isArray(data)) return new Table(data as Row[], options);
  const columns = Object.entries(data as Record<string, ArrayLike<unknown> | Tensor>).map(
    ([name, column]) => [name, column instanceof Tensor ? (column.toArray() as unknown[]) : column] as const,
  );
  const length = columns[0]?.[1].length ?? 0;
  const odd = columns.find(([, column]) => column.length !== length);
  if (odd)
    throw new RangeError(
      `table: column '${odd[0]}' has ${odd[1].length} values, '${columns[0][0]}' has ${length}`,
    );
  return new Table(
    Array.from({ length }, (_, i) => Object.fromEntries(columns.map(([name, column]) => [name, column[i]]))),
    options,
  );
}

register(
  (value): value is Row[] =>
    Array.isArray(value) &&
    value.length > 1 &&
    value.slice(0, 100).every((row) => isPlain(row) && Object.keys(row).length > 0),
  (rows) => {
    const shown = new Table(rows);
    return {
      'text/html': shown.toHtml(),
      'text/plain': plainText(rows),
    };
  },
);
