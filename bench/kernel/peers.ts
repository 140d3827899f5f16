import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A kernel that is measured, and how the same things are said in its language. */
export interface Peer {
  name: string;
  command: (connectionFile: string) => string[];
  /** Waits for something that is there from the start. */
  first: string;
  /** Prints `n` lines, one call a line. */
  print: (n: number) => string;
  /** Displays `n` characters as HTML. */
  display: (n: number) => string;
  busy: (seconds: number) => string;
  forever: string;
  /** A cell as notebooks have them: declares, computes, shows. Each number gives another text, as no two cells of a notebook are alike. */
  cell: (i: number) => string;
  complete: (i: number) => string;
  inspect: (i: number) => string;
  interrupt: 'message' | 'signal';
}

const javascript = {
  first: '1 + 2',
  print: (n: number) => `for (let i = 0; i < ${n}; i++) console.log(String(i));`,
  busy: (seconds: number) => `{ const until = Date.now() + ${seconds * 1000}; while (Date.now() < until); }`,
  forever: 'while (true);',
  cell: (i: number) => `interface Point { x: number; y: number }

function centre(points: Point[]): Point {
  const sum = points.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }));
  return { x: sum.x / points.length, y: sum.y / points.length };
}

const cloud: Point[] = Array.from({ length: 50 }, (_, k) => ({ x: k * ${i}, y: k % 7 }));
const middle = centre(cloud);
[middle.x, middle.y].map((value) => value.toFixed(2)).join(', ')`,
  complete: (i: number) => `const found${i} = cloud.fi`,
  inspect: (i: number) => `const found${i} = cloud`,
};

const denoVersion = '2.9.6';

/** Deno's command, installed into a cache at its first use. */
function installDeno(): string {
  const cache = join(
    process.env.GRADBOOK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gradbook'),
    'bench',
  );
  const entry = join(cache, 'node_modules', 'deno', 'bin.cjs');
  if (!existsSync(entry)) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
    execFileSync('npm', ['install', `deno@${denoVersion}`, '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: cache,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  // The package's command looks for the binary of this platform and starts it: do that once, here.
  const require = createRequire(entry);
  const platform = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`;
  const binary = process.platform === 'win32' ? 'deno.exe' : 'deno';
  return join(dirname(require.resolve(`@deno/${platform}/package.json`)), binary);
}

function pythonWithIpykernel(wanted?: string): string | null {
  for (const python of wanted ? [wanted] : [process.env.GRADBOOK_PYTHON, 'python3', 'python'])
    try {
      if (!python) continue;
      execFileSync(python, ['-c', 'import ipykernel'], { stdio: 'ignore' });
      return python;
    } catch {
      // Not this one.
    }
  return null;
}

/** The kernels that can be measured here, and why others cannot. */
export async function findPeers(
  python: string | undefined,
  wanted: (name: string) => boolean,
): Promise<{ peers: Peer[]; missing: string[] }> {
  const missing: string[] = [];
  const main = fileURLToPath(new URL('../../kernel/main.js', import.meta.url));
  const peers: Peer[] = [
    {
      ...javascript,
      name: 'gradbook',
      command: (file) => [process.execPath, '--no-force-async-hooks-checks', main, '-f', file],
      // The library is there when this has a result.
      first: 'tensor([1, 2]).sum().item()',
      display: (n) => `display.html('x'.repeat(${n}));`,
      interrupt: 'message',
    },
  ];
  const withPython = wanted('ipykernel') ? pythonWithIpykernel(python) : null;
  if (withPython)
    peers.push({
      name: 'ipykernel',
      command: (file) => [withPython, '-m', 'ipykernel_launcher', '-f', file],
      first: '1 + 2',
      print: (n) => `for i in range(${n}): print(i)`,
      display: (n) => `from IPython.display import HTML, display; display(HTML('x' * ${n}))`,
      busy: (seconds) => `import time\nuntil = time.time() + ${seconds}\nwhile time.time() < until: pass`,
      forever: 'while True: pass',
      cell: (i) => `from dataclasses import dataclass

@dataclass
class Point:
    x: float
    y: float

def centre(points: list[Point]) -> Point:
    return Point(sum(p.x for p in points) / len(points), sum(p.y for p in points) / len(points))

cloud = [Point(k * ${i}, k % 7) for k in range(50)]
middle = centre(cloud)
', '.join(f'{value:.2f}' for value in (middle.x, middle.y))`,
      complete: (i) => `found${i} = cloud.in`,
      inspect: (i) => `found${i} = cloud`,
      interrupt: 'signal',
    });
  else if (wanted('ipykernel'))
    missing.push('ipykernel: no Python that has it; name one with --python or GRADBOOK_PYTHON');
  const echo = fileURLToPath(new URL('./echo.js', import.meta.url));
  peers.push({
    name: 'echo',
    command: (file) => [process.execPath, echo, file],
    first: '3',
    print: (n) => `print ${n}`,
    display: (n) => `display ${n}`,
    busy: (seconds) => `wait ${seconds}`,
    forever: 'forever',
    cell: javascript.cell,
    complete: javascript.complete,
    inspect: javascript.inspect,
    interrupt: 'message',
  });
  const tslab = createRequire(import.meta.url).resolve('tslab/package.json');
  peers.push({
    ...javascript,
    name: 'tslab',
    command: (file) => [
      process.execPath,
      join(dirname(tslab), 'bin', 'tslab'),
      'kernel',
      '--config-path',
      file,
    ],
    display: (n) => `import { display } from 'tslab'; display.html('x'.repeat(${n}));`,
    interrupt: 'signal',
  });
  if (wanted('deno'))
    try {
      const deno = installDeno();
      peers.push({
        ...javascript,
        name: 'deno',
        command: (file) => [deno, 'jupyter', '--kernel', '--conn', file],
        display: (n) => `await Deno.jupyter.display({ 'text/html': 'x'.repeat(${n}) }, { raw: true });`,
        interrupt: 'message',
      });
    } catch (error) {
      missing.push(`deno: ${(error as Error).message}`);
    }
  return { peers: peers.filter(({ name }) => wanted(name)), missing };
}
