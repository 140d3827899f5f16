import { ILabShell, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';
import { markIcon } from './icons';

/** Our mark at the top left. */
export const logo: JupyterFrontEndPlugin<void> = {
  id: '@gradbook/lab:logo',
  description: "Shows gradbook's logo.",
  autoStart: true,
  requires: [ILabShell],
  activate: (_, shell: ILabShell) => {
    const widget = new Widget();
    markIcon.element({
      container: widget.node,
      elementPosition: 'center',
      margin: '2px 2px 2px 8px',
      height: 'auto',
      width: '18px',
    });
    widget.id = 'jp-MainLogo';
    shell.add(widget, 'top', { rank: 0 });
  },
};
