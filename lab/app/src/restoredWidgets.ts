import { WidgetManager } from '@jupyter-widgets/jupyterlab-manager';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/**
 * A notebook that opens with saved widgets has not changed: without this, the models that are brought back would mark it, and closing
 * it would ask whether to save. A model that a cell makes marks it as before.
 */
export const restoredWidgets: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:restored-widgets',
  description: 'Restores saved widgets without marking the notebook as changed.',
  autoStart: true,
  activate: () => {
    const { restoreWidgets } = WidgetManager.prototype;
    WidgetManager.prototype.restoreWidgets = async function (this: WidgetManager, ...args) {
      this.setDirty = () => {};
      try {
        await restoreWidgets.apply(this, args);
      } finally {
        Reflect.deleteProperty(this, 'setDirty');
      }
    };
  },
};
