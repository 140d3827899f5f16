import { backward, type DType, operations, type RegisteredOp, Tensor, tensor } from '../../src/index.ts';
import { bindArguments, parseSignature } from './bind.ts';
import { type GoldenCase, type GoldenTensor, isGoldenTensor } from './cases.ts';

export interface GoldenOptions {
  /** What floating inputs are converted to. */
  dtype: 'float32' | 'float64';
  /** Reads every input through a strided view instead of row-major memory. */
  noncontiguous: boolean;
}

export type Verdict = { status: 'passed' } | { status: 'failed' | 'skipped'; reason: string };

/** PyTorch's tolerances: relative and absolute. */
export const tolerances = { float64: [1e-7, 1e-7], float32: [1.3e-6, 1e-5] } as const;

/**
 * Operators whose results are sums of many products that may cancel: in float32 they get four times the tolerance, because what
 * engines sum in float32, each in its own order, differs by more than the rounding of one result.
 */
const longReduction = /conv|attention|normalize|linear|mm$|matmul|einsum|linalg/;

/** The record whose signature has this PyTorch name; our own pieces of an operation come second. */
const byTorchName = new Map<string, RegisteredOp>();
for (const record of operations().values()) {
  const { name } = parseSignature(record.torch);
  const own =
    name
      .split('.')
      .at(-1)!
      .replace(/_([a-z])/g, (_, l: string) => l.toUpperCase()) === record.name;
  if (own || !byTorchName.has(name)) byTorchName.set(name, record);
}

/** A case that the library does not claim to do, and why. */
class Unsupported extends Error {}

const dtypes: Record<string, DType | 'floating'> = {
  float64: 'floating',
  float32: 'float32',
  int64: 'int32',
  int32: 'int32',
  uint8: 'uint8',
  bool: 'bool',
};

const numberOf = (value: number | boolean | string): number =>
  typeof value === 'string' ? { nan: Number.NaN, inf: Infinity, '-inf': -Infinity }[value]! : Number(value);

/** The same elements in memory of twice the size, every second place. */
function spread(values: number[], shape: number[], dtype: DType): Tensor {
  const wide = tensor(
    values.flatMap((v) => [v, 7]),
    { dtype },
  );
  const strides = new Array<number>(shape.length);
  let stride = 2;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= Math.max(shape[d], 1);
  }
  return wide.alias(shape, strides, wide.offset);
}

/** How inputs are made: `rounded` cuts float64 values to what float32 can hold. */
export interface Making extends GoldenOptions {
  rounded?: boolean;
}

function make({ data, shape, dtype, requiresGrad }: GoldenTensor, options: Making, leaves: Tensor[]): Tensor {
  const type = dtypes[dtype];
  if (!type) throw new Unsupported(`dtype ${dtype}`);
  const ours = type === 'floating' ? options.dtype : type;
  const values = data.map(numberOf).map((v) => (options.rounded ? Math.fround(v) : v));
  const made = options.noncontiguous
    ? spread(values, shape, ours)
    : tensor(values, { dtype: ours }).reshape(shape).clone();
  if (requiresGrad) {
    made.requiresGrad = true;
    leaves.push(made);
  }
  return made;
}

export function convert(value: unknown, options: Making, leaves: Tensor[]): unknown {
  if (isGoldenTensor(value)) return make(value, options, leaves);
  if (Array.isArray(value)) return value.map((item) => convert(item, options, leaves));
  if (typeof value === 'string' && ['nan', 'inf', '-inf'].includes(value)) return numberOf(value);
  if (typeof value === 'object' && value !== null && 'torchDtype' in value) {
    const { torchDtype } = value as { torchDtype: string };
    const type = dtypes[torchDtype];
    if (!type) throw new Unsupported(`dtype ${torchDtype}`);
    return type === 'floating' ? options.dtype : type;
  }
  return value;
}

/** What one case gives: flat values, and shapes. */
export interface Values {
  shape: readonly number[];
  data: ArrayLike<number>;
}

interface Outcome {
  outputs: Values[];
  grads: (Values | null)[];
}

export const valuesOf = (t: Tensor): Values => {
  const flat = t.detach().clone();
  return { shape: t.shape, data: flat.elements.slice(flat.offset, flat.offset + flat.size) };
};

/** Runs a case forward, and backward from the weighted sum of its outputs where the golden case has gradients. */
function evaluate(golden: GoldenCase, record: RegisteredOp, options: Making): Outcome {
  const leaves: Tensor[] = [];
  const args = golden.args.map((arg) => convert(arg, options, leaves));
  const kwargs = Object.fromEntries(
    Object.entries(golden.kwargs).map(([key, value]) => [key, convert(value, options, leaves)]),
  );
  const result = record.call(...bindArguments(record.torch, args, kwargs));
  const outputs = (Array.isArray(result) ? result : [result]) as Tensor[];
  if (!outputs.every((o) => o instanceof Tensor)) throw new Error('an output is not a tensor');
  if (golden.grads) {
    const differentiable = outputs.filter((o) => o.isFloating && o.requiresGrad);
    if (differentiable.length === 0) throw new Error('no output is differentiable');
    backward(differentiable, differentiable.map(weights));
  }
  return { outputs: outputs.map(valuesOf), grads: leaves.map(({ grad }) => grad && valuesOf(grad)) };
}

/** linspace(0.5, 1.5) in the output's shape. */
export function weights(output: Tensor): Tensor {
  const step = output.size > 1 ? 1 / (output.size - 1) : 0;
  const values = Array.from({ length: output.size }, (_, i) => 0.5 + i * step);
  return tensor(values, { dtype: output.dtype }).reshape(output.shape);
}

/** Why the two differ, or null. `slack` widens the tolerance at each element. */
export function difference(
  ours: Values,
  golden: GoldenTensor,
  [relative, absolute]: readonly [number, number],
  slack: Values | null,
): string | null {
  if (ours.shape.join() !== golden.shape.join()) return `shape (${ours.shape}) instead of (${golden.shape})`;
  let worst = 0;
  let place = -1;
  golden.data.forEach((value, i) => {
    const expected = numberOf(value);
    const actual = ours.data[i];
    if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return;
    const error = Math.abs(actual - expected);
    const conditioning = slack ? Math.abs(slack.data[i] - expected) : 0;
    const tolerance =
      absolute + relative * Math.abs(expected) + (Number.isFinite(conditioning) ? 2 * conditioning : 0);
    if (!(error <= tolerance) && !(error <= worst)) {
      worst = error;
      place = i;
    }
  });
  return place < 0
    ? null
    : `${ours.data[place]} instead of ${golden.data[place]} at ${place} (largest error ${worst})`;
}

/**
 * Runs one case: outputs, then gradients. The golden inputs are float64: in float32 the tolerance is widened, element by element, by
 * what the rounding of the inputs alone does to the float64 result.
 */
export function runCase(golden: GoldenCase, options: GoldenOptions): Verdict {
  const record = byTorchName.get(golden.op);
  if (!record) return { status: 'skipped', reason: `${golden.op} is not an operation here` };
  if (Number(golden.kwargs.dropout_p ?? 0) > 0)
    return {
      status: 'skipped',
      reason: `${golden.op} with dropout draws random numbers from an unknown seed`,
    };
  const fail = (reason: string): Verdict => ({ status: 'failed', reason });
  let ours: Outcome;
  let rounded: Outcome | null = null;
  try {
    ours = evaluate(golden, record, options);
    if (options.dtype === 'float32')
      rounded = evaluate(golden, record, { ...options, dtype: 'float64', rounded: true });
  } catch (error) {
    const reason = (error as Error).message;
    return error instanceof Unsupported ? { status: 'skipped', reason } : fail(reason);
  }
  const factor = options.dtype === 'float32' && longReduction.test(golden.op) ? 4 : 1;
  const tolerance = [tolerances[options.dtype][0] * factor, tolerances[options.dtype][1] * factor] as const;
  const wanted = golden.out.flat().filter(isGoldenTensor);
  if (ours.outputs.length !== wanted.length)
    return fail(`${ours.outputs.length} outputs instead of ${wanted.length}`);
  for (const [i, output] of ours.outputs.entries()) {
    const wrong = difference(output, wanted[i], tolerance, rounded?.outputs[i] ?? null);
    if (wrong) return fail(`output ${i}: ${wrong}`);
  }
  for (const [i, expected] of (golden.grads ?? []).entries()) {
    if (expected === null) continue;
    const grad = ours.grads[i];
    if (!grad) return fail(`gradient ${i} is missing`);
    const wrong = difference(grad, expected, tolerance, rounded?.grads[i] ?? null);
    if (wrong) return fail(`gradient ${i}: ${wrong}`);
  }
  return { status: 'passed' };
}
