import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readNotebook } from '../kernel/cli/notebook.ts';
import { findBrowser } from '../kernel/cli/staticFigures.ts';
import { notebook } from '../test/notebook.ts';

const program = fileURLToPath(new URL('../kernel/cli/main.js', import.meta.url));
const figureType = 'application/vnd.plotly.v1+json';

/** What the kernel measures: each cell prints one line of JSON. */
const cells = [
  // The least of several rounds, with and without the chart in turn: what else the machine does hits both alike.
  `const work = (n: number): number => { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i); return sum; };
const once = (n: number): number => Math.min(...Array.from({ length: 15 }, () => { const start = performance.now(); work(n); return performance.now() - start; }));
once(100_000);
const size = Math.ceil(100_000 / once(100_000));
function steps(count: number, each: (i: number) => void): number {
  const start = performance.now();
  for (let i = 0; i < count; i++) { work(size); each(i); }
  return (performance.now() - start) / count;
}
const chart = live({ loss: 'log', accuracy: 'linear' });
const [plain, charted] = [[], []] as number[][];
for (let round = 0; round < 6; round++) {
  plain.push(steps(700, () => {}));
  charted.push(steps(700, (i) => chart.add({ loss: 1 / (i + 1), accuracy: i })));
}
const least = (values: number[]): number => Math.min(...values);
console.log(JSON.stringify({ step: least(plain), slower: least(charted) / least(plain) - 1 }))`,
  `const begun = performance.now();
let turns = 0;
for (const _ of progress(1_000_000, { desc: 'empty loop' })) turns++;
console.log(JSON.stringify({ progress: (performance.now() - begun) / turns * 1e6 }))`,
  // How often a bar is sent in a loop whose steps take a millisecond.
  `const shower = (globalThis as Record<symbol, { publish(shown: object): void }>)[Symbol.for('gradbook.display.host')];
const publish = shower.publish;
let sent = 0;
shower.publish = (shown) => { sent++; publish.call(shower, shown); };
const since = performance.now();
for (const _ of progress(1000, { desc: 'steps of a millisecond' })) { const from = performance.now(); while (performance.now() - from < 1); }
shower.publish = publish;
// Its first and its last state come in any case.
console.log(JSON.stringify({ bars: (sent - 2) / (performance.now() - since) * 1000 }))`,
  `const figure = plot.line([1, 2, 3]);
display(figure);
const from = performance.now();
for (let i = 0; i < 300; i++) figure.update({ data: [{ y: [i, 2, 3] }] });
console.log(JSON.stringify({ updates: 300_000 / (performance.now() - from) }))`,
  `const [xs, ys] = [randn([1_000_000]), randn([1_000_000])];
const before = performance.now();
display(plot.scatter(xs, ys));
console.log(JSON.stringify({ million: performance.now() - before }))`,
  'zeros([4000, 4000])',
  'plot.line([1, 2, 3])',
];

interface Measured {
  step: number;
  slower: number;
  progress: number;
  bars: number;
  updates: number;
  million: number;
}

const megabytes = (bytes: number): string =>
  bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;

/** Milliseconds until a browser has drawn the figure, and those of one zoom; null without a browser. */
async function inBrowser(figure: unknown): Promise<{ drawn: number; zoomed: number } | null> {
  const executablePath = findBrowser();
  if (!executablePath) return null;
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 600 } });
    await page.setContent('<div id="figure" style="height:400px"></div>');
    await page.addScriptTag({
      path: createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js'),
    });
    return await page.evaluate(async (json) => {
      const { Plotly } = globalThis as unknown as {
        Plotly: Record<'newPlot' | 'relayout', (...args: unknown[]) => Promise<unknown>>;
      };
      const { data, layout } = JSON.parse(json) as { data: unknown; layout: unknown };
      const start = performance.now();
      await Plotly.newPlot('figure', data, layout);
      const middle = performance.now();
      await Plotly.relayout('figure', { 'xaxis.range': [0, 1], 'yaxis.range': [0, 1] });
      return { drawn: middle - start, zoomed: performance.now() - middle };
    }, JSON.stringify(figure));
  } finally {
    await browser.close();
  }
}

/** `npm run bench -- display`: what showing things costs, in the kernel and in the browser, and how large it is. */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-bench-'));
  const path = join(folder, 'display.ipynb');
  try {
    writeFileSync(path, JSON.stringify(notebook(...cells)));
    execFileSync(process.execPath, [program, 'run', path, '--inplace'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const outputs = readNotebook(path).cells.map(({ outputs = [] }) => outputs);
    const measured = Object.assign(
      {},
      ...outputs.flat().flatMap(({ text }) => (text ? [JSON.parse([text].flat().join(''))] : [])),
    ) as Measured;
    const dataOf = (cell: number): Record<string, unknown> =>
      outputs[cell].find(({ data }) => data)!.data as Record<string, unknown>;
    const sizeOf = (value: unknown): number => JSON.stringify(value).length;
    const points = dataOf(4)[figureType];
    const plotly = createRequire(import.meta.url).resolve('plotly.js/dist/plotly.min.js');
    const library = readFileSync(plotly);
    const rows: [what: string, value: string, wanted?: string][] = [
      [
        `live chart, in a step of ${measured.step.toFixed(2)} ms`,
        `${(measured.slower * 100).toFixed(1)} % slower`,
        'at most 5 %',
      ],
      ['progress bar, a turn of an empty loop', `${measured.progress.toFixed(0)} ns`],
      ['progress bar, updates', `${measured.bars.toFixed(1)} a second`, 'at most 20'],
      [
        'progress bar, in the saved notebook',
        megabytes(sizeOf(outputs[2].find(({ data }) => data))),
        'a few kB',
      ],
      ['figure.update', `${measured.updates.toFixed(0)} a second`],
      ['1,000,000 points: to the front end', `${measured.million.toFixed(0)} ms`, 'under 1000 ms'],
      ['1,000,000 points: size', megabytes(sizeOf(points))],
      ['a tensor (4000, 4000)', megabytes(sizeOf(dataOf(5))), 'under 100 kB'],
      ['a figure', megabytes(sizeOf(dataOf(6)[figureType]))],
      ['HTML form of the first figure, with plotly.js', megabytes(sizeOf(dataOf(0)['text/html']))],
      ['HTML form of a later figure', megabytes(sizeOf(dataOf(6)['text/html']))],
      [
        'plotly.js in the extension',
        `${megabytes(statSync(plotly).size)}, ${megabytes(gzipSync(library).length)} compressed`,
      ],
    ];
    const line = ([what, value, wanted = '']: (typeof rows)[number]): void =>
      void process.stdout.write(`${what.padEnd(50)}  ${value.padEnd(28)}  ${wanted}`.trimEnd().concat('\n'));
    line(['what', 'measured', 'wanted']);
    rows.forEach(line);
    const drawn = await inBrowser(points).catch((error: Error) => error.message.split('\n')[0]);
    const shown =
      typeof drawn === 'string' || drawn === null
        ? `- (${drawn ?? 'no Chromium'})`
        : `${drawn.drawn.toFixed(0)} ms, ${drawn.zoomed.toFixed(0)} ms`;
    line(['1,000,000 points: drawn, zoomed (software WebGL)', shown]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
