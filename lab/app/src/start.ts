import { JupyterLab } from '@jupyterlab/application';
import { JupyterPluginRegistry, PageConfig } from '@jupyterlab/coreutils';
import { IConnectionStatus, IServiceManager } from '@jupyterlab/services';
import { extensions, mimeExtensions } from 'generated-extensions';
import { federatedExtensions, loadModule } from './federation';
import { gradbookPlugins } from './gradbook';
import { Plugins } from './plugins';

type Loader = [name: string, load: () => Promise<object>];

/** Loads extensions side by side; one that fails is told of and left out. */
async function loaded(loaders: readonly Loader[]): Promise<[string, object][]> {
  const results = await Promise.allSettled(
    loaders.map(async ([name, load]): Promise<[string, object]> => [name, await load()]),
  );
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return [result.value];
    console.error(result.reason);
    return [];
  });
}

/** Collects the plugins of the built-in and the federated extensions, and starts JupyterLab with them. */
export async function start(): Promise<void> {
  const federated = federatedExtensions();
  const replaced = new Set(federated.map(({ name }) => name));
  const plugins = new Plugins();
  const from = (kind: 'extension' | 'mimeExtension' | 'style'): Loader[] =>
    federated.flatMap((extension): Loader[] => {
      const module = extension[kind];
      return module ? [[extension.name, () => loadModule(extension.name, module)]] : [];
    });
  const builtIn = (loaders: readonly Loader[]): Loader[] => loaders.filter(([name]) => !replaced.has(name));

  const mime = await loaded([...builtIn(mimeExtensions), ...from('mimeExtension')]);
  const main = await loaded([...builtIn(extensions), ...from('extension')]);
  await loaded(from('style').filter(([name]) => !plugins.isDisabled(name)));
  const mimePlugins = mime.flatMap(([name, module]) => [...plugins.active(name, module)]);
  const mainPlugins = [...main, ['@gradbook/lab', { default: gradbookPlugins }] as const].flatMap(
    ([name, module]) => [...plugins.active(name, module)],
  );

  const pluginRegistry = new JupyterPluginRegistry();
  pluginRegistry.registerPlugins(mainPlugins);
  const lab = new JupyterLab({
    pluginRegistry,
    connectionStatus: (await pluginRegistry.resolveOptionalService(IConnectionStatus)) ?? undefined,
    serviceManager: await pluginRegistry.resolveRequiredService(IServiceManager),
    mimeExtensions: mimePlugins as never,
    disabled: { matches: plugins.disabled, patterns: plugins.disabledPatterns },
    deferred: { matches: plugins.deferred, patterns: plugins.deferred },
    availablePlugins: plugins.known,
  });
  if (PageConfig.getOption('exposeAppInBrowser') === 'true') Object.assign(window, { jupyterapp: lab });
  await lab.start({ ignorePlugins: plugins.deferred, bubblingKeydown: true });
}
