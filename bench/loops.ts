import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { TestKernel } from '../test/kernel/client.ts';
import { type Shape, shapes } from './loops/shapes.ts';

const main = fileURLToPath(new URL('../kernel/main.js', import.meta.url));
const command = (file: string): string[] => [
  process.execPath,
  '--no-force-async-hooks-checks',
  main,
  '-f',
  file,
];

/** Milliseconds of a loop: in a function, at the top level, and at the top level with variables of an earlier cell. */
interface Times {
  inside: number;
  outside: number;
  later: number;
}

/** `npm run bench -- loops`: loops over top-level variables beside the same loops inside a function, in one kernel, taking turns. */
export async function run(args: string[]): Promise<void> {
  const program = new Command('bench loops')
    .option('--json <file>', 'write the figures there')
    .option('--rounds <n>', 'runs of each loop, of which the fastest counts', Number, 5)
    .option('--filter <text>', 'only the loops whose name contains it', '')
    .parse(args, { from: 'user' });
  const { json, rounds, filter } = program.opts<{ json?: string; rounds: number; filter: string }>();
  const wanted = shapes.filter(({ title }) => title.includes(filter));
  const width = Math.max(...wanted.map(({ title }) => title.length));
  const row = (...cells: string[]): void => {
    process.stdout.write(
      `${cells[0].padEnd(width)} ${cells
        .slice(1)
        .map((c) => c.padStart(16))
        .join('')}\n`,
    );
  };
  row('', 'function [ms]', 'top level [ms]', 'earlier cell [ms]', 'speed', 'earlier cell');
  const results: Record<string, Times> = {};
  for (const shape of wanted) {
    const times = await measure(shape, rounds);
    results[shape.title] = times;
    const { inside, outside, later } = times;
    const figures = [inside, outside, later].map((time) => time.toFixed(1));
    row(shape.title, ...figures, (inside / outside).toFixed(2), (inside / later).toFixed(2));
  }
  if (json) writeFileSync(json, `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
}

/** Every run is of new code, as a cell is; a kernel of its own keeps the names of one loop from another. */
async function measure({ before, variables, loop, awaits }: Shape, rounds: number): Promise<Times> {
  const kernel = await TestKernel.start({ command });
  try {
    const cell = async (code: string): Promise<number> => {
      const { reply, outputs } = await kernel.execute(code);
      if (reply.content.status !== 'ok') throw new Error(`${code}\n${String(reply.content.evalue)}`);
      const result = outputs.find(({ header }) => header.msg_type === 'execute_result');
      return Number((result?.content.data as Record<string, string> | undefined)?.['text/plain']);
    };
    if (before) await cell(before);
    const timed = `const from = performance.now(); ${loop};`;
    const [keyword, wait] = awaits ? ['async function', 'await '] : ['function', ''];
    const times: Times = { inside: Infinity, outside: Infinity, later: Infinity };
    for (let round = 0; round < rounds; round++) {
      const same = `${keyword} same() { ${variables}; ${timed} return performance.now() - from }; ${wait}same()`;
      times.inside = Math.min(times.inside, await cell(same));
      times.outside = Math.min(times.outside, await cell(`${variables}; ${timed} performance.now() - from`));
      await cell(`${variables};`);
      times.later = Math.min(times.later, await cell(`${timed} performance.now() - from`));
    }
    return times;
  } finally {
    await kernel.stop();
  }
}
