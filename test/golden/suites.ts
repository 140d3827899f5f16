import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { goldenOperators, readCases } from './cases.ts';
import { type ModuleCase, runModule } from './modules.ts';
import { type GoldenOptions, runCase, type Verdict } from './operators.ts';
import { type OptimizerCase, runOptimizer } from './optimizers.ts';
import { runStream, type Stream } from './random.ts';
import { runScheduler } from './schedulers.ts';
import { runVision, type VisionCase } from './vision.ts';

export interface NamedVerdict {
  name: string;
  verdict: Verdict;
}

/** One kind of golden file: its name, and the verdicts on its cases. Operators are one suite each. */
export interface Suite {
  name: string;
  run(options: GoldenOptions): Iterable<NamedVerdict>;
}

const lines = (path: string): unknown[] =>
  gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

/** Files that are not operator cases, and what reads them. They lie in the folder itself or in one of its subfolders. */
const special: Record<string, (path: string, options: GoldenOptions) => Iterable<NamedVerdict>> = {
  'modules.jsonl.gz': function* (path, options) {
    for (const [i, golden] of (lines(path) as ModuleCase[]).entries())
      yield { name: `modules ${golden.module} ${i}`, verdict: runModule(golden, options) };
  },
  'optimizers.jsonl.gz': function* (path, options) {
    for (const [i, golden] of (lines(path) as OptimizerCase[]).entries())
      yield { name: `optimizers ${golden.optimizer} ${i}`, verdict: runOptimizer(golden, options) };
  },
  'vision.jsonl.gz': function* (path, options) {
    for (const [i, golden] of (lines(path) as VisionCase[]).entries())
      yield { name: `vision ${golden.op} ${i}`, verdict: runVision(golden, options) };
  },
  'random.json': function* (path) {
    for (const stream of JSON.parse(readFileSync(path, 'utf8')) as Stream[]) yield* runStream(stream);
  },
  'schedulers.json': function* (path) {
    const schedules = JSON.parse(readFileSync(path, 'utf8')) as Record<string, number[]>;
    for (const [call, rates] of Object.entries(schedules))
      yield { name: `schedulers ${call}`, verdict: runScheduler(call, rates) };
  },
};

function find(folder: string, file: string): string | undefined {
  return ['.', 'modules', 'vision'].map((sub) => join(folder, sub, file)).find((path) => existsSync(path));
}

/** Everything in a folder of golden files that can be run, in order. */
export function goldenSuites(folder: string): Suite[] {
  const operators = goldenOperators(folder)
    .filter((operator) => !(`${operator}.jsonl.gz` in special))
    .map(
      (operator): Suite => ({
        name: operator,
        *run(options) {
          for (const [i, golden] of readCases(folder, operator).entries())
            yield { name: `${operator} ${i}`, verdict: runCase(golden, options) };
        },
      }),
    );
  const others = Object.entries(special).flatMap(([file, run]): Suite[] => {
    const path = find(folder, file);
    return path ? [{ name: file.replace(/\..*$/, ''), run: (options) => run(path, options) }] : [];
  });
  return [...operators, ...others];
}
