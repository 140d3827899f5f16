import { anywidget } from './anywidget';
import { launcher } from './launcher';
import { logo } from './logo';
import { notes } from './notes';
import { restoredWidgets } from './restoredWidgets';
import { settings } from './settings';
import { typescriptFiles } from './typescriptFiles';

/** What gradbook adds to JupyterLab. */
export const gradbookPlugins = [anywidget, launcher, logo, notes, restoredWidgets, settings, typescriptFiles];
