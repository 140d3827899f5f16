import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** A project that has what `npm pack` packs as `gradbook`, with its dependencies, and nothing else. */
const project = mkdtempSync(join(tmpdir(), 'gradbook-package-'));
const installed = join(project, 'node_modules', 'gradbook');

beforeAll(() => {
  const npm = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
  execFileSync('npm', npm, { cwd: repository, shell: process.platform === 'win32' });
  mkdirSync(installed, { recursive: true });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'))!;
  execFileSync('tar', ['-xzf', join(project, tarball), '-C', installed, '--strip-components', '1']);
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), link, 'junction');
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

const program = `import { data, F, manualSeed, nn, optim, type Tensor, vision, zeros } from 'gradbook';

manualSeed(0);
const { data: rows, target } = data.iris();
const model = new nn.Linear(4, 3);
const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
let loss: Tensor = zeros([]);
for (let step = 0; step < 50; step++) {
  optimizer.zeroGrad();
  loss = F.crossEntropy(model(rows), target);
  loss.backward();
  optimizer.step();
}
const boxes: Tensor = vision.nms(zeros(1, 4), zeros(1), 0.5);
console.log(JSON.stringify([loss.item() < 0.5, boxes.shape]));
`;

describe('the package in a program of its own', () => {
  test('trains in plain JavaScript', () => {
    const plain = program.replace('type Tensor, ', '').replaceAll(': Tensor', '');
    writeFileSync(join(project, 'plain.js'), plain);
    expect(execFileSync(process.execPath, ['plain.js'], { cwd: project, encoding: 'utf8' }).trim()).toBe(
      '[true,[1]]',
    );
  }, 60_000);

  const compile = (name: string, text: string): string => {
    writeFileSync(join(project, name), text);
    const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
    try {
      return execFileSync(process.execPath, [compiler, ...options, name], { cwd: project, encoding: 'utf8' });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  };

  test('has types: the program compiles under strict, and a wrong option does not', () => {
    expect(compile('typed.ts', program)).toBe('');
    expect(compile('wrong.ts', program.replace('lr: 0.1', 'learningRate: 0.1'))).toMatch(
      /wrong\.ts.*'learningRate' does not exist/,
    );
  }, 120_000);

  test('packs no tests and no benchmarks', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => /\.test\.|dist.(test|bench)\b|tsbuildinfo/.test(name))).toEqual([]);
  });
});
