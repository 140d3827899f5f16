import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { browserProgram } from '../test/lab/browserPage.ts';
import { building, firstStart } from './lab/building.ts';
import { type Contestant, findContestants, memoryOf, serve, unused } from './lab/contestants.ts';
import { timeToLauncher } from './lab/launcher.ts';
import { throughput } from './lab/throughput.ts';

interface Figure {
  title: string;
  unit: string;
  /** Of each contestant; the title is its own where it is not one of them. */
  values: Record<string, number>;
}

const least = (values: readonly number[]): number => Math.min(...values);

/** Starts, launchers, memory and output of one server. */
async function measure(
  contestant: Contestant,
  rounds: number,
  megabytes: number,
): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'gradbook-bench-'));
  const home = mkdtempSync(join(tmpdir(), 'gradbook-bench-home-'));
  const start = () => serve(contestant.command.bind(contestant), folder, 120, unused(home));
  try {
    const starts: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const { seconds, end } = await start();
      starts.push(seconds);
      await end();
    }
    const { child, url, end } = await start();
    const pid = child.pid!;
    try {
      const visits: { cold: number; warm: number }[] = [];
      for (let i = 0; browserProgram && i < rounds; i++) visits.push(await timeToLauncher(url));
      const idle = memoryOf(pid);
      const { seconds, peak } = await throughput(url, pid, contestant, megabytes);
      return {
        first: starts[0],
        start: least(starts),
        firstLauncher: visits[0]?.cold ?? Number.NaN,
        cold: browserProgram ? least(visits.map(({ cold }) => cold)) : Number.NaN,
        warm: browserProgram ? least(visits.map(({ warm }) => warm)) : Number.NaN,
        idle,
        rate: megabytes / seconds,
        peak,
      };
    } finally {
      await end();
    }
  } finally {
    for (const used of [folder, home]) rmSync(used, { recursive: true, force: true });
  }
}

const titles: readonly (readonly [name: string, title: string, unit: string])[] = [
  ['first', 'first start of the server', 's'],
  ['start', 'start of the server, best', 's'],
  ['firstLauncher', 'launcher, first page of a server', 's'],
  ['cold', 'launcher, nothing cached, best', 's'],
  ['warm', 'launcher, coming back, best', 's'],
  ['idle', 'memory', 'MB'],
  ['rate', 'output through one socket', 'MB/s'],
  ['peak', 'memory meanwhile', 'MB'],
];

function print(figures: readonly Figure[], names: readonly string[]): void {
  const cell = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? '-' : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  const rows = [
    ['', ...names],
    ...figures.map(({ title, unit, values }) => [
      `${title} [${unit}]`,
      ...names.map((name) => cell(values[name])),
    ]),
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, ...cells] of rows)
    process.stdout.write(`${title.padEnd(width)} ${cells.map((text) => text.padStart(16)).join('')}\n`);
}

/** `npm run bench -- lab`: start, launcher, memory and output beside JupyterLab where it is installed; building with `--build`. */
export async function run(args: string[]): Promise<void> {
  const { json, python, rounds, megabytes, build, clone } = new Command('bench lab')
    .option('--json <file>', 'write the figures there too')
    .option(
      '--python <path>',
      'a Python with JupyterLab and ipykernel; default: GRADBOOK_PYTHON, then python3',
    )
    .option('--rounds <n>', 'starts and visits, of which the best counts', Number, 3)
    .option('--megabytes <n>', 'output of the cell', Number, 50)
    .option('--no-build', 'leave the front end as it is built')
    .option('--clone', 'also measure the first npm start of a fresh clone, which downloads all packages')
    .parse(args, { from: 'user' })
    .opts<{
      json?: string;
      python?: string;
      rounds: number;
      megabytes: number;
      build: boolean;
      clone?: boolean;
    }>();
  const contestants = findContestants(python);
  const names = contestants.map(({ name }) => name);
  const figures: Figure[] = [];
  if (build) {
    process.stderr.write('building the front end\n');
    const { anew, unchanged, start } = await building();
    const ours = (title: string, value: number): Figure => ({
      title,
      unit: 's',
      values: { [names[0]]: value },
    });
    figures.push(
      ours('front end, built anew', anew),
      ours('front end, nothing changed', unchanged),
      ours('npm start, nothing changed', start),
    );
    if (clone) figures.push(ours('npm start of a fresh clone', await firstStart()));
  }
  const measured: Record<string, Record<string, number>> = {};
  for (const contestant of contestants) {
    process.stderr.write(`measuring ${contestant.name}\n`);
    // What fails is a gap in the table.
    measured[contestant.name] = await measure(contestant, rounds, megabytes).catch((error: Error) => {
      process.stderr.write(`${contestant.name}: ${error.message}\n`);
      return {};
    });
  }
  for (const [key, title, unit] of titles)
    figures.push({
      title,
      unit,
      values: Object.fromEntries(names.map((name) => [name, measured[name][key]])),
    });
  print(figures, names);
  if (json) {
    const machine = { date: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model };
    writeFileSync(json, `${JSON.stringify({ ...machine, cores: cpus().length, figures }, null, 2)}\n`);
  }
}
