import { basename, dirname, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { startServer } from '../../lab/server/server.ts';
import { executeNotebook } from './execute.ts';
import { type Cell, readNotebook, writeNotebook } from './notebook.ts';
import { expectKernel } from './remote.ts';
import { addPictures } from './staticFigures.ts';

export interface RunOptions {
  output?: string;
  inplace?: boolean;
  timeout: number;
  allowErrors?: boolean;
  jobs: number;
  parameters: Record<string, unknown>;
  server?: string;
  token?: string;
  kernel?: string;
  /** Adds a picture to each figure, for pages that run no script. */
  static?: boolean;
  /** Prints each cell's text output. */
  print?: boolean;
}

const kernelNameOf = (metadata: Record<string, unknown>): string =>
  (metadata.kernelspec as { name?: string } | undefined)?.name ?? 'gradbook';

/** The text that a cell shows in a terminal. */
function textOf(cell: Cell): string {
  return (cell.outputs ?? [])
    .map((output) => {
      if (output.output_type === 'stream') return String(output.text);
      if (output.output_type === 'error') return `${(output.traceback as string[]).join('\n')}\n`;
      const data = output.data as Record<string, unknown>;
      return `${String(data['text/plain'] ?? Object.keys(data).join(', '))}\n`;
    })
    .join('');
}

async function runOne(path: string, options: RunOptions): Promise<boolean> {
  const notebook = readNotebook(path);
  const folder = dirname(resolve(path));
  const embedded = options.server ? null : await startServer({ folder });
  const token = options.token ?? process.env.JUPYTER_TOKEN ?? '';
  const server = embedded ?? { url: options.server!.replace(/\/?$/, '/'), token };
  const kernelName = options.kernel ?? kernelNameOf(notebook.metadata);
  const started = performance.now();
  try {
    if (!embedded) await expectKernel(server, kernelName);
    const failure = await executeNotebook(notebook, {
      server,
      kernelName,
      timeout: options.timeout,
      allowErrors: options.allowErrors ?? false,
      parameters: options.parameters,
      onCell: (cell, count) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${basename(path)}: cell ${cell} of ${count} `);
      },
    });
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    if (options.static) await addPictures(notebook);
    const target = options.inplace ? path : options.output;
    if (target) writeNotebook(target, notebook);
    if (options.print)
      for (const cell of notebook.cells) process.stdout.write(cell.cell_type === 'code' ? textOf(cell) : '');
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (!failure) {
      process.stderr.write(`${path}: done in ${seconds} s\n`);
      return true;
    }
    const trace = failure.traceback.map(stripVTControlCharacters).join('\n');
    process.stderr.write(
      `${path}: cell ${failure.cell} failed: ${failure.ename}: ${failure.evalue}\n${trace}\n`,
    );
    return false;
  } finally {
    await embedded?.close();
  }
}

/** Executes notebooks, `jobs` at a time. True when every one ran without an error. */
export async function runNotebooks(paths: readonly string[], options: RunOptions): Promise<boolean> {
  const queue = [...paths];
  let good = true;
  const work = async (): Promise<void> => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift())
      try {
        if (!(await runOne(path, options))) good = false;
      } catch (error) {
        good = false;
        process.stderr.write(`${path}: ${(error as Error).message}\n`);
      }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, paths.length) }, work));
  return good;
}
