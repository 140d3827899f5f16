import { noGrad, Tensor, tensor } from '../../src/index.ts';
import { type Matrix, matrixOf, type Numbers } from '../plot/arrays.ts';
import { scatter, scatter3d } from '../plot/curves.ts';
import { contour, surface } from '../plot/fields.ts';
import { Figure, type Trace } from '../plot/figure.ts';
import type { PlotOptions } from '../plot/options.ts';
import { palette } from '../values/colors.ts';
import { valuesOf } from '../values/numbers.ts';
import { generator, normal, pca, tsne } from './projections.ts';

export interface EmbeddingOptions extends PlotOptions {
  /** Classes (a legend) or numbers (a colour scale), one for each row. */
  color?: Numbers | readonly string[];
  /** Text at the pointer. */
  labels?: readonly string[];
  method?: 'pca' | 'tsne';
  dims?: 2 | 3;
  /** For t-SNE: about how many neighbours count. Default 30, at most a third of the rows. */
  perplexity?: number;
  /** For t-SNE. Default 500. */
  iterations?: number;
  size?: number;
}

/** Rows that t-SNE takes: it looks at every pair. */
const tsneLimit = 3000;

/**
 * Vectors as points in the plane (or space): by principal components, or by t-SNE, which keeps neighbours together.
 *
 * @param rows `(N, D)`
 * @example show.embedding(features, { method: 'tsne', color: labels })
 * Error: more than 3000 rows for t-SNE.
 */
export function embedding(rows: Matrix, options: EmbeddingOptions = {}): Figure {
  const {
    method = 'pca',
    dims = 2,
    color,
    labels,
    size,
    perplexity = 30,
    iterations = 500,
    ...rest
  } = options;
  const { values, rows: count, columns: width } = matrixOf('show.embedding', rows);
  const data = { values: Float64Array.from(values), count, width };
  let axes: readonly string[];
  let coordinates: readonly Float64Array[];
  if (method === 'tsne') {
    if (count > tsneLimit)
      throw new RangeError(
        `show.embedding: t-SNE looks at every pair, ${count} rows are too many: take a sample of ${tsneLimit} at most`,
      );
    coordinates = tsne(data, dims, Math.min(perplexity, Math.max(2, (count - 1) / 3)), iterations);
    axes = ['t-SNE 1', 't-SNE 2', 't-SNE 3'];
  } else {
    const result = pca(data, dims);
    coordinates = result.coordinates;
    axes = result.explained.map((share, i) => `component ${i + 1} (${(100 * share).toFixed(1)} %)`);
  }
  const common = { color, labels, size: size ?? (dims === 3 ? 3 : 6), ...rest };
  return dims === 3
    ? scatter3d(coordinates[0], coordinates[1], coordinates[2], {
        ...common,
        xLabel: axes[0],
        yLabel: axes[1],
        zLabel: axes[2],
      })
    : scatter(coordinates[0], coordinates[1], { ...common, xLabel: axes[0], yLabel: axes[1] });
}

export interface DecisionOptions extends PlotOptions {
  /** Points along each side of the grid. Default 120. */
  steps?: number;
  /** The classes of the points. */
  labels?: Numbers;
}

/**
 * What a classifier says everywhere in the plane around some points.
 *
 * @param predict from `(M, 2)` to class scores `(M, K)`, or to one score `(M,)` or `(M, 1)`, positive for class 1
 * @param points `(N, 2)`
 * @example show.decisionBoundary(model, x, { labels: y })
 */
export function decisionBoundary(
  predict: (points: Tensor) => Tensor,
  points: Matrix,
  { steps = 120, labels, ...options }: DecisionOptions = {},
): Figure {
  const { values, rows, columns } = matrixOf('show.decisionBoundary', points);
  if (columns !== 2)
    throw new RangeError(`show.decisionBoundary: expected points (N, 2), got (${rows}, ${columns})`);
  const axis = (k: number): Float64Array => {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < rows; i++) {
      low = Math.min(low, values[i * 2 + k]);
      high = Math.max(high, values[i * 2 + k]);
    }
    const margin = 0.12 * (high - low || 1);
    return Float64Array.from(
      { length: steps },
      (_, i) => low - margin + (i / (steps - 1)) * (high - low + 2 * margin),
    );
  };
  const xs = axis(0);
  const ys = axis(1);
  const grid = new Float32Array(steps * steps * 2);
  for (let i = 0; i < steps; i++)
    for (let j = 0; j < steps; j++) {
      grid[(i * steps + j) * 2] = xs[j];
      grid[(i * steps + j) * 2 + 1] = ys[i];
    }
  const scores = noGrad(() => predict(tensor(grid).reshape([steps * steps, 2])));
  const raw = valuesOf(scores);
  const classes = raw.length / (steps * steps);
  const z = Array.from({ length: steps }, (_, i) =>
    Float32Array.from({ length: steps }, (_, j) => {
      const at = (i * steps + j) * classes;
      if (classes === 1) return 1 / (1 + Math.exp(-raw[at]));
      let best = 0;
      for (let k = 1; k < classes; k++) if (raw[at + k] > raw[at + best]) best = k;
      return best;
    }),
  );
  const many = classes > 2;
  const colorscale = many
    ? Array.from({ length: classes }, (_, k) => [
        [k / classes, palette[k % palette.length]],
        [(k + 1) / classes, palette[k % palette.length]],
      ]).flat()
    : [
        [0, palette[0]],
        [0.5, 'rgba(128,128,128,0.15)'],
        [1, palette[1]],
      ];
  const field = {
    type: 'heatmap',
    x: xs,
    y: ys,
    z,
    colorscale,
    zmin: many ? -0.5 : 0,
    zmax: many ? classes - 0.5 : 1,
    opacity: 0.45,
    showscale: false,
    hoverinfo: 'skip',
    ...(many ? {} : { zsmooth: 'best' }),
  };
  const edge = many
    ? []
    : [
        {
          type: 'contour',
          x: xs,
          y: ys,
          z,
          contours: { coloring: 'none', start: 0.5, end: 0.5, size: 1 },
          showlegend: false,
          line: { width: 2, color: '#808080' },
          showscale: false,
          hoverinfo: 'skip',
        },
      ];
  const column = (k: number): Float64Array =>
    Float64Array.from({ length: rows }, (_, i) => values[i * 2 + k]);
  const marks = scatter(column(0), column(1), { ...(labels ? { color: labels } : {}), size: 6, ...options });
  for (const trace of marks.data) {
    const { marker } = trace as { marker: Record<string, unknown> };
    marker.line = { width: 1, color: 'rgba(255,255,255,0.8)' };
  }
  return new Figure({
    data: [...([field, ...edge] as unknown as Trace[]), ...marks.data],
    layout: { ...marks.layout, height: options.height ?? 440 },
  });
}

export interface LossSurfaceOptions extends PlotOptions {
  /** How far to go along each direction, in units of the weights' own size. Default 1. */
  span?: number;
  /** Points along each side. Default 21. */
  steps?: number;
  /** `surface` (default) or `contour`. */
  kind?: 'surface' | 'contour';
  seed?: number;
}

/**
 * The loss around the present parameters, along two random directions whose parts are as large as the filters they change
 * (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets"). The parameters are put back afterwards.
 *
 * @param loss computes the loss anew, on a fixed batch
 * @example show.lossSurface(() => F.crossEntropy(model(x), y), model.parameters())
 */
export function lossSurface(
  loss: () => Tensor | number,
  parameters: readonly Tensor[],
  { span = 1, steps = 21, kind = 'surface', seed = 1, ...options }: LossSurfaceOptions = {},
): Figure {
  if (parameters.length === 0) throw new RangeError('show.lossSurface: there is no parameter to change');
  const random = generator(seed);
  const kept = parameters.map((p) => Float64Array.from(valuesOf(p)));
  const direction = (): Float64Array[] =>
    parameters.map((p, k) => {
      const rows = p.ndim > 1 ? p.shape[0] : 1;
      const length = p.size / rows;
      const out = Float64Array.from({ length: p.size }, () => normal(random));
      for (let r = 0; r < rows; r++) {
        const part = out.subarray(r * length, (r + 1) * length);
        const own = Math.hypot(...kept[k].subarray(r * length, (r + 1) * length));
        const size = Math.hypot(...part) || 1;
        for (let i = 0; i < length; i++) part[i] *= p.ndim > 1 ? own / size : 0;
      }
      return out;
    });
  const [u, v] = [direction(), direction()];
  const place = (a: number, b: number): void =>
    noGrad(() => {
      parameters.forEach((p, k) => {
        const values = kept[k].map((w, i) => w + a * u[k][i] + b * v[k][i]);
        p.detach().copy_(tensor(values, { dtype: p.dtype }).reshape(p.shape));
      });
    });
  const at = Float64Array.from({ length: steps }, (_, i) => span * ((2 * i) / (steps - 1) - 1));
  try {
    const z = Array.from(at, (b) =>
      Array.from(at, (a) => {
        place(a, b);
        const value = noGrad(loss);
        return typeof value === 'number' ? value : value.item();
      }),
    );
    const shown = { x: at, y: at, xLabel: 'direction 1', yLabel: 'direction 2', zLabel: 'loss', ...options };
    return kind === 'surface' ? surface(z, shown) : contour(z, { ...shown, path: [[0], [0]] });
  } finally {
    place(0, 0);
  }
}

export interface LearningRateOptions extends PlotOptions {
  from?: number;
  to?: number;
  steps?: number;
}

/**
 * Which learning rate to begin with: makes steps with rates that grow from `from` to `to`, and stops when the loss has become four times the
 * least (Smith 2017). `suggestion` is where the smoothed loss falls fastest. The model is changed: load its state again afterwards.
 *
 * @param step makes one training step at a rate and returns its loss
 * @example
 * const found = show.learningRate((lr) => { setRate(lr); return trainStep() })
 * found.suggestion
 */
export function learningRate(
  step: (rate: number) => number | Tensor,
  { from = 1e-6, to = 1, steps = 100, ...options }: LearningRateOptions = {},
): Figure & { readonly suggestion: number } {
  const rates: number[] = [];
  const losses: number[] = [];
  let average = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < steps; i++) {
    const rate = from * (to / from) ** (i / Math.max(1, steps - 1));
    const result = step(rate);
    const loss = result instanceof Tensor ? result.item() : result;
    average = 0.9 * average + 0.1 * loss;
    const smooth = average / (1 - 0.9 ** (i + 1));
    if (!Number.isFinite(smooth) || (i > 5 && smooth > 4 * least)) break;
    least = Math.min(least, smooth);
    rates.push(rate);
    losses.push(smooth);
  }
  let best = 0;
  let steepest = Number.POSITIVE_INFINITY;
  for (let i = 2; i < losses.length - 2; i++) {
    const slope = losses[i + 2] - losses[i - 2];
    if (slope < steepest) {
      steepest = slope;
      best = i;
    }
  }
  const suggestion = rates[best] ?? from;
  const figure = new Figure({
    data: [
      {
        type: 'scatter',
        mode: 'lines',
        x: rates,
        y: losses,
        line: { color: palette[0], width: 2 },
        showlegend: false,
      },
      {
        type: 'scatter',
        mode: 'markers',
        x: [suggestion],
        y: [losses[best]],
        name: `suggestion ${suggestion.toExponential(1)}`,
        showlegend: true,
        marker: { size: 11, color: palette[1] },
      },
    ] as unknown as Trace[],
    layout: {
      title: { text: options.title ?? 'learning rate' },
      xaxis: { type: 'log', title: { text: 'learning rate' }, exponentformat: 'power' },
      yaxis: { title: { text: 'loss (smoothed)' } },
      legend: { x: 0.02, y: 0.02, yanchor: 'bottom' },
      ...(options.height ? { height: options.height } : {}),
    } as never,
  });
  return Object.assign(figure, { suggestion });
}
