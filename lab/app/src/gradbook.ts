import { anywidget } from './anywidget';
import { logo } from './logo';
import { notes } from './notes';
import { restoredWidgets } from './restoredWidgets';
import { settings } from './settings';
import { typescriptFiles } from './typescriptFiles';

/** What gradbook adds to JupyterLab. */
export const gradbookPlugins = [anywidget, logo, notes, restoredWidgets, settings, typescriptFiles];
