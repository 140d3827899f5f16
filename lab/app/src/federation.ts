/** An extension that was built elsewhere and is installed on Jupyter's paths. */
export interface FederatedExtension {
  name: string;
  /** Its container's script, relative to its folder. */
  load: string;
  extension?: string;
  mimeExtension?: string;
  style?: string;
}

interface Container {
  init(scope: unknown): Promise<void>;
  get(module: string): Promise<() => object>;
}

declare const __webpack_init_sharing__: (scope: string) => Promise<void>;
declare const __webpack_share_scopes__: { default: unknown };
declare const _JUPYTERLAB: Record<string, Container>;

/** The page's settings, before any of JupyterLab's own code can be imported. */
const config = JSON.parse(document.getElementById('jupyter-config-data')?.textContent ?? '{}') as {
  federated_extensions?: FederatedExtension[];
  fullLabextensionsUrl?: string;
};

export const federatedExtensions = (): FederatedExtension[] => config.federated_extensions ?? [];

const loadScript = (src: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${src} does not load`));
    script.async = true;
    script.src = src;
    document.head.append(script);
  });

/** Runs an extension's script and joins it to the packages that are shared. Error: the script does not load. */
export async function loadContainer({ name, load }: FederatedExtension): Promise<void> {
  await loadScript(`${config.fullLabextensionsUrl}/${name}/${load}`);
  await __webpack_init_sharing__('default');
  await _JUPYTERLAB[name].init(__webpack_share_scopes__.default);
}

/** One module of an extension, by the name under which its container exposes it. */
export async function loadModule(name: string, module: string): Promise<object> {
  const factory = await _JUPYTERLAB[name].get(module);
  return factory();
}
