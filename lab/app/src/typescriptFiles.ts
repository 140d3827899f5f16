import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { typescriptIcon } from './icons';

/** A notebook imports the `.ts` files that lie beside it: making one is a click away. */
export const typescriptFiles: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:typescript-files',
  description: 'Adds TypeScript files to the launcher and to File > New.',
  autoStart: true,
  optional: [ILauncher, IMainMenu],
  activate: (app, launcher: ILauncher | null, mainMenu: IMainMenu | null) => {
    const command = 'gradbook:new-typescript-file';
    app.commands.addCommand(command, {
      label: ({ isMenu }) => (isMenu ? 'New TypeScript File' : 'TypeScript File'),
      caption: 'Create a TypeScript file, which notebooks beside it can import',
      icon: typescriptIcon,
      execute: async ({ cwd }) => {
        const model = await app.commands.execute('docmanager:new-untitled', {
          path: cwd,
          type: 'file',
          ext: 'ts',
        });
        return app.commands.execute('docmanager:open', { path: model.path, factory: 'Editor' });
      },
    });
    launcher?.add({ command, category: 'Other', rank: 2 });
    mainMenu?.fileMenu.newMenu.addGroup([{ command, args: { isMenu: true } }], 30);
  },
};
