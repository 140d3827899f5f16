import { backward, nn, Tensor } from '../../src/index.ts';
import { camel } from './bind.ts';
import { type GoldenTensor, isGoldenTensor } from './cases.ts';
import {
  convert,
  difference,
  type GoldenOptions,
  type Making,
  tolerances,
  type Values,
  type Verdict,
  valuesOf,
  weights,
} from './operators.ts';

/** A module, its state before and after one forward pass, what came out, and the gradients of the weighted sum of that. */
export interface ModuleCase {
  module: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  train: boolean;
  state: Record<string, GoldenTensor>;
  inputs: unknown[];
  out: unknown[];
  stateAfter: Record<string, GoldenTensor>;
  inputGrads: (GoldenTensor | null)[];
  paramGrads: Record<string, GoldenTensor | null>;
}

/** Keyword arguments of PyTorch's that are positional in gradbook's constructors. */
const positional: Readonly<Record<string, readonly string[]>> = { PReLU: ['num_parameters'] };

/** Everything that can be compared, by name. */
type Outcome = Map<string, Values>;

const tensorsIn = (value: unknown): Tensor[] =>
  value instanceof Tensor ? [value] : Array.isArray(value) ? value.flatMap(tensorsIn) : [];

type Constructor = new (...args: unknown[]) => nn.AnyModule & ((...inputs: unknown[]) => unknown);

function evaluate(golden: ModuleCase, make: Constructor, options: Making): Outcome {
  const leaves: Tensor[] = [];
  const plain: Making = { ...options, noncontiguous: false };
  const state = Object.fromEntries(
    Object.entries(golden.state).map(([name, value]) => [
      name,
      convert({ ...value, requiresGrad: false }, plain, []) as Tensor,
    ]),
  );
  const { [golden.module]: moved = [] } = positional;
  const kwargs = Object.entries(golden.kwargs).filter(([key]) => !moved.includes(key));
  const model = new make(
    ...golden.args,
    ...moved.map((key) => golden.kwargs[key]),
    Object.fromEntries(
      kwargs.map(([key, value]) => [camel(key), typeof value === 'string' ? camel(value) : value]),
    ),
  );
  model.to(options.dtype).train(golden.train);
  model.loadStateDict(state);
  const inputs = golden.inputs.map((input) => convert(input, options, leaves));
  const outputs = tensorsIn(model(...inputs));
  const found: Outcome = new Map(outputs.map((output, i) => [`output ${i}`, valuesOf(output)]));
  for (const [name, value] of Object.entries(model.stateDict())) found.set(`state ${name}`, valuesOf(value));
  const differentiable = outputs.filter((output) => output.requiresGrad);
  backward(differentiable, differentiable.map(weights));
  for (const [i, { grad }] of leaves.entries()) if (grad) found.set(`gradient of input ${i}`, valuesOf(grad));
  for (const [name, { grad }] of model.namedParameters())
    if (grad) found.set(`gradient of ${name}`, valuesOf(grad));
  return found;
}

/** Runs a module forward and backward and compares outputs, state and gradients. */
export function runModule(golden: ModuleCase, options: GoldenOptions): Verdict {
  const make = (nn as unknown as Record<string, Constructor | undefined>)[golden.module];
  if (!make) return { status: 'skipped', reason: `${golden.module} is not a module here` };
  let ours: Outcome;
  let rounded: Outcome | null = null;
  try {
    ours = evaluate(golden, make, options);
    if (options.dtype === 'float32')
      rounded = evaluate(golden, make, { ...options, dtype: 'float64', rounded: true });
  } catch (error) {
    return { status: 'failed', reason: (error as Error).message };
  }
  const wanted: [string, GoldenTensor | null][] = [
    ...golden.out
      .flat(Number.POSITIVE_INFINITY)
      .filter(isGoldenTensor)
      .map((value, i): [string, GoldenTensor] => [`output ${i}`, value]),
    ...Object.entries(golden.stateAfter).map(([name, value]): [string, GoldenTensor] => [
      `state ${name}`,
      value,
    ]),
    ...golden.inputGrads.map((value, i): [string, GoldenTensor | null] => [`gradient of input ${i}`, value]),
    ...Object.entries(golden.paramGrads).map(([name, value]): [string, GoldenTensor | null] => [
      `gradient of ${name}`,
      value,
    ]),
  ];
  for (const [name, value] of wanted) {
    if (!value) continue;
    const actual = ours.get(name);
    if (!actual) return { status: 'failed', reason: `${name} is missing` };
    const wrong = difference(actual, value, tolerances[options.dtype], rounded?.get(name) ?? null);
    if (wrong) return { status: 'failed', reason: `${name}: ${wrong}` };
  }
  return { status: 'passed' };
}
