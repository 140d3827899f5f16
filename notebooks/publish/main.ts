import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { readNotebook, writeNotebook } from '../../kernel/cli/notebook.ts';
import { runNotebooks } from '../../kernel/cli/run.ts';
import { problems, timeLimit } from './check.ts';
import { type Page, writeSite } from './site.ts';
import { shareOutputs } from './twins.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'notebooks');

interface Options {
  run: boolean;
  site: string;
}

interface Published {
  page: Page;
  /** What is wrong, in words. */
  found: string[];
  /** How long it ran. */
  seconds: number;
}

/** Runs one notebook in place and passes its outputs on to the Chinese edition. */
async function publish(name: string, { run }: Options): Promise<Published> {
  const path = join(folder, `${name}.ipynb`);
  const found: string[] = [];
  const started = performance.now();
  if (run) {
    const good = await runNotebooks([path], {
      inplace: true,
      static: true,
      timeout: 300,
      jobs: 1,
      parameters: {},
    });
    if (!good) found.push('a cell failed');
  }
  const seconds = (performance.now() - started) / 1000;
  const original = readNotebook(path);
  const page: Page = { name, editions: [{ language: 'en', notebook: original }] };
  const twin = join(folder, 'zh', `${name}.ipynb`);
  if (existsSync(twin)) {
    const translated = readNotebook(twin);
    shareOutputs(twin, original, translated);
    if (run) writeNotebook(twin, translated);
    page.editions.push({ language: 'zh', notebook: translated });
  } else found.push('has no Chinese edition');
  found.push(...problems(original, statSync(path).size));
  return { page, found, seconds };
}

async function main(filters: readonly string[], options: Options): Promise<void> {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.ipynb'))
    .map((file) => file.slice(0, -'.ipynb'.length))
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort();
  if (names.length === 0) throw new Error(`no notebook has ${filters.join(' or ')} in its name`);
  const pages: Page[] = [];
  const times: Record<string, number> = {};
  let failed = 0;
  const started = performance.now();
  for (const name of names) {
    const { page, found, seconds } = await publish(name, options);
    pages.push(page);
    times[name] = Math.round(seconds * 10) / 10;
    if (seconds > timeLimit(name))
      process.stderr.write(
        `${name}: ${seconds.toFixed(0)} s, which is more than ${timeLimit(name)} s on two idle cores should be\n`,
      );
    if (found.length > 0) failed++;
    for (const problem of found) process.stderr.write(`${name}: ${problem}\n`);
  }
  writeSite(options.site, pages);
  if (options.run) writeFileSync(join(options.site, 'seconds.json'), `${JSON.stringify(times, null, 2)}\n`);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(
    `${names.length - failed} passed, ${failed} failed (${seconds} s), site in ${options.site}\n`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

new Command('notebooks')
  .description('run the notebooks in place, check them, and write them as a site')
  .argument('[filter...]', 'only notebooks whose name contains one of these')
  .option('--no-run', 'only check what is stored, and write the site')
  .option('--site <folder>', 'where the site goes', join(root, 'dist', 'site'))
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  });
