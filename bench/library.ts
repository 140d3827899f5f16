import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { engineStatus, setNumThreads } from '../src/index.ts';
import { leastSeconds } from './library/timing.ts';
import { type Workload, workloads } from './library/workloads.ts';

interface Result {
  name: string;
  threads: number;
  /** Seconds of one call. */
  ours: number;
  torch: number | null;
  ratio: number | null;
  target: number;
  met: boolean | null;
}

interface Answer {
  name?: string;
  version?: string;
  seconds?: number;
  error?: string;
}

/** PyTorch in a process of its own, which answers a line with a line. */
class Peer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string) {
    // A PyTorch that Debian built picks a slow kernel for its BLAS unless told what the core is.
    const env = { ...process.env, OPENBLAS_CORETYPE: process.env.OPENBLAS_CORETYPE ?? 'SkylakeX' };
    const script = fileURLToPath(new URL('./library/peer.py', import.meta.url)).replace('/dist/', '/');
    this.#process = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  async next(): Promise<Answer | null> {
    const { value, done } = await this.#lines.next();
    return done ? null : (JSON.parse(value) as Answer);
  }

  ask(workload: Workload, threads: number, budget: number): Promise<Answer | null> {
    const { name, setup, call } = workload;
    this.#process.stdin!.write(`${JSON.stringify({ name, setup, call, threads, budget })}\n`);
    return this.next();
  }

  close(): void {
    this.#process.kill();
  }
}

async function startPeer(python: string): Promise<Peer | null> {
  const peer = new Peer(python);
  const hello = await peer.next().catch(() => null);
  if (hello?.version) {
    process.stdout.write(`PyTorch ${hello.version}\n`);
    return peer;
  }
  process.stdout.write(`${python} has no PyTorch: only our own times are measured\n`);
  return null;
}

const milliseconds = (seconds: number | null): string =>
  seconds === null ? '-' : `${(seconds * 1000).toPrecision(4)} ms`;

async function main(options: {
  filter?: string;
  json?: string;
  python: string;
  threads: string;
  budget: string;
}): Promise<void> {
  const budget = Number(options.budget);
  process.stdout.write(`gradbook, engine ${engineStatus()}\n`);
  const peer = await startPeer(options.python);
  const results: Result[] = [];
  const chosen = workloads().filter(({ name }) => !options.filter || name.includes(options.filter));
  for (const threads of options.threads.split(',').map(Number)) {
    setNumThreads(threads);
    process.stdout.write(`\n${threads} thread${threads === 1 ? '' : 's'}\n`);
    for (const workload of chosen) {
      const ours = leastSeconds(workload.ours(), budget);
      const answer = peer ? await peer.ask(workload, threads, budget) : null;
      if (answer?.error) process.stdout.write(`  PyTorch: ${answer.error}\n`);
      const torch = answer?.seconds ?? null;
      const ratio = torch === null ? null : torch / ours;
      const met = ratio === null ? null : ratio >= workload.target;
      results.push({ name: workload.name, threads, ours, torch, ratio, target: workload.target, met });
      process.stdout.write(
        `  ${workload.name.padEnd(44)} ${milliseconds(ours).padStart(12)} ${milliseconds(torch).padStart(12)}  ${ratio === null ? '' : `${ratio.toFixed(2).padStart(6)} of ${workload.target}${met ? '' : '  BELOW'}`}\n`,
      );
    }
  }
  peer?.close();
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
  const judged = results.filter(({ met }) => met !== null);
  process.stdout.write(
    `\n${judged.filter(({ met }) => met).length} of ${judged.length} targets met (peer's time / our time, least of many repetitions)\n`,
  );
}

/** `npm run bench -- library`: every workload of the library beside PyTorch. */
export async function run(args: string[]): Promise<void> {
  await new Command('bench library')
    .description('operations, layers and training steps beside PyTorch on the same machine')
    .option('--filter <text>', 'only workloads whose name contains this')
    .option('--json <file>', 'write the results there too')
    .option('--python <command>', 'a Python that has PyTorch', process.env.GRADBOOK_PYTHON ?? 'python3')
    .option('--threads <list>', 'numbers of threads, by commas', '1,2')
    .option('--budget <seconds>', 'how long each workload is repeated', '0.5')
    .action(main)
    .parseAsync(args, { from: 'user' });
}
