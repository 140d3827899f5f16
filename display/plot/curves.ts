import { Tensor } from '../../src/index.ts';
import { palette } from '../values/colors.ts';
import { isNumberArray, lengthOf, type Numbers, numbersOf, type Values } from './arrays.ts';
import { Figure, type Trace } from './figure.ts';
import { layoutOf, type PlotOptions, plain, plainWords } from './options.ts';

/** One curve, several by name, or the rows of a 2-d tensor. */
export type Series = Numbers | Readonly<Record<string, Numbers>>;

/** From so many points on, curves are drawn by WebGL. */
const glFrom = 20_000;

const isValues = (value: unknown): value is Values =>
  value instanceof Tensor || Array.isArray(value) || isNumberArray(value);

/** The curves of a series with their names. */
function curvesOf(
  name: string,
  series: Series,
  names?: readonly string[],
): { name?: string; values: Numbers }[] {
  if (series instanceof Tensor) {
    if (series.ndim === 1) return [{ name: names?.[0], values: series }];
    if (series.ndim !== 2)
      throw new RangeError(`plot.${name}: expected a 1-d or 2-d tensor, got (${series.shape.join(', ')})`);
    const [rows, columns] = series.shape;
    const all = numbersOf(series) as Float32Array;
    return Array.from({ length: rows }, (_, i) => ({
      name: names?.[i] ?? String(i),
      values: all.subarray(i * columns, (i + 1) * columns),
    }));
  }
  if (isValues(series)) return [{ name: names?.[0], values: series as Numbers }];
  return Object.entries(series).map(([key, values]) => ({ name: key, values }));
}

export interface LineOptions extends PlotOptions {
  /** Names of the curves, for the legend. */
  names?: readonly string[];
  /** `lines` (default), `markers` or both. */
  mode?: 'lines' | 'markers' | 'lines+markers';
  /** Also draws each curve smoothed by an exponential moving average of this weight, in [0, 1). */
  smooth?: number;
  /** Fills the area between the curve and zero. */
  fill?: boolean;
}

function smoothed(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let sum = 0;
  let norm = 0;
  for (let i = 0; i < values.length; i++) {
    sum = weight * sum + (1 - weight) * values[i];
    norm = weight * norm + (1 - weight);
    out[i] = sum / norm;
  }
  return out;
}

/**
 * Curves over their index, or over `x`.
 *
 * @example
 * plot.line(losses)
 * plot.line(linspace(0, 1, 50), { sine: a, cosine: b }, { title: 'waves', xLabel: 't' })
 *
 * Errors: lengths of x and y that differ; a tensor with more than two dimensions.
 */
export function line(y: Series, options?: LineOptions): Figure;
export function line(x: Values, y: Series, options?: LineOptions): Figure;
export function line(first: Values | Series, second?: Series | LineOptions, third?: LineOptions): Figure {
  const [x, series, options] = split<Series, LineOptions>(first, second, third);
  const { names, mode = 'lines', smooth, fill = false } = options;
  const data: Trace[] = [];
  for (const [i, { name, values }] of curvesOf('line', series, names).entries()) {
    if (x && lengthOf(x) !== lengthOf(values))
      throw new RangeError(
        `plot.line: x has ${lengthOf(x)} values, '${name ?? 'y'}' has ${lengthOf(values)}`,
      );
    const trace = {
      type: lengthOf(values) >= glFrom ? 'scattergl' : 'scatter',
      mode,
      ...(x ? { x: plainWords(x) } : {}),
      y: values,
      ...(name === undefined ? {} : { name: plain(name) }),
      ...(fill ? { fill: 'tozeroy' } : {}),
      line: { color: palette[i % palette.length], width: 2 },
    };
    if (smooth === undefined) data.push(trace as Trace);
    else {
      data.push({ ...trace, opacity: 0.3, showlegend: false, hoverinfo: 'skip' } as Trace);
      data.push({ ...trace, y: smoothed(numbersOf(values), smooth) } as Trace);
    }
  }
  return new Figure({ data, layout: layoutOf(options, { hovermode: 'x unified' }) });
}

function split<S, O>(first: Values | S, second?: S | O, third?: O): [Values | null, S, O] {
  const isSeries = (value: unknown): boolean =>
    isValues(value) || (third !== undefined && typeof value === 'object');
  const named =
    typeof second === 'object' &&
    second !== null &&
    !isValues(second) &&
    Object.values(second).length > 0 &&
    Object.values(second).every(isValues);
  if (second !== undefined && (isSeries(second) || named) && isValues(first))
    return [first, second as S, third ?? ({} as O)];
  return [null, first as S, (second ?? {}) as O];
}

export interface ScatterOptions extends PlotOptions {
  /** A number for each point (a colour scale) or a category for each (a legend). */
  color?: Numbers | readonly string[];
  /** Pixels, one for all or one each. Default 7. */
  size?: number | Numbers;
  /** Text for each point, shown at the pointer. */
  labels?: readonly string[];
  colorscale?: string;
  opacity?: number;
}

/** Points by category: integers and words get a legend, other numbers a colour scale. */
function grouped(color: ScatterOptions['color'], count: number): Map<string, number[]> | null {
  if (color === undefined) return null;
  const values =
    Array.isArray(color) && typeof color[0] === 'string'
      ? (color as string[])
      : Array.from(numbersOf(color as Numbers));
  if (values.length !== count)
    throw new RangeError(`plot.scatter: color has ${values.length} values for ${count} points`);
  const words = typeof values[0] === 'string';
  if (!words && !(values as number[]).every(Number.isInteger)) return null;
  const groups = new Map<string, number[]>();
  values.forEach((value, i) => {
    const key = String(value);
    const places = groups.get(key);
    if (places) places.push(i);
    else groups.set(key, [i]);
  });
  if (!words && groups.size > 12) return null;
  const order = [...groups].sort(([a], [b]) => (words ? 0 : Number(a) - Number(b)));
  return new Map(order);
}

const pick = (values: ArrayLike<unknown>, places: readonly number[]): unknown =>
  isNumberArray(values)
    ? Float64Array.from(places, (i) => (values as ArrayLike<number>)[i])
    : places.map((i) => values[i]);

const listOf = (values: Values): ArrayLike<unknown> =>
  values instanceof Tensor ? numbersOf(values) : (values as ArrayLike<unknown>);

/** The traces of a scatter in two or three dimensions. */
function pointTraces(type: string, coordinates: Record<string, Values>, options: ScatterOptions): Trace[] {
  const { color, size = type === 'scatter3d' ? 4 : 7, labels, colorscale = 'Viridis', opacity } = options;
  const [[firstName, first]] = Object.entries(coordinates);
  const count = lengthOf(first);
  for (const [name, values] of Object.entries(coordinates))
    if (lengthOf(values) !== count)
      throw new RangeError(`plot.scatter: ${firstName} has ${count} values, ${name} has ${lengthOf(values)}`);
  const plainCoordinates = Object.fromEntries(
    Object.entries(coordinates).map(([name, values]) => [name, plainWords(values)]),
  );
  const groups = grouped(color, count);
  const sizes = typeof size === 'number' ? size : listOf(size);
  const marker = (extra: object): object => ({
    size: sizes,
    opacity: opacity ?? (count > 2000 ? 0.6 : 0.85),
    ...extra,
  });
  if (!groups) {
    const scale =
      color === undefined
        ? { color: palette[0] }
        : { color, colorscale, colorbar: { thickness: 12, outlinewidth: 0 } };
    return [
      {
        type,
        mode: 'markers',
        ...plainCoordinates,
        ...(labels ? { text: plainWords(labels) } : {}),
        marker: marker(scale),
      } as unknown as Trace,
    ];
  }
  return [...groups].map(([name, places], i) => ({
    type,
    mode: 'markers',
    name: plain(name),
    ...Object.fromEntries(
      Object.entries(plainCoordinates).map(([axis, values]) => [axis, pick(listOf(values), places)]),
    ),
    ...(labels ? { text: pick(plainWords(labels), places) } : {}),
    marker: {
      ...marker({ color: palette[i % palette.length] }),
      ...(typeof sizes === 'number' ? {} : { size: pick(sizes, places) }),
    },
  })) as unknown as Trace[];
}

/**
 * Points; WebGL draws them from 20,000 on.
 *
 * @example plot.scatter(x, y, { color: labels, size: 5, title: 'clusters' })
 *
 * Errors: lengths that differ.
 */
export function scatter(x: Values, y: Values, options: ScatterOptions = {}): Figure {
  const type = lengthOf(x) >= glFrom ? 'scattergl' : 'scatter';
  return new Figure({ data: pointTraces(type, { x, y }, options), layout: layoutOf(options) });
}

export interface Scatter3dOptions extends ScatterOptions {
  zLabel?: string;
}

/** Points in space, turned with the pointer. @example plot.scatter3d(x, y, z, { color: labels }) */
export function scatter3d(x: Values, y: Values, z: Values, options: Scatter3dOptions = {}): Figure {
  const { xLabel, yLabel, zLabel, ...rest } = options;
  return new Figure({
    data: pointTraces('scatter3d', { x, y, z }, rest),
    layout: layoutOf(
      { height: 480, ...rest },
      { scene: sceneOf(xLabel, yLabel, zLabel), margin: { l: 0, r: 0, t: 40, b: 0 } },
    ),
  });
}

/** Axis titles of a 3-d plot. */
export const sceneOf = (xLabel?: string, yLabel?: string, zLabel?: string): Record<string, unknown> => ({
  xaxis: { title: { text: xLabel ?? 'x' } },
  yaxis: { title: { text: yLabel ?? 'y' } },
  zaxis: { title: { text: zLabel ?? 'z' } },
  camera: { eye: { x: 1.5, y: 1.5, z: 1.05 }, center: { x: 0, y: 0, z: -0.16 } },
});

export interface BarOptions extends PlotOptions {
  horizontal?: boolean;
  /** Several series beside or on top of each other. Default `group`. */
  mode?: 'group' | 'stack';
}

/**
 * Bars.
 *
 * @example
 * plot.bar({ cats: 10, dogs: 7 })
 * plot.bar(['a', 'b'], { train: [1, 2], test: [3, 4] })
 */
export function bar(values: Readonly<Record<string, number>> | Numbers, options?: BarOptions): Figure;
export function bar(labels: Values, values: Series, options?: BarOptions): Figure;
export function bar(
  first: Readonly<Record<string, number>> | Values,
  second?: Series | BarOptions,
  third?: BarOptions,
): Figure {
  let labels: Values | null = null;
  let series: Series;
  let options: BarOptions;
  if (!isValues(first)) {
    labels = Object.keys(first);
    series = Object.values(first);
    options = (second ?? {}) as BarOptions;
  } else [labels, series, options] = split<Series, BarOptions>(first, second, third);
  const { horizontal = false, mode = 'group' } = options;
  labels = labels && plainWords(labels);
  const data = curvesOf('bar', series).map(({ name, values }) => ({
    type: 'bar',
    ...(name === undefined ? {} : { name: plain(name) }),
    ...(horizontal
      ? { orientation: 'h', x: values, ...(labels ? { y: labels } : {}) }
      : { y: values, ...(labels ? { x: labels } : {}) }),
    marker: { cornerradius: 2 },
  })) as unknown as Trace[];
  return new Figure({ data, layout: layoutOf(options, { barmode: mode, bargap: 0.25 }) });
}
