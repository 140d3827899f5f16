import manager from '@jupyter-widgets/jupyterlab-manager';
import { anywidget } from './anywidget';

/** What a JupyterLab that somebody else built gets from us for widgets. */
export default [...[manager].flat(), anywidget];
