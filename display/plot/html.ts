import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type DisplayHost, host } from '../host.ts';

/** plotly.js's own partial bundles, smallest first, and the trace types that each can draw. */
const cartesian = [
  'scatter',
  'bar',
  'pie',
  'box',
  'heatmap',
  'histogram',
  'histogram2d',
  'histogram2dcontour',
  'contour',
  'violin',
  'image',
  'scatterternary',
  'waterfall',
  'funnel',
];
const bundles: readonly { name: string; types: readonly string[] | null }[] = [
  { name: 'plotly-basic', types: ['scatter', 'bar', 'pie'] },
  { name: 'plotly-cartesian', types: cartesian },
  { name: 'plotly', types: null },
];

const compressed = new Map<string, string>();

/** A minified bundle, compressed, in base64. */
function library(name: string): string {
  let text = compressed.get(name);
  if (text === undefined) {
    const require = createRequire(import.meta.url);
    const path = require.resolve(`plotly.js/dist/${name}.min.js`);
    const { gzipSync } = require('node:zlib') as typeof import('node:zlib');
    text = gzipSync(readFileSync(path), { level: 6 }).toString('base64');
    compressed.set(name, text);
  }
  return text;
}

/** A figure as plotly.js gets it. */
export interface PlainFigure {
  data: unknown[];
  layout: Record<string, unknown>;
  config: Record<string, unknown>;
}

/** What a notebook's outputs carry: which library, by cell, and the cells that have sent one in the run that is under way. */
interface Carried {
  byCell: Map<string, string>;
  thisRun: Set<string>;
}
const carriedBy = new WeakMap<DisplayHost, Carried>();

function carried(): Carried {
  const shower = host();
  let state = carriedBy.get(shower);
  if (!state) carriedBy.set(shower, (state = { byCell: new Map(), thisRun: new Set() }));
  return state;
}

const rank = (name: string): number => bundles.findIndex((bundle) => bundle.name === name);

/** The smallest library that draws all of these trace types. */
const libraryFor = (types: ReadonlySet<string>): string =>
  bundles.find(({ types: able }) => able === null || [...types].every((type) => able.includes(type)))!.name;

const typesOf = ({ data }: PlainFigure): Set<string> =>
  new Set(data.map((trace) => (trace as { type?: string }).type ?? 'scatter'));

/** Characters of binary data inside a figure: what may make it too large to send twice. */
function weight(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 0;
  for (const inner of Object.values(value)) {
    sum += weight(inner);
    if (sum > limit) break;
  }
  return sum;
}

const isWanted = (figure: PlainFigure): boolean =>
  mode !== 'never' && host().rich && weight(figure.data) <= limit;

/** Which library a new output must bring along: none when an earlier cell's output has one that draws the figure. */
export function libraryNeeded(figure: PlainFigure): string | null {
  if (!isWanted(figure)) return null;
  const name = libraryFor(typesOf(figure));
  if (mode === 'always') return name;
  const { cell } = host();
  const { byCell, thisRun } = carried();
  const elsewhere = [...byCell].some(([carrier, sent]) => carrier !== cell && rank(sent) >= rank(name));
  const here = byCell.get(cell);
  if (elsewhere || (here !== undefined && rank(here) >= rank(name) && thisRun.has(cell))) return null;
  byCell.set(cell, name);
  // When the cell runs again, its outputs are gone and the library has to be sent again.
  thisRun.add(cell);
  host().atCellEnd(() => thisRun.delete(cell));
  return name;
}

/** Above this many characters of data the fallback is left out. */
const limit = 1_500_000;

let mode: 'once' | 'always' | 'never' = 'once';

/**
 * Whether figures carry an HTML form for front-ends that do not know plotly.js: `once` (default) puts the library into the first
 * figure's output and uses it in the others; `always` makes each output stand alone; `never` leaves the form out.
 */
export function setHtmlFallback(next: 'once' | 'always' | 'never'): void {
  mode = next;
}

/** Safe inside a script element. */
const json = (value: unknown): string =>
  JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028');

/** Unpacks the library in the browser; its text is compressed, so that a notebook stays small and needs no network. */
const loader = (name: string, order: number): string =>
  `if((w.gradbookPlotlyRank??-1)<${order}){w.gradbookPlotlyRank=${order};w.gradbookPlotly=(async()=>{const b=Uint8Array.from(atob(${JSON.stringify(library(name))}),c=>c.charCodeAt(0));const t=await new Response(new Blob([b]).stream().pipeThrough(new DecompressionStream('gzip'))).text();const m={exports:{}};new Function('module','exports','define',t)(m,m.exports,undefined);return m.exports.newPlot?m.exports:w.Plotly})()}`;

/** Draws once the library is there: it may come in an output further up that is still loading. */
const drawer = `const draw=P=>{const c=getComputedStyle(n.parentElement??n).color;const l=f.layout,t=l.template?.layout;if(t)l.template={...l.template,layout:{...t,font:{...t.font,color:c}}};return P.newPlot(n,f.data,l,f.config)};const start=Date.now();(function wait(){if(w.gradbookPlotly)w.gradbookPlotly.then(draw,e=>{n.textContent=String(e)});else if(Date.now()-start<15000)setTimeout(wait,50);else n.textContent='plotly.js is not on this page: run the cell of the first plot again'})()`;

/** The figure as HTML with a script (and the library, where one is named), or null where it is not wanted or too large to send twice. */
export function figureHtml(figure: PlainFigure, name: string | null): string | null {
  if (!isWanted(figure)) return null;
  const data = json(figure);
  const element = `gb-${randomUUID()}`;
  const height = typeof figure.layout.height === 'number' ? figure.layout.height : 380;
  return `<div id="${element}" class="gb-figure" style="min-height:${height}px;width:100%;overflow-x:auto"></div><script>(()=>{const w=window,n=document.getElementById("${element}");if(!n)return;const f=${data};${name === null ? '' : `${loader(name, rank(name))};`}${drawer}})()</script>`;
}
