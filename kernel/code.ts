import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CompiledBundle } from './compiledBundle.ts';

/** The names that cells may import the library with. */
export type OwnModule = 'gradbook' | 'gradbook/display';

type Exports = Record<string, unknown>;
type Runtime = typeof import('./runtime/index.ts');

/** The kernel's code: where the other threads begin, and what the user thread loads. */
export interface Code {
  readonly threads: Readonly<Record<'io' | 'language', URL>>;
  runtime(): Promise<Runtime>;
  /** What every cell has without importing it: the exports of the library, and of the display. */
  preload(): Promise<readonly [library: Exports, display: Exports]>;
  /** Addresses for `import()` of the same modules. */
  readonly library: Readonly<Record<OwnModule, string>>;
}

const at = (path: string): URL => new URL(path, import.meta.url);

/** The bundle that `npm run build` makes, where it is not older than the code that it was made of; else the single files. */
export function locateCode(): Code {
  const bundled = at('../src/bundle/runtime.cjs');
  const built = fileURLToPath(at('../.tsbuildinfo'));
  const fresh =
    existsSync(bundled) && (!existsSync(built) || statSync(bundled).mtimeMs >= statSync(built).mtimeMs);
  return fresh ? bundledCode() : singleFiles();
}

function bundledCode(): Code {
  const bundle = new CompiledBundle(fileURLToPath(at('../src/bundle')));
  return {
    threads: { io: at('../src/bundle/io.js'), language: at('./language/compiledWorker.js') },
    runtime: async () => bundle.load('runtime.cjs') as Runtime,
    preload: async () => {
      const { library, display } = bundle.load('preload.cjs') as Record<'library' | 'display', Exports>;
      // Later: the first cell shall not wait for it.
      setTimeout(() => bundle.keep(), 2000).unref();
      return [library, display];
    },
    library: {
      gradbook: at('../src/bundle/library.js').href,
      'gradbook/display': at('../src/bundle/display.js').href,
    },
  };
}

function singleFiles(): Code {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const library = {
    gradbook: at(`../src/index.${suffix}`).href,
    'gradbook/display': at(`../display/index.${suffix}`).href,
  };
  return {
    threads: { io: at(`./protocol/io.${suffix}`), language: at(`./language/worker.${suffix}`) },
    runtime: () => import(`./runtime/index.${suffix}`) as Promise<Runtime>,
    preload: () =>
      Promise.all([import(library.gradbook), import(library['gradbook/display'])]) as Promise<
        [Exports, Exports]
      >,
    library,
  };
}
