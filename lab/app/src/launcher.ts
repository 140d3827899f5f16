import { ILabShell, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';

/**
 * Shows the launcher when the layout has been restored and nothing is open. JupyterLab would save the workspace and list the folder
 * before that, a second in which the page is empty.
 */
export const launcher: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:launcher',
  description: 'Shows the launcher as soon as nothing is known to be open.',
  autoStart: true,
  requires: [ILabShell, ILauncher],
  activate: (app, shell: ILabShell) => {
    // The address names what is to be opened instead.
    if (PageConfig.getOption('treePath') !== '' || PageConfig.getOption('mode') === 'single-document') return;
    void Promise.all([app.restored, app.serviceManager.kernelspecs.ready]).then(() => {
      if (shell.isEmpty('main')) return app.commands.execute('launcher:create');
    }, console.error);
  },
};
