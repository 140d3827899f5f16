import { logo } from './logo';
import { notes } from './notes';
import { settings } from './settings';
import { typescriptFiles } from './typescriptFiles';

/** What gradbook adds to JupyterLab. */
export const gradbookPlugins = [logo, notes, settings, typescriptFiles];
