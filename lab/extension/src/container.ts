import type { MimeExtension, WidgetClass } from './jupyterlab.ts';
import type { Plotly } from './renderer.ts';

/**
 * The extension as JupyterLab loads one that was built elsewhere: a module-federation container, small enough to be written by hand.
 * It takes `Widget` from the packages that JupyterLab shares, and loads plotly.js from its own folder at the first figure.
 */
type Shared = Record<string, Record<string, { get(): Promise<() => unknown> }>>;
interface Container {
  init(scope: Shared): void;
  get(module: string): Promise<() => { __esModule: true; default: MimeExtension }>;
}

const page = window as unknown as { _JUPYTERLAB?: Record<string, Container>; gradbookPlotlyLibrary?: Plotly };
const here = (document.currentScript as HTMLScriptElement).src;
let scope: Shared = {};

function script(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = url;
    element.onload = () => resolve();
    element.onerror = () => reject(new Error(`${url} does not load`));
    document.head.append(element);
  });
}

let plotly: Promise<Plotly> | null = null;
const load = (): Promise<Plotly> =>
  (plotly ??= script(new URL('./plotly.js', here).href).then(() => page.gradbookPlotlyLibrary!));

page._JUPYTERLAB ??= {};
page._JUPYTERLAB['@gradbook/plotly'] = {
  init: (shared) => {
    scope = shared;
  },
  get: async (module) => {
    if (module !== './mimeExtension') throw new Error(`@gradbook/plotly has no module ${module}`);
    const [version] = Object.values(scope['@lumino/widgets'] ?? {});
    if (!version) throw new Error('@gradbook/plotly: this page shares no @lumino/widgets');
    const { Widget } = (await version.get())() as { Widget: WidgetClass };
    const renderer = (await import(new URL('./renderer.js', here).href)) as typeof import('./renderer.ts');
    const extension = renderer.plotlyExtension(Widget, load);
    return () => ({ __esModule: true, default: extension });
  },
};
