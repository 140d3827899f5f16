import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command } from 'commander';
import { measure, metrics } from './kernel/measure.ts';
import { findPeers } from './kernel/peers.ts';

/** `npm run bench -- kernel`: every kernel that is here, one after the other with the same client, as a table and as JSON. */
export async function run(args: string[]): Promise<void> {
  const program = new Command('bench kernel')
    .option('--json <file>', 'write the figures there')
    .option('--python <path>', 'a Python with ipykernel; default: GRADBOOK_PYTHON, then python3')
    .option('--only <names>', 'a part of the kernels: gradbook,ipykernel,echo,tslab,deno')
    .option('--rounds <n>', 'starts of each kernel', Number, 5)
    .option('--filter <names>', `a part of the figures: ${metrics.map(({ name }) => name).join(',')}`)
    .parse(args, { from: 'user' });
  const options = program.opts<{
    json?: string;
    python?: string;
    only?: string;
    rounds: number;
    filter?: string;
  }>();
  const wanted = options.only?.split(',');
  const { peers, missing } = await findPeers(options.python, (name) => !wanted || wanted.includes(name));
  for (const line of missing) process.stderr.write(`${line}\n`);
  const filter = options.filter?.split(',');
  const isWanted = (name: string): boolean => !filter || filter.includes(name);
  const { results, failures } = await measure(peers, options.rounds, isWanted);
  const names = Object.keys(results);
  const cell = (value: number | null | undefined): string =>
    value === null || value === undefined ? '-' : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  const rows = metrics
    .filter(({ name }) => isWanted(name))
    .map(({ name, title, unit }) => [
      `${title} [${unit}]`,
      ...names.map((peer) => cell(results[peer][name])),
    ]);
  const width = Math.max(...rows.map(([title]) => title.length));
  const line = ([title, ...cells]: string[]): string =>
    `${title.padEnd(width)} ${cells.map((text) => text.padStart(10)).join('')}`;
  process.stdout.write(`${[['', ...names], ...rows].map(line).join('\n')}\n`);
  for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
  if (options.json)
    writeFileSync(
      options.json,
      `${JSON.stringify({ date: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, results, failures }, null, 2)}\n`,
    );
}
