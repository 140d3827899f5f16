import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { peerScript } from './peers.ts';

/** Most memory that a process held, in MB: before the model was made, and after ten steps of it. */
export interface Peak {
  before: number;
  after: number;
}

/** Bytes at the process's largest so far. */
const peakOfProcess = (): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1000;

/** ResNet-18's step in a process of its own: ours, and PyTorch's where `python` has it. null where memory cannot be read. */
export function resnetPeaks(python: string): { ours: Peak; torch: Peak | null } | null {
  if (process.platform !== 'linux') return null;
  const run = (command: string, args: string[]): Peak =>
    JSON.parse(execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()) as Peak;
  const ours = run(process.execPath, [fileURLToPath(import.meta.url), 'resnet']);
  try {
    return { ours, torch: run(python, [peerScript.replace('peer.py', 'memory.py')]) };
  } catch {
    return { ours, torch: null };
  }
}

if (process.argv[2] === 'resnet' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const { workloads } = await import('./workloads.ts');
  const workload = workloads().find(({ name }) => name.includes('ResNet-18'))!;
  const before = peakOfProcess();
  const step = workload.ours();
  for (let i = 0; i < 10; i++) step();
  process.stdout.write(JSON.stringify({ before, after: peakOfProcess() } satisfies Peak));
}
