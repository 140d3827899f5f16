#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { doctor } from './doctor.ts';
import {
  type InstallOptions,
  installKernelspec,
  installLabExtension,
  installWidgetExtension,
  uninstallKernelspec,
} from './install.ts';
import type { LabOptions } from './lab.ts';
import type { RunOptions } from './run.ts';

const root = new URL('../../../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };

/** A number from 0. */
function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('It must be a number of seconds.');
  return value;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}

/** What papermill takes a parameter's text for: Python's words for three values, numbers, or else text; JSON as well. */
function parameterValue(text: string): unknown {
  const words: Record<string, unknown> = { True: true, False: false, None: null };
  if (Object.hasOwn(words, text)) return words[text];
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** `NAME=VALUE`. */
function parameter(text: string, before: Record<string, unknown>): Record<string, unknown> {
  const [, name, value] = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)=([\s\S]*)$/u.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It must read NAME=VALUE.');
  return { ...before, [name]: parameterValue(value) };
}

const program = new Command('gradbook')
  .description('A Jupyter kernel for TypeScript, and what runs its notebooks')
  .version(version)
  .exitOverride()
  .showHelpAfterError('Try gradbook --help.');

program
  .command('run')
  .description('execute notebooks without a browser')
  .argument('<notebook...>', 'notebook files')
  .addOption(
    new Option('--output <file>', 'write the executed notebook here (one notebook)').conflicts('inplace'),
  )
  .option('--inplace', 'write the outputs into the notebook itself')
  .option('--timeout <seconds>', 'what one cell may take; 0 is no limit', seconds, 600)
  .option('--allow-errors', 'go on behind a failing cell')
  .option('--jobs <n>', 'notebooks at a time', count, 1)
  .option('-p, --parameter <NAME=VALUE>', 'set a parameter (repeat for more)', parameter, {})
  .option('--server <url>', 'a Jupyter server to run on; default: one of our own')
  .option('--token <token>', 'the token of that server; default: JUPYTER_TOKEN')
  .option('--kernel <name>', 'the kernel; default: what the notebook says')
  .option('--static', 'add a picture to each figure, for pages that run no script (needs Chromium or Chrome)')
  .option('--print', 'print the text output of the cells')
  .action(
    async (
      notebooks: string[],
      options: Omit<RunOptions, 'parameters'> & { parameter: Record<string, unknown> },
    ) => {
      if (options.output && notebooks.length > 1)
        program.error('error: --output takes one notebook; use --inplace for several', { exitCode: 2 });
      const { runNotebooks } = await import('./run.ts');
      const good = await runNotebooks(notebooks, { ...options, parameters: options.parameter });
      process.exitCode = good ? 0 : 1;
    },
  );

for (const [name, description] of [
  ['install', 'register the kernel with Jupyter'],
  ['uninstall', 'remove the kernel from Jupyter'],
] as const)
  program
    .command(name)
    .description(description)
    .addOption(new Option('--user', 'for this user (default)').conflicts(['sysPrefix', 'prefix']))
    .addOption(new Option('--sys-prefix', 'in the active Python environment').conflicts('prefix'))
    .option('--prefix <dir>', 'under this folder')
    .action((options: InstallOptions) => {
      if (name === 'install') {
        process.stdout.write(`installed the kernel in ${installKernelspec(options)}\n`);
        process.stdout.write(`installed the JupyterLab extension in ${installLabExtension(options)}\n`);
        const widgets = installWidgetExtension(options);
        process.stdout.write(
          widgets
            ? `${widgets.kept ? 'kept' : 'installed'} the manager of widgets in ${widgets.folder}\n`
            : 'widgets need their manager: run npm start once and install again, or pip install jupyterlab_widgets\n',
        );
      } else {
        const removed = uninstallKernelspec(options);
        process.stdout.write(removed ? `removed ${removed}\n` : 'the kernel was not installed there\n');
      }
    });

program
  .command('console')
  .description('a session with the kernel in this terminal')
  .option('--kernel <name>', 'another kernel', 'gradbook')
  .action(async ({ kernel }: { kernel: string }) => {
    const { runConsole } = await import('./console.ts');
    await runConsole({ kernel, input: process.stdin, output: process.stdout });
  });

program
  .command('doctor')
  .description('tell what is installed, what is wrong, and how to mend it')
  .action(async () => {
    process.exitCode = (await doctor((line) => process.stdout.write(`${line}\n`))) ? 0 : 1;
  });

program
  .command('password')
  .description('set a password for the login page of gradbook lab')
  .option('--remove', 'go back to the token alone')
  .action(async ({ remove }: { remove?: boolean }) => {
    const { removePassword, setPassword } = await import('./password.ts');
    if (!remove) process.stdout.write(`kept the password's hash in ${await setPassword()}\n`);
    else
      process.stdout.write((await removePassword()) ? 'removed the password\n' : 'there was no password\n');
  });

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('It must be a port, from 0 (any that is free) to 65535.');
  return value;
}

for (const [name, description] of [
  ['lab', 'open JupyterLab on a folder; default: the current one'],
  ['start', 'open JupyterLab on a folder; default: gradbook in your home folder'],
] as const)
  program
    .command(name)
    .description(description)
    .argument('[folder]', 'what JupyterLab shows')
    .option('--no-browser', 'print the address only')
    .option('--port <n>', 'the port; when it is in use, the next that is free', port, 8888)
    .option(
      '--ip <address>',
      'the address to listen on; beyond this machine a token or a password is needed',
      '127.0.0.1',
    )
    .option('--token <token>', 'the token; default: a new one (or GRADBOOK_TOKEN)')
    .action(async (folder: string | undefined, options: LabOptions) => {
      const { homeFolder, lab } = await import('./lab.ts');
      await lab(folder ?? (name === 'lab' ? process.cwd() : homeFolder()), options);
    });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`gradbook: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
