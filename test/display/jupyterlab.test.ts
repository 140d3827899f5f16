import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { display, Figure, plot } from '../../display/index.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import { tensor } from '../../src/index.ts';
import { browserProgram, launchBrowser } from '../lab/browserPage.ts';
import { type Jupyter, jupyterPython, pythonHas, startJupyter } from '../lab/jupyter.ts';
import { notebookShowing } from '../notebook.ts';
import { record } from './recorder.ts';

const main = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gradbook-jupyterlab-'));
let jupyter: Jupyter | null = null;
afterAll(async () => {
  await jupyter?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a stock JupyterLab', () => {
  test('draws figures after gradbook install, in the colours of its theme', async (context) => {
    if (!jupyterPython || !pythonHas(jupyterPython, 'jupyterlab'))
      context.skip('no Python has JupyterLab: activate an environment that has it, or set GRADBOOK_PYTHON');
    if (!browserProgram) context.skip('there is no Chromium or Chrome: install one, or set CHROME_PATH');
    const prefix = join(folder, 'prefix');
    execFileSync(process.execPath, [main, 'install', '--prefix', prefix], { stdio: 'pipe' });
    record();
    const figure = new Figure({
      data: [
        {
          type: 'scatter',
          mode: 'lines+markers',
          x: tensor([1, 2, 3]),
          y: tensor([1, 4, 9]),
          name: 'squares',
        },
        { type: 'bar', x: [1, 2, 3], y: Float32Array.of(3, 2, 1) },
      ],
    });
    jupyter = await startJupyter('lab', { JUPYTER_PATH: join(prefix, 'share', 'jupyter') });
    writeFileSync(
      join(jupyter.folder, 'figure.ipynb'),
      JSON.stringify(notebookShowing({ [plotlyMime]: figure.toJSON(), 'text/plain': String(figure) })),
    );
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
      const failures: string[] = [];
      page.on('pageerror', ({ message }) => failures.push(message));
      await page.goto(`${jupyter.url}lab/tree/figure.ipynb?token=${jupyter.token}`, {
        timeout: 120_000,
        waitUntil: 'domcontentloaded',
      });
      await page.waitForSelector('.gb-plotly .main-svg .scatterlayer .trace', {
        timeout: 120_000,
        state: 'attached',
      });
      const drawn = await page.evaluate(`({
        points: document.querySelectorAll('.gb-plotly .scatterlayer .point').length,
        bars: document.querySelectorAll('.gb-plotly .barlayer .point').length,
        ink: getComputedStyle(document.querySelector('.gb-plotly .xtick text')).fill,
        width: document.querySelector('.gb-plotly .main-svg').getBoundingClientRect().width,
      })`);
      expect(drawn).toMatchObject({ points: 3, bars: 3 });
      expect((drawn as { width: number }).width).toBeGreaterThan(400);
      // The theme changes, and the figure's ink with it.
      await page.evaluate(`document.documentElement.style.setProperty('--jp-ui-font-color1', 'rgb(1, 200, 3)');
        document.body.dataset.jpThemeLight = document.body.dataset.jpThemeLight === 'true' ? 'false' : 'true';`);
      await expect
        .poll(
          () => page.evaluate(`getComputedStyle(document.querySelector('.gb-plotly .xtick text')).fill`),
          {
            timeout: 20_000,
          },
        )
        .toBe('rgb(1, 200, 3)');
      expect(failures.filter((message) => /plotly/i.test(message))).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 300_000);

  test('draws figures without our extension too, from their HTML', async (context) => {
    if (!jupyterPython || !pythonHas(jupyterPython, 'jupyterlab'))
      context.skip('no Python has JupyterLab: activate an environment that has it, or set GRADBOOK_PYTHON');
    if (!browserProgram) context.skip('there is no Chromium or Chrome: install one, or set CHROME_PATH');
    const host = record();
    display(plot.line(tensor([1, 4, 9]), { mode: 'lines+markers' }));
    await jupyter?.close();
    jupyter = await startJupyter('lab');
    writeFileSync(join(jupyter.folder, 'figure.ipynb'), JSON.stringify(notebookShowing(host.shown[0].data)));
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
      await page.goto(`${jupyter.url}lab/tree/figure.ipynb?token=${jupyter.token}`, {
        timeout: 120_000,
        waitUntil: 'domcontentloaded',
      });
      await page.waitForSelector('.jp-Notebook .jp-OutputArea-output', {
        timeout: 120_000,
        state: 'attached',
      });
      // What a user does with a notebook from elsewhere: JupyterLab runs the scripts of those that are trusted.
      await page.evaluate(
        'for (const cell of window.jupyterapp.shell.currentWidget.content.model.cells) cell.trusted = true',
      );
      await page.waitForSelector('.jp-RenderedHTML .gb-figure .scatterlayer .point', {
        timeout: 120_000,
        state: 'attached',
      });
      expect(await page.locator('.gb-figure .scatterlayer .point').count()).toBe(3);
      expect(await page.locator('.gb-plotly').count()).toBe(0);
    } finally {
      await browser.close();
    }
  }, 300_000);
});
