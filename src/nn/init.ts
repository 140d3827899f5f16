import { noGrad } from '../autograd/mode.ts';
import { div, mul, sub } from '../ops/arithmetic.ts';
import { emptyLike } from '../ops/creation.ts';
import { copy_, fill_, zero_ } from '../ops/fill.ts';
import { randperm } from '../ops/random.ts';
import * as random from '../ops/randomInPlace.ts';
import type { Generator } from '../tensor/generator.ts';
import { formatShape, numel } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** The nonlinearities that have a gain. */
export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'selu';

interface Randomness {
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * The factor by which a layer's weights are scaled for the nonlinearity after it.
 *
 * @param param the negative slope of `leakyRelu` (0.01). Error: an unknown nonlinearity. Source: `torch.nn.init.calculate_gain`.
 */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + param ** 2));
    case 'selu':
      return 3 / 4;
    case 'linear':
    case 'sigmoid':
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
    case 'convTranspose1d':
    case 'convTranspose2d':
    case 'convTranspose3d':
      return 1;
    default:
      throw new RangeError(
        `calculateGain: '${String(nonlinearity)}' has no known gain: use linear, sigmoid, tanh, relu, leakyRelu or selu`,
      );
  }
}

/**
 * How many inputs each output of a weight `(out, in, ...)` has, and how many outputs each input.
 *
 * Error: fewer than two dimensions. Source: PyTorch's `_calculate_fan_in_and_fan_out`.
 */
export function fans(tensor: Tensor): { fanIn: number; fanOut: number } {
  if (tensor.ndim < 2)
    throw new RangeError(
      `init: a tensor ${formatShape(tensor.shape)} has no fan in and out: they need two dimensions or more`,
    );
  const field = numel(tensor.shape.slice(2));
  return { fanIn: tensor.shape[1] * field, fanOut: tensor.shape[0] * field };
}

/** Whether the fillers below leave tensors as they are: a process-wide fact, set by `skipInit` alone. */
let skipping = false;

/**
 * Makes a model without drawing its weights, which then hold anything: for a large model whose weights come from a file.
 *
 * @example
 * const model = nn.init.skipInit(() => new vision.models.VGG16());
 * model.loadStateDict(state);
 *
 * Source: `torch.nn.utils.skip_init`.
 */
export function skipInit<M>(make: () => M): M {
  const before = skipping;
  skipping = true;
  try {
    return make();
  } finally {
    skipping = before;
  }
}

/** Fills with numbers drawn evenly from [a, b). */
export const uniform_ = (tensor: Tensor, a = 0, b = 1, options: Randomness = {}): Tensor =>
  skipping ? tensor : noGrad(() => random.uniform_(tensor, a, b, options));

/** Fills with normal numbers. */
export const normal_ = (tensor: Tensor, mean = 0, std = 1, options: Randomness = {}): Tensor =>
  skipping ? tensor : noGrad(() => random.normal_(tensor, mean, std, options));

/**
 * Fills with normal numbers that lie in [a, b]; the bounds are values, not multiples of `std`.
 *
 * Those outside are drawn again; where few would be inside, even numbers are accepted by the density instead.
 * Source: `torch.nn.init.trunc_normal_` of PyTorch 2.13.
 */
export function truncNormal_(
  tensor: Tensor,
  mean = 0,
  std = 1,
  a = -2,
  b = 2,
  { generator }: Randomness = {},
): Tensor {
  if (!(a < b)) throw new RangeError(`truncNormal_: bound ${a} must be below bound ${b}`);
  if (!(std > 0)) throw new RangeError(`truncNormal_: std ${std} must be above 0`);
  const single = tensor.dtype === 'float32';
  const [low, high] = single ? [Math.fround(a), Math.fround(b)] : [a, b];
  if (skipping) return tensor;
  return noGrad(() => {
    const drawn = emptyLike(tensor);
    const values = new Float64Array(tensor.size);
    const pending = new Set(values.keys());
    const at = (source: Tensor, i: number): number => source.elements[source.offset + i];
    if (normalShare((b - mean) / std) - normalShare((a - mean) / std) > 0.3)
      while (pending.size > 0) {
        random.normal_(drawn, mean, std, { generator });
        for (const i of pending) {
          values[i] = at(drawn, i);
          if (values[i] >= low && values[i] <= high) pending.delete(i);
        }
      }
    else {
      const peak = -0.5 * ((Math.max(a, Math.min(mean, b)) - mean) / std) ** 2;
      const chances = emptyLike(tensor);
      while (pending.size > 0) {
        random.uniform_(drawn, a, b, { generator });
        random.uniform_(chances, 0, 1, { generator });
        const density = sub(mul(mul(div(sub(drawn, mean), std), div(sub(drawn, mean), std)), -0.5), peak);
        for (const i of pending) {
          values[i] = at(drawn, i);
          if (!(Math.log(at(chances, i)) > at(density, i))) pending.delete(i);
        }
      }
    }
    for (let i = 0; i < values.length; i++) drawn.elements[drawn.offset + i] = values[i];
    return copy_(tensor, drawn);
  });
}

/** The share of a standard normal distribution below x, to about 1e-7: it only chooses between two ways of drawing. */
function normalShare(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x / Math.SQRT2));
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp((-x * x) / 2);
  return (1 + (x < 0 ? -erf : erf)) / 2;
}

/** Fills with one value. */
export const constant_ = (tensor: Tensor, value: number): Tensor =>
  skipping ? tensor : noGrad(() => fill_(tensor, value));

/** Fills with 1. */
export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1);

/** Fills with 0. */
export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0);

/** Writes 1 at the places given by one index for each dimension, 0 elsewhere. */
function hot(tensor: Tensor, places: Iterable<readonly number[]>): Tensor {
  return noGrad(() => {
    zero_(tensor);
    for (const place of places)
      tensor.elements[place.reduce((sum, index, d) => sum + index * tensor.strides[d], tensor.offset)] = 1;
    return tensor;
  });
}

/** The identity matrix: 1 on the diagonal. Error: not two dimensions. */
export function eye_(tensor: Tensor): Tensor {
  if (tensor.ndim !== 2)
    throw new RangeError(`eye_: a tensor ${formatShape(tensor.shape)} is no matrix: it needs two dimensions`);
  return hot(
    tensor,
    Array.from({ length: Math.min(...tensor.shape) }, (_, i) => [i, i]),
  );
}

/**
 * The identity of a convolution: as many channels as possible pass unchanged, in each group.
 *
 * Errors: not 3, 4 or 5 dimensions; output channels that do not divide. Source: `torch.nn.init.dirac_`.
 */
export function dirac_(tensor: Tensor, groups = 1): Tensor {
  if (tensor.ndim < 3 || tensor.ndim > 5)
    throw new RangeError(
      `dirac_: a tensor ${formatShape(tensor.shape)} is no convolution weight: it needs 3, 4 or 5 dimensions`,
    );
  const [outputs, inputs, ...kernel] = tensor.shape;
  if (outputs % groups !== 0)
    throw new RangeError(`dirac_: ${outputs} output channels do not divide into ${groups} groups`);
  const each = outputs / groups;
  const centre = kernel.map((size) => Math.floor(size / 2));
  const places: number[][] = [];
  for (let g = 0; g < groups; g++)
    for (let d = 0; d < Math.min(each, inputs); d++) places.push([g * each + d, d, ...centre]);
  return hot(tensor, places);
}

/** Evenly, with variance 2 gain² / (fanIn + fanOut). Source: Glorot and Bengio 2010. */
export function xavierUniform_(tensor: Tensor, gain = 1, options: Randomness = {}): Tensor {
  const { fanIn, fanOut } = fans(tensor);
  const bound = Math.sqrt(3) * gain * Math.sqrt(2 / (fanIn + fanOut));
  return uniform_(tensor, -bound, bound, options);
}

/** Normal, with variance 2 gain² / (fanIn + fanOut). Source: Glorot and Bengio 2010. */
export function xavierNormal_(tensor: Tensor, gain = 1, options: Randomness = {}): Tensor {
  const { fanIn, fanOut } = fans(tensor);
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), options);
}

export interface KaimingOptions extends Randomness {
  /** The negative slope of the leaky ReLU after the layer. Default 0. */
  a?: number;
  /** Whether the variance of the values (`fanIn`) or of the gradients (`fanOut`) is kept. Default fanIn. */
  mode?: 'fanIn' | 'fanOut';
  /** What follows the layer. Default leakyRelu. */
  nonlinearity?: Nonlinearity;
}

function kaimingStd(
  tensor: Tensor,
  { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions,
): number {
  const fan = fans(tensor)[mode];
  if (fan === undefined) throw new RangeError(`init: mode '${String(mode)}' is unknown: use fanIn or fanOut`);
  return calculateGain(nonlinearity, a) / Math.sqrt(fan);
}

/** Evenly, with variance gain² / fan. Source: He et al. 2015. */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  if (tensor.size === 0) return tensor;
  const bound = Math.sqrt(3) * kaimingStd(tensor, options);
  return uniform_(tensor, -bound, bound, options);
}

/** Normal, with variance gain² / fan. Source: He et al. 2015. */
export const kaimingNormal_ = (tensor: Tensor, options: KaimingOptions = {}): Tensor =>
  tensor.size === 0 ? tensor : normal_(tensor, 0, kaimingStd(tensor, options), options);

/**
 * A (semi) orthogonal matrix, of the tensor read as (first size, the rest): rows or columns of length `gain`, at right angles.
 *
 * Error: fewer than two dimensions. Source: Saxe, McClelland and Ganguli 2013.
 */
export function orthogonal_(tensor: Tensor, gain = 1, { generator }: Randomness = {}): Tensor {
  if (tensor.ndim < 2)
    throw new RangeError(
      `orthogonal_: a tensor ${formatShape(tensor.shape)} is no matrix: it needs two dimensions or more`,
    );
  if (tensor.size === 0) return tensor;
  if (skipping) return tensor;
  return noGrad(() => {
    const rows = tensor.shape[0];
    const columns = tensor.size / rows;
    const drawn = random.normal_(Tensor.allocate([rows, columns], tensor.dtype), 0, 1, { generator });
    // The vectors are the columns of a tall matrix, the rows of a wide one.
    const [count, size] = rows < columns ? [rows, columns] : [columns, rows];
    const [step, stride] = rows < columns ? [columns, 1] : [1, columns];
    const vectors = Array.from({ length: count }, (_, i) =>
      Float64Array.from({ length: size }, (_, j) => drawn.elements[drawn.offset + i * step + j * stride]),
    );
    orthonormalize(vectors);
    vectors.forEach((vector, i) => {
      for (let j = 0; j < size; j++) drawn.elements[drawn.offset + i * step + j * stride] = vector[j] * gain;
    });
    return copy_(tensor, drawn.reshape(tensor.shape));
  });
}

/** Gram and Schmidt's method, twice over for accuracy: Q of the QR decomposition whose R has a positive diagonal. */
function orthonormalize(vectors: Float64Array[]): void {
  vectors.forEach((vector, i) => {
    for (let pass = 0; pass < 2; pass++)
      for (const other of vectors.slice(0, i)) {
        const shadow = vector.reduce((sum, x, j) => sum + x * other[j], 0);
        for (let j = 0; j < vector.length; j++) vector[j] -= shadow * other[j];
      }
    const length = Math.hypot(...vector);
    for (let j = 0; j < vector.length; j++) vector[j] /= length;
  });
}

/**
 * Normal numbers, with the share `sparsity` of each column set to 0.
 *
 * Errors: not two dimensions; a share outside [0, 1]. Source: Martens 2010.
 */
export function sparse_(
  tensor: Tensor,
  sparsity: number,
  std = 0.01,
  { generator }: Randomness = {},
): Tensor {
  if (tensor.ndim !== 2)
    throw new RangeError(
      `sparse_: a tensor ${formatShape(tensor.shape)} is no matrix: it needs two dimensions`,
    );
  if (!(sparsity >= 0 && sparsity <= 1))
    throw new RangeError(`sparse_: sparsity ${sparsity} must lie between 0 and 1`);
  if (skipping) return tensor;
  return noGrad(() => {
    const [rows, columns] = tensor.shape;
    const zeros = Math.ceil(sparsity * rows);
    random.normal_(tensor, 0, std, { generator });
    for (let column = 0; column < columns; column++) {
      const order = randperm(rows);
      for (let i = 0; i < zeros; i++) {
        const row = order.elements[order.offset + i];
        tensor.elements[tensor.offset + row * tensor.strides[0] + column * tensor.strides[1]] = 0;
      }
    }
    return tensor;
  });
}
