import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notebook } from '../notebook.ts';

const main = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gradbook-display-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sources = [
  'const figure = plot.line([1, 2, 3]); figure',
  "figure.update({ layout: { title: { text: 'updated from another cell' } } });",
  // A loop that never yields: what it shows must be there, and complete, when the cell ends.
  'const chart = live({ loss: "log" }); for (const i of progress(200, { desc: "loop" })) { const t = performance.now(); while (performance.now() - t < 1); chart.add({ loss: 1 / (i + 1) }); }',
  'interact(({ n }) => { console.log("n is", n); return tensor([n, n]); }, { n: [1, 9] })',
  'const late = new widgets.Output(); late.capture(async () => { await null; console.log("after await"); }); setTimeout(() => 0, 10); late',
  'import { plot as same } from "gradbook/display"; same === plot',
  'display.register(URL, ({ href }) => ({ "text/plain": "URL " + href })); [new URL("http://a.b/")].map((u) => u)[0]',
];

interface Output {
  output_type: string;
  data: Record<string, never>;
}
let cells: { outputs: Output[] }[];
let metadata: {
  widgets?: Record<string, { state: Record<string, { model_name: string; state: Record<string, never> }> }>;
};

beforeAll(() => {
  const path = join(folder, 'shown.ipynb');
  writeFileSync(path, JSON.stringify(notebook(...sources)));
  execFileSync(process.execPath, [main, 'run', path, '--inplace'], {
    env: { ...process.env, GRADBOOK_HISTORY: ':memory:' },
    stdio: 'pipe',
  });
  ({ cells, metadata } = JSON.parse(readFileSync(path, 'utf8')));
}, 120_000);

test('a figure that is the last value can be redrawn by a later cell', () => {
  const [output] = cells[0].outputs;
  expect(output.output_type).toBe('display_data');
  expect(output.data['application/vnd.plotly.v1+json']).toMatchObject({
    layout: { title: { text: 'updated from another cell' } },
  });
  expect(cells[1].outputs).toEqual([]);
});

test('progress and live charts are complete after a loop that never yielded, and small', () => {
  const texts = cells[2].outputs.map(({ data }) => String(data['text/plain']));
  expect(texts[0]).toMatch(/^loop: 100% 200\/200 /);
  expect(texts[1]).toBe('live chart, 200 steps: loss 0.005');
  expect(JSON.stringify(cells[2].outputs[0]).length).toBeLessThan(3000);
});

test('the states of widgets are saved in the notebook, with the output inside', () => {
  const state = Object.values(metadata.widgets!['application/vnd.jupyter.widget-state+json'].state);
  expect(state.map(({ model_name }) => model_name)).toContain('IntSliderModel');
  const outputs = state
    .filter(({ model_name }) => model_name === 'OutputModel')
    .map(({ state }) => state.outputs as Output[]);
  expect(outputs[0]).toMatchObject([
    { output_type: 'stream', text: 'n is 5\n' },
    { output_type: 'display_data', data: { 'text/plain': expect.stringContaining('tensor([5., 5.])') } },
  ]);
  expect(cells[3].outputs[0].data).toHaveProperty('application/vnd.jupyter.widget-view+json');
  // What a promise prints later belongs to the same place.
  expect(outputs[1]).toMatchObject([{ output_type: 'stream', text: 'after await\n' }]);
});

test('the preload and the package are one and the same', () => {
  expect(cells[5].outputs[0].data['text/plain']).toBe('true');
  expect(cells[6].outputs[0].data['text/plain']).toBe('URL http://a.b/');
});
