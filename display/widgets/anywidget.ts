import { randomUUID } from 'node:crypto';
import { Layout, type LayoutOptions } from './kinds.ts';
import { type Traits, Widget } from './widget.ts';

export interface AnyWidgetOptions<T extends object> {
  /** The front-end's module: `export default { render({ model, el }) { ... } }`, as text. */
  _esm: string;
  _css?: string;
  /** Traits that both sides share. */
  state: T;
  layout?: LayoutOptions;
}

/**
 * A widget whose front-end is given as a module (https://anywidget.dev). Our JupyterLab shows it, and any other after `gradbook install`.
 *
 * @example
 * const counter = anywidget({ _esm: `export default { render({ model, el }) { ... } }`, state: { count: 0 } })
 * counter.observe(({ value }) => console.log(value), 'count')
 *
 * Trait names go over the wire as they are, in snake case where they are camelCase.
 */
export function anywidget<T extends object>({
  _esm,
  _css = '',
  state,
  layout,
}: AnyWidgetOptions<T>): Widget & T {
  const widget = new Widget(
    {
      model: 'AnyModel',
      view: 'AnyView',
      module: 'anywidget',
      // Whichever version the front-end has: the protocol of its models is the same.
      moduleVersion: '*',
      defaults: {
        _dom_classes: () => [],
        layout: () => new Layout(layout),
        tooltip: null,
        tabbable: null,
        _esm,
        _css,
        _anywidget_id: `gradbook.${randomUUID()}`,
        ...(state as Traits),
      },
    },
    {},
  );
  return widget as Widget & T;
}
