import { DOMWidgetModel, DOMWidgetView, IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** The version of the package `anywidget`. */
declare const ANYWIDGET_VERSION: string;

/** Widgets whose front-end half is a module that the kernel sends: https://anywidget.dev */
export const anywidget: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:anywidget',
  description: 'Shows anywidget models.',
  autoStart: true,
  requires: [IJupyterWidgetRegistry],
  activate: (_app, registry: IJupyterWidgetRegistry) =>
    registry.registerWidget({
      name: 'anywidget',
      version: ANYWIDGET_VERSION,
      exports: async () => (await import('anywidget')).default({ DOMWidgetModel, DOMWidgetView }),
    }),
};
