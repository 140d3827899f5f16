import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** What gradbook adds to JupyterLab. */
export const gradbookPlugins: JupyterFrontEndPlugin<void>[] = [];
