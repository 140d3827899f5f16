import type { JupyterFrontEndPlugin, JupyterLab } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';

type Plugin = JupyterFrontEndPlugin<unknown>;
type Known = JupyterLab.IOptions['availablePlugins'] extends Iterable<infer T> | undefined ? T : never;

/** Names that plugins had before, which users' settings may still have. */
const renamed: Record<string, string> = {
  '@jupyterlab/application:mimedocument': '@jupyterlab/application-extension:mimedocument',
  '@jupyterlab/help-extension:licenses': '@jupyterlab/apputils-extension:licenses-plugin',
  '@jupyterlab/lsp:ILSPCodeExtractorsManager': '@jupyterlab/lsp-extension:code-extractor-manager',
  '@jupyterlab/translation:translator': '@jupyterlab/translation-extension:translator',
  '@jupyterlab/workspaces:commands': '@jupyterlab/workspaces-extension:commands',
};
const current = (ids: readonly string[]): string[] => ids.map((id) => renamed[id] ?? id);

const named = (ids: readonly string[], plugin: string): boolean =>
  ids.some((id) => id === plugin || id === plugin.split(':')[0]);

/** The plugins of all extensions, sorted into those that start, wait, or are switched off. */
export class Plugins {
  readonly disabled: string[] = [];
  readonly deferred: string[] = [];
  readonly known: Known[] = [];
  readonly disabledPatterns = current(PageConfig.Extension.disabled);
  readonly #deferredPatterns = current(PageConfig.Extension.deferred);

  /** Whether the user has switched the whole extension off. */
  isDisabled(extension: string): boolean {
    return named(this.disabledPatterns, extension);
  }

  /** Those of an extension's plugins that are not switched off. */
  *active(extension: string, module: object): Generator<Plugin> {
    const exported = (module as { default?: unknown }).default ?? module;
    for (const plugin of (Array.isArray(exported) ? exported : [exported]) as Plugin[]) {
      const off = named(this.disabledPatterns, plugin.id);
      this.known.push({
        id: plugin.id,
        description: plugin.description ?? '',
        requires: plugin.requires ?? [],
        optional: plugin.optional ?? [],
        provides: plugin.provides ?? null,
        autoStart: plugin.autoStart,
        enabled: !off,
        extension,
      } as Known);
      if (off) {
        this.disabled.push(plugin.id);
        continue;
      }
      if (named(this.#deferredPatterns, plugin.id)) this.deferred.push(plugin.id);
      yield plugin;
    }
  }
}
