import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { grad } from './backward.ts';
import { enableGrad } from './mode.ts';

/** One tensor, or several: results come in the same form. */
type Many = Tensor | readonly Tensor[];
// biome-ignore lint/suspicious/noExplicitAny: functions of every list of tensors must fit
type Func<O extends Many = Many> = (...inputs: any[]) => O;
type Same<T extends Many> = T extends Tensor ? Tensor : { -readonly [K in keyof T]: Tensor };

export interface FunctionalOptions {
  /** Records the result, so that it can be differentiated again. Default false. */
  createGraph?: boolean;
}

const listOf = (value: Many): Tensor[] => (Array.isArray(value) ? [...value] : [value as Tensor]);

const like = <T extends Many>(form: T, list: readonly Tensor[]): Same<T> =>
  (form instanceof Tensor ? list[0] : list) as Same<T>;

/** Inputs that require grad: the given ones' own history goes on only where the result is recorded. */
function prepare(name: string, inputs: Many, createGraph: boolean): Tensor[] {
  return listOf(inputs).map((input, i) => {
    if (!(input instanceof Tensor) || !input.isFloating)
      throw new TypeError(`${name}: input ${i} is not a floating tensor: convert it`);
    if (createGraph && input.requiresGrad) return input.reshape(input.shape);
    const leaf = input.detach();
    leaf.requiresGrad = true;
    return leaf;
  });
}

function call(name: string, func: Func, inputs: readonly Tensor[]): { result: Many; outputs: Tensor[] } {
  const result = func(...inputs);
  const outputs = listOf(result);
  for (const output of outputs)
    if (!(output instanceof Tensor))
      throw new TypeError(
        `${name}: the function returned ${String(output)}: return a tensor or a list of tensors`,
      );
  return { result, outputs };
}

function directions(
  name: string,
  given: Many | undefined,
  wanted: readonly Tensor[],
  what: string,
): Tensor[] {
  if (given === undefined) {
    if (wanted.length !== 1 || wanted[0].size !== 1)
      throw new Error(`${name}: v can be left out only when there is one ${what} of one element: pass v`);
    return [Tensor.allocate(wanted[0].shape, wanted[0].dtype, true).add(1)];
  }
  const list = listOf(given);
  if (list.length !== wanted.length)
    throw new RangeError(`${name}: ${list.length} tensors in v for ${wanted.length} ${what}s`);
  list.forEach((v, i) => {
    if (!sameShape(v.shape, wanted[i].shape))
      throw new RangeError(
        `${name}: v ${formatShape(v.shape)} does not have the shape of ${what} ${i}, ${formatShape(wanted[i].shape)}`,
      );
  });
  return list;
}

const zerosOf = (t: Tensor): Tensor => Tensor.allocate(t.shape, t.dtype, true);

const finish = (tensors: readonly Tensor[], createGraph: boolean): Tensor[] =>
  createGraph ? [...tensors] : tensors.map((t) => (t.requiresGrad ? t.detach() : t));

/** Gradients of outputs, zeros where an input is not used. */
function gradients(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  seeds: readonly Tensor[],
  createGraph: boolean,
): Tensor[] {
  const recorded = outputs.flatMap((output, i) => (output.requiresGrad ? [i] : []));
  if (recorded.length === 0) return inputs.map(zerosOf);
  const found = grad(
    recorded.map((i) => outputs[i]),
    inputs,
    { gradOutputs: recorded.map((i) => seeds[i]), createGraph, retainGraph: true, allowUnused: true },
  );
  return found.map((g, i) => g ?? zerosOf(inputs[i]));
}

/**
 * The function's value, and the product of a vector with its Jacobian: vᵀ J.
 *
 * @param v of the outputs' shapes; may be left out for one output of one element.
 * @returns `[outputs, vjp]`, the second of the inputs' shapes. Source: `torch.autograd.functional.vjp`.
 */
export function vjp<I extends Many, O extends Many>(
  func: Func<O>,
  inputs: I,
  v?: Many,
  { createGraph = false }: FunctionalOptions = {},
): [outputs: O, vjp: Same<I>] {
  return enableGrad(() => {
    const point = prepare('vjp', inputs, createGraph);
    const { result, outputs } = call('vjp', func, point);
    const product = gradients(outputs, point, directions('vjp', v, outputs, 'output'), createGraph);
    return [like(result, finish(outputs, createGraph)) as O, like(inputs, finish(product, createGraph))];
  });
}

/**
 * The function's value, and the product of its Jacobian with a vector, J v: the derivative in the direction v. It is computed as the
 * gradient of vᵀ J with respect to v, so that every operation with a second derivative has one.
 *
 * @param v of the inputs' shapes; may be left out for one input of one element.
 * @returns `[outputs, jvp]`, the second of the outputs' shapes. Source: `torch.autograd.functional.jvp`.
 */
export function jvp<I extends Many, O extends Many>(
  func: Func<O>,
  inputs: I,
  v?: Many,
  { createGraph = false }: FunctionalOptions = {},
): [outputs: O, jvp: Same<O>] {
  return enableGrad(() => {
    const point = prepare('jvp', inputs, createGraph);
    const { result, outputs } = call('jvp', func, point);
    const direction = directions('jvp', v, point, 'input');
    const seeds = outputs.map((output) => {
      const seed = zerosOf(output);
      seed.requiresGrad = true;
      return seed;
    });
    const rows = gradients(outputs, point, seeds, true);
    const product = gradients(rows, seeds, direction, createGraph);
    return [
      like(result, finish(outputs, createGraph)) as O,
      like(result, finish(product, createGraph)) as Same<O>,
    ];
  });
}

/** Rows of a Jacobian, one backward pass for each element of the output. */
function jacobianOf(output: Tensor, inputs: readonly Tensor[], createGraph: boolean): Tensor[] {
  const rows: Tensor[][] = inputs.map(() => []);
  for (let n = 0; n < output.size; n++) {
    const seed = zerosOf(output);
    seed.elements[seed.offset + n] = 1;
    gradients([output], inputs, [seed], createGraph).forEach((g, i) => void rows[i].push(g));
  }
  return rows.map((list, i) => stacked(list, output.shape, inputs[i]));
}

function stacked(rows: readonly Tensor[], outputShape: Shape, input: Tensor): Tensor {
  const shape = [...outputShape, ...input.shape];
  if (rows.length === 0) return Tensor.allocate(shape, input.dtype, true);
  return stack(rows).reshape(shape);
}

let stack: (tensors: readonly Tensor[], dim?: number) => Tensor;

/** `stack` joins rows; handed in, because operations are built on what is here. */
export function useStack(join: typeof stack): void {
  stack = join;
}

type Jacobian<I extends Many, O extends Many> = O extends Tensor
  ? Same<I>
  : { -readonly [K in keyof O]: Same<I> };

/**
 * All first derivatives: `(...output, ...input)` for each pair of an output and an input.
 *
 * @returns a tensor for one input, a list for several; a list of those when the function returns a list.
 * Source: `torch.autograd.functional.jacobian`. @example jacobian((x) => x.square(), tensor([1, 2])) // diagonal 2, 4
 */
export function jacobian<I extends Many, O extends Many>(
  func: Func<O>,
  inputs: I,
  { createGraph = false }: FunctionalOptions = {},
): Jacobian<I, O> {
  return enableGrad(() => {
    const point = prepare('jacobian', inputs, createGraph);
    const { result, outputs } = call('jacobian', func, point);
    const parts = outputs.map((output) =>
      like(inputs, finish(jacobianOf(output, point, createGraph), createGraph)),
    );
    return (result instanceof Tensor ? parts[0] : parts) as Jacobian<I, O>;
  });
}

type Hessian<I extends Many> = I extends Tensor ? Tensor : Tensor[][];

/**
 * All second derivatives of a function with one output of one element: `(...input, ...input)`; a list of lists for several inputs.
 *
 * Error: an output of more elements. Source: `torch.autograd.functional.hessian`.
 */
export function hessian<I extends Many>(
  func: Func<Tensor>,
  inputs: I,
  { createGraph = false }: FunctionalOptions = {},
): Hessian<I> {
  return enableGrad(() => {
    const point = prepare('hessian', inputs, createGraph);
    const slope = slopes('hessian', func, point);
    const parts = slope.map((g) => finish(jacobianOf(g, point, createGraph), createGraph));
    return (inputs instanceof Tensor ? parts[0][0] : parts) as Hessian<I>;
  });
}

/** The gradient of a function with one output of one element, recorded. */
function slopes(name: string, func: Func, point: readonly Tensor[]): Tensor[] {
  const { outputs } = call(name, func, point);
  if (outputs.length !== 1 || outputs[0].size !== 1)
    throw new RangeError(
      `${name}: the function must return one element, not ${outputs.map((o) => formatShape(o.shape)).join(', ')}: reduce it (sum, mean)`,
    );
  return gradients(outputs, point, [zerosOf(outputs[0]).add(1)], true);
}

/**
 * The function's value, and the product of its Hessian with a vector, without the Hessian.
 *
 * @returns `[output, hvp]`, the second of the inputs' shapes. Source: `torch.autograd.functional.hvp`.
 */
export function hvp<I extends Many>(
  func: Func<Tensor>,
  inputs: I,
  v?: Many,
  { createGraph = false }: FunctionalOptions = {},
): [output: Tensor, hvp: Same<I>] {
  return enableGrad(() => {
    const point = prepare('hvp', inputs, createGraph);
    const value = func(...point);
    const slope = slopes('hvp', () => value, point);
    const product = gradients(slope, point, directions('hvp', v, point, 'input'), createGraph);
    return [finish([value], createGraph)[0], like(inputs, finish(product, createGraph))];
  });
}

/** The function's value, and a vector times its Hessian: what `hvp` gives, as the Hessian is symmetric. Source: `torch.autograd.functional.vhp`. */
export const vhp: typeof hvp = hvp;

export interface VmapOptions {
  /** The dimension of each argument that is mapped over; `null` passes it as it is. Default 0 for tensors. */
  inDims?: number | null | readonly (number | null)[];
  /** Where the mapped dimension stands in the outputs. Default 0. */
  outDims?: number;
}

/**
 * A function of single examples as a function of batches: it is applied to each index of the mapped dimension, and the results are
 * stacked. Gradients flow through, and calls nest. Every operation works inside, also those that look at values or draw random numbers
 * (different ones for each example); the cost is that of the single calls.
 *
 * @example vmap((x, w) => x.dot(w), { inDims: [0, null] })(batch, weights)
 * Errors: mapped sizes that differ; nothing to map; outputs that are no tensors. Source: `torch.vmap`.
 */
export function vmap<A extends unknown[], O extends Many>(
  func: (...args: A) => O,
  { inDims, outDims = 0 }: VmapOptions = {},
): (...args: A) => Same<O> {
  return (...args) => {
    const dims = args.map((arg, i) => {
      const dim = Array.isArray(inDims) ? inDims[i] : (inDims as number | null | undefined);
      if (dim === undefined) return arg instanceof Tensor && !Array.isArray(inDims) ? 0 : null;
      if (dim !== null && !(arg instanceof Tensor))
        if (Array.isArray(inDims))
          throw new TypeError(`vmap: argument ${i} is no tensor: its inDims must be null`);
        else return null;
      return dim;
    });
    const mapped = args.flatMap((arg, i) =>
      dims[i] === null ? [] : [{ size: sizeOf(arg as Tensor, dims[i], i), i }],
    );
    if (mapped.length === 0) throw new Error('vmap: no argument is mapped: give a tensor, or another inDims');
    const [{ size, i: first }] = mapped;
    for (const other of mapped)
      if (other.size !== size)
        throw new RangeError(
          `vmap: mapped sizes differ: ${size} in argument ${first}, ${other.size} in argument ${other.i}`,
        );
    if (size === 0)
      throw new RangeError('vmap: the mapped dimension has size 0, so the outputs have no shape');
    let form: O | undefined;
    const results: Tensor[][] = [];
    for (let n = 0; n < size; n++) {
      const single = args.map((arg, i) => (dims[i] === null ? arg : (arg as Tensor).select(dims[i], n))) as A;
      const result = func(...single);
      const list = listOf(result);
      if (list.some((item) => !(item instanceof Tensor)))
        throw new TypeError(
          `vmap: the function returned ${String(result)}: return a tensor or a list of tensors`,
        );
      form = result;
      results.push(list);
    }
    return like(
      form as O,
      results[0].map((_, o) =>
        stack(
          results.map((list) => list[o]),
          outDims,
        ),
      ),
    );
  };
}

function sizeOf(arg: Tensor, dim: number, i: number): number {
  if (dim < -arg.ndim || dim >= arg.ndim)
    throw new RangeError(`vmap: inDims ${dim} is out of range for argument ${i} ${formatShape(arg.shape)}`);
  return arg.shape[dim < 0 ? dim + arg.ndim : dim];
}
