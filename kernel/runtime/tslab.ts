import type { MimeBundle } from '../interfaces.ts';
import type { Output } from './output.ts';

/** What tslab calls when a cell displays something; its own kernel sets it for each cell. */
interface TslabJupyter {
  lastWriteDisplayData: ((content: MimeBundle, update?: boolean) => void) | null;
}

/** Sends what `tslab.display` and `newDisplay()` show to the running cell. `require` finds the same tslab as the cell's import. */
export function connectTslab(require: NodeJS.Require, output: Output): void {
  const jupyter = require('tslab/dist/jupyter') as TslabJupyter;
  jupyter.lastWriteDisplayData = (content, update = false) =>
    output.publish(update ? 'update_display_data' : 'display_data', content);
}
