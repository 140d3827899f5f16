import { applyOne, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { add, div, mul } from '../../ops/arithmetic.ts';
import { max } from '../../ops/extremum.ts';
import { indexAdd } from '../../ops/indexSelect.ts';
import { cat } from '../../ops/join.ts';
import { op } from '../../ops/record.ts';
import { narrow, unsqueeze } from '../../ops/shape.ts';
import { reshape } from '../../ops/views.ts';
import { tensor } from '../../tensor/creation.ts';
import { formatShape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';

/** out (M, D) row-major = the rows of weight (V, D) at index (M,) int32. */
const embeddingKernel = kernel('embedding.forward', (out: Tensor, weight: Tensor, index: Tensor) => {
  const [count, size] = out.shape;
  const [row, column] = weight.strides;
  for (let m = 0; m < count; m++) {
    const from = weight.offset + index.elements[index.offset + m * index.strides[0]] * row;
    const to = out.offset + m * size;
    for (let d = 0; d < size; d++) out.elements[to + d] = weight.elements[from + d * column];
  }
});

/** gradWeight (V, D) row-major, zeroed = grad (M, D) times factor (M,), added at the rows index (M,). */
const embeddingBackwardKernel = kernel(
  'embedding.backward',
  (gradWeight: Tensor, grad: Tensor, index: Tensor, factor: Tensor) => {
    const [count, size] = grad.shape;
    const [row, column] = grad.strides;
    for (let m = 0; m < count; m++) {
      const times = factor.elements[factor.offset + m];
      if (times === 0) continue;
      const to = gradWeight.offset + index.elements[index.offset + m * index.strides[0]] * size;
      for (let d = 0; d < size; d++)
        gradWeight.elements[to + d] += times * grad.elements[grad.offset + m * row + d * column];
    }
  },
);

interface Lookup {
  readonly index: Tensor;
  readonly rows: number;
  /** How much each looked-up row counts in the gradient: 0 for padding. */
  readonly factor: Tensor;
}

const lookup: Primitive<Lookup> = {
  name: 'embedding',
  forward(_ctx, [weight], { index }) {
    const out = Tensor.allocate([index.size, weight!.shape[1]], weight!.dtype);
    embeddingKernel(out, weight!, index);
    return out;
  },
  gradient: (_ctx, [g], attrs) => [g && applyOne(spread, [g], attrs)],
};

const spread: Primitive<Lookup> = {
  name: 'embeddingBackward',
  forward(_ctx, [grad], { index, rows, factor }) {
    const out = Tensor.allocate([rows, grad!.shape[1]], grad!.dtype, true);
    embeddingBackwardKernel(out, grad!, index, factor);
    return out;
  },
  gradient: (_ctx, [g], attrs) => [
    g && mul(applyOne(lookup, [g], attrs), reshape(attrs.factor, [attrs.factor.size, 1])),
  ],
};

export interface EmbeddingOptions {
  /** A row that never learns: its gradient is 0. Negative counts from the end. */
  paddingIdx?: number | null;
  /** Rows with a greater norm are shortened to it, in place, before they are read. */
  maxNorm?: number | null;
  /** The p of that norm. Default 2. */
  normType?: number;
  /** Divides each row's gradient by how often it was looked up. Default false. */
  scaleGradByFreq?: boolean;
}

function checkIndices(name: string, input: Tensor, rows: number): Tensor {
  if (input.isFloating || input.dtype === 'bool')
    throw new TypeError(`${name}: the indices are ${input.dtype}: they must be int32`);
  const index = reshape(input.to('int32'), [input.size]).contiguous();
  const { elements, offset } = index;
  for (let i = offset, end = offset + index.size; i < end; i++) {
    const row = elements[i];
    if (row < 0 || row >= rows)
      throw new RangeError(`${name}: index ${row} is out of range: the weight has the rows 0 to ${rows - 1}`);
  }
  return index;
}

/** Shortens the rows at `index` that are longer than `maxNorm`. */
function renormalize(weight: Tensor, index: Tensor, maxNorm: number, p: number): void {
  const size = weight.shape[1];
  const [step, column] = weight.strides;
  for (const row of new Set(index.elements.subarray(index.offset, index.offset + index.size))) {
    let total = 0;
    for (let d = 0; d < size; d++) {
      const value = Math.abs(weight.elements[weight.offset + row * step + d * column]);
      total = p === Infinity ? Math.max(total, value) : total + value ** p;
    }
    const norm = p === Infinity ? total : total ** (1 / p);
    if (norm <= maxNorm) continue;
    for (let d = 0; d < size; d++)
      weight.elements[weight.offset + row * step + d * column] *= maxNorm / (norm + 1e-7);
  }
  weight.storage.version++;
}

/** The rows at flat indices, `(M, D)`. */
function rowsOf(
  name: string,
  input: Tensor,
  weight: Tensor,
  { paddingIdx = null, maxNorm = null, normType = 2, scaleGradByFreq = false }: EmbeddingOptions,
): { rows: Tensor; index: Tensor } {
  if (weight.ndim !== 2)
    throw new RangeError(`${name}: the weight ${formatShape(weight.shape)} needs two dimensions, (V, D)`);
  const count = weight.shape[0];
  if (paddingIdx !== null && (paddingIdx < -count || paddingIdx >= count))
    throw new RangeError(`${name}: paddingIdx ${paddingIdx} is not a row of ${count}`);
  const index = checkIndices(name, input, count);
  const padding = paddingIdx === null ? -1 : paddingIdx < 0 ? paddingIdx + count : paddingIdx;
  if (maxNorm !== null) renormalize(weight, index, maxNorm, normType);
  const factor = Tensor.allocate([index.size], weight.dtype);
  const indices = index.elements.subarray(index.offset, index.offset + index.size);
  const factors = factor.elements.subarray(factor.offset, factor.offset + factor.size).fill(1);
  if (scaleGradByFreq) {
    const uses = new Map<number, number>();
    for (const row of indices) uses.set(row, (uses.get(row) ?? 0) + 1);
    for (let i = 0; i < indices.length; i++) factors[i] = 1 / uses.get(indices[i])!;
  }
  if (padding >= 0) for (let i = 0; i < indices.length; i++) if (indices[i] === padding) factors[i] = 0;
  return { rows: applyOne(lookup, [weight], { index, rows: count, factor }), index };
}

/**
 * The rows of a table at indices.
 *
 * @param input indices of any shape, int32. @param weight `(V, D)`. @returns `(..., D)`.
 * Errors: an index or a padding row out of range. Source: `torch.nn.functional.embedding`.
 */
export const embedding: (input: Tensor, weight: Tensor, options?: EmbeddingOptions) => Tensor = op(
  {
    name: 'embedding',
    torch:
      'nn.functional.embedding(input, weight, *, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False)',
    family: 'embedding',
    differentiable: true,
    samples: () => [[{ shape: [2, 3], data: [0, 2, 2, 1, 0, 3], dtype: 'int32' }, { shape: [4, 3] }]],
    differs: 'partly: no sparse gradients',
  },
  (input, weight, options = {}) =>
    reshape(rowsOf('embedding', input, weight, options).rows, [...input.shape, weight.shape[1]]),
);

export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** Where each bag starts in an input of one dimension. */
  offsets?: Tensor | null;
  /** Default mean. */
  mode?: 'sum' | 'mean' | 'max';
  /** A factor for each looked-up row; only with `sum`. */
  perSampleWeights?: Tensor | null;
  /** Whether `offsets` ends with the end of the last bag. Default false. */
  includeLastOffset?: boolean;
}

/** Where each bag starts and how many indices it has. */
function bagsOf(input: Tensor, offsets: Tensor | null, includeLastOffset: boolean): [number, number][] {
  if (input.ndim === 2) {
    if (offsets)
      throw new RangeError('embeddingBag: an input of two dimensions has its bags as rows: no offsets');
    return Array.from({ length: input.shape[0] }, (_, i) => [i * input.shape[1], input.shape[1]]);
  }
  if (input.ndim !== 1 || !offsets)
    throw new RangeError(
      `embeddingBag: the input ${formatShape(input.shape)} should be (B, N), or (N,) with offsets (B,)`,
    );
  const starts = (offsets.toArray() as number[]).slice();
  if (!includeLastOffset) starts.push(input.size);
  if (
    starts[0] !== 0 ||
    starts.some((start, i) => i > 0 && start < starts[i - 1]) ||
    starts.at(-1)! > input.size
  )
    throw new RangeError(
      `embeddingBag: offsets [${starts}] must start with 0 and rise to at most the input's size ${input.size}`,
    );
  return starts.slice(0, -1).map((start, i) => [start, starts[i + 1] - start]);
}

/**
 * Sums, means or maxima of the rows of a table at bags of indices.
 *
 * @param input `(B, N)`: rows are bags; or `(N,)` with `offsets` `(B,)`. @param weight `(V, D)`. @returns `(B, D)`; 0 for an empty bag.
 * Errors: indices out of range; offsets that do not rise; weights with another mode than sum. Source: `torch.nn.functional.embedding_bag`.
 */
export const embeddingBag: (input: Tensor, weight: Tensor, options?: EmbeddingBagOptions) => Tensor = op(
  {
    name: 'embeddingBag',
    torch:
      "nn.functional.embedding_bag(input, weight, *, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode='mean', per_sample_weights=None, include_last_offset=False, padding_idx=None)",
    family: 'embedding',
    differentiable: true,
    samples: () =>
      (['sum', 'mean', 'max'] as const).map((mode) => [
        { shape: [2, 3], data: [0, 2, 2, 1, 0, 3], dtype: 'int32' as const },
        { shape: [4, 3] },
        { mode },
      ]),
    differs: 'partly: no sparse gradients',
  },
  (
    input,
    weight,
    { offsets = null, mode = 'mean', perSampleWeights = null, includeLastOffset = false, ...options } = {},
  ) => {
    const bags = bagsOf(input, offsets, includeLastOffset);
    const { rows, index } = rowsOf('embeddingBag', input, weight, options);
    if (perSampleWeights && mode !== 'sum')
      throw new RangeError(`embeddingBag: perSampleWeights need mode sum, not ${mode}`);
    if (perSampleWeights && !sameShape(perSampleWeights.shape, input.shape))
      throw new RangeError(
        `embeddingBag: perSampleWeights ${formatShape(perSampleWeights.shape)} should have the input's shape ${formatShape(input.shape)}`,
      );
    const count = weight.shape[0];
    const padding = options.paddingIdx == null ? -1 : (options.paddingIdx + count) % count;
    const counted = (i: number): boolean => index.elements[index.offset + i] !== padding;
    const places = bags.map(([start, length]) =>
      Array.from({ length }, (_, i) => start + i).filter((i) => counted(i)),
    );
    const empty = Tensor.allocate([bags.length, weight.shape[1]], weight.dtype, true);
    if (mode === 'max') {
      const best = places.map((own) => {
        if (own.length === 0) return narrow(empty, 0, 0, 1);
        const members = cat(
          own.map((i) => narrow(rows, 0, i, 1)),
          0,
        );
        return unsqueeze(max(members, 0)[0], 0);
      });
      return best.length === 0 ? empty : cat(best, 0);
    }
    if (mode !== 'sum' && mode !== 'mean')
      throw new RangeError(`embeddingBag: mode '${String(mode)}' is unknown: use sum, mean or max`);
    // Padding and indices before or after all bags go to a row that is cut off.
    const bagOf = new Array<number>(index.size).fill(bags.length);
    for (const [bag, own] of places.entries()) for (const i of own) bagOf[i] = bag;
    const weighted = perSampleWeights ? mul(rows, reshape(perSampleWeights, [index.size, 1])) : rows;
    const target = Tensor.allocate([bags.length + 1, weight.shape[1]], weight.dtype, true);
    const sums = narrow(indexAdd(target, 0, tensor(bagOf, { dtype: 'int32' }), weighted), 0, 0, bags.length);
    if (mode === 'sum') return add(sums, 0);
    const sizes = places.map((own) => [Math.max(own.length, 1)]);
    return div(sums, tensor(sizes, { dtype: weight.dtype }));
  },
);

/**
 * Class indices as rows of zeros with a single 1.
 *
 * @param input indices of any shape, int32. @param numClasses the length of the rows; by default the greatest index + 1.
 * @returns `(..., numClasses)`, int32. Errors: an index out of range. Source: `torch.nn.functional.one_hot`.
 */
export const oneHot: (input: Tensor, numClasses?: number) => Tensor = op(
  {
    name: 'oneHot',
    torch: 'nn.functional.one_hot(tensor, num_classes=-1)',
    family: 'embedding',
    differentiable: 'its result is whole numbers',
    samples: () => [[{ shape: [3], data: [2, 0, 1], dtype: 'int32' }, 4]],
  },
  (input, numClasses = -1) => {
    if (input.isFloating) throw new TypeError(`oneHot: the indices are ${input.dtype}: they must be int32`);
    if (!Number.isInteger(numClasses))
      throw new RangeError(`oneHot: numClasses ${numClasses} must be a whole number: -1 counts them`);
    const index = input.contiguous();
    const values = Array.from(index.elements.subarray(index.offset, index.offset + index.size));
    const classes =
      numClasses === -1 ? values.reduce((most, value) => Math.max(most, value), -1) + 1 : numClasses;
    const out = Tensor.allocate([...input.shape, classes], 'int32', true);
    values.forEach((value, i) => {
      if (value < 0 || value >= classes)
        throw new RangeError(
          `oneHot: class ${value} is out of range: ${classes} classes are 0 to ${classes - 1}`,
        );
      out.elements[out.offset + i * classes + value] = 1;
    });
    return out;
  },
);
