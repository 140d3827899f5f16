import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findKernelspecs, jupyterDataPaths } from '../../lab/server/kernelspecs.ts';
import { findBrowser } from './staticFigures.ts';

interface Finding {
  good: boolean;
  text: string;
  cure?: string;
}

const minimum = [20, 19] as const;

function nodeVersion(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const good = major > minimum[0] || (major === minimum[0] && minor >= minimum[1]);
  return {
    good,
    text: `Node.js ${process.versions.node}`,
    cure: `install Node.js ${minimum.join('.')} or newer`,
  };
}

function loads(name: string, why: string): Finding {
  const require = createRequire(import.meta.url);
  try {
    require.resolve(name);
    return { good: true, text: `${name}: ${why}` };
  } catch {
    return { good: false, text: `${name} is missing: ${why}`, cure: 'run npm ci in the folder of gradbook' };
  }
}

async function zeromqWorks(): Promise<Finding> {
  try {
    const { version } = await import('zeromq');
    return { good: true, text: `ZeroMQ ${version}` };
  } catch (error) {
    return {
      good: false,
      text: `ZeroMQ does not load: ${(error as Error).message}`,
      cure: 'run npm rebuild zeromq',
    };
  }
}

/** What is installed, what is wrong, and how to mend it. True when nothing is wrong. */
export async function doctor(print: (line: string) => void): Promise<boolean> {
  const findings = [
    nodeVersion(),
    await zeromqWorks(),
    loads('typescript/package.json', 'checks cells'),
    loads('oxc-transform', 'turns cells into JavaScript'),
    loads('node-sqlite3-wasm', 'keeps the history'),
  ];
  for (const { good, text, cure } of findings)
    print(`${good ? 'ok   ' : 'WRONG'} ${text}${good || !cure ? '' : `\n      ${cure}`}`);
  const registered = jupyterDataPaths().filter((path) =>
    existsSync(join(path, 'kernels', 'gradbook', 'kernel.json')),
  );
  print(
    registered.length > 0
      ? `ok    registered with Jupyter in ${registered.join(', ')}`
      : 'info  not registered with Jupyter: gradbook install',
  );
  print(`info  kernels that run here: ${[...findKernelspecs().keys()].join(', ')}`);
  const browser = findBrowser();
  print(
    browser
      ? `info  pictures of figures (run --static) are drawn by ${browser}`
      : 'info  no Chromium, Chrome or Edge: run --static needs one; install it, or name it with CHROME_PATH',
  );
  const { engineStatus } = await import('../../src/engine/native.ts');
  print(`info  engine: ${engineStatus()}`);
  const { builtEngine, machineIsas } = await import('../../src/engine/build.ts');
  const built = machineIsas().filter((isa) => builtEngine(isa) !== null);
  const others = machineIsas().filter((isa) => builtEngine(isa) === null);
  print(
    `info  engines compiled for this machine: ${built.join(', ') || 'none'}${others.length > 0 ? `; GRADBOOK_ISA=${others.join(' or ')} compiles another one` : ''}`,
  );
  return findings.every(({ good }) => good);
}
