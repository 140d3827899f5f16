import { logo } from './logo';
import { notes } from './notes';
import { typescriptFiles } from './typescriptFiles';

/** What gradbook adds to JupyterLab. */
export const gradbookPlugins = [logo, notes, typescriptFiles];
