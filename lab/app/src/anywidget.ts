import { DOMWidgetModel, DOMWidgetView, IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** The version of the package `anywidget`. */
declare const ANYWIDGET_VERSION: string;

type Classes = ReturnType<typeof import('anywidget')['default']>;

/** Model and view know each other: both must come from one call. */
let classes: Promise<Classes> | undefined;
const load = async (): Promise<Classes> =>
  (await import('anywidget')).default({ DOMWidgetModel, DOMWidgetView });

/** Widgets whose front-end half is a module that the kernel sends: https://anywidget.dev */
export const anywidget: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:anywidget',
  description: 'Shows anywidget models.',
  autoStart: true,
  requires: [IJupyterWidgetRegistry],
  activate: (_app, registry: IJupyterWidgetRegistry) => {
    try {
      registry.registerWidget({
        name: 'anywidget',
        version: ANYWIDGET_VERSION,
        exports: () => (classes ??= load()),
      });
    } catch {
      // anywidget's own extension is installed, in the same version.
    }
  },
};
