import type { Layout } from 'plotly.js';

/** Words of a value, which plotly.js would read as its markup where they look like it: `<unk>` would vanish. */
export const plain = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Categories as plain words; any other values as they are. */
export const plainWords = <T>(values: T): T =>
  Array.isArray(values) && typeof values[0] === 'string'
    ? (values.map((word) => plain(String(word))) as T)
    : values;

/** What every plot understands. */
export interface PlotOptions {
  /** Titles and labels of axes may have plotly.js's markup: `<b>`, `<i>`, `<sub>`, `<sup>`, `<br>`. */
  title?: string;
  xLabel?: string;
  yLabel?: string;
  /** Axes with a logarithmic scale. */
  logX?: boolean;
  logY?: boolean;
  /** Least and greatest value of an axis. */
  xRange?: readonly [number, number];
  yRange?: readonly [number, number];
  /** Pixels; by default as wide as the cell, and 380 high. */
  width?: number;
  height?: number;
  /** Anything else that plotly.js's layout knows. */
  layout?: Partial<Layout>;
}

const scaled = (
  range: readonly [number, number] | undefined,
  log: boolean | undefined,
): number[] | undefined => range && (log ? range.map((v) => Math.log10(v)) : [...range]);

/** The layout that the options ask for. */
export function layoutOf(
  { title, xLabel, yLabel, logX, logY, xRange, yRange, width, height, layout = {} }: PlotOptions,
  own: Record<string, unknown> = {},
): Partial<Layout> {
  const axis = (
    label: string | undefined,
    log: boolean | undefined,
    range: number[] | undefined,
    base: unknown,
  ) => ({
    ...(base as object),
    ...(label === undefined ? {} : { title: { text: label } }),
    ...(log ? { type: 'log' } : {}),
    ...(range ? { range } : {}),
  });
  return {
    // Without a title the room for it is not needed.
    ...(title === undefined ? { margin: { t: 20 } } : {}),
    ...own,
    ...(title === undefined ? {} : { title: { text: title } }),
    xaxis: axis(xLabel, logX, scaled(xRange, logX), own.xaxis),
    yaxis: axis(yLabel, logY, scaled(yRange, logY), own.yaxis),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...layout,
  } as Partial<Layout>;
}

/** Pixels at the sides of a picture: axis and margins, and a colour bar with its numbers. */
const sides = 84;
const barSide = 64;
/** As wide as a picture gets on its own. */
const widest = 720;

/**
 * The size of a figure whose cells are square, so that it is as wide as its picture: its colour bar stands beside it, and a
 * flat picture has no empty space above and below. What the options say stays.
 */
export function fitted(
  rows: number,
  columns: number,
  { title = '', height = 380, width, layout, ...given }: PlotOptions,
  bar: boolean,
): { width?: number; height?: number } {
  if (width !== undefined || layout?.width !== undefined || rows === 0 || columns === 0) return {};
  const around = (title ? 44 : 20) + 44;
  const side = sides + (bar ? barSide : 0) + (given.yLabel ? 16 : 0);
  const wanted = ((height - around) * columns) / rows + side;
  if (wanted <= widest) return { width: Math.round(Math.max(wanted, 200, 60 + title.length * 8)) };
  return { width: widest, height: Math.round(Math.max(140, around + ((widest - side) * rows) / columns)) };
}
