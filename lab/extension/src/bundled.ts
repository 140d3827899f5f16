// @ts-expect-error: the page that bundles this has the package
import { Widget } from '@lumino/widgets';
import type { WidgetClass } from './jupyterlab.ts';
import { type Plotly, plotlyExtension } from './renderer.ts';

/** The extension as part of a page that a bundler builds: plotly.js becomes a chunk of its own. */
export default plotlyExtension(Widget as WidgetClass, async () => {
  // @ts-expect-error: the minified file has no types of its own
  const module = (await import('plotly.js/dist/plotly.min.js')) as { default?: Plotly } & Plotly;
  return module.default ?? module;
});
