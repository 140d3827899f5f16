import { Generator } from '../tensor/generator.ts';
import { formatShape, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { grad } from './backward.ts';
import { enableGrad } from './mode.ts';

export interface GradcheckOptions {
  /** Half the distance of the two points of a central difference. Default 1e-6. */
  eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  atol?: number;
  /** Relative tolerance. Default 1e-3. */
  rtol?: number;
  /** How much two backward passes over the same graph may differ. Default 0. */
  nondetTol?: number;
  /** Compares one random projection of the Jacobian instead of each element: three evaluations whatever the sizes. Default false. */
  fastMode?: boolean;
  /** Throws where gradients differ; otherwise `gradcheck` returns false. Default true. */
  raiseException?: boolean;
}

/** A function of tensors; outputs that are not floating tensors are left alone. */
// biome-ignore lint/suspicious/noExplicitAny: functions of every list of tensors must fit
export type Checked = (...inputs: any[]) => Tensor | readonly Tensor[];

class Mismatch extends Error {
  override name = 'GradcheckError';
}

/** Numbers in [-1, 1) that do not move the user's generator. */
function randomLike({ shape, dtype, size }: Tensor, seed: number): Tensor {
  const generator = new Generator(seed);
  const out = Tensor.allocate(shape, dtype);
  for (let i = 0; i < size; i++) out.elements[out.offset + i] = 2 * generator.uniform53() - 1;
  return out;
}

const indexAt = (shape: Shape, flat: number): string => {
  const index: number[] = [];
  for (let d = shape.length - 1, rest = flat; d >= 0; d--) {
    index.unshift(rest % shape[d]);
    rest = Math.floor(rest / shape[d]);
  }
  return `[${index.join(', ')}]`;
};

/** A leaf of its own memory with the same values. */
function leafOf(input: Tensor): Tensor {
  const leaf = input.detach().clone();
  leaf.requiresGrad = input.requiresGrad;
  return leaf;
}

function differentiable(name: string, inputs: readonly unknown[]): number[] {
  const checked = inputs.flatMap((input, i) => (input instanceof Tensor && input.requiresGrad ? [i] : []));
  if (checked.length === 0)
    throw new Error(`${name}: no input requires grad: set requiresGrad on one at least`);
  for (const i of checked) {
    const { dtype } = inputs[i] as Tensor;
    if (dtype !== 'float64')
      throw new TypeError(
        `${name}: input ${i} is ${dtype}, in which differences of ${dtype} are too coarse: convert it to float64`,
      );
  }
  return checked;
}

const outputsOf = (result: Tensor | readonly Tensor[]): Tensor[] =>
  (result instanceof Tensor ? [result] : [...result]).filter(
    (out) => out instanceof Tensor && out.isFloating,
  );

/** The outputs to check: those that require grad; all when none does, which must then not depend on the inputs. */
const recordedOf = (outputs: Tensor[]): [number, Tensor][] => {
  const all = [...outputs.entries()];
  const recorded = all.filter(([, output]) => output.requiresGrad);
  return recorded.length > 0 ? recorded : all;
};

const flat = (t: Tensor): Float64Array => {
  const dense = t.detach().contiguous();
  return Float64Array.from({ length: dense.size }, (_, i) => dense.elements[dense.offset + i]);
};

const zeros = (t: Tensor): Float64Array => new Float64Array(t.size);

/**
 * Compares gradients with central differences, for every element of every input that requires grad and every element of every output.
 *
 * @example gradcheck((x) => x.sin().mul(x), [randn(3, { dtype: 'float64', requiresGrad: true })])
 * @param fn a function of tensors; it must give the same values each time, and be smooth where it is checked.
 * @param inputs float64 where they require grad.
 * @returns true. Errors: a gradient that differs, with its place and both numbers; a backward pass that differs from itself; inputs
 * of lower precision. Source: `torch.autograd.gradcheck`.
 */
export function gradcheck(
  fn: Checked,
  inputs: Tensor | readonly unknown[],
  options: GradcheckOptions = {},
): boolean {
  const given = inputs instanceof Tensor ? [inputs] : [...inputs];
  const checked = differentiable('gradcheck', given);
  try {
    enableGrad(() => (options.fastMode ? compareProjection : compareElements)(fn, given, checked, options));
    return true;
  } catch (error) {
    if (error instanceof Mismatch && options.raiseException === false) return false;
    throw error;
  }
}

/** Whether two numbers agree; NaN never does. */
const agrees = (
  numerical: number,
  analytical: number,
  { atol = 1e-5, rtol = 1e-3 }: GradcheckOptions,
): boolean => Math.abs(numerical - analytical) <= atol + rtol * Math.abs(numerical);

function evaluate(fn: Checked, given: readonly unknown[]): { leaves: unknown[]; outputs: Tensor[] } {
  const leaves = given.map((input) => (input instanceof Tensor ? leafOf(input) : input));
  return { leaves, outputs: outputsOf(fn(...leaves)) };
}

function compareElements(
  fn: Checked,
  given: readonly unknown[],
  checked: readonly number[],
  options: GradcheckOptions,
): void {
  const { eps = 1e-6, nondetTol = 0 } = options;
  const { leaves, outputs } = evaluate(fn, given);
  const wanted = checked.map((i) => leaves[i] as Tensor);
  // Numerical: one column for each input element, all outputs at once.
  const columns = wanted.map((leaf, k) =>
    Array.from({ length: leaf.size }, (_, j) => {
      const shifted = (by: number): Float64Array[] => {
        const moved = given.map((input) => (input instanceof Tensor ? leafOf(input) : input));
        const target = moved[checked[k]] as Tensor;
        target.elements[target.offset + j] += by;
        return outputsOf(fn(...moved)).map(flat);
      };
      const [up, down] = [shifted(eps), shifted(-eps)];
      return up.map((values, o) => values.map((value, n) => (value - down[o][n]) / (2 * eps)));
    }),
  );
  for (const [o, output] of recordedOf(outputs)) {
    for (let n = 0; n < output.size; n++) {
      const seed = Tensor.allocate(output.shape, output.dtype, true);
      seed.elements[seed.offset + n] = 1;
      const row = (): Float64Array[] => {
        if (!output.requiresGrad) return wanted.map(zeros);
        const grads = grad(output, wanted, { gradOutputs: seed, retainGraph: true, allowUnused: true });
        return grads.map((g, k) => (g ? flat(g) : zeros(wanted[k])));
      };
      const first = row();
      const second = n === 0 ? row() : first;
      for (const [k, leaf] of wanted.entries())
        for (let j = 0; j < leaf.size; j++) {
          const analytical = first[k][j];
          const where = `of output ${o} at ${indexAt(output.shape, n)} with respect to input ${checked[k]} at ${indexAt(leaf.shape, j)}`;
          if (!agrees(columns[k][j][o][n], analytical, options))
            throw new Mismatch(
              `gradcheck: the derivative ${where} differs: numerical ${columns[k][j][o][n]}, analytical ${analytical}`,
            );
          if (!(Math.abs(second[k][j] - analytical) <= nondetTol))
            throw new Mismatch(
              `gradcheck: the derivative ${where} is not the same twice: ${analytical}, then ${second[k][j]}; backward must be deterministic, or nondetTol larger`,
            );
        }
    }
  }
}

/** One random direction in the inputs, one in each output. */
function compareProjection(
  fn: Checked,
  given: readonly unknown[],
  checked: readonly number[],
  options: GradcheckOptions,
): void {
  const { eps = 1e-6 } = options;
  const { leaves, outputs } = evaluate(fn, given);
  const wanted = checked.map((i) => leaves[i] as Tensor);
  const directions = wanted.map((leaf, k) => randomLike(leaf, 17 + k));
  const shifted = (by: number): Float64Array[] => {
    const moved = given.map((input) => (input instanceof Tensor ? leafOf(input) : input));
    for (const [k, i] of checked.entries()) {
      const target = moved[i] as Tensor;
      const direction = directions[k];
      for (let j = 0; j < target.size; j++)
        target.elements[target.offset + j] += by * direction.elements[direction.offset + j];
    }
    return outputsOf(fn(...moved)).map(flat);
  };
  const [up, down] = [shifted(eps), shifted(-eps)];
  for (const [o, output] of recordedOf(outputs)) {
    if (output.size === 0) continue;
    const seed = randomLike(output, 31 + o);
    const weights = flat(seed);
    const numerical = weights.reduce((sum, w, n) => sum + (w * (up[o][n] - down[o][n])) / (2 * eps), 0);
    const grads = output.requiresGrad
      ? grad(output, wanted, { gradOutputs: seed, retainGraph: true, allowUnused: true })
      : wanted.map(() => null);
    const analytical = grads.reduce((sum, g, k) => {
      const direction = flat(directions[k]);
      return g ? flat(g).reduce((s, value, j) => s + value * direction[j], sum) : sum;
    }, 0);
    if (
      !agrees(numerical, analytical, {
        atol: (options.atol ?? 1e-5) * Math.sqrt(output.size),
        rtol: options.rtol,
      })
    )
      throw new Mismatch(
        `gradcheck: a random projection of the Jacobian of output ${o} ${formatShape(output.shape)} differs: numerical ${numerical}, analytical ${analytical}; without fastMode the place is named`,
      );
  }
}

/**
 * Compares second derivatives with central differences of first ones: `gradcheck` of the gradient, with respect to the inputs and to
 * the gradients of the outputs.
 *
 * @param gradOutputs gradients of the outputs; random ones by default. Source: `torch.autograd.gradgradcheck`.
 */
export function gradgradcheck(
  fn: Checked,
  inputs: Tensor | readonly unknown[],
  { gradOutputs, ...options }: GradcheckOptions & { gradOutputs?: Tensor | readonly Tensor[] } = {},
): boolean {
  const given = inputs instanceof Tensor ? [inputs] : [...inputs];
  const checked = differentiable('gradgradcheck', given);
  const { outputs } = enableGrad(() => evaluate(fn, given));
  const recorded = outputs.map((output) => output.requiresGrad);
  const seeds = gradOutputs
    ? [gradOutputs].flat().map(leafOf)
    : outputs.filter((_, o) => recorded[o]).map((output, o) => randomLike(output, 53 + o));
  for (const seed of seeds) seed.requiresGrad = true;
  const gradient = (...args: unknown[]): Tensor[] => {
    const point = args.slice(0, given.length);
    const results = outputsOf(fn(...point)).filter((_, o) => recorded[o]);
    const wanted = checked.map((i) => point[i] as Tensor);
    const grads = grad(results, wanted, {
      gradOutputs: args.slice(given.length) as Tensor[],
      createGraph: true,
      allowUnused: true,
    });
    return grads.map((g, k) => g ?? Tensor.allocate(wanted[k].shape, wanted[k].dtype, true));
  };
  return gradcheck(gradient, [...given, ...seeds], options);
}
