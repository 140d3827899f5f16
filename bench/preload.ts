import { spawnSync } from 'node:child_process';
import { Command } from 'commander';

/** What a start of the user thread loads: the runtime alone, then the names of the first cell too. */
const program = (preloads: boolean): string => `
  const { locateCode } = await import(${JSON.stringify(new URL('../kernel/code.js', import.meta.url).href)});
  const code = locateCode();
  await code.runtime();
  const start = performance.now();
  if (${preloads})
    for (const names of await code.preload())
      for (const [name, value] of Object.entries(names))
        Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  const end = performance.now();
  process.stdout.write(JSON.stringify({ start: end, preload: end - start }));
  process.exit();
`;

interface Start {
  /** Milliseconds since the process began. */
  start: number;
  /** Milliseconds of the preload. */
  preload: number;
}

function start(preloads: boolean): Start {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program(preloads)],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`a start failed:\n${stderr}`);
  return JSON.parse(stdout) as Start;
}

/** `npm run bench -- preload`: starts of the user thread with and without the library and the display, in turn; the least of each. */
export async function run(args: string[]): Promise<void> {
  const { rounds } = new Command('bench preload')
    .option('--rounds <n>', 'starts of each', Number, 20)
    .parse(args, { from: 'user' })
    .opts<{ rounds: number }>();
  const starts = { without: [] as Start[], with: [] as Start[] };
  for (let round = 0; round < rounds; round++) {
    starts.without.push(start(false));
    starts.with.push(start(true));
  }
  const least = (of: Start[], key: keyof Start): number => Math.min(...of.map((s) => s[key]));
  const before = least(starts.without, 'start');
  const after = least(starts.with, 'start');
  process.stdout.write(
    [
      `start of the user thread without the preload ${before.toFixed(0).padStart(6)} ms`,
      `                         with the preload    ${after.toFixed(0).padStart(6)} ms`,
      `                         difference          ${(after - before).toFixed(0).padStart(6)} ms (at most 150)`,
      `the preload alone                            ${least(starts.with, 'preload').toFixed(0).padStart(6)} ms`,
      '',
    ].join('\n'),
  );
}
