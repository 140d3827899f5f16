import { Tensor } from '../../src/index.ts';
import { inkOn, palette } from '../values/colors.ts';
import { type Matrix, matrixOf, type Numbers, numbersOf } from './arrays.ts';
import { Figure, type Trace } from './figure.ts';
import { fitted, layoutOf, type PlotOptions, plain, plainWords } from './options.ts';

export interface ConfusionOptions extends PlotOptions {
  /** Names of the classes. */
  labels?: readonly string[];
  /** Shares of each true class instead of counts. */
  normalize?: boolean;
}

/** Matrices with more rows than this are colours alone. */
const writtenRows = 30;

/** Colours of no share and of all. */
const pale = [240, 245, 252] as const;
const deep = [40, 96, 170] as const;

const colorOf = (share: number) =>
  [0, 1, 2].map((c) => pale[c] + share * (deep[c] - pale[c])) as [number, number, number];

/** The numbers of a matrix, each in the ink that suits its cell. */
function numbersOn(
  shares: readonly number[][],
  texts: readonly string[][],
  labels: readonly string[],
): Trace {
  return {
    type: 'scatter',
    mode: 'text',
    x: shares.flatMap((row) => row.map((_, j) => labels[j])),
    y: shares.flatMap((row, i) => row.map(() => labels[i])),
    text: texts.flat(),
    textfont: { color: shares.flat().map((share) => inkOn(colorOf(share))) },
    hoverinfo: 'skip',
    showlegend: false,
  } as unknown as Trace;
}

/**
 * What was what, and what it was taken for: rows are true classes, columns predicted ones.
 *
 * @example
 * plot.confusion(targets, predictions, { labels: ['cat', 'dog'] })
 * plot.confusion(matrix)   // counts of shape (K, K)
 *
 * Errors: lengths that differ; classes that are not whole numbers from 0; a matrix that is not square.
 */
export function confusion(matrix: Matrix, options?: ConfusionOptions): Figure;
export function confusion(actual: Numbers, predicted: Numbers, options?: ConfusionOptions): Figure;
export function confusion(
  first: Matrix | Numbers,
  second?: Numbers | ConfusionOptions,
  third?: ConfusionOptions,
): Figure {
  const counted =
    second instanceof Tensor || Array.isArray(second) || ArrayBuffer.isView(second)
      ? count(numbersOf(first as Numbers), numbersOf(second as Numbers), third?.labels?.length ?? 0)
      : matrixOf('plot.confusion', first as Matrix);
  const options =
    counted &&
    (third ??
      (ArrayBuffer.isView(second) || Array.isArray(second) || second instanceof Tensor
        ? {}
        : (second ?? {})));
  const { values, rows, columns } = counted;
  if (rows !== columns)
    throw new RangeError(`plot.confusion: the matrix is ${rows} × ${columns}, not square`);
  const { labels: names = Array.from({ length: rows }, (_, i) => String(i)), normalize = false } =
    options as ConfusionOptions;
  const labels = plainWords(names);
  const shares: number[][] = [];
  const texts: string[][] = [];
  for (let i = 0; i < rows; i++) {
    const row = Array.from({ length: rows }, (_, j) => values[i * columns + j]);
    const total = row.reduce((a, b) => a + b, 0) || 1;
    shares.push(row.map((n) => n / total));
    texts.push(row.map((n) => (normalize ? (n / total).toFixed(2) : String(Math.round(n * 1000) / 1000))));
  }
  const side = Math.max(300, Math.min(720, 120 + rows * 42));
  const sized = { xLabel: 'predicted', yLabel: 'true', height: side, ...(options as ConfusionOptions) };
  return new Figure({
    data: [
      {
        type: 'heatmap',
        z: shares,
        x: labels,
        y: labels,
        text: texts,
        colorscale: [
          // Opaque: the numbers' colours are chosen against it, whatever the page's background.
          [0, `rgb(${pale})`],
          [1, `rgb(${deep})`],
        ],
        zmin: 0,
        zmax: 1,
        xgap: 1,
        ygap: 1,
        // The numbers themselves say what a colour would.
        ...(rows <= writtenRows
          ? { showscale: false }
          : { colorbar: { thickness: 12, outlinewidth: 0, tickformat: '.0%' } }),
        hovertemplate: 'true %{y}<br>predicted %{x}<br>%{text} (%{z:.1%})<extra></extra>',
      } as unknown as Trace,
      ...(rows <= writtenRows ? [numbersOn(shares, texts, labels)] : []),
    ],
    layout: layoutOf(
      { ...fitted(rows, rows, sized, rows > writtenRows), ...sized },
      {
        xaxis: { type: 'category', showgrid: false, constrain: 'domain', constraintoward: 'left' },
        yaxis: {
          type: 'category',
          autorange: 'reversed',
          showgrid: false,
          scaleanchor: 'x',
          constrain: 'domain',
          constraintoward: 'top',
        },
      },
    ),
  });
}

function count(actual: ArrayLike<number>, predicted: ArrayLike<number>, classes: number) {
  if (actual.length !== predicted.length)
    throw new RangeError(`plot.confusion: ${actual.length} true classes, ${predicted.length} predictions`);
  let size = classes;
  for (let i = 0; i < actual.length; i++) {
    for (const label of [actual[i], predicted[i]])
      if (!Number.isInteger(label) || label < 0)
        throw new RangeError(`plot.confusion: a class is a whole number from 0, got ${label} at ${i}`);
    size = Math.max(size, actual[i] + 1, predicted[i] + 1);
  }
  const values = new Float64Array(size * size);
  for (let i = 0; i < actual.length; i++) values[actual[i] * size + predicted[i]]++;
  return { values, rows: size, columns: size };
}

/** True and false positives from the highest score down, one step for each different score. */
function sweep(name: string, scores: ArrayLike<number>, labels: ArrayLike<number>) {
  if (scores.length !== labels.length)
    throw new RangeError(`plot.${name}: ${scores.length} scores, ${labels.length} labels`);
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const steps: { truePositives: number; falsePositives: number; threshold: number }[] = [];
  let truePositives = 0;
  let falsePositives = 0;
  order.forEach((at, i) => {
    if (labels[at]) truePositives++;
    else falsePositives++;
    if (i + 1 === order.length || scores[order[i + 1]] !== scores[at])
      steps.push({ truePositives, falsePositives, threshold: scores[at] });
  });
  if (truePositives === 0 || falsePositives === 0)
    throw new RangeError(`plot.${name}: needs positive (1) and negative (0) labels, got only one kind`);
  return { steps, positives: truePositives, negatives: falsePositives };
}

/** The receiver operating characteristic: points from (0, 0) to (1, 1), and the area below. */
export function rocCurve(scores: Numbers, labels: Numbers): { fpr: number[]; tpr: number[]; auc: number } {
  const { steps, positives, negatives } = sweep('roc', numbersOf(scores), numbersOf(labels));
  const fpr = [0, ...steps.map((s) => s.falsePositives / negatives)];
  const tpr = [0, ...steps.map((s) => s.truePositives / positives)];
  let auc = 0;
  for (let i = 1; i < fpr.length; i++) auc += ((fpr[i] - fpr[i - 1]) * (tpr[i] + tpr[i - 1])) / 2;
  return { fpr, tpr, auc };
}

/** Precision against recall, from the highest score down, and the average precision (as scikit-learn defines it). */
export function prCurve(
  scores: Numbers,
  labels: Numbers,
): { recall: number[]; precision: number[]; average: number } {
  const { steps, positives } = sweep('pr', numbersOf(scores), numbersOf(labels));
  const recall = steps.map((s) => s.truePositives / positives);
  const precision = steps.map((s) => s.truePositives / (s.truePositives + s.falsePositives));
  const average = recall.reduce((sum, r, i) => sum + (r - (recall[i - 1] ?? 0)) * precision[i], 0);
  return { recall: [0, ...recall], precision: [1, ...precision], average };
}

/** One classifier's scores, or several by name. */
export type Scores = Numbers | Readonly<Record<string, Numbers>>;
const scoresOf = (scores: Scores): [string, Numbers][] =>
  scores instanceof Tensor || Array.isArray(scores) || ArrayBuffer.isView(scores)
    ? [['', scores as Numbers]]
    : Object.entries(scores as Record<string, Numbers>);

/**
 * True against false positives as the threshold falls, with the area under the curve.
 *
 * @param scores one number an example, higher for positive; several classifiers by name
 * @param labels 1 (or true) for positive, 0 for negative
 */
export function roc(scores: Scores, labels: Numbers, options: PlotOptions = {}): Figure {
  const data = scoresOf(scores).map(([name, values], i) => {
    const { fpr, tpr, auc } = rocCurve(values, labels);
    return {
      type: 'scatter',
      mode: 'lines',
      x: fpr,
      y: tpr,
      name: `${name ? `${plain(name)}, ` : ''}AUC ${auc.toFixed(3)}`,
      showlegend: true,
      line: { color: palette[i % palette.length], width: 2 },
    };
  });
  const chance = {
    type: 'scatter',
    mode: 'lines',
    x: [0, 1],
    y: [0, 1],
    showlegend: false,
    hoverinfo: 'skip',
    line: { dash: 'dot', width: 1, color: '#808080' },
  };
  return new Figure({
    data: [...data, chance] as unknown as Trace[],
    layout: layoutOf(
      { xLabel: 'false positive rate', yLabel: 'true positive rate', ...options },
      corner('br'),
    ),
  });
}

/** Precision against recall as the threshold falls, with the average precision. Parameters as `roc`. */
export function pr(scores: Scores, labels: Numbers, options: PlotOptions = {}): Figure {
  const data = scoresOf(scores).map(([name, values], i) => {
    const { recall, precision, average } = prCurve(values, labels);
    return {
      type: 'scatter',
      mode: 'lines',
      x: recall,
      y: precision,
      name: `${name ? `${plain(name)}, ` : ''}AP ${average.toFixed(3)}`,
      showlegend: true,
      line: { color: palette[i % palette.length], width: 2, shape: 'vh' },
    };
  });
  return new Figure({
    data: data as unknown as Trace[],
    layout: layoutOf({ xLabel: 'recall', yLabel: 'precision', yRange: [0, 1.03], ...options }, corner('bl')),
  });
}

const corner = (where: 'br' | 'bl') => ({
  legend: {
    x: where === 'br' ? 0.98 : 0.02,
    xanchor: where === 'br' ? 'right' : 'left',
    y: 0.03,
    yanchor: 'bottom',
  },
});
