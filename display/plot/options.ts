import type { Layout } from 'plotly.js';

/** What every plot understands. */
export interface PlotOptions {
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
    ...own,
    ...(title === undefined ? {} : { title: { text: title } }),
    xaxis: axis(xLabel, logX, scaled(xRange, logX), own.xaxis),
    yaxis: axis(yLabel, logY, scaled(yRange, logY), own.yaxis),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...layout,
  } as Partial<Layout>;
}
