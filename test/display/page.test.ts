import { decode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { display, plot } from '../../display/index.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import type { Notebook } from '../../kernel/cli/notebook.ts';
import { addPictures } from '../../kernel/cli/staticFigures.ts';
import { parseNotebook } from '../../lab/server/contents/notebook.ts';
import { notebookToHtml } from '../../lab/server/nbconvert/html.ts';
import { tensor } from '../../src/index.ts';
import { browserProgram, launchBrowser } from '../lab/browserPage.ts';
import { notebookShowing } from '../notebook.ts';
import { contrast } from './contrast.ts';
import { type Recorder, record } from './recorder.ts';

// What VS Code, nbviewer or any page shows that has no extension of ours.
describe.skipIf(!browserProgram)('figures outside JupyterLab (skipped where there is no Chromium)', () => {
  let host: Recorder;
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  }, 60_000);
  afterAll(() => browser?.close());
  beforeEach(() => {
    host = record();
  });

  /** A page with that body and no network. */
  async function open(body: string, { dark = false, javaScriptEnabled = true } = {}): Promise<Page> {
    const page = await browser.newPage({ javaScriptEnabled, viewport: { width: 900, height: 800 } });
    const html = body.startsWith('<!doctype')
      ? body
      : `<!doctype html><body style="${dark ? 'background:#111;color:#eee' : 'background:#fff;color:#111'}">${body}</body>`;
    await page.route('**', (route) =>
      route.request().isNavigationRequest()
        ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: html })
        : route.abort(),
    );
    await page.goto('http://notebook.test/');
    return page;
  }

  /** The HTML forms of two figures in two cells of one notebook. */
  function twoCells(): string[] {
    host.cell = 'one';
    display(plot.line([1, 4, 9], { title: 'squares', mode: 'lines+markers' }));
    host.cell = 'two';
    display(plot.bar({ cats: 12, dogs: 9 }));
    return host.shown.map(({ data }) => String(data['text/html']));
  }

  test('the HTML form draws every figure, offline, with plotly.js embedded once', {
    timeout: 120_000,
  }, async () => {
    const [first, second] = twoCells();
    expect(first.length).toBeGreaterThan(200_000);
    expect(second.length).toBeLessThan(10_000);
    const page = await open(first + second);
    await page.waitForSelector('.gb-figure .scatterlayer .point', { state: 'attached' });
    await page.waitForSelector('.gb-figure .barlayer .point', { state: 'attached' });
    const drawn = await page.evaluate(`({
      points: document.querySelectorAll('.scatterlayer .point').length,
      bars: document.querySelectorAll('.barlayer .point').length,
      title: document.querySelector('.gtitle').textContent,
    })`);
    expect(drawn).toEqual({ points: 3, bars: 2, title: 'squares' });
    await page.close();
  });

  test('the HTML form takes the ink of its page, light or dark', { timeout: 120_000 }, async () => {
    const [first] = twoCells();
    for (const dark of [false, true]) {
      const page = await open(first, { dark });
      await page.waitForSelector('.gb-figure .xtick text', { state: 'attached' });
      const ink = await page.evaluate(`getComputedStyle(document.querySelector('.xtick text')).fill`);
      expect(ink).toBe(dark ? 'rgb(238, 238, 238)' : 'rgb(17, 17, 17)');
      await page.close();
    }
  });

  test('a confusion matrix can be read on white and on black', { timeout: 120_000 }, async () => {
    display(plot.confusion([0, 1, 1, 2, 2, 2], [0, 1, 0, 2, 2, 1]));
    const html = String(host.shown[0].data['text/html']);
    for (const dark of [false, true]) {
      const page = await open(html, { dark });
      await page.waitForSelector('.scatterlayer .textpoint text', { state: 'attached' });
      const labels =
        (await page.evaluate(`[...document.querySelectorAll('.scatterlayer .textpoint text')].map((node) => ({
          text: node.textContent, ink: getComputedStyle(node).fill, at: node.getBoundingClientRect().toJSON() }))`)) as {
          text: string;
          ink: string;
          at: { x: number; y: number; width: number; height: number };
        }[];
      expect(labels).toHaveLength(9);
      // What the page paints beside each number, against the number's own colour.
      const shot = decode(await page.screenshot());
      const groundOf = ({ at }: (typeof labels)[number]): number[] => {
        const place = (Math.round(at.y + at.height / 2) * shot.width + Math.round(at.x - 8)) * shot.channels;
        return [...shot.data.slice(place, place + 3)];
      };
      for (const label of labels) {
        const { ink, text } = label;
        const ground = groundOf(label);
        const color = [...ink.matchAll(/\d+/g)].slice(0, 3).map(Number);
        expect(contrast(color, ground), `${text} in ${ink} on ${ground}`).toBeGreaterThan(4.4);
      }
      await page.close();
    }
  });

  test('a page that runs no script shows the static picture', { timeout: 120_000 }, async () => {
    const figure = plot.line(tensor([1, 4, 9]), { title: 'squares' });
    const notebook: Notebook = notebookShowing({
      [plotlyMime]: figure.toJSON(),
      'text/html': '<b>weighs megabytes</b>',
      'text/plain': 'Figure',
    });
    await addPictures(notebook);
    const data = notebook.cells[0].outputs![0].data as Record<string, string>;
    expect(data['text/html']).toBeUndefined();
    expect(data['image/png'].length).toBeLessThan(60_000);
    const html = notebookToHtml(parseNotebook(JSON.stringify(notebook), 'a'), 'a', { language: 'en' });
    const page = await open(html, { javaScriptEnabled: false });
    const pictures = page.locator('img');
    expect(await pictures.count()).toBeGreaterThan(0);
    const box = (await pictures.first().boundingBox())!;
    expect(box.width).toBeGreaterThan(300);
    expect(box.height).toBeGreaterThan(150);
    await page.close();
  });
});
