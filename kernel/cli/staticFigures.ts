import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import type { Notebook } from './notebook.ts';
import { smallPng } from './smallPng.ts';

const figureType = 'application/vnd.plotly.v1+json';

/** Pixels of a picture, and how many of its own a pixel has. */
const width = 720;
const sharpness = 1.5;

/** Where browsers that can draw are looked for, behind `CHROME_PATH`. */
const browserNames = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
];
const browserPaths = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** The program of an installed Chromium, Chrome or Edge, or undefined. `CHROME_PATH` names another one. */
export function findBrowser(): string | undefined {
  const { CHROME_PATH: given, PATH = '' } = process.env;
  const inPath = PATH.split(delimiter).flatMap((folder) => browserNames.map((name) => join(folder, name)));
  return [...(given ? [given] : []), ...inPath, ...browserPaths].find((path) => existsSync(path));
}

interface Drawable {
  data: Record<string, unknown>;
}

const figuresOf = (notebook: Notebook): Drawable[] =>
  notebook.cells
    .flatMap(({ outputs = [] }) => outputs as unknown as Partial<Drawable>[])
    .filter((output): output is Drawable => output.data?.[figureType] !== undefined);

/** What plotly.js draws, in the page. */
interface Page {
  Plotly: { toImage(figure: unknown, options: Record<string, unknown>): Promise<string> };
}

/**
 * Adds a PNG picture to every Plotly figure of a notebook, for pages that run no script, and takes its HTML form out, which weighs
 * megabytes.
 *
 * Error: no browser, with the cure.
 */
export async function addPictures(notebook: Notebook): Promise<void> {
  const figures = figuresOf(notebook);
  if (figures.length === 0) return;
  const executablePath = findBrowser();
  if (!executablePath)
    throw new Error(
      '--static draws figures with Chromium, Chrome or Edge, and none is installed: install one, or set CHROME_PATH to its program',
    );
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({
      path: createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js'),
    });
    for (const { data } of figures) {
      const url = await page.evaluate(
        ({ figure, size, scale }) => {
          const { Plotly } = globalThis as unknown as Page;
          const { layout = {}, ...rest } = figure as {
            layout?: { width?: number; height?: number; paper_bgcolor?: string };
          };
          const { width = size, height = 380 } = layout;
          // A picture has no page behind it: it gets paper of its own.
          return Plotly.toImage(
            { ...rest, layout: { ...layout, width, height, paper_bgcolor: '#ffffff' } },
            { format: 'png', width, height, scale },
          );
        },
        { figure: data[figureType], size: width, scale: sharpness },
      );
      const png = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
      data['image/png'] = Buffer.from(smallPng(png)).toString('base64');
      delete data['text/html'];
    }
  } finally {
    await browser.close();
  }
}
