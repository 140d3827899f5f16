import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser } from './browserPage.ts';
import { openLab } from './labServer.ts';

/** A prebuilt extension, as the bundlers of others make them: a container that shares JupyterLab's packages. */
const container = `
var _JUPYTERLAB;
(_JUPYTERLAB = typeof _JUPYTERLAB === 'undefined' ? {} : _JUPYTERLAB)['somebodys-extension'] = (() => {
  let scope;
  const shared = async (name) => (await Object.values(scope[name])[0].get())();
  return {
    init: (given) => { scope = given; },
    get: async (module) => {
      if (module !== './extension') throw new Error('no module ' + module);
      const [{ ICommandPalette }, { ISettingRegistry }, { Widget }] = await Promise.all(
        ['@jupyterlab/apputils', '@jupyterlab/settingregistry', '@lumino/widgets'].map(shared));
      return () => ({ __esModule: true, default: [{
        id: 'somebodys-extension:plugin',
        autoStart: true,
        requires: [ICommandPalette, ISettingRegistry],
        activate: async (app, palette, registry) => {
          const settings = await registry.load('somebodys-extension:plugin');
          const command = 'somebody:greet';
          app.commands.addCommand(command, { label: 'Greet', execute: () => {
            const widget = new Widget();
            widget.id = 'somebodys-widget';
            widget.node.textContent = 'Hello, ' + settings.get('name').composite;
            app.shell.add(widget, 'main');
          } });
          palette.addItem({ command, category: 'Somebody' });
        },
      }] });
    },
  };
})();
`;

const describe = {
  name: 'somebodys-extension',
  version: '1.2.3',
  jupyterlab: {
    extension: true,
    schemaDir: 'schema',
    _build: { load: 'static/remoteEntry.0123456789abcdef.js', extension: './extension' },
  },
};
const schema = {
  title: 'Somebody',
  type: 'object',
  properties: { name: { type: 'string', default: 'you' } },
  additionalProperties: false,
};

test.skipIf(!browserProgram)(
  'a prebuilt extension of somebody else loads from labextensions, with JupyterLab’s own packages and its settings; a broken one beside it does no harm (skipped where there is no Chromium)',
  async () => {
    buildFrontEnd();
    const lab = await openLab({}, (data) => {
      const folder = join(data, 'labextensions', 'somebodys-extension');
      const schemas = join(folder, 'schemas', 'somebodys-extension');
      mkdirSync(join(folder, 'static'), { recursive: true });
      mkdirSync(schemas, { recursive: true });
      writeFileSync(join(folder, 'package.json'), JSON.stringify(describe));
      writeFileSync(join(folder, describe.jupyterlab._build.load), container);
      writeFileSync(join(schemas, 'plugin.json'), JSON.stringify(schema));
      const broken = join(data, 'labextensions', '@some', 'broken');
      mkdirSync(broken, { recursive: true });
      writeFileSync(join(broken, 'package.json'), JSON.stringify({ ...describe, name: '@some/broken' }));
    });
    onTestFinished(() => lab.close());
    const id = 'somebodys-extension:plugin';
    await lab.request('PUT', `lab/api/settings/${id}`, { raw: '{"name": "Ada"}' });
    const script = await lab.request(
      'GET',
      `lab/extensions/somebodys-extension/${describe.jupyterlab._build.load}`,
    );
    expect(script.headers.get('cache-control')).toContain('immutable');

    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await LabPage.open(browser, `${lab.server.url}lab?reset&token=${lab.server.token}`);
    // The launcher comes last, and in front of what is there.
    await tab.page.waitForSelector('.jp-LauncherCard');
    await tab.command('somebody:greet');
    await tab.page.waitForSelector('#somebodys-widget:text-is("Hello, Ada")', {
      state: 'attached',
      timeout: 30_000,
    });
  },
  180_000,
);
