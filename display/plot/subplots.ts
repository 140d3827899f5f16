import { Tensor } from '../../src/index.ts';
import { Figure, type Trace } from './figure.ts';
import type { PlotOptions } from './options.ts';
import { layoutOf } from './options.ts';

export interface SubplotOptions extends PlotOptions {
  /** Columns of the grid. Default: as many as figures, at most 3. */
  cols?: number;
  /** One for each figure; default: the figures' own. */
  titles?: readonly string[];
  /** All figures have the same ranges. */
  sharedX?: boolean;
  sharedY?: boolean;
}

type Loose = Record<string, unknown>;

/** Where a trace says what its colours mean, if it does. */
function colorbarOf(trace: Loose): Loose | undefined {
  const marker = trace.marker as Loose | undefined;
  if (trace.colorbar) return trace.showscale === false ? undefined : (trace.colorbar as Loose);
  return marker?.showscale === false ? undefined : (marker?.colorbar as Loose | undefined);
}

/** The part of the figure's width that a colour bar and its numbers take. */
const barWidth = 0.06;

/** Pixels of a figure's axes in a notebook of usual width. */
const usualWidth = 700;

/** Height over width of a picture whose pixels are square, or null for any other figure. */
function aspectOf({ data, layout }: Figure): number | null {
  const { xaxis, yaxis } = layout as { xaxis?: Loose; yaxis?: Loose };
  if (!yaxis?.scaleanchor || data.length === 0) return null;
  const { z } = data[0] as { z?: Tensor | readonly ArrayLike<unknown>[] };
  if (z instanceof Tensor) return z.shape[0] / z.shape[1];
  if (z) return z.length / z[0].length;
  const [right, bottom] = [(xaxis?.range as number[])?.[1], (yaxis.range as number[])?.[0]];
  return right && bottom ? (bottom + 0.5) / (right + 0.5) : null;
}

/** Pixels of a row: pictures only need what they have at a figure's usual width. */
function heightOfRow(figures: readonly Figure[], width: number): number {
  const aspects = figures.map(aspectOf);
  if (aspects.includes(null)) return 300;
  return Math.max(130, Math.min(300, 50 + Math.max(...(aspects as number[])) * width * usualWidth));
}

/**
 * Several figures in one, in rows.
 *
 * @example subplots([plot.line(losses), plot.hist(weights), plot.heatmap(m)], { cols: 3, titles: ['loss', 'weights', 'm'] })
 *
 * Error: no figure.
 */
export function subplots(figures: readonly Figure[], options: SubplotOptions = {}): Figure {
  if (figures.length === 0) throw new RangeError('subplots: there is no figure to show');
  const { cols = Math.min(3, figures.length), titles, sharedX = false, sharedY = false } = options;
  const rows = Math.ceil(figures.length / cols);
  const data: Trace[] = [];
  const layout: Loose = {};
  const annotations: unknown[] = [];
  const gapX = cols > 1 ? 0.1 / Math.max(1, cols - 1) + 0.03 : 0;
  const gapY = rows > 1 ? 0.22 / rows : 0;
  const width = (1 - gapX * (cols - 1)) / cols;
  const height = (1 - gapY * (rows - 1)) / rows;
  const rowHeight = heightOfRow(figures, width - barWidth);
  figures.forEach((figure, i) => {
    const left = (i % cols) * (width + gapX);
    const bottom = 1 - Math.floor(i / cols) * (height + gapY) - height;
    const hasBar = figure.data.some((trace) => colorbarOf(trace as Loose));
    const right = left + width - (hasBar ? Math.min(barWidth, width / 3) : 0);
    const domain = { x: [left, right], y: [bottom, bottom + height] };
    const suffix = i === 0 ? '' : String(i + 1);
    const own = figure.layout as Loose;
    const kinds = new Set<string>();
    const shownNames = figure.data.filter((trace) => {
      const { name, showlegend } = trace as { name?: string; showlegend?: boolean };
      return name !== undefined && showlegend !== false;
    });
    const named =
      shownNames.length > 1 || shownNames.some((trace) => (trace as { showlegend?: boolean }).showlegend);
    if (named)
      layout[`legend${suffix}`] = {
        x: right,
        y: bottom + height,
        xanchor: 'right',
        yanchor: 'top',
        bgcolor: 'rgba(128,128,128,0.08)',
        font: { size: 10 },
        ...(own.legend && own.xaxis && (own.legend as Loose).yanchor === 'bottom'
          ? { y: bottom + 0.02, yanchor: 'bottom' }
          : {}),
      };
    for (const trace of figure.data) {
      const placed: Loose = { ...(trace as Loose) };
      const type = String(placed.type ?? 'scatter');
      if (['scatter3d', 'surface', 'mesh3d', 'cone', 'isosurface', 'volume', 'streamtube'].includes(type)) {
        kinds.add('scene');
        placed.scene = `scene${suffix}`;
      } else if (['pie', 'parcoords', 'sunburst', 'treemap', 'sankey', 'table', 'indicator'].includes(type))
        placed.domain = domain;
      else {
        kinds.add('axes');
        placed.xaxis = `x${suffix}`;
        placed.yaxis = `y${suffix}`;
      }
      if (named) placed.legend = `legend${suffix}`;
      const bar = colorbarOf(placed);
      if (bar) {
        // A picture with square cells is lower than its place: so is its bar.
        const aspect = aspectOf(figure);
        const share =
          aspect === null ? 0.9 : Math.min(1, (aspect * (right - left) * usualWidth) / (rowHeight - 50));
        const at = {
          x: right,
          xpad: 4,
          y: bottom + height * (aspect === null ? 0.95 : 1),
          yanchor: 'top',
          ypad: 0,
          len: height * share,
        };
        const moved = { ...bar, ...at, thickness: 8, tickfont: { size: 10 }, nticks: 5 };
        if (placed.colorbar) placed.colorbar = moved;
        else placed.marker = { ...(placed.marker as Loose), colorbar: moved };
      }
      if (!named) placed.showlegend = false;
      data.push(placed as Trace);
    }
    if (kinds.has('axes')) {
      const x: Loose = { ...(own.xaxis as Loose), domain: domain.x, anchor: `y${suffix}` };
      const y: Loose = { ...(own.yaxis as Loose), domain: domain.y, anchor: `x${suffix}` };
      if (x.scaleanchor) x.scaleanchor = `y${suffix}`;
      if (y.scaleanchor) {
        y.scaleanchor = `x${suffix}`;
        y.constraintoward = 'top';
      }
      if (sharedX && i > 0) x.matches = 'x';
      if (sharedY && i > 0) y.matches = 'y';
      layout[`xaxis${suffix}`] = x;
      layout[`yaxis${suffix}`] = y;
    }
    if (kinds.has('scene')) layout[`scene${suffix}`] = { ...(own.scene as Loose), domain };
    if (own.barmode) layout.barmode = layout.barmode === 'group' ? 'group' : own.barmode;
    if (typeof own.bargap === 'number') layout.bargap = Math.max(own.bargap, (layout.bargap as number) ?? 0);
    const title = titles?.[i] ?? (own.title as { text?: string } | undefined)?.text;
    if (title)
      annotations.push({
        text: title,
        x: (left + right) / 2,
        y: bottom + height,
        xref: 'paper',
        yref: 'paper',
        xanchor: 'center',
        yanchor: 'bottom',
        showarrow: false,
        font: { size: 13 },
      });
  });
  const {
    xaxis: _x,
    yaxis: _y,
    ...common
  } = layoutOf(
    {
      height: 80 + rows * rowHeight,
      ...options,
    },
    { margin: { t: 44 } },
  ) as Loose;
  return new Figure({
    data,
    layout: { ...layout, annotations, ...common } as never,
  });
}
