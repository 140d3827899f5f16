import { randomUUID } from 'node:crypto';
import type { Config, Data, Layout } from 'plotly.js';
import type { Tensor } from '../../src/index.ts';
import { host, type MimeBundle, publish } from '../host.ts';
import { type Displayable, displayIdSymbol, displaySymbol } from '../registry.ts';
import { encode, type NumberArray } from './arrays.ts';
import { figureHtml, libraryNeeded, type PlainFigure } from './html.ts';
import { config, template } from './theme.ts';

/** One of plotly.js's traces, in which a tensor may stand wherever numbers may. */
export type Trace = WithTensors<Data>;
type WithTensors<T> = T extends unknown
  ? { [K in keyof T]: K extends 'type' | 'name' | 'mode' ? T[K] : T[K] | Tensor | NumberArray }
  : never;

export type { Config, Data, Layout } from 'plotly.js';

export interface FigureParts {
  data?: readonly Trace[];
  layout?: Partial<Layout>;
  config?: Partial<Config>;
}

export const plotlyMime = 'application/vnd.plotly.v1+json';

/** Merges objects deeply; arrays and everything else are replaced. */
function merge(base: unknown, over: unknown): unknown {
  const isPlain = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain(base) || !isPlain(over)) return over;
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) out[key] = key in out ? merge(out[key], value) : value;
  return out;
}

/**
 * Anything that plotly.js can draw: its traces, its layout, with its own types; tensors and typed arrays go in binary.
 * A figure shows itself as the last value of a cell or with `display(figure)`.
 *
 * @example
 * const figure = new Figure({ data: [{ type: 'scatter', x: [1, 2, 3], y: tensor([1, 4, 9]) }] })
 * figure.update({ layout: { title: { text: 'squares' } } })   // redraws in place
 *
 * Source: https://plotly.com/javascript/reference
 */
export class Figure implements Displayable {
  data: Trace[];
  layout: Partial<Layout>;
  config: Partial<Config>;
  readonly [displayIdSymbol]: string = randomUUID();
  #shown = false;
  #library: string | null = null;
  #completing = false;

  constructor({ data = [], layout = {}, config = {} }: FigureParts = {}) {
    this.data = [...data];
    this.layout = layout;
    this.config = config;
  }

  /**
   * Changes the figure and redraws it wherever it is shown, without flicker. Layout and config are merged; `data`, when given,
   * is merged trace by trace (`undefined` leaves one as it is), further traces are added.
   *
   * @example figure.update({ data: [{ y: newLosses }] })
   */
  update({
    data,
    layout,
    config,
  }: {
    data?: readonly (Trace | undefined)[];
    layout?: Partial<Layout>;
    config?: Partial<Config>;
  } = {}): this {
    data?.forEach((trace, i) => {
      if (trace)
        this.data[i] = i < this.data.length ? (Object.assign({}, this.data[i], trace) as Trace) : trace;
    });
    if (layout) this.layout = merge(this.layout, layout) as Partial<Layout>;
    if (config) this.config = { ...this.config, ...config };
    if (this.#shown) this.#redraw(null);
    return this;
  }

  #redraw(library: string | null): void {
    publish({
      kind: 'update_display_data',
      data: this.#bundle(library),
      metadata: {},
      id: this[displayIdSymbol],
    });
    if (library !== null || this.#library === null || this.#completing) return;
    // The output that is replaced carried the library for the notebook's other figures: the last state has it again.
    this.#completing = true;
    host().atCellEnd(() => {
      this.#completing = false;
      this.#redraw(this.#library);
    });
  }

  /** What plotly.js gets: plain JSON. */
  toJSON(): PlainFigure {
    const wanted = this.layout as Record<string, unknown>;
    const layout = encode({ template, height: 380, ...wanted }) as Record<string, unknown>;
    return {
      data: this.data.map((trace) => encode(trace)),
      layout,
      config: { ...config, ...this.config },
    };
  }

  /** `Figure: scatter (1,000 points), bar (3)` with its title. */
  toString(): string {
    const title = this.layout.title as string | { text?: string } | undefined;
    const text = typeof title === 'string' ? title : title?.text;
    const traces = this.data.map((trace) => {
      const { type = 'scatter', name } = trace as { type?: string; name?: string };
      return name ? `${type} '${name}'` : type;
    });
    return `Figure${text ? ` '${text}'` : ''}: ${traces.slice(0, 12).join(', ') || 'no traces'}${traces.length > 12 ? `, and ${traces.length - 12} more` : ''}`;
  }

  #bundle(library: string | null, figure = this.toJSON()): MimeBundle {
    const html = figureHtml(figure, library);
    return {
      [plotlyMime]: figure,
      ...(html === null ? {} : { 'text/html': html }),
      'text/plain': this.toString(),
    };
  }

  [displaySymbol](): MimeBundle {
    this.#shown = true;
    const figure = this.toJSON();
    const library = libraryNeeded(figure);
    this.#library ??= library;
    return this.#bundle(library ?? this.#library, figure);
  }
}
