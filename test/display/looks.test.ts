import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode } from 'fast-png';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseNotebook } from '../../lab/server/contents/notebook.ts';
import { notebookToHtml } from '../../lab/server/nbconvert/html.ts';
import { browserProgram, buildFrontEnd, LabPage, launchBrowser } from '../lab/browserPage.ts';
import { type Lab, openLab } from '../lab/labServer.ts';
import { contrast } from './contrast.ts';

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

/** A text on the page: its colour, and where it stands in the element that is looked at. */
interface Written {
  text: string;
  ink: [number, number, number, number];
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What a body of JavaScript returns in the page, where `root` is the element. */
const inPage = <T>(element: Locator, body: string): Promise<T> =>
  element.evaluate(new Function('root', body) as (root: unknown) => T);

/** The texts below an element that can be seen. */
const writtenIn = (element: Locator): Promise<Written[]> =>
  inPage(
    element,
    `
    const found = [];
    const at = root.getBoundingClientRect();
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      // What is switched off may be pale, and the prompts are JupyterLab's.
      if (!text || node.closest('style, script, select, [disabled], [aria-hidden=true], .modebar, .prompt, .jp-OutputPrompt')) continue;
      if (!node.checkVisibility()) continue;
      range.selectNodeContents(walker.currentNode);
      // Of several lines the first will do.
      const box = range.getClientRects()[0];
      if (!box || box.width < 2 || box.height < 2) continue;
      let [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom];
      let opacity = 1;
      let hidden = false;
      for (let up = node; up && up !== root.parentElement; up = up.parentElement) {
        const style = getComputedStyle(up);
        opacity *= Number(style.opacity);
        if (style.visibility === 'hidden' || style.display === 'none') hidden = true;
        if (up instanceof SVGElement || style.overflow === 'visible') continue;
        const clip = up.getBoundingClientRect();
        [left, top, right, bottom] = [Math.max(left, clip.left), Math.max(top, clip.top), Math.min(right, clip.right), Math.min(bottom, clip.bottom)];
      }
      if (hidden || opacity < 0.05 || right - left < 2 || bottom - top < 2) continue;
      const style = getComputedStyle(node);
      const [r, g, b, a = 1] = ((node instanceof SVGElement ? style.fill : style.color).match(/[\\d.]+/g) ?? []).map(Number);
      const alpha = a * opacity * (node instanceof SVGElement ? Number(style.fillOpacity) : 1);
      if (alpha < 0.05) continue;
      found.push({ text: text.slice(0, 50), ink: [r, g, b, alpha], x: left - at.left, y: top - at.top, width: right - left, height: bottom - top });
    }
    return found;`,
  );

/** The colour that most of a rectangle of a picture has: what is behind the text that stands there. */
function groundOf(shot: ReturnType<typeof decode>, { x, y, width, height }: Written): number[] {
  const counts = new Map<number, number>();
  let most = [255, 255, 255];
  let count = 0;
  for (let row = Math.max(0, Math.floor(y)); row < Math.min(shot.height, y + height); row++)
    for (let column = Math.max(0, Math.floor(x)); column < Math.min(shot.width, x + width); column++) {
      const place = (row * shot.width + column) * shot.channels;
      const [r, g, b] = shot.data.slice(place, place + 3);
      const key = ((r >> 2) << 12) | ((g >> 2) << 6) | (b >> 2);
      const seen = (counts.get(key) ?? 0) + 1;
      counts.set(key, seen);
      if (seen > count) [most, count] = [[r, g, b], seen];
    }
  return most;
}

/** Texts of an element that are hard to read on what is painted behind them. The picture goes to the folder of screenshots, where one is named. */
async function paleIn(element: Locator, name: string): Promise<string[]> {
  const folder = process.env.GRADBOOK_SCREENSHOTS;
  if (folder) mkdirSync(folder, { recursive: true });
  const picture = await element.screenshot({
    animations: 'disabled',
    ...(folder ? { path: join(folder, `${name}.png`) } : {}),
  });
  const shot = decode(picture);
  return (await writtenIn(element)).flatMap((written) => {
    const ground = groundOf(shot, written);
    const alpha = written.ink[3];
    const ink = ground.map((level, c) => level * (1 - alpha) + written.ink[c] * alpha);
    const reached = contrast(ink, ground);
    return reached < leastContrast
      ? [`${name}: '${written.text}' ${reached.toFixed(2)}, ${ink.map(Math.round)} on ${ground}`]
      : [];
  });
}

/** What large text needs after WCAG 2.2, and anything that is not mere decoration. */
const leastContrast = 3;

const numbered = (theme: string, cell: number): string => `${theme}-${String(cell).padStart(2, '0')}`;

// The gallery has every kind of output once: it is run here, and looked at.
describe.skipIf(!browserProgram)('looks, in JupyterLab (skipped where there is no Chromium)', () => {
  let lab: Lab;
  let browser: Browser;
  let tab: LabPage;

  beforeAll(async () => {
    buildFrontEnd();
    lab = await openLab();
    writeFileSync(join(lab.folder, 'gallery.ipynb'), JSON.stringify(unexecuted()));
    browser = await launchBrowser();
    tab = await LabPage.open(browser, `${lab.server.url}lab?reset&token=${lab.server.token}`);
    await tab.page.setViewportSize({ width: 1280, height: 1500 });
    await tab.openDocument('gallery.ipynb');
    await tab.runAll();
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await lab?.close();
  });

  const content = 'window.jupyterapp.shell.currentWidget.content';
  /** Scrolls to a cell, and waits until what it shows is drawn. */
  async function bring(cell: number): Promise<Locator> {
    await tab.page.evaluate(`${content}.scrollToItem(${cell}, 'start')`);
    await tab.page.waitForFunction(
      `(() => { const { node } = ${content}.widgets[${cell}];
        return node.isConnected && [...node.querySelectorAll('.gb-plotly')].every((one) => one.calcdata && one.querySelector('.main-svg')); })()`,
      null,
      { timeout: 120_000 },
    );
    const found = tab.page.locator(
      `.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index="${cell}"]`,
    );
    return found.locator('.jp-Cell-outputWrapper').first();
  }
  /** The places of the cells that show something. */
  const showing = (): Promise<number[]> =>
    tab.page.evaluate(
      `${content}.widgets.flatMap(({ model }, i) => (model.type === 'code' && model.outputs.length > 0 ? [i] : []))`,
    );

  test('every cell of the gallery runs, and every figure has its traces and points', async () => {
    const types = new Set<string>();
    for (const cell of await showing()) {
      const output = await bring(cell);
      expect(await output.textContent()).not.toMatch(/\bat .*\.ts:\d+/);
      const traces = await inPage<{ type: string; points: number }[]>(
        output,
        `return [...root.querySelectorAll('.gb-plotly')].flatMap((node) =>
          node._fullData.map((trace, i) => ({ type: trace.type, points: node.calcdata[i]?.length ?? 0 })))`,
      );
      for (const { type, points } of traces) {
        types.add(type);
        expect(points, `${type} of cell ${cell}`).toBeGreaterThan(0);
      }
    }
    const wanted = 'scatter bar box heatmap contour surface image scatter3d parcoords violin'.split(' ');
    expect([...types]).toEqual(expect.arrayContaining(wanted));
  }, 300_000);

  test.each(['JupyterLab Light', 'JupyterLab Dark'])(
    'all texts can be read in the theme %s, and nothing is cut off',
    async (theme) => {
      await tab.command('apputils:change-theme', { theme });
      await tab.page.waitForSelector(`body[data-jp-theme-name="${theme}"]`, { state: 'attached' });
      const wrong: string[] = [];
      for (const cell of await showing()) {
        const output = await bring(cell);
        const name = numbered(theme.endsWith('Dark') ? 'dark' : 'light', cell);
        // Figures take their ink after the theme has changed: what is pale is looked at again.
        await tab.page.waitForTimeout(200);
        let pale = await paleIn(output, name);
        for (let again = 0; again < 5 && pale.length > 0; again++) {
          await tab.page.waitForTimeout(1000);
          pale = await paleIn(output, name);
        }
        wrong.push(...pale);
        const cut = await inPage<string[]>(
          output,
          `return [...root.querySelectorAll('.jp-OutputArea-output')]
            .filter((node) => node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX === 'hidden')
            .map((node) => node.textContent.slice(0, 60))`,
        );
        wrong.push(...cut.map((text) => `cut off in cell ${cell}: ${text}`));
      }
      expect(wrong).toEqual([]);
    },
    300_000,
  );

  test('the page reported no error', () => {
    expect(tab.problems).toEqual([]);
  });
});

describe.skipIf(!browserProgram)('looks, as a page (skipped where there is no Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  }, 60_000);
  afterAll(() => browser?.close());

  test.each(['light', 'dark'] as const)(
    'all texts of the gallery as a page can be read, %s',
    async (colorScheme) => {
      const html = notebookToHtml(parseNotebook(readFileSync(gallery, 'utf8'), 'a'), 'Gallery');
      const page: Page = await browser.newPage({
        colorScheme,
        viewport: { width: 1000, height: 1200 },
      });
      await page.route('**', (route) =>
        route.request().isNavigationRequest()
          ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: html })
          : route.abort(),
      );
      await page.goto('http://notebook.test/', { waitUntil: 'commit' });
      await page.waitForFunction(
        "document.readyState === 'complete' && [...document.querySelectorAll('.figure')].every((node) => node.querySelector('.main-svg'))",
        null,
        { timeout: 120_000 },
      );
      const cells = page.locator('section.cell:has(.output)');
      const pale: string[] = [];
      for (let i = 0; i < (await cells.count()); i++)
        pale.push(...(await paleIn(cells.nth(i), numbered(`page-${colorScheme}`, i))));
      expect(pale).toEqual([]);
      await page.close();
    },
    300_000,
  );
});
