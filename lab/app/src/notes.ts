import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { ServerConnection } from '@jupyterlab/services';
import { Menu } from '@lumino/widgets';
import { noteIcon } from './icons';

/** A notebook that comes with gradbook. */
interface Note {
  name: string;
  title: string;
}

const command = 'gradbook:open-note';

/** Error: what the server says. */
async function ask<T>(app: JupyterFrontEnd, path: string, method: 'GET' | 'POST'): Promise<T> {
  const settings = app.serviceManager.serverSettings;
  const url = URLExt.join(settings.baseUrl, 'lab/api/notes', path);
  const response = await ServerConnection.makeRequest(url, { method }, settings);
  if (!response.ok) throw await ServerConnection.ResponseError.create(response);
  return (await response.json()) as T;
}

/** The "Notes" of the launcher and of the Help menu. Opening one makes a copy in the user's folder, once, and opens that. */
export const notes: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:notes',
  description: 'Opens the notebooks that come with gradbook.',
  autoStart: true,
  optional: [ILauncher, IMainMenu, ICommandPalette],
  activate: (
    app,
    launcher: ILauncher | null,
    mainMenu: IMainMenu | null,
    palette: ICommandPalette | null,
  ) => {
    app.commands.addCommand(command, {
      label: ({ title }) => String(title ?? 'Open a Note'),
      caption: ({ title }) => `Open your copy of “${title}”`,
      icon: noteIcon,
      execute: async ({ name }) => {
        try {
          const { path } = await ask<{ path: string }>(app, encodeURIComponent(String(name)), 'POST');
          return await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
        } catch (error) {
          return showErrorMessage('The note could not be opened', error as Error);
        }
      },
    });
    // The page starts without waiting for the list.
    void ask<Note[]>(app, '', 'GET').then((found) => {
      const menus = new Map<string, Menu>();
      for (const [rank, { name, title }] of found.entries()) {
        const args = { name, title };
        const category = name.startsWith('zh/') ? '笔记' : 'Notes';
        launcher?.add({ command, args, category, rank, categoryRank: category === 'Notes' ? 10 : 30 });
        palette?.addItem({ command, args, category });
        const menu = menus.get(category) ?? new Menu({ commands: app.commands });
        menu.title.label = category;
        menu.addItem({ command, args });
        menus.set(category, menu);
      }
      const submenus = [...menus.values()].map((submenu) => ({ type: 'submenu' as const, submenu }));
      if (submenus.length > 0) mainMenu?.helpMenu.addGroup(submenus, 0);
    }, console.error);
  },
};
