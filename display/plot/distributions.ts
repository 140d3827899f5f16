import { Tensor } from '../../src/index.ts';
import { lineScale, palette } from '../values/colors.ts';
import { statistics } from '../values/numbers.ts';
import { isNumberArray, lengthOf, type Numbers, numbersOf } from './arrays.ts';
import { Figure, type Trace } from './figure.ts';
import { layoutOf, type PlotOptions, plain } from './options.ts';

/** One set of numbers, or several by name. */
export type Samples = Numbers | Readonly<Record<string, Numbers>>;

const setsOf = (samples: Samples): [string, Numbers][] =>
  samples instanceof Tensor || Array.isArray(samples) || isNumberArray(samples)
    ? [['', samples as Numbers]]
    : Object.entries(samples);

/** Counts in `bins` equal parts of [low, high]. */
export function histogram(values: ArrayLike<number>, bins: number, low: number, high: number): Float64Array {
  const counts = new Float64Array(bins);
  const scale = high > low ? bins / (high - low) : 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i];
    if (x >= low && x <= high) counts[Math.min(bins - 1, Math.floor((x - low) * scale))]++;
  }
  return counts;
}

export interface HistOptions extends PlotOptions {
  /** Default: by the Freedman-Diaconis rule of thumb on the count, at most 100. */
  bins?: number;
  /** Shares instead of counts. */
  normalize?: boolean;
}

/**
 * How often values occur. Counted here, so that only the counts are sent, however many values there are.
 *
 * @example
 * plot.hist(randn([10000]))
 * plot.hist({ before, after }, { bins: 50 })
 */
export function hist(samples: Samples, options: HistOptions = {}): Figure {
  const sets = setsOf(samples);
  const all = sets.map(([, numbers]) => statistics(numbersOf(numbers)));
  const low = Math.min(...all.map(({ min }) => min).filter(Number.isFinite));
  const high = Math.max(...all.map(({ max }) => max).filter(Number.isFinite));
  const largest = Math.max(1, ...sets.map(([, numbers]) => numbersOf(numbers).length));
  const { bins = Math.max(5, Math.min(100, Math.ceil(2 * Math.cbrt(largest)))), normalize = false } = options;
  const width = high > low ? (high - low) / bins : 1;
  const centers = Float64Array.from({ length: bins }, (_, i) => low + (i + 0.5) * width);
  const data = sets.map(([name, numbers], i) => {
    const values = numbersOf(numbers);
    const counts = histogram(values, bins, low, high);
    return {
      type: 'bar',
      x: centers,
      y: normalize ? counts.map((n) => n / values.length) : counts,
      width: new Float64Array(bins).fill(width),
      ...(name ? { name: plain(name) } : {}),
      marker: { color: palette[i % palette.length], line: { width: 0 } },
      opacity: sets.length > 1 ? 0.6 : 1,
    };
  }) as unknown as Trace[];
  return new Figure({
    data,
    layout: layoutOf(
      { yLabel: normalize ? 'share' : 'count', ...options },
      { barmode: 'overlay', bargap: 0 },
    ),
  });
}

/** The p-quantile of sorted numbers, between neighbours where it falls between. */
function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = (sorted.length - 1) * p;
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

export interface BoxOptions extends PlotOptions {
  horizontal?: boolean;
}

/**
 * Median, quartiles, whiskers (to 1.5 times the box) and outliers of each set. Computed here: large tensors send little.
 *
 * @example plot.box({ layer1: weights1, layer2: weights2 })
 */
export function box(samples: Samples, options: BoxOptions = {}): Figure {
  const { horizontal = false } = options;
  const data = setsOf(samples).map(([name, numbers], i) => {
    const sorted = Float64Array.from(Array.from(numbersOf(numbers)).filter(Number.isFinite)).sort();
    const q1 = quantile(sorted, 0.25);
    const median = quantile(sorted, 0.5);
    const q3 = quantile(sorted, 0.75);
    const reach = 1.5 * (q3 - q1);
    const inside = sorted.filter((x) => x >= q1 - reach && x <= q3 + reach);
    const outliers = sorted.filter((x) => x < q1 - reach || x > q3 + reach);
    const step = Math.max(1, Math.ceil(outliers.length / 500));
    const axis = horizontal ? 'x' : 'y';
    return {
      type: 'box',
      name: plain(name) || ' ',
      [horizontal ? 'y' : 'x']: [plain(name) || ' '],
      q1: [q1],
      median: [median],
      q3: [q3],
      lowerfence: [inside[0]],
      upperfence: [inside[inside.length - 1]],
      mean: [statistics(sorted).mean],
      // plotly.js draws nothing at all for an empty sample.
      ...(outliers.length > 0 ? { [axis]: [Array.from(outliers.filter((_, j) => j % step === 0))] } : {}),
      boxpoints: 'outliers',
      orientation: horizontal ? 'h' : 'v',
      marker: { color: palette[i % palette.length], size: 4 },
      showlegend: false,
    };
  }) as unknown as Trace[];
  return new Figure({ data, layout: layoutOf(options) });
}

/** How numbers of several columns go together, one line a row. Columns are numbers or categories (words). */
export function parallel(
  columns: Readonly<Record<string, Numbers | readonly string[]>>,
  options: PlotOptions & { color?: string; colorscale?: string } = {},
): Figure {
  const names = Object.keys(columns);
  const { color = names.at(-1), colorscale = lineScale } = options;
  const length = lengthOf(columns[names[0]] ?? []);
  const dimensions = names.map((label) => {
    const values = columns[label];
    if (lengthOf(values) !== length)
      throw new RangeError(
        `plot.parallel: '${label}' has ${lengthOf(values)} values, '${names[0]}' has ${length}`,
      );
    if (!Array.isArray(values) || typeof values[0] !== 'string') return { label: plain(label), values };
    const words = [...new Set(values as string[])];
    return {
      label: plain(label),
      values: (values as string[]).map((word) => words.indexOf(word)),
      tickvals: words.map((_, i) => i),
      ticktext: words,
    };
  });
  const scale = dimensions[names.indexOf(color ?? '')];
  if (!scale)
    throw new RangeError(
      `plot.parallel: there is no column '${color}' to colour by: columns are ${names.join(', ')}`,
    );
  return new Figure({
    data: [
      {
        type: 'parcoords',
        dimensions,
        line: {
          color: scale.values,
          colorscale,
          showscale: true,
          colorbar: { thickness: 12, outlinewidth: 0, title: { text: plain(color ?? '') } },
        },
        labelfont: { size: 13, shadow: 'none' },
        tickfont: { size: 11, shadow: 'none' },
        rangefont: { size: 11, shadow: 'none' },
        unselected: { line: { opacity: 0.06 } },
      } as unknown as Trace,
    ],
    layout: layoutOf(options, { margin: { l: 80, r: 80, t: 80, b: 30 } }),
  });
}
