import type { Tensor } from '../../src/index.ts';
import { divergingScale } from '../values/colors.ts';
import { statistics, valuesOf } from '../values/numbers.ts';
import { dataUri, encodePng, imageRaster } from '../values/png.ts';
import { pixelRange } from '../values/tensor.ts';
import { type Matrix, matrixOf, type NumberArray, type Numbers, type Values } from './arrays.ts';
import { sceneOf } from './curves.ts';
import { Figure, type Trace } from './figure.ts';
import { fitted, layoutOf, type PlotOptions, plainWords } from './options.ts';

export interface FieldOptions extends PlotOptions {
  /** Places of the columns and rows; default: their numbers. */
  x?: Values;
  y?: Values;
  colorscale?: string;
  /** Values of the first and last colour. */
  min?: number;
  max?: number;
  zLabel?: string;
  /** The bar that tells which colour is which value. Default: there, unless the values themselves are written. */
  colorbar?: boolean;
}

/** A matrix as plotly.js takes it, and the colours that suit it: diverging around zero when it has both signs. */
function field(name: string, z: Matrix, { x, y, colorscale, min, max, colorbar = true }: FieldOptions) {
  const { values, rows, columns } = matrixOf(name, z);
  const stats = statistics(values);
  const signed = stats.min < 0 && stats.max > 0 && min === undefined && max === undefined;
  const bound = Math.max(Math.abs(stats.min), Math.abs(stats.max));
  const packed = {
    z,
    ...(x ? { x: plainWords(x) } : {}),
    ...(y ? { y: plainWords(y) } : {}),
  };
  const scale = {
    colorscale: colorscale ?? (signed ? divergingScale : 'Viridis'),
    ...(colorbar ? { colorbar: { thickness: 12, outlinewidth: 0 } } : { showscale: false }),
  };
  const limits = signed ? { low: -bound, high: bound } : { low: min ?? stats.min, high: max ?? stats.max };
  return { packed, scale, limits, values, rows, columns };
}

export interface HeatmapOptions extends FieldOptions {
  /** Writes the values into the cells, in place of a colour bar. Default: when there are at most 144. */
  annotate?: boolean;
  /** Square cells, first row on top, as matrices are written. Default true. */
  matrix?: boolean;
}

/**
 * A matrix as colours, the first row on top.
 *
 * @example plot.heatmap(attention, { x: words, y: words, title: 'attention' })
 */
export function heatmap(z: Matrix, options: HeatmapOptions = {}): Figure {
  const { packed, scale, limits, values, rows, columns } = field('plot.heatmap', z, options);
  const { annotate = rows * columns <= 144, matrix = true } = options;
  const whole = Array.from({ length: Math.min(values.length, 400) }, (_, i) => values[i]).every(
    Number.isInteger,
  );
  const bar = options.colorbar ?? !annotate;
  const size = matrix && !options.y ? fitted(rows, columns, options, bar) : {};
  return new Figure({
    data: [
      {
        type: 'heatmap',
        ...packed,
        ...scale,
        zmin: limits.low,
        zmax: limits.high,
        ...(annotate
          ? { texttemplate: whole ? '%{z}' : '%{z:.2f}', showscale: options.colorbar === true }
          : {}),
      } as unknown as Trace,
    ],
    layout: layoutOf(
      { ...size, ...options },
      {
        xaxis: {
          showgrid: false,
          zeroline: false,
          ...(matrix ? { constrain: 'domain', constraintoward: 'left' } : {}),
        },
        yaxis: matrix
          ? {
              autorange: 'reversed',
              showgrid: false,
              zeroline: false,
              ...(options.y ? {} : { scaleanchor: 'x' }),
              constrain: 'domain',
              constraintoward: 'top',
            }
          : { showgrid: false, zeroline: false },
      },
    ),
  });
}

export interface ContourOptions extends FieldOptions {
  /** How many lines, about. Default 15. */
  levels?: number;
  /** Points drawn over the field, such as the path of an optimizer: `[x, y]`. */
  path?: readonly [Numbers, Numbers];
  /** Lines only. */
  lines?: boolean;
}

/** Lines of equal value. @example plot.contour(z, { x: xs, y: ys, path: [w0, w1] }) */
export function contour(z: Matrix, options: ContourOptions = {}): Figure {
  const { packed, scale, limits } = field('plot.contour', z, options);
  const { levels = 15, path, lines = false } = options;
  const data = [
    {
      type: 'contour',
      ...packed,
      ...scale,
      ncontours: levels,
      zmin: limits.low,
      zmax: limits.high,
      contours: { coloring: lines ? 'lines' : 'fill' },
      line: lines ? { width: 1.5 } : { width: 0.5, color: 'rgba(0,0,0,0.25)' },
    },
  ] as unknown as Trace[];
  if (path)
    data.push({
      type: 'scatter',
      mode: 'lines+markers',
      x: path[0],
      y: path[1],
      name: 'path',
      showlegend: false,
      line: { color: '#ff7f0e', width: 2 },
      marker: { size: 5, color: '#ff7f0e' },
    } as unknown as Trace);
  return new Figure({ data, layout: layoutOf(options) });
}

/** A matrix as a landscape, turned with the pointer. @example plot.surface(z, { x: xs, y: ys }) */
export function surface(z: Matrix, options: FieldOptions = {}): Figure {
  const { packed, scale, limits } = field('plot.surface', z, options);
  const { xLabel, yLabel, zLabel, ...rest } = options;
  return new Figure({
    data: [{ type: 'surface', ...packed, ...scale, cmin: limits.low, cmax: limits.high } as unknown as Trace],
    layout: layoutOf(
      { height: 480, ...rest },
      { scene: sceneOf(xLabel, yLabel, zLabel), margin: { l: 0, r: 0, t: 40, b: 0 } },
    ),
  });
}

/**
 * One image with axes in pixels, to zoom into.
 *
 * @param input `(C, H, W)` with C = 1, 3 or 4, or `(H, W)`; bytes, or numbers in [0, 1]; other ranges are stretched.
 * @example plot.image(batch.at(0))
 */
export function image(input: Tensor, options: PlotOptions = {}): Figure {
  const size = imageSize('plot.image', input);
  const values = valuesOf(input);
  const raster = imageRaster(values, 0, size, pixelRange(input.dtype, statistics(values)));
  const [, height, width] = size;
  const sized = { height: Math.max(240, Math.min(600, height * 2)), ...options };
  return new Figure({
    data: [{ type: 'image', source: dataUri(encodePng(raster)) } as unknown as Trace],
    layout: layoutOf(
      { ...fitted(height, width, sized, false), ...sized },
      {
        xaxis: {
          showgrid: false,
          zeroline: false,
          range: [-0.5, width - 0.5],
          constrain: 'domain',
          constraintoward: 'left',
        },
        yaxis: {
          showgrid: false,
          zeroline: false,
          range: [height - 0.5, -0.5],
          scaleanchor: 'x',
          constrain: 'domain',
          constraintoward: 'top',
        },
      },
    ),
  });
}

/** Channels, height and width. Error: a tensor that is no image. */
export function imageSize(name: string, { shape }: Tensor): readonly [number, number, number] {
  if (shape.length === 2) return [1, shape[0], shape[1]];
  if (shape.length === 4 && shape[0] === 1) return [shape[1], shape[2], shape[3]];
  if (shape.length === 3 && [1, 3, 4].includes(shape[0])) return [shape[0], shape[1], shape[2]];
  throw new RangeError(
    `${name}: expected an image (C, H, W) with 1, 3 or 4 channels or (H, W), got (${shape.join(', ')})`,
  );
}

export type { NumberArray };
