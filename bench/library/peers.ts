import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { leastSeconds, leastSecondsOfPromises } from './timing.ts';
import type { Workload } from './workloads.ts';

interface Answer {
  name?: string;
  version?: string;
  seconds?: number;
  error?: string;
}

/** PyTorch in a process of its own, which answers a line with a line. */
export class Torch {
  readonly version: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(version: string, process: ChildProcess, lines: AsyncIterator<string>) {
    this.version = version;
    this.#process = process;
    this.#lines = lines;
  }

  /** null where that Python has no PyTorch. */
  static async start(python: string): Promise<Torch | null> {
    // A PyTorch that Debian built picks a slow kernel for its BLAS unless told what the core is.
    const env = { ...process.env, OPENBLAS_CORETYPE: process.env.OPENBLAS_CORETYPE ?? 'SkylakeX' };
    const child = spawn(python, [peerScript], { stdio: ['pipe', 'pipe', 'inherit'], env });
    child.on('error', () => {});
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const hello = await read(lines);
    return hello?.version ? new Torch(hello.version, child, lines) : null;
  }

  ask({ name, setup, call }: Workload, threads: number, budget: number): Promise<Answer | null> {
    this.#process.stdin!.write(`${JSON.stringify({ name, setup, call, threads, budget })}\n`);
    return read(this.#lines);
  }

  close(): void {
    this.#process.kill();
  }
}

/** Python files are read from the source tree, also by the compiled program. */
const source = (file: string): string =>
  fileURLToPath(new URL(file, import.meta.url)).replace(/([\\/])dist([\\/])/, '$1');
export const peerScript = source('./peer.py');

async function read(lines: AsyncIterator<string>): Promise<Answer | null> {
  const { value, done } = await lines.next();
  return done ? null : (JSON.parse(value) as Answer);
}

/** A tensor library in JavaScript that has products: seconds of one. */
export interface ScriptPeer {
  name: string;
  product(workload: NonNullable<Workload['product']>, budget: number): Promise<number>;
}

const packages = {
  '@tensorflow/tfjs-core': '4.22.0',
  '@tensorflow/tfjs-backend-cpu': '4.22.0',
  '@tensorflow/tfjs-backend-wasm': '4.22.0',
  '@jax-js/jax': '0.1.25',
} as const;

/** Installs the packages into a cache at the first use; the product does not depend on them. */
function cachedPackages(): string {
  const cache = join(
    process.env.GRADBOOK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gradbook'),
    'bench',
    'tensors',
  );
  if (!existsSync(join(cache, 'node_modules', '@jax-js'))) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
    const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
    execFileSync(
      'npm',
      ['install', ...wanted, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      {
        cwd: cache,
        stdio: ['ignore', 'ignore', 'inherit'],
        shell: process.platform === 'win32',
      },
    );
  }
  return cache;
}

/** The little that is used of TensorFlow.js. */
interface Tfjs {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  randomUniform(shape: number[]): unknown;
  matMul(a: unknown, b: unknown, transposeA: boolean, transposeB: boolean): { dispose(): void };
}

/** The little that is used of jax-js. An array is spent by the call that takes it, unless `ref` adds a use. */
interface JaxArray {
  ref: JaxArray;
  blockUntilReady(): Promise<unknown>;
  dispose(): void;
}
interface Jax {
  init(device: string): Promise<unknown>;
  defaultDevice(device: string): void;
  numpy: {
    ones(shape: number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    matrixTranspose(a: JaxArray): JaxArray;
  };
}

/** TensorFlow.js and jax-js, both on WebAssembly; what cannot be installed or started is told and left out. */
export async function scriptPeers(): Promise<ScriptPeer[]> {
  const peers: ScriptPeer[] = [];
  const starts: [string, (require: NodeJS.Require) => Promise<ScriptPeer>][] = [
    ['tfjs-wasm', startTfjs],
    ['jax-js', startJax],
  ];
  for (const [name, start] of starts)
    try {
      peers.push(await start(createRequire(pathToFileURL(join(cachedPackages(), 'package.json')))));
    } catch (error) {
      process.stdout.write(`${name} is left out: ${(error as Error).message.split('\n')[0]}\n`);
    }
  return peers;
}

async function startTfjs(require: NodeJS.Require): Promise<ScriptPeer> {
  const tf = require('@tensorflow/tfjs-core') as Tfjs;
  require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  await tf.ready();
  return {
    name: 'tfjs-wasm',
    product: ({ a, b, transpose }, budget) => {
      const [x, y] = [tf.randomUniform(a), tf.randomUniform(b)];
      return Promise.resolve(
        leastSeconds(() => tf.matMul(x, y, transpose === 'a', transpose === 'b').dispose(), budget),
      );
    },
  };
}

async function startJax(require: NodeJS.Require): Promise<ScriptPeer> {
  const jax = (await import(pathToFileURL(require.resolve('@jax-js/jax')).href)) as Jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const { numpy } = jax;
  return {
    name: 'jax-js',
    product: ({ a, b, transpose }, budget) => {
      const [x, y] = [numpy.ones(a), numpy.ones(b)];
      return leastSecondsOfPromises(async () => {
        const left = transpose === 'a' ? numpy.matrixTranspose(x.ref) : x.ref;
        const right = transpose === 'b' ? numpy.matrixTranspose(y.ref) : y.ref;
        const out = numpy.matmul(left, right);
        await out.blockUntilReady();
        out.dispose();
      }, budget);
    },
  };
}
