// Which packages the page shares with extensions that were built elsewhere.
import { extensions, installed, own } from './packages.js';

/** Two copies of these in one page would not know each other. */
const singletons = new Set([
  ...['language', 'state', 'view'].map((name) => `@codemirror/${name}`),
  ...['react-components', 'web-components', 'ydoc'].map((name) => `@jupyter/${name}`),
  ...['common', 'highlight'].map((name) => `@lezer/${name}`),
  ...['fast-element', 'fast-foundation'].map((name) => `@microsoft/${name}`),
  'react',
  'react-dom',
  'yjs',
]);

/** Of JupyterLab's packages these are state without tokens, of which extensions may bring their own. */
const plural = new Set(
  ['attachments', 'cells', 'nbformat', 'observables', 'outputarea', 'property-inspector', 'running'].map(
    (name) => `@jupyterlab/${name}`,
  ),
);

const isSingleton = (name) =>
  singletons.has(name) ||
  name.startsWith('@lumino/') ||
  (name.startsWith('@jupyterlab/') && !name.endsWith('-extension') && !plural.has(name));

/** Module federation's `shared`: every extension, what it depends on, and JupyterLab's own pins. */
export function sharedPackages() {
  const shared = {};
  const add = (name) => {
    if (shared[name]) return;
    try {
      const { version } = installed(name).manifest;
      shared[name] = {
        requiredVersion: `^${version}`,
        version,
        ...(isSingleton(name) && { singleton: true }),
      };
    } catch {
      // A pin of something that nothing here depends on.
    }
  };
  for (const name of Object.keys(own.overrides)) add(name);
  for (const { name, manifest } of extensions) {
    add(name);
    const chosen = manifest.jupyterlab.sharedPackages ?? {};
    for (const dependency of Object.keys(manifest.dependencies ?? {}))
      if (chosen[dependency] !== false) add(dependency);
  }
  return shared;
}
