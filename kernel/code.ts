import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the code that the user thread loads is, as addresses for `import()`. */
export interface Code {
  runtime: string;
  /** By the names that cells may import them with. */
  library: Readonly<Record<'gradbook' | 'gradbook/display', string>>;
}

const at = (path: string): URL => new URL(path, import.meta.url);

/** The bundle that `npm run build` makes, where it is not older than the code that it was made of; else the single files. */
export function locateCode(): Code {
  const bundled = at('../src/bundle/runtime.js');
  const built = fileURLToPath(at('../.tsbuildinfo'));
  const fresh =
    existsSync(bundled) && (!existsSync(built) || statSync(bundled).mtimeMs >= statSync(built).mtimeMs);
  if (fresh)
    return {
      runtime: bundled.href,
      library: {
        gradbook: at('../src/bundle/library.js').href,
        'gradbook/display': at('../src/bundle/display.js').href,
      },
    };
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    runtime: at(`./runtime/index.${suffix}`).href,
    library: {
      gradbook: at(`../src/index.${suffix}`).href,
      'gradbook/display': at(`../display/index.${suffix}`).href,
    },
  };
}
