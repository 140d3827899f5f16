import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { type WidgetStates, widgetStatesOf, widgetType } from '../../lab/server/nbconvert/widgets.ts';
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

type Bundle = Record<string, unknown>;

/** A figure, and the output that gets its picture. */
interface Drawable {
  figure: unknown;
  data: Bundle;
}

/** The figure that a widget showed when its state was saved, in the first output below it that has one. */
function figureOfWidget(id: string, states: WidgetStates): unknown {
  const { outputs = [], children = [] } = (states[id]?.state ?? {}) as {
    outputs?: { data?: Bundle }[];
    children?: string[];
  };
  const own = outputs.find(({ data }) => data?.[figureType])?.data?.[figureType];
  return (
    own ??
    children
      .map((child) => figureOfWidget(child.replace(/^IPY_MODEL_/, ''), states))
      .find((figure) => figure !== undefined)
  );
}

function figuresOf({ cells, metadata }: Notebook): Drawable[] {
  const states = widgetStatesOf(metadata);
  return cells
    .flatMap(({ outputs = [] }) => outputs as { data?: Bundle }[])
    .flatMap(({ data }) => {
      if (!data) return [];
      const widget = data[widgetType] as { model_id: string } | undefined;
      const figure = data[figureType] ?? (widget && figureOfWidget(widget.model_id, states));
      return figure === undefined ? [] : [{ figure, data }];
    });
}

/** What plotly.js draws, in the page. */
interface Page {
  Plotly: { toImage(figure: unknown, options: Record<string, unknown>): Promise<string> };
}

/**
 * Adds a PNG picture to every Plotly figure of a notebook and to every widget that shows one, for pages that run no script, and takes
 * its HTML form out, which weighs megabytes.
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
    for (const { figure: drawn, data } of figures) {
      const url = await page.evaluate(
        ({ figure, size, scale }) => {
          const { Plotly } = globalThis as unknown as Page;
          const { layout = {}, ...rest } = figure as {
            layout?: {
              width?: number;
              height?: number;
              paper_bgcolor?: string;
              template?: { layout?: { font?: object } };
            };
          };
          const { width = size, height = 380 } = layout;
          // A picture has no page behind it: it gets paper of its own, and ink for it.
          const base = layout.template?.layout;
          const template = base
            ? { ...layout.template, layout: { ...base, font: { ...base.font, color: '#333333' } } }
            : layout.template;
          return Plotly.toImage(
            { ...rest, layout: { ...layout, template, width, height, paper_bgcolor: '#ffffff' } },
            { format: 'png', width, height, scale },
          );
        },
        { figure: drawn, size: width, scale: sharpness },
      );
      const png = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
      data['image/png'] = Buffer.from(smallPng(png)).toString('base64');
      delete data['text/html'];
    }
  } finally {
    await browser.close();
  }
}
