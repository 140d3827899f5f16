import { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import own from '../package.json';

/** Widgets whose front end comes with them as a module (https://anywidget.dev): loaded when the first one shows. */
export const anywidgets: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:anywidget',
  description: 'Shows widgets that bring their own module.',
  autoStart: true,
  requires: [IJupyterWidgetRegistry],
  activate: (_, registry: IJupyterWidgetRegistry) => {
    const version = own.dependencies.anywidget;
    registry.registerWidget({
      name: 'anywidget',
      version,
      exports: async () => (await import('anywidget')).default,
    });
  },
};
