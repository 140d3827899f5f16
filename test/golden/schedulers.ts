import { optim, tensor } from '../../src/index.ts';
import { camel } from './bind.ts';
import type { Verdict } from './operators.ts';

const { lrScheduler } = optim;
type Scheduler = { step(metric?: number): void };
type Constructor = new (...args: unknown[]) => Scheduler;

/** The base rate of the cases, and the losses that the plateau case is shown. */
const baseLr = 0.5;
const losses = [1, 0.9, 0.9, 0.9, 0.9, 0.9, ...new Array<number>(20).fill(0.8)];

/** Keyword arguments that are positional here, by scheduler. */
const modes: Record<string, string> = { exp_range: 'expRange' };

/** Splits at commas outside brackets. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if ((c === ',' && depth === 0) || i === text.length) {
      const part = text.slice(from, i).trim();
      if (part !== '') parts.push(part);
      from = i + 1;
    }
  }
  return parts;
}

/** A scheduler from the way a case names it, such as `StepLR(3, gamma=.5)`. Error: another form. */
function build(text: string, optimizer: optim.Optimizer): Scheduler {
  const match = /^(\w+)\((.*)\)$/.exec(text);
  if (!match) throw new Error(`'${text}' is not a constructor`);
  const name = match[1] in lrScheduler ? match[1] : `${match[1]}LR`;
  const make = (lrScheduler as unknown as Record<string, Constructor | undefined>)[name];
  if (!make) throw new Error(`${name} is not a scheduler here`);
  if (name === 'LambdaLR') {
    if (match[2] !== '1/(1+k)') throw new Error(`LambdaLR of '${match[2]}'`);
    return new make(optimizer, (k: number) => 1 / (1 + k));
  }
  const value = (part: string): unknown => {
    if (/^[A-Z]/.test(part)) return build(part, optimizer);
    if (part.startsWith('[')) return split(part.slice(1, -1)).map(value);
    if (part === 'True' || part === 'False') return part === 'True';
    return Number.isNaN(Number(part)) ? (modes[part] ?? part) : Number(part);
  };
  const positional: unknown[] = [];
  const options: Record<string, unknown> = {};
  for (const part of split(match[2])) {
    const [key, given] = part.split(/=(.*)/s);
    if (given === undefined) positional.push(value(part));
    else
      options[
        camel(key.trim())
          .replace(/^T(?=[A-Z_])/, 't')
          .replace('t_', 't')
      ] = value(given.trim());
  }
  if (name === 'ConstantLR' && positional.length > 0)
    Object.assign(options, { factor: positional[0], totalIters: positional[1] }) && positional.splice(0);
  if (name === 'SequentialLR')
    return new make(optimizer, positional.slice(0, -1), positional.at(-1) as number[]);
  if (name === 'ChainedScheduler') return new make(positional);
  return new make(optimizer, ...positional, options);
}

/** Compares the rate before each step with the case's. */
export function runScheduler(call: string, rates: readonly number[]): Verdict {
  const parameter = tensor([1], { requiresGrad: true });
  const optimizer = new optim.SGD([parameter], { lr: baseLr, momentum: 0.9 });
  let scheduler: Scheduler;
  try {
    scheduler = build(call, optimizer);
  } catch (error) {
    return { status: 'skipped', reason: (error as Error).message };
  }
  for (const [i, expected] of rates.entries()) {
    const { lr } = optimizer.paramGroups[0];
    if (!(Math.abs(lr - expected) <= 1e-9 * Math.max(1, Math.abs(expected))))
      return { status: 'failed', reason: `${lr} instead of ${expected} before step ${i}` };
    optimizer.step();
    if (scheduler instanceof lrScheduler.ReduceLROnPlateau) scheduler.step(losses[i]);
    else if (i < rates.length - 1) scheduler.step();
  }
  return { status: 'passed' };
}
