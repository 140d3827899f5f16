import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jupyterConfigFolder } from './folders.ts';
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

/** `page_config.json` in the user's `labconfig`: `{"disabledExtensions": {"name": true}}`. */
function userDisabled(): Record<string, boolean> {
  const file = join(jupyterConfigFolder(), 'labconfig', 'page_config.json');
  if (!existsSync(file)) return {};
  try {
    return (
      (JSON.parse(readFileSync(file, 'utf8')) as { disabledExtensions?: Record<string, boolean> })
        .disabledExtensions ?? {}
    );
  } catch {
    return {};
  }
}

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
  const off = userDisabled();
  const disabled = [...switchedOff, ...labextensions.flatMap(({ disables }) => disables)].filter(
    (name) => off[name] !== false,
  );
  return {
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
    quitButton: true,
    exposeAppInBrowser: true,
    notebookStartsKernel: true,
    cacheFiles: true,
    terminalsAvailable: terminals,
    serverRoot: root,
    rootUri: `file://${root}`,
    preferredPath: '/',
    allow_hidden_files: true,
    delete_to_trash: deleteToTrash,
    disabledExtensions: [...new Set([...disabled, ...Object.keys(off).filter((name) => off[name])])],
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
