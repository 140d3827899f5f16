import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Figure } from '../../display/index.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import { tensor } from '../../src/index.ts';
import { browserProgram, launchBrowser } from '../lab/browserPage.ts';
import { notebookShowing } from '../notebook.ts';
import { record } from './recorder.ts';

const main = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gradbook-jupyterlab-'));
let server: ChildProcess | null = null;
afterAll(() => {
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** `jupyter-lab` of JUPYTER_LAB, of the active Python environment, or of PATH. */
function findLab(): string | undefined {
  const { JUPYTER_LAB, VIRTUAL_ENV, PATH = '' } = process.env;
  const folders = [...(VIRTUAL_ENV ? [join(VIRTUAL_ENV, 'bin')] : []), ...PATH.split(delimiter)];
  return [...(JUPYTER_LAB ? [JUPYTER_LAB] : []), ...folders.map((path) => join(path, 'jupyter-lab'))].find(
    (path) => existsSync(path),
  );
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

describe('a stock JupyterLab', () => {
  test('draws figures after gradbook install, in the colours of its theme', async (context) => {
    const lab = findLab();
    if (!lab)
      context.skip('there is no jupyter-lab: activate an environment that has one, or set JUPYTER_LAB');
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
    const notebooks = join(folder, 'notebooks');
    mkdirSync(notebooks);
    writeFileSync(
      join(notebooks, 'figure.ipynb'),
      JSON.stringify(notebookShowing({ [plotlyMime]: figure.toJSON(), 'text/plain': String(figure) })),
    );
    const port = await freePort();
    server = spawn(
      lab!,
      [
        '--no-browser',
        '--allow-root',
        `--port=${port}`,
        '--IdentityProvider.token=',
        `--ServerApp.root_dir=${notebooks}`,
        '--LabApp.news_url=None',
      ],
      {
        stdio: 'ignore',
        env: {
          ...process.env,
          JUPYTER_PATH: join(prefix, 'share', 'jupyter'),
          JUPYTER_CONFIG_DIR: join(folder, 'config'),
          JUPYTER_DATA_DIR: join(folder, 'data'),
          JUPYTER_RUNTIME_DIR: join(folder, 'runtime'),
        },
      },
    );
    const url = `http://127.0.0.1:${port}`;
    await expect
      .poll(
        () =>
          fetch(`${url}/api`).then(
            ({ ok }) => ok,
            () => false,
          ),
        { timeout: 60_000, interval: 250 },
      )
      .toBe(true);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
      const failures: string[] = [];
      page.on('pageerror', ({ message }) => failures.push(message));
      await page.goto(`${url}/lab/tree/figure.ipynb`, { timeout: 120_000, waitUntil: 'domcontentloaded' });
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
});
