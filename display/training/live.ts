import { Tensor } from '../../src/index.ts';
import { host, type MimeBundle, publish } from '../host.ts';
import { Figure, type Trace } from '../plot/figure.ts';
import { plain } from '../plot/options.ts';
import { type Displayable, displayIdSymbol, displaySymbol } from '../registry.ts';
import { palette } from '../values/colors.ts';
import { formatNumber } from '../values/numbers.ts';

export type Scale = 'log' | 'linear';

export interface LiveOptions {
  title?: string;
  /** Milliseconds between two updates. Default 250. */
  every?: number;
  /** Each quantity also smoothed by an exponential moving average of this weight, in [0, 1). */
  smooth?: number;
  xLabel?: string;
  height?: number;
}

/** Points kept for one curve; beyond that every second one is dropped and the later ones are averaged in twos, fours, ... */
const limit = 2000;

/** A curve that never grows above `limit` points: each is the mean of `span` values. */
class Curve {
  readonly x: number[] = [];
  readonly y: number[] = [];
  last = Number.NaN;
  #span = 1;
  #sum = 0;
  #count = 0;

  add(x: number, y: number): void {
    this.last = y;
    this.#sum += y;
    this.#count++;
    if (this.#count < this.#span) return;
    this.x.push(x);
    this.y.push(this.#sum / this.#count);
    this.#sum = 0;
    this.#count = 0;
    if (this.x.length < limit) return;
    for (let i = 0; i < limit / 2; i++) {
      this.x[i] = this.x[2 * i + 1];
      this.y[i] = (this.y[2 * i] + this.y[2 * i + 1]) / 2;
    }
    this.x.length = this.y.length = limit / 2;
    this.#span *= 2;
  }

  smoothed(weight: number): Float64Array {
    const out = new Float64Array(this.y.length);
    let sum = 0;
    let norm = 0;
    for (let i = 0; i < out.length; i++) {
      sum = weight * sum + (1 - weight) * this.y[i];
      norm = weight * norm + (1 - weight);
      out[i] = sum / norm;
    }
    return out;
  }
}

class LiveFigure extends Figure {
  readonly #text: () => string;

  constructor(layout: Record<string, unknown>, text: () => string) {
    super({ layout });
    this.#text = text;
  }

  override toString(): string {
    return this.#text();
  }
}

/** A chart that grows while a loop runs: see `live`. */
export class LiveChart<K extends string> implements Displayable {
  readonly #figure: Figure;
  readonly #curves = new Map<string, Curve>();
  readonly #scales: Readonly<Record<string, Scale>>;
  readonly #options: LiveOptions;
  #step = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  /** Steps that are not drawn yet, and what draws them: the cell's end, or in an asynchronous loop a timer. */
  #behind = false;
  #waiting = false;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;

  constructor(scales: Readonly<Record<K, Scale>>, options: LiveOptions = {}) {
    this.#scales = scales;
    this.#options = options;
    const names = Object.keys(scales);
    if (names.length === 0) throw new RangeError("live: name what to draw, for instance live({loss: 'log'})");
    for (const [name, scale] of Object.entries(scales))
      if (scale !== 'log' && scale !== 'linear')
        throw new TypeError(`live: the scale of '${name}' is 'log' or 'linear', not '${String(scale)}'`);
    for (const name of names) this.#curves.set(name, new Curve());
    this.#figure = new LiveFigure(this.#layout(), () => this.toString());
  }

  get [displayIdSymbol](): string {
    return this.#figure[displayIdSymbol];
  }

  /** One panel for each group `a/b` of names before the slash; others have a panel of their own. */
  get #panels(): string[] {
    return [...new Set([...this.#curves.keys()].map((name) => name.split('/')[0]))];
  }

  #layout(): Record<string, unknown> {
    const { title, xLabel = 'step', height = 300 } = this.#options;
    const panels = this.#panels;
    const gap = 0.09;
    const width = (1 - gap * (panels.length - 1)) / panels.length;
    const axes = panels.flatMap((panel, i) => {
      const suffix = i === 0 ? '' : String(i + 1);
      const left = i * (width + gap);
      const scale = Object.entries(this.#scales).find(([name]) => name.split('/')[0] === panel)![1];
      return [
        [`xaxis${suffix}`, { domain: [left, left + width], anchor: `y${suffix}`, title: { text: xLabel } }],
        [
          `yaxis${suffix}`,
          {
            anchor: `x${suffix}`,
            title: { text: plain(panel) },
            type: scale === 'log' ? 'log' : 'linear',
            exponentformat: 'power',
            ...(scale === 'log' ? { nticks: 5 } : {}),
          },
        ],
      ] as const;
    });
    const shared = [...this.#curves.keys()].some((name) => name.includes('/'));
    return {
      ...Object.fromEntries(axes),
      height,
      showlegend: shared,
      ...(title === undefined ? {} : { title: { text: title } }),
      margin: { l: 60, r: 16, t: title === undefined ? 16 : 40, b: 44 },
      uirevision: 'live',
    };
  }

  /**
   * One step's numbers; a 0-d tensor counts as its number. The step counts itself, or is given as `step`. Cheap: the chart is redrawn
   * every quarter of a second, and once more when the cell ends.
   *
   * Error: a name that the chart was not made with.
   */
  add(values: Readonly<Partial<Record<K, number | Tensor>>>, step = this.#step): void {
    this.#step = step + 1;
    for (const name in values) {
      const value = values[name];
      const curve = this.#curves.get(name);
      if (!curve)
        throw new RangeError(
          `live: there is no '${name}' in this chart: it has ${[...this.#curves.keys()].join(', ')}`,
        );
      if (value !== undefined) curve.add(step, value instanceof Tensor ? value.item() : (value as number));
    }
    const now = performance.now();
    if (now - this.#drawnAt >= (this.#options.every ?? 250)) this.#draw(now);
    else if (!this.#behind) this.#drawLater(now);
  }

  #drawLater(now: number): void {
    this.#behind = true;
    const { every = 250 } = this.#options;
    const draw = (): void => {
      if (this.#behind) this.#draw(performance.now());
    };
    // A loop that yields may pause for long: what it has added is drawn meanwhile.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(draw, Math.max(0, this.#drawnAt + every - now)).unref();
    if (this.#waiting) return;
    this.#waiting = true;
    host().atCellEnd(() => {
      this.#waiting = false;
      draw();
    });
  }

  #draw(now: number): void {
    this.#behind = false;
    const first = !this.#shown;
    if (first) {
      this.#refresh();
      this.#shown = true;
      publish({
        kind: 'display_data',
        data: this.#figure[displaySymbol](),
        metadata: {},
        id: this[displayIdSymbol],
      });
    } else {
      this.#refresh();
      this.#figure.update();
    }
    // When drawing is slow, it is done less often: it takes at most a fiftieth of the time. The first time prepares more.
    const end = performance.now();
    const pause = first ? 0 : Math.min(5000, (end - now) * 50);
    this.#drawnAt = end + Math.max(0, pause - (this.#options.every ?? 250));
  }

  #refresh(): void {
    const { smooth } = this.#options;
    const panels = this.#panels;
    const data: Trace[] = [];
    let color = 0;
    for (const [name, curve] of this.#curves) {
      const panel = panels.indexOf(name.split('/')[0]);
      const suffix = panel === 0 ? '' : String(panel + 1);
      const trace = {
        type: 'scatter',
        mode: curve.x.length === 1 ? 'markers' : 'lines',
        name: plain(name),
        x: Float64Array.from(curve.x),
        y: Float32Array.from(curve.y),
        xaxis: `x${suffix}`,
        yaxis: `y${suffix}`,
        line: { color: palette[color % palette.length], width: 2 },
      };
      color++;
      if (smooth === undefined) data.push(trace as unknown as Trace);
      else
        data.push(
          { ...trace, opacity: 0.3, showlegend: false, hoverinfo: 'skip' } as unknown as Trace,
          { ...trace, y: curve.smoothed(smooth) } as unknown as Trace,
        );
    }
    this.#figure.data = data;
  }

  /** `live chart, 120 steps: loss 0.25, acc 0.9` */
  toString(): string {
    const values = [...this.#curves].map(([name, { last }]) => `${name} ${formatNumber(last)}`);
    return `live chart, ${this.#step} steps: ${values.join(', ')}`;
  }

  [displaySymbol](): MimeBundle {
    this.#refresh();
    this.#shown = true;
    return this.#figure[displaySymbol]();
  }
}

/**
 * A chart that grows while a loop runs, synchronous or not. It shows itself at the first `add`. Names with one word before a slash share
 * a panel.
 *
 * @example
 * const chart = live({ loss: 'log', acc: 'linear' })
 * for (const batch of loader) chart.add({ loss: step(batch), acc })
 * live({ 'loss/train': 'log', 'loss/val': 'log' })
 */
export const live = <const K extends string>(
  scales: Readonly<Record<K, Scale>>,
  options?: LiveOptions,
): LiveChart<K> => new LiveChart(scales, options);
