import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { engineStatus, setNumThreads } from '../src/index.ts';
import { resnetPeaks } from './library/memory.ts';
import { scriptPeers, Torch } from './library/peers.ts';
import { leastSeconds } from './library/timing.ts';
import { workloads } from './library/workloads.ts';

interface Result {
  name: string;
  threads: number;
  /** Seconds of one call. */
  ours: number;
  /** Seconds of one call in each peer that has the workload. */
  peers: Record<string, number>;
  /** PyTorch's time / ours. */
  ratio: number | null;
  target: number;
  met: boolean | null;
}

/** What a product is to reach beside the libraries in WebAssembly. */
const scriptTarget = 10;

const milliseconds = (seconds: number | null): string =>
  seconds === null ? '-' : `${(seconds * 1000).toPrecision(4)} ms`;

const geometricMean = (values: number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

async function main(options: {
  filter?: string;
  json?: string;
  python: string;
  threads: string;
  budget: string;
}): Promise<void> {
  const budget = Number(options.budget);
  const say = (line: string): boolean => process.stdout.write(`${line}\n`);
  const wanted = (name: string): boolean => !options.filter || name.includes(options.filter);
  say(`gradbook, engine ${engineStatus()}`);
  const torch = await Torch.start(options.python);
  say(torch ? `PyTorch ${torch.version}` : `${options.python} has no PyTorch: it is left out`);
  const chosen = workloads().filter(({ name }) => wanted(name));
  const scripts = chosen.some(({ product }) => product) ? await scriptPeers() : [];
  const results: Result[] = [];
  for (const threads of options.threads.split(',').map(Number)) {
    setNumThreads(threads);
    say(`\n${threads} thread${threads === 1 ? '' : 's'}`);
    for (const workload of chosen) {
      const { name, target, product } = workload;
      const ours = leastSeconds(workload.ours(), budget);
      const answer = torch ? await torch.ask(workload, threads, budget) : null;
      const peers: Record<string, number> = {};
      if (answer?.seconds) peers.torch = answer.seconds;
      // They compute on one thread.
      if (product && threads === 1)
        for (const peer of scripts) peers[peer.name] = await peer.product(product, budget);
      const ratio = answer?.seconds ? answer.seconds / ours : null;
      const met = ratio === null ? null : ratio >= target;
      results.push({ name, threads, ours, peers, ratio, target, met });
      const beside =
        ratio === null ? '' : `${ratio.toFixed(2).padStart(6)} of ${target}${met ? '' : '  BELOW'}`;
      const others = Object.entries(peers)
        .filter(([peer]) => peer !== 'torch')
        .map(
          ([peer, s]) =>
            `  ${peer} ${(s / ours).toFixed(1)}${s / ours < scriptTarget ? `  BELOW ${scriptTarget}` : ''}`,
        );
      say(
        `  ${name.padEnd(44)} ${milliseconds(ours).padStart(12)} ${milliseconds(peers.torch ?? null).padStart(12)}  ${beside}${others.join('')}`,
      );
      if (answer?.error) say(`    PyTorch: ${answer.error}`);
    }
    const convolutions = results.filter(
      (r) => r.threads === threads && r.name.startsWith('conv ') && r.ratio,
    );
    if (convolutions.length > 0)
      say(
        `  geometric mean of convolutions: ${geometricMean(convolutions.map((r) => r.ratio!)).toFixed(2)} of 1.3`,
      );
  }
  torch?.close();
  const judged = results.filter(({ met }) => met !== null);
  say(
    `\n${judged.filter(({ met }) => met).length} of ${judged.length} targets met (peer's time / our time, least of many repetitions)`,
  );
  const peaks = wanted('peak memory of the ResNet-18 step') ? resnetPeaks(options.python) : null;
  if (peaks)
    for (const [name, peak] of Object.entries(peaks))
      if (peak)
        say(
          `peak memory of the ResNet-18 step, ${name}: ${peak.after.toFixed()} MB, ${peak.before.toFixed()} MB of it before the model is made`,
        );
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ results, peaks }, null, 1)}\n`);
}

/** `npm run bench -- library`: every workload of the library beside PyTorch, products also beside TensorFlow.js and jax-js. */
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
