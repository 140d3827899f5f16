import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser, screenshot } from './browserPage.ts';
import { jupyterPython, pythonHas, startJupyter } from './jupyter.ts';
import { notebook } from './labServer.ts';

const program = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));

const gradbook = (...args: string[]): string =>
  execFileSync(process.execPath, [program, ...args], { encoding: 'utf8' });

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-prefix-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const isReady = browserProgram && jupyterPython && pythonHas(jupyterPython, 'jupyterlab');

test.skipIf(!isReady)(
  'gradbook install makes JupyterLab from pip run a notebook with a plot, a slider and completion (skipped where Chromium or JupyterLab is absent)',
  async () => {
    buildFrontEnd();
    const prefix = temporary();
    gradbook('install', '--prefix', prefix);
    const jupyter = await startJupyter('lab', { JUPYTER_PATH: join(prefix, 'share', 'jupyter') });
    onTestFinished(() => jupyter.close());
    const cells = notebook(
      "const wanted = { alpha: 1, beta: 'two' };",
      "plot.bar({ cats: 12, dogs: 9 }, { title: 'animals' })",
      'let last = 0;\ninteract(({ n }) => (last = n * 10), { n: [1, 6] })',
      'last',
    );
    writeFileSync(join(jupyter.folder, 'plain.ipynb'), JSON.stringify(cells));
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await LabPage.open(browser, `${jupyter.url}lab?reset&token=${jupyter.token}`);
    await tab.openDocument('plain.ipynb');
    await tab.runAll();
    const shown = '.jp-NotebookPanel:not(.lm-mod-hidden)';
    await tab.page.waitForSelector(`${shown} .js-plotly-plot .bars path`, { timeout: 60_000 });

    const handle = tab.page.locator(`${shown} .widget-slider [role=slider]`);
    await handle.focus();
    await tab.page.keyboard.press('End');
    await tab.page.waitForSelector(`${shown} .widget-output :text-is("60")`, { timeout: 60_000 });
    await screenshot(tab.page, 'interop');
    await tab.edit(3);
    await tab.page.keyboard.press('Control+Enter');
    await expect.poll(async () => (await tab.cells())[3].output, { timeout: 60_000 }).toContain('60');

    await tab.edit(3);
    await tab.page.keyboard.type(';\nwanted.');
    // A busy machine may answer later than the front end waits: ask again.
    await expect
      .poll(
        async () => {
          await tab.page.keyboard.press('Tab');
          await tab.page.waitForSelector('.jp-Completer-item', { timeout: 3000 }).catch(() => {});
          return tab.page.$$eval('.jp-Completer-match', (nodes) => nodes.map((node) => node.textContent));
        },
        { timeout: 60_000 },
      )
      .toEqual(expect.arrayContaining(['alpha', 'beta']));
  },
  240_000,
);

test('a manager of widgets that somebody else installed is neither replaced nor removed', () => {
  const prefix = temporary();
  const folder = join(prefix, 'share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'install.json'),
    '{"packageManager": "python", "packageName": "jupyterlab_widgets"}',
  );
  expect(gradbook('install', '--prefix', prefix)).toContain(`kept the manager of widgets in ${folder}`);
  gradbook('uninstall', '--prefix', prefix);
  expect(existsSync(folder)).toBe(true);
});
