import { labConfig } from './labConfig.ts';
import type { Labextension } from './labextensions.ts';

/** What the front end is told of the page that it runs in. */
export interface PageSettings {
  version: string;
  root: string;
  labextensions: readonly Labextension[];
  deleteToTrash: boolean;
  terminals: boolean;
}

/** These ask servers elsewhere, manage Python packages, or make way for our own. */
const switchedOff = [
  '@jupyterlab/application-extension:logo',
  '@jupyterlab/apputils-extension:announcements',
  '@jupyterlab/apputils-extension:settings',
  '@jupyterlab/extensionmanager-extension',
  '@jupyterlab/hub-extension',
];

/** Names that a field of `page_config.json` switches: `{"name": true}`. */
const switched = (field: unknown): Map<string, boolean> =>
  new Map(Object.entries(field ?? {}).map(([name, on]) => [name, on === true]));

const switchedOn = (field: unknown): string[] =>
  [...switched(field)].filter(([, on]) => on).map(([name]) => name);

const urls = {
  app: '/lab',
  tree: '/lab/tree',
  static: '/static/lab',
  labextensions: '/lab/extensions',
  settings: '/lab/api/settings',
  themes: '/lab/api/themes',
  listings: '/lab/api/listings',
  licenses: '/lab/api/licenses',
  workspacesApi: '/lab/api/workspaces',
  translationsApi: '/lab/api/translations',
} as const;

const capital = (name: string): string => name[0].toUpperCase() + name.slice(1);

/** The page's configuration, of which `mode`, `workspace` and `treePath` come from its address. */
export function pageConfig(
  { version, root, labextensions, deleteToTrash, terminals }: PageSettings,
  address: { mode: 'multiple-document' | 'single-document'; workspace: string; treePath: string },
): Record<string, unknown> {
  const { disabledExtensions, deferredExtensions, lockedExtensions, ...chosen } = labConfig(
    'page_config',
    'page_config',
  );
  const off = switched(disabledExtensions);
  // An extension that is switched off stands in for nothing.
  const disables = labextensions.flatMap((extension) => (off.get(extension.name) ? [] : extension.disables));
  const disabled = [...switchedOff, ...disables].filter((name) => off.get(name) !== false);
  return {
    quitButton: true,
    notebookStartsKernel: true,
    cacheFiles: true,
    ...chosen,
    appName: 'gradbook',
    appNamespace: 'lab',
    appVersion: version,
    baseUrl: '/',
    wsUrl: '',
    ...Object.fromEntries(
      Object.entries(urls).flatMap(([name, url]) => [
        [`${name}Url`, url],
        [`full${capital(name)}Url`, url],
      ]),
    ),
    token: '',
    devMode: false,
    buildAvailable: false,
    buildCheck: false,
    exposeAppInBrowser: true,
    terminalsAvailable: terminals,
    serverRoot: root,
    rootUri: `file://${root}`,
    preferredPath: '/',
    allow_hidden_files: true,
    delete_to_trash: deleteToTrash,
    disabledExtensions: [...new Set([...disabled, ...switchedOn(disabledExtensions)])],
    deferredExtensions: switchedOn(deferredExtensions),
    lockedExtensions: switchedOn(lockedExtensions),
    federated_extensions: labextensions.map(({ name, load, extension, mimeExtension, style }) => ({
      name,
      load,
      extension,
      mimeExtension,
      style,
    })),
    ...address,
  };
}
