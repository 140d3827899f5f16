import { existsSync } from 'node:fs';

/** One file a subcommand, loaded when it is asked for. */
const subjects: Readonly<Record<string, string>> = {
  kernel: 'the kernel beside ipykernel, tslab and Deno',
  library: 'tensor operations',
  loops: 'loops over top-level variables beside the same loops inside a function',
  preload: 'the start with and without library and display',
  lab: 'the server and the front-end',
  display: 'live charts, progress, a million points, sizes',
};

const [subject = '', ...args] = process.argv.slice(2);
const file = new URL(`./${subject}.js`, import.meta.url);
if (!(subject in subjects) || !existsSync(file)) {
  const lines = Object.entries(subjects).map(([name, what]) => `  ${name.padEnd(8)} ${what}`);
  process.stderr.write(`usage: npm run bench -- SUBJECT [options]\n\n${lines.join('\n')}\n`);
  process.exitCode = subject === '' || subject === '--help' ? 0 : 2;
} else {
  const { run } = (await import(file.href)) as { run: (args: string[]) => Promise<void> };
  await run(args);
}
