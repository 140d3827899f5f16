import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser } from '../lab/browserPage.ts';
import { type Lab, openLab } from '../lab/labServer.ts';

const gallery = fileURLToPath(new URL('../../notebooks/00-gallery.ipynb', import.meta.url));

/** The gallery as it is before it runs. */
function unexecuted(): object {
  const { cells, metadata, ...rest } = JSON.parse(readFileSync(gallery, 'utf8')) as {
    cells: { cell_type: string }[];
    metadata: object;
  };
  return {
    ...rest,
    metadata: { ...metadata, widgets: undefined },
    cells: cells.map((cell) => (cell.cell_type === 'code' ? { ...cell, outputs: [] } : cell)),
  };
}

/** What is on one figure, from plotly.js itself. */
interface Drawn {
  title: string;
  /** The type of each trace, and the elements that it has drawn (canvases where it draws by WebGL). */
  traces: { type: string; points: number }[];
}

// The gallery has every kind of output once: it is run here, and looked at.
describe.skipIf(!browserProgram)('looks, in JupyterLab (skipped where there is no Chromium)', () => {
  let lab: Lab;
  let browser: Browser;
  let tab: LabPage;
  let outputs: Locator;

  beforeAll(async () => {
    buildFrontEnd();
    lab = await openLab();
    writeFileSync(join(lab.folder, 'gallery.ipynb'), JSON.stringify(unexecuted()));
    browser = await launchBrowser();
    tab = await LabPage.open(browser, `${lab.server.url}lab?reset&token=${lab.server.token}`);
    await tab.openDocument('gallery.ipynb');
    await tab.runAll();
    outputs = tab.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output');
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await lab?.close();
  });

  /** Pictures of all outputs, into the folder that `GRADBOOK_SCREENSHOTS` names. */
  async function pictures(theme: string): Promise<void> {
    const folder = process.env.GRADBOOK_SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    const areas = tab.page.locator(
      '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell-outputWrapper:has(.jp-OutputArea-output)',
    );
    for (let i = 0; i < (await areas.count()); i++) {
      await areas.nth(i).scrollIntoViewIfNeeded();
      await areas.nth(i).screenshot({ path: join(folder, `${theme}-${String(i).padStart(2, '0')}.png`) });
    }
  }

  /** Waits until every figure that is on the page has been drawn. */
  const drawn = async (): Promise<void> => {
    await tab.page.waitForFunction(
      "[...document.querySelectorAll('.gb-plotly')].every((node) => node.calcdata && node.querySelector('.main-svg'))",
      null,
      { timeout: 120_000 },
    );
  };

  /** Texts that are hard to read on what is behind them, with their contrast. */
  const pale = (): Promise<string[]> =>
    tab.page.evaluate(`(() => {
      const luminance = ([r, g, b]) => [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
      const over = (front, back) => { const a = front[3] ?? 1; return [0, 1, 2].map((i) => front[i] * a + back[i] * (1 - a)); };
      const ground = (node) => {
        const layers = [];
        for (let at = node; at; at = at.parentElement) {
          const color = numbers(getComputedStyle(at).backgroundColor);
          if (color.length >= 3 && color[3] !== 0) { layers.push(color); if (color[3] === undefined || color[3] === 1) break; }
        }
        return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]);
      };
      const found = [];
      for (const area of document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output')) {
        const walker = document.createTreeWalker(area, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const text = walker.currentNode.textContent.trim();
          const node = walker.currentNode.parentElement;
          // Numbers that a plot writes on its own colours are chosen for those, and tested apart.
          if (!text || node.closest('style, script, .plot, .jp-RenderedLatex, mjx-container, select, button')) continue;
          if (!node.getClientRects().length) continue;
          const style = getComputedStyle(node);
          const color = numbers(node instanceof SVGElement ? style.fill : style.color);
          const back = ground(node instanceof SVGElement ? node.closest('svg').parentElement : node);
          const [low, high] = [luminance(over(color, back)), luminance(back)].sort((x, y) => x - y);
          const contrast = (high + 0.05) / (low + 0.05);
          if (contrast < 3) found.push(text.slice(0, 40) + ' ' + contrast.toFixed(2));
        }
      }
      return found;
    })()`);

  test('every cell of the gallery runs, and every figure has its traces and points', async () => {
    const text = (await tab.cells()).map(({ output }) => output).join('\n');
    expect(text).not.toMatch(/\bat .*\.ts:\d+/);
    await outputs.first().waitFor();
    await drawn();
    const figures = (await tab.page.evaluate(`[...document.querySelectorAll('.gb-plotly')].map((node) => ({
      title: node.querySelector('.gtitle')?.textContent ?? '',
      traces: node._fullData.map((trace, i) => ({ type: trace.type, points: node.calcdata[i]?.length ?? 0 })),
    }))`)) as Drawn[];
    const types = new Set(figures.flatMap(({ traces }) => traces.map(({ type }) => type)));
    for (const type of [
      'scatter',
      'bar',
      'box',
      'heatmap',
      'contour',
      'surface',
      'image',
      'scatter3d',
      'parcoords',
      'violin',
    ])
      expect([...types]).toContain(type);
    for (const { title, traces } of figures)
      for (const { type, points } of traces) expect(points, `${title}: ${type}`).toBeGreaterThan(0);
    await pictures('light');
  }, 300_000);

  test.each(['JupyterLab Light', 'JupyterLab Dark'])(
    'all texts can be read in the theme %s',
    async (theme) => {
      await tab.command('apputils:change-theme', { theme });
      await tab.page.waitForSelector(`body[data-jp-theme-name="${theme}"]`, { state: 'attached' });
      await drawn();
      // Figures take their ink when the theme has changed.
      await expect.poll(pale, { timeout: 30_000 }).toEqual([]);
      if (theme.endsWith('Dark')) await pictures('dark');
    },
    300_000,
  );

  test('no output is wider than its cell without a way to scroll', async () => {
    const wide =
      await tab.page.evaluate(`[...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output')]
      .filter((node) => node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX === 'hidden')
      .map((node) => node.textContent.slice(0, 60))`);
    expect(wide).toEqual([]);
  }, 60_000);

  test('the page reported no error', () => {
    expect(tab.problems).toEqual([]);
  });
});
