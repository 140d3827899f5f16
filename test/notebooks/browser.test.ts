import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Notebook, readNotebook } from '../../kernel/cli/notebook.ts';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser, screenshot } from '../lab/browserPage.ts';
import { type Lab, openLab } from '../lab/labServer.ts';

const source = fileURLToPath(new URL('../../notebooks', import.meta.url));
const names = readdirSync(source)
  .filter((file) => file.endsWith('.ipynb'))
  .sort();

/** What a reader must see of a notebook as it is stored. */
function expectedOf({ cells }: Notebook): { figures: number; widgets: number } {
  const bundles = cells.flatMap(({ outputs = [] }) => outputs.map(({ data }) => (data ?? {}) as object));
  const having = (mime: string): number => bundles.filter((bundle) => mime in bundle).length;
  return {
    figures: having('application/vnd.plotly.v1+json'),
    widgets: having('application/vnd.jupyter.widget-view+json'),
  };
}

/** What the visible notebook shows: counted in the page, cell by cell, each scrolled into sight. */
interface Seen {
  figures: number;
  /** Figures without a drawing, by their cell. */
  empty: number[];
  widgets: number;
  errors: string[];
}

const look = `(async () => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const seen = { figures: 0, empty: [], widgets: 0, errors: [] };
  const until = async (ready) => {
    for (let i = 0; i < 400 && !ready(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    return ready();
  };
  for (const [i, cell] of notebook.widgets.entries()) {
    if (cell.model.type !== 'code' || cell.model.outputs.length === 0) continue;
    await notebook.scrollToItem(i);
    const outputs = Array.from({ length: cell.model.outputs.length }, (_, k) => cell.model.outputs.get(k).toJSON());
    const wants = (mime) => outputs.filter(({ data }) => data && mime in data).length;
    const figures = () => [...cell.node.querySelectorAll('.gb-plotly')];
    const drawn = (node) => node.data?.length > 0 && node.querySelector('.main-svg') !== null
      && node.data.every((trace) => trace.visible !== false) && node.querySelector('.plot path, .plot image, .plot rect, .gl-container canvas, .parcoords, .cartesianlayer path, .cartesianlayer image') !== null;
    await until(() => figures().length >= wants('application/vnd.plotly.v1+json') && figures().every(drawn));
    // A widget of one's own has no class of the controls': the gallery's is a button.
    const views = () => [...cell.node.querySelectorAll('.jp-OutputArea-output')].filter((node) => !node.closest('.jupyter-widgets') && node.querySelector('.jupyter-widgets, button')).length;
    await until(() => views() >= wants('application/vnd.jupyter.widget-view+json'));
    seen.figures += wants('application/vnd.plotly.v1+json') === 0 ? 0 : figures().filter((node) => !node.closest('.jupyter-widgets')).length;
    if (figures().some((node) => !drawn(node))) seen.empty.push(i);
    seen.widgets += Math.min(views(), wants('application/vnd.jupyter.widget-view+json'));
    const bad = [...cell.node.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]')];
    for (const node of bad) seen.errors.push('cell ' + (i + 1) + ': ' + node.textContent.slice(0, 300));
    for (const output of outputs) if (output.output_type === 'error') seen.errors.push('cell ' + (i + 1) + ': ' + output.evalue);
  }
  return seen;
})()`;

describe.skipIf(!browserProgram)('notebooks in JupyterLab (skipped where there is no Chromium)', () => {
  let lab: Lab;
  let browser: Browser;
  let tab: LabPage;

  beforeAll(async () => {
    buildFrontEnd();
    lab = await openLab();
    browser = await launchBrowser();
    const address = `${lab.server.url}lab?reset&token=${lab.server.token}`;
    // A machine that is busy with other things may need more than one attempt at the first page.
    for (let attempt = 1; ; attempt++)
      try {
        tab = await LabPage.open(browser, address);
        break;
      } catch (error) {
        if (attempt === 3) throw error;
      }
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await lab?.close();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      await screenshot(tab.page, `failed-${task.name.replaceAll(/\W+/g, '-')}`);
      await tab.goto(`${lab.server.url}lab?reset&token=${lab.server.token}`);
    } else await tab.command('application:close-all');
    for (const { id } of lab.server.kernels.list()) await lab.request('DELETE', `api/kernels/${id}`);
  });

  /** Opens a copy, as the launcher does: it is trusted, so that widgets are shown. */
  async function open(name: string): Promise<void> {
    const { path } = (await lab.request('POST', `lab/api/notes/${encodeURIComponent(name)}`)).json;
    await tab.openDocument(path);
  }

  async function shows(path: string, picture: string): Promise<void> {
    await open(path);
    const seen = (await tab.page.evaluate(look)) as Seen;
    await screenshot(tab.page, picture);
    expect(seen).toMatchObject({ ...expectedOf(readNotebook(join(source, path))), empty: [], errors: [] });
    // Nothing has changed: closing it asks nothing.
    expect(await tab.page.evaluate('window.jupyterapp.shell.currentWidget.context.model.dirty')).toBe(false);
  }

  test.each(names)(
    '%s opens with its figures drawn, its widgets, and no error',
    { timeout: 180_000 },
    (name) => shows(name, `stored-${name}`),
  );

  test.each(['08-sgd-from-scratch.ipynb', '15-dilated-convolution.ipynb'])(
    'the Chinese edition of %s opens with the same',
    { timeout: 180_000 },
    (name) => shows(join('zh', name), `stored-zh-${name}`),
  );

  test.each(['09-max-pooling.ipynb', join('zh', '12-batchnorm-from-scratch.ipynb')])(
    '%s runs from top to bottom',
    { timeout: 300_000 },
    async (path) => {
      await open(path);
      await tab.command('notebook:clear-all-cell-outputs');
      await tab.runAll();
      // What is not saved is asked about when it is closed.
      await tab.command('docmanager:save');
      const seen = (await tab.page.evaluate(look)) as Seen;
      expect(seen).toMatchObject({ ...expectedOf(readNotebook(join(source, path))), empty: [], errors: [] });
    },
  );
});
