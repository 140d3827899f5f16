import type { Config, Data, Frame, Layout } from 'plotly.js';
import type { MimeExtension, MimeModel, Widget, WidgetClass } from './jupyterlab.ts';

export const mimeType = 'application/vnd.plotly.v1+json';

/** The part of plotly.js that is used. */
export interface Plotly {
  react(node: HTMLElement, data: Data[], layout: Partial<Layout>, config?: Partial<Config>): Promise<unknown>;
  addFrames(node: HTMLElement, frames: Partial<Frame>[]): Promise<unknown>;
  relayout(node: HTMLElement, layout: Record<string, unknown>): Promise<unknown>;
  purge(node: HTMLElement): void;
  Plots: { resize(node: HTMLElement): Promise<unknown> | undefined };
}

interface FigureJson {
  data?: Data[];
  layout?: Partial<Layout> & { template?: { layout?: Partial<Layout> } };
  config?: Partial<Config>;
  frames?: Partial<Frame>[];
}

/** The colour of the page's text. */
const inkOf = (node: HTMLElement): string => {
  const style = getComputedStyle(node);
  return style.getPropertyValue('--jp-ui-font-color1').trim() || style.color;
};

/** The axes of parallel coordinates are black, whatever the layout says. */
function inkAxes(node: HTMLElement): void {
  for (const line of node.querySelectorAll<SVGElement>(
    '.parcoords .axis .domain, .parcoords .axis .tick line',
  ))
    line.style.stroke = inkOf(node);
}

/** The layout with the page's text colour, unless the figure has a colour of its own. */
function themed(layout: FigureJson['layout'] = {}, ink: string): Partial<Layout> {
  const base = layout.template?.layout ?? {
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
  };
  return {
    ...layout,
    autosize: layout.width === undefined,
    template: { ...layout.template, layout: { ...base, font: { ...base.font, color: ink } } },
  } as Partial<Layout>;
}

/**
 * JupyterLab's renderer of Plotly figures. Both ways of building it give it JupyterLab's own `Widget` and a way to load plotly.js,
 * which happens at the first figure.
 */
export function plotlyExtension(Base: WidgetClass, load: () => Promise<Plotly>): MimeExtension {
  class FigureWidget extends Base implements Widget {
    #figure: FigureJson | null = null;
    #plotly: Plotly | null = null;
    #drawing: Promise<unknown> = Promise.resolve();
    #frame = 0;
    readonly #resized = new ResizeObserver(() => this.#later(() => this.#plotly?.Plots.resize(this.node)));
    readonly #themed = new MutationObserver(() => this.#later(() => this.#draw()));

    constructor() {
      super();
      this.addClass('gb-plotly');
      this.node.style.width = '100%';
      this.#themed.observe(document.body, {
        attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name', 'class'],
      });
    }

    /** Draws a figure, or changes the one that is shown into it. */
    async renderModel(model: MimeModel): Promise<void> {
      this.#figure = model.data[mimeType] as FigureJson;
      const { height = 380, width } = this.#figure.layout ?? {};
      // Where the page is narrower than a figure's own width, it scrolls.
      this.node.style.overflow = width === undefined ? 'hidden' : 'auto hidden';
      this.node.style.minHeight = `${height}px`;
      this.#plotly ??= await load();
      if (this.isAttached) await this.#draw();
    }

    override onAfterAttach(): void {
      this.#resized.observe(this.node);
      void this.#draw();
    }

    override dispose(): void {
      this.#resized.disconnect();
      this.#themed.disconnect();
      cancelAnimationFrame(this.#frame);
      if (!this.isDisposed) this.#plotly?.purge(this.node);
      super.dispose();
    }

    #later(action: () => unknown): void {
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => {
        if (this.#plotly && this.isAttached && this.isVisible) action();
      });
    }

    /** One drawing at a time, in the order of the figures. */
    #draw(): Promise<unknown> {
      const plotly = this.#plotly;
      if (!plotly) return Promise.resolve();
      this.#drawing = this.#drawing.then(async () => {
        const figure = this.#figure;
        if (!figure || this.isDisposed) return;
        const { data = [], layout, config, frames } = figure;
        // plotly.js writes into what it is given.
        await plotly.react(
          this.node,
          structuredClone(data),
          themed(structuredClone(layout), inkOf(this.node)),
          config,
        );
        inkAxes(this.node);
        if (frames) await plotly.addFrames(this.node, structuredClone(frames));
      });
      return this.#drawing;
    }
  }

  return {
    id: '@gradbook/plotly:figures',
    description: 'Shows Plotly figures.',
    rendererFactory: {
      safe: true,
      mimeTypes: [mimeType],
      createRenderer: () => new FigureWidget(),
    },
    rank: 0,
    dataType: 'json',
    fileTypes: [{ name: 'plotly', mimeTypes: [mimeType], extensions: ['.plotly', '.plotly.json'] }],
    documentWidgetFactoryOptions: {
      name: 'Plotly',
      primaryFileType: 'plotly',
      fileTypes: ['plotly', 'json'],
      defaultFor: ['plotly'],
    },
  };
}
