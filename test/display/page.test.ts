import { createRequire } from 'node:module';
import { decode } from 'fast-png';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { display, Figure, live, plot, progress, show, subplots, table } from '../../display/index.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import { setHtmlFallback } from '../../display/plot/html.ts';
import { mimeBundle } from '../../display/registry.ts';
import type { Notebook } from '../../kernel/cli/notebook.ts';
import { addPictures } from '../../kernel/cli/staticFigures.ts';
import { parseNotebook } from '../../lab/server/contents/notebook.ts';
import { notebookToHtml } from '../../lab/server/nbconvert/html.ts';
import { nn, summary, type Tensor, tensor, zeros } from '../../src/index.ts';
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

  test('every kind of plot is drawn with its traces and points', { timeout: 180_000 }, async () => {
    const matrix = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const wave = Array.from({ length: 8 }, (_, i) => Array.from({ length: 9 }, (_, j) => i * Math.sin(j)));
    const classes = [0, 1, 1, 0];
    /** A figure, and how many of which elements it has. */
    const kinds: Record<string, [figure: Figure, elements: Record<string, number>]> = {
      line: [
        plot.line([1, 4, 9], { mode: 'lines+markers' }),
        { '.scatterlayer .js-line': 1, '.scatterlayer .point': 3 },
      ],
      scatter: [
        plot.scatter([1, 2, 3, 4], [1, 2, 3, 4], { color: ['a', 'b', 'b', 'a'] }),
        { '.scatterlayer .trace': 2, '.scatterlayer .point': 4, '.legendtext': 2 },
      ],
      bar: [plot.bar(['a', 'b'], { x: [1, 2], y: [3, 4] }), { '.barlayer .trace': 2, '.barlayer .point': 4 }],
      hist: [plot.hist([1, 2, 2, 3], { bins: 3 }), { '.barlayer .point': 3 }],
      box: [plot.box({ a: [1, 2, 3, 4, 99], b: [2, 3] }), { '.boxlayer .trace': 2, '.boxlayer .point': 1 }],
      heatmap: [plot.heatmap(matrix), { '.heatmaplayer image': 1, '.heatmap-label': 6 }],
      contour: [plot.contour(wave, { levels: 5 }), { '.contourlayer .contour': 1, '.colorbar': 1 }],
      surface: [plot.surface(wave), { '.gl-container canvas': 1 }],
      image: [plot.image(zeros([3, 8, 8])), { '.imagelayer image': 1 }],
      confusion: [plot.confusion(classes, classes), { '.heatmaplayer image': 1, '.textpoint': 4 }],
      scatter3d: [plot.scatter3d([1, 2], [1, 2], [1, 2]), { '.gl-container canvas': 1 }],
      parallel: [plot.parallel({ a: [1, 2], b: [2, 1], c: ['x', 'y'] }), { '.parcoords .y-axis': 3 }],
      roc: [plot.roc([0.9, 0.2, 0.6, 0.4], [1, 0, 1, 0]), { '.scatterlayer .js-line': 2, '.legendtext': 1 }],
      pr: [plot.pr([0.9, 0.2, 0.6, 0.4], [1, 0, 1, 0]), { '.scatterlayer .js-line': 1 }],
      subplots: [
        subplots([plot.line([1, 2]), plot.bar({ a: 1 }), plot.heatmap(matrix)], { titles: ['a', 'b', 'c'] }),
        { '.subplot': 3, '.annotation-text': 3, '.scatterlayer .js-line': 1, '.barlayer .point': 1 },
      ],
      figure: [
        new Figure({ data: [{ type: 'violin', y: Float32Array.of(1, 2, 3, 4) }] }),
        { '.violinlayer .trace': 1 },
      ],
      'a million points': [
        plot.scatter(new Float32Array(1_000_000).map(Math.random), new Float32Array(1_000_000)),
        { '.gl-canvas': 3 },
      ],
    };
    setHtmlFallback('never');
    const figures = Object.values(kinds).map(([figure]) => JSON.stringify(figure).replaceAll('<', '\\u003c'));
    setHtmlFallback('once');
    const page = await open(
      figures.map((_, i) => `<div id="figure${i}" style="width:700px"></div>`).join(''),
    );
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js') });
    for (const [i, [name, [, elements]]] of Object.entries(kinds).entries()) {
      await page.evaluate(
        `(async () => { const { data, layout, config } = ${figures[i]}; await Plotly.newPlot('figure${i}', data, layout, config); })()`,
      );
      for (const [selector, count] of Object.entries(elements))
        await expect
          .poll(() => page.locator(`#figure${i} ${selector}`).count(), {
            message: `${name} ${selector}`,
            timeout: 60_000,
          })
          .toBe(count);
      // Few WebGL pictures live at the same time.
      if (/gl/.test(Object.keys(elements).join())) {
        const points = await page.evaluate(
          `(() => { const [trace] = document.getElementById('figure${i}')._fullData; return (trace.z ?? trace.x).length; })()`,
        );
        expect(points, name).toBe({ surface: 8, scatter3d: 2, 'a million points': 1_000_000 }[name]);
      }
      await page.evaluate(`Plotly.purge('figure${i}')`);
    }
    await page.close();
  });

  test('VS Code: its renderer of HTML runs the script of each output in its webview, and the figures are drawn', {
    timeout: 120_000,
  }, async () => {
    const [first, second] = twoCells();
    // The policy and the variables of its notebook webview, and how its renderer puts HTML there: text of scripts in new elements.
    const page = await open(`<!doctype html><head>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src https: http: data:; font-src https:; connect-src https:; child-src https: data:;">
      <style>:root { --vscode-foreground: #cccccc; --vscode-editor-background: #1f1f1f } body { background: var(--vscode-editor-background); color: var(--vscode-foreground) }</style></head><body></body>`);
    const problems: string[] = [];
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    const table = String((mimeBundle([{ a: 1 }, { a: 2 }]) as Record<string, string>)['text/html']);
    for (const html of [first, second, table])
      await page.evaluate(
        `(html) => {
          const element = document.createElement('div');
          element.innerHTML = html;
          document.body.append(element);
          for (const script of [...element.getElementsByTagName('script')]) {
            const again = document.createElement('script');
            again.text = script.innerText;
            element.append(again);
            again.remove();
          }
        }`
          .replace(/^\(html\) => /, `((html) => `)
          .concat(`)(${JSON.stringify(html).replaceAll('</', '<\\/')})`),
      );
    await page.waitForSelector('.gb-figure .scatterlayer .point', { state: 'attached' });
    await page.waitForSelector('.gb-figure .barlayer .point', { state: 'attached' });
    expect(await page.locator('.scatterlayer .point').count()).toBe(3);
    expect(await page.locator('.barlayer .point').count()).toBe(2);
    const colors = `[...document.querySelectorAll('.xtick text, td')].map((node) => getComputedStyle(node)[node.tagName === 'TD' ? 'color' : 'fill'])`;
    expect(new Set((await page.evaluate(colors)) as string[])).toEqual(new Set(['rgb(204, 204, 204)']));
    expect(problems).toEqual([]);
    await page.close();
  });

  test('nothing that comes from a value is HTML: no picture of its own appears, wherever it stands', {
    timeout: 120_000,
  }, async () => {
    const evil = '<img src=x onerror="window.pwned=1" class=evil>';
    class Evil extends nn.Module {
      readonly [evil] = new nn.Linear(1, 1);
      override extraRepr() {
        return evil;
      }
      override forward(x: Tensor) {
        return x;
      }
    }
    Object.defineProperty(Evil, 'name', { value: evil });
    class Bytes extends Float32Array {}
    Object.defineProperty(Bytes, 'name', { value: evil });
    const error = Object.assign(new Error(evil, { cause: new Error(evil) }), { name: evil });
    const model = new nn.Sequential(new nn.Linear(2, 2));
    const values: unknown[] = [
      evil,
      { [evil]: evil },
      new Map([[evil, evil]]),
      new Set([evil]),
      error,
      Bytes.of(1, 2, 3),
      [{ [evil]: evil }, { [evil]: evil }],
      table([{ a: evil }], { caption: evil, footer: { a: evil } }),
      new Evil(),
      summary(new nn.Sequential(new Evil()), [1, 1]),
      show.images(zeros([1, 3, 8, 8]), { titles: [evil] }),
      show.featureMaps(zeros([1, 8, 8]), { titles: [evil] }),
      show.boxes(zeros([3, 8, 8]), [[1, 1, 4, 4]], { labels: [evil], colors: [evil] }),
      show.model(new nn.Sequential(new Evil()), zeros([1, 1])),
      show.graph(model(zeros([1, 2])).sum(), { names: { [evil]: model.parameters()[0] } }),
      show.activations({ [evil]: zeros([4]) }),
      live({ [evil]: 'linear' }),
      plot.line({ [evil]: [1, 2], b: [1, 2] }, { title: evil, xLabel: evil, yLabel: evil }),
      plot.bar([evil, 'b'], { [evil]: [1, 2], b: [1, 2] }),
      plot.scatter([1, 2], [1, 2], { color: [evil, 'b'], labels: [evil, 'c'] }),
      plot.box({ [evil]: [1, 2, 3] }),
      plot.heatmap([[1, 2]], { x: [evil, 'b'] }),
      plot.confusion([0, 1], [0, 1], { labels: [evil, 'b'] }),
      plot.parallel({ [evil]: [1, 2], b: [evil, 'c'] }),
      subplots([plot.line([1, 2])], { titles: [evil] }),
      new Figure({ data: [{ type: 'pie', labels: [evil], values: [1] }], layout: { title: { text: evil } } }),
    ];
    host.cell = 'evil';
    for (const value of values) display(value);
    for (const _ of progress(1, { desc: evil })) progress.set({ [evil]: evil });
    // The kernel shows what a promise brings when it is there.
    await expect.poll(() => host.shown.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(values.length + 2);
    const forms = host.shown.map(({ data }) => data['text/html']).filter((html) => typeof html === 'string');
    const page = await open(forms.join('\n'));
    await page.waitForFunction(
      "[...document.querySelectorAll('.gb-figure')].every((node) => node.querySelector('.main-svg'))",
      null,
      { timeout: 60_000 },
    );
    expect(await page.locator('.gb-figure').count()).toBeGreaterThan(9);
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(await page.locator('.evil, [onerror]').count()).toBe(0);
    // As words it is there: in a legend, on an axis of categories, in a table.
    const words = await page.evaluate(
      `['.legendtext', '.xtick text', '.axis-title', 'td', 'th', 'figcaption', '.parcoords .axis text'].map((selector) => [...document.querySelectorAll(selector)].some((node) => node.textContent.includes(${JSON.stringify(evil)})))`,
    );
    expect(words).toEqual([true, true, true, true, true, true, true]);
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
