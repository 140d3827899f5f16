import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a kernelspec's `kernel.json` says (JEP 105). */
export interface Kernelspec {
  argv: string[];
  display_name: string;
  language: string;
  interrupt_mode?: 'signal' | 'message';
  env?: Record<string, string>;
  metadata?: Record<string, unknown>;
  /** Where its logos lie. */
  resourceFolder?: string;
}

/** The folders in which Jupyter keeps data, the user's first. */
export function jupyterDataPaths(): string[] {
  const own =
    process.env.JUPYTER_DATA_DIR ??
    (platform() === 'darwin'
      ? join(homedir(), 'Library', 'Jupyter')
      : platform() === 'win32'
        ? join(process.env.APPDATA ?? homedir(), 'jupyter')
        : join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'jupyter'));
  const listed = process.env.JUPYTER_PATH?.split(delimiter) ?? [];
  const environment = [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX].flatMap((prefix) =>
    prefix ? [join(prefix, 'share', 'jupyter')] : [],
  );
  return [...listed, own, ...environment, '/usr/local/share/jupyter', '/usr/share/jupyter'];
}

/** gradbook's own kernelspec, with absolute paths. */
export const ownKernelspec = (): Kernelspec => ({
  argv: [
    process.execPath,
    '--no-force-async-hooks-checks',
    fileURLToPath(new URL('../../kernel/main.js', import.meta.url)),
    '-f',
    '{connection_file}',
  ],
  display_name: 'TypeScript (gradbook)',
  language: 'typescript',
  interrupt_mode: 'message',
  metadata: { supported_encryption: ['curve'] },
});

/** Where our own logos lie: beside the sources, also seen from `dist`. */
const ownLogos = ['../../kernel/cli/logo/', '../../../kernel/cli/logo/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find(existsSync);

/** Every kernel that can be started here: ours, and what is installed on Jupyter's paths. */
export function findKernelspecs(): Map<string, Kernelspec> {
  const found = new Map<string, Kernelspec>([['gradbook', { ...ownKernelspec(), resourceFolder: ownLogos }]]);
  for (const folder of jupyterDataPaths().map((path) => join(path, 'kernels'))) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      const file = join(folder, name, 'kernel.json');
      if (found.has(name) || !existsSync(file)) continue;
      try {
        const spec = JSON.parse(readFileSync(file, 'utf8')) as Kernelspec;
        if (Array.isArray(spec.argv)) found.set(name, { ...spec, resourceFolder: join(folder, name) });
      } catch {
        // A broken kernelspec must not hide the others.
      }
    }
  }
  return found;
}

/** `python` in a kernelspec is the one of the environment in which it lies, also where that is not the active one. */
export function programOf(resourceFolder: string | undefined, program: string): string {
  if (!resourceFolder || !/^python[\d.]*$/.test(program)) return program;
  const environment = join(resourceFolder, '..', '..', '..', '..');
  const own =
    platform() === 'win32' ? join(environment, `${program}.exe`) : join(environment, 'bin', program);
  return existsSync(own) ? own : program;
}
