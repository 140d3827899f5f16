import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import {
  DefaultSchemaValidator,
  ISettingConnector,
  ISettingRegistry,
  SettingRegistry,
} from '@jupyterlab/settingregistry';
import { extensions, mimeExtensions } from 'generated-extensions';
import { fill, type Schema } from './schemaDefaults';

/** Extensions whose schemas and defaults were validated when this page was tested. */
const builtIn = new Set(['@gradbook/lab', ...[...extensions, ...mimeExtensions].map(([name]) => name)]);

/**
 * Compiling a hundred schemas is a tenth of what the page does until the launcher shows. Where the user has set nothing, a built-in
 * extension's settings are its defaults, which need no compiled schema; everything else is validated as JupyterLab does.
 */
class StartValidator extends DefaultSchemaValidator {
  override validateData(plugin: ISettingRegistry.IPlugin, populate = true) {
    if (plugin.raw.trim() !== '{}' || !builtIn.has(plugin.id.split(':')[0]))
      return super.validateData(plugin, populate);
    if (populate) {
      const composite = {};
      fill(composite, plugin.schema as unknown as Schema);
      plugin.data = { composite, user: {} };
    }
    return null;
  }
}

/** The setting registry, in place of `@jupyterlab/apputils-extension:settings`. */
export const settings: JupyterFrontEndPlugin<ISettingRegistry> = {
  id: '@gradbook/lab:settings',
  description: 'Provides the setting registry.',
  autoStart: true,
  provides: ISettingRegistry,
  requires: [ISettingConnector],
  activate: async (app, connector: ISettingConnector) => {
    const { values } = await connector.list('active');
    const registry = new SettingRegistry({
      connector,
      plugins: values.filter(({ id }) => app.hasPlugin(id)),
      validator: new StartValidator(),
    });
    // Settings that wait for a plugin to transform them are loaded without it when none has come.
    const loadRest = async (): Promise<void> => {
      const { ids } = await connector.list('ids');
      const missing = ids.filter(
        (id) => app.hasPlugin(id) && !PageConfig.Extension.isDisabled(id) && !(id in registry.plugins),
      );
      for (const id of missing)
        await registry.load(id).catch((error) => console.warn(`Settings failed to load for ${id}`, error));
    };
    void app.restored.then(loadRest);
    return registry;
  },
};
