import { beforeEach, describe, expect, test } from 'vitest';
import { live, progress } from '../../display/index.ts';
import { plotlyMime } from '../../display/plot/figure.ts';
import { type Recorder, record } from './recorder.ts';

let host: Recorder;
beforeEach(() => {
  host = record();
});

const wait = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

describe('progress', () => {
  test('gives every item, in a synchronous loop, and ends full', () => {
    const seen: number[] = [];
    for (const x of progress([1, 2, 3], { desc: 'count' })) seen.push(x);
    expect(seen).toEqual([1, 2, 3]);
    const last = host.shown.at(-1)!;
    expect(last.data['text/plain']).toMatch(/^count: 100% 3\/3 /);
    expect(last.data['text/html']).toContain('aria-valuenow="100"');
    expect(new Set(host.shown.map(({ id }) => id)).size).toBe(1);
  });

  test('updates at most once in 50 ms', () => {
    const started = performance.now();
    for (const _ of progress(100)) wait(2);
    const most = (performance.now() - started) / 50 + 2;
    expect(host.shown.length).toBeLessThanOrEqual(most);
    expect(host.shown.length).toBeGreaterThan(2);
  });

  test('iterates what comes later', async () => {
    async function* source() {
      yield 'a';
      yield 'b';
    }
    const seen: string[] = [];
    for await (const x of progress(source())) seen.push(x);
    expect(seen).toEqual(['a', 'b']);
  });

  test('shows a postfix, escaped, and stays where the loop broke off', () => {
    const bar = progress(10);
    for (const i of bar) {
      bar.set({ loss: 0.25, note: '<b>' });
      if (i === 3) break;
    }
    const { data } = host.shown.at(-1)!;
    expect(data['text/plain']).toMatch(/^30% 3\/10 .* loss 0.25, note <b>$/);
    expect(data['text/html']).toContain('&lt;b&gt;');
    expect(data['text/html']).toContain('--jp-error-color1');
  });

  test('an error in the loop leaves the bar where it was, in the colour of errors', async () => {
    const text = (): string => String(host.shown.at(-1)!.data['text/plain']);
    expect(() => {
      for (const i of progress(4)) if (i === 1) throw new RangeError('no');
    }).toThrow('no');
    expect(text()).toMatch(/^25% 1\/4 /);
    expect(host.shown.at(-1)!.data['text/html']).toContain('--jp-error-color1');
    async function* source() {
      yield* [1, 2, 3];
    }
    for await (const x of progress(source(), { total: 3 })) if (x === 3) break;
    expect(text()).toMatch(/^66% 2\/3 /);
    expect(host.shown.at(-1)!.data['text/html']).toContain('--jp-error-color1');
  });

  test('a loop that an interrupt ends without a word has stopped when its cell ends; the next bar is not inside of it', () => {
    const abandoned = progress(10, { desc: 'abandoned' })[Symbol.iterator]();
    for (let i = 0; i < 4; i++) abandoned.next();
    host.endCell();
    const { data } = host.shown.at(-1)!;
    expect(data['text/plain']).toMatch(/^abandoned: 30% 3\/10 /);
    expect(data['text/plain']).not.toContain('<');
    expect(data['text/html']).toContain('--jp-error-color1');
    for (const _ of progress(2, { desc: 'next' }));
    expect(host.shown.at(-1)!.data['text/html']).toContain('padding-left:0em');
    expect(host.shown.at(-1)!.data['text/plain']).toMatch(/^next: 100% /);
  });

  test('many bars inside another register one end of the cell in a terminal', () => {
    let ends = 0;
    const { atCellEnd } = host;
    host.atCellEnd = (callback) => {
      ends++;
      atCellEnd.call(host, callback);
    };
    for (const _ of progress(50)) for (const _ of progress(2));
    expect(ends).toBeLessThanOrEqual(1);
  });

  test('bars inside another share one output, which is empty in the end', () => {
    for (const _ of progress(3, { desc: 'outer' })) for (const _ of progress(2, { desc: 'inner' }));
    const created = host.shown.filter(({ kind }) => kind === 'display_data');
    expect(created).toHaveLength(2);
    const inner = host.shown.filter(({ id }) => id === created[1].id);
    expect(inner.at(-1)!.data['text/html']).toBe('');
    const size = JSON.stringify(host.shown.filter(({ id }) => id === created[0].id).at(-1)!.data).length;
    expect(size).toBeLessThan(3000);
  });

  test('what is no iterable is an error', () => {
    expect(() => progress(null as never)).toThrow();
  });
});

describe('live charts', () => {
  test('show themselves, redraw inside the loop, and end with every point', () => {
    const chart = live({ loss: 'log', acc: 'linear' }, { every: 20 });
    for (let i = 0; i < 40; i++) {
      wait(2);
      chart.add({ loss: 1 / (i + 1), acc: i });
    }
    expect(host.shown.length).toBeGreaterThan(2);
    expect(host.shown.length).toBeLessThan(12);
    host.endCell();
    const { data, layout } = host.shown.at(-1)!.data[plotlyMime] as {
      data: { y: { bdata: string } }[];
      layout: { yaxis: { type: string }; yaxis2: { type: string } };
    };
    expect(data).toHaveLength(2);
    expect(Buffer.from(data[0].y.bdata, 'base64').byteLength / 4).toBe(40);
    expect([layout.yaxis.type, layout.yaxis2.type]).toEqual(['log', 'linear']);
    expect(host.shown.at(-1)!.data['text/plain']).toBe('live chart, 40 steps: loss 0.025, acc 39');
  });

  test('in a loop that yields, what was added is drawn although nothing more comes', async () => {
    const chart = live({ loss: 'linear' }, { every: 20 });
    for (let i = 0; i < 5; i++) chart.add({ loss: i });
    await expect.poll(() => host.shown.at(-1)!.data['text/plain']).toBe('live chart, 5 steps: loss 4');
  });

  test('stay small however long they run, and add costs little', () => {
    const chart = live({ loss: 'linear' });
    const steps = 100_000;
    const started = performance.now();
    for (let i = 0; i < steps; i++) chart.add({ loss: i });
    const each = (performance.now() - started) / steps;
    host.endCell();
    expect(JSON.stringify(host.shown.at(-1)!.data[plotlyMime]).length).toBeLessThan(100_000);
    // A twentieth of a step of a millisecond.
    expect(each).toBeLessThan(0.05);
  });

  test('a name that the chart has not is an error', () => {
    const chart = live({ loss: 'log' });
    expect(() => chart.add({ los: 1 } as never)).toThrow("there is no 'los' in this chart: it has loss");
    expect(() => live({ loss: 'cubic' as never })).toThrow("'log' or 'linear'");
  });
});
