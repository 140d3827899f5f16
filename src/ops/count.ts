import { kernel } from '../engine/kernel.ts';
import { type DType, getDefaultDtype, isFloating } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast } from './cast.ts';
import { op } from './record.ts';
import { contiguous, reshape } from './views.ts';

/** out[bin] += weight (1 without weights) for each element of a that falls in one of the equal bins of [low, high]; all vectors. */
const histogramKernel = kernel(
  'count.histogram',
  (out: Tensor, a: Tensor, weights: Tensor | null, low: number, high: number) => {
    const bins = out.shape[0];
    for (let i = 0; i < a.shape[0]; i++) {
      const value = a.elements[a.offset + i * a.strides[0]];
      if (!(value >= low && value <= high)) continue;
      const bin = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
      out.elements[out.offset + bin * out.strides[0]] +=
        weights === null ? 1 : weights.elements[weights.offset + i * weights.strides[0]];
    }
  },
);

/** The smallest and the greatest of all elements. */
function range(x: Tensor): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = x.offset; i < x.offset + x.size; i++) {
    low = Math.min(low, x.elements[i]);
    high = Math.max(high, x.elements[i]);
  }
  return [low, high];
}

/**
 * How often each whole number from 0 occurs in a vector, or the sum of the weights where it occurs.
 *
 * @returns `(max + 1,)`, at least `minlength`; int32, with weights their dtype. Errors: negative or floating elements; weights of
 * another length. Source: `torch.bincount`.
 */
export const bincount: (input: Tensor, weights?: Tensor | null, minlength?: number) => Tensor = op(
  {
    name: 'bincount',
    torch: 'bincount(input, weights=None, minlength=0)',
    family: 'reduction',
    differentiable: 'a count',
    samples: () => [[{ shape: [4], data: [0, 2, 2, 1], dtype: 'int32' }]],
  },
  (input: Tensor, weights?: Tensor | null, minlength = 0) => {
    if (isFloating(input.dtype) || input.ndim !== 1)
      throw new TypeError(
        `bincount: needs a vector of whole numbers, got ${input.dtype} ${formatShape(input.shape)}`,
      );
    if (weights && formatShape(weights.shape) !== formatShape(input.shape))
      throw new RangeError(
        `bincount: weights ${formatShape(weights.shape)} and input ${formatShape(input.shape)} differ in length`,
      );
    if (!Number.isInteger(minlength) || minlength < 0)
      throw new RangeError(`bincount: minlength ${minlength} must be a whole number from 0`);
    const x = contiguous(input);
    const [low, high] = range(x);
    if (low < 0) throw new RangeError(`bincount: ${low} is negative`);
    const bins = Math.max(x.size === 0 ? 0 : high + 1, minlength);
    const type: DType = weights ? (isFloating(weights.dtype) ? weights.dtype : 'float64') : 'int32';
    const out = Tensor.allocate([bins], type, true);
    if (x.size > 0) histogramKernel(out, x, weights ? weights.detach() : null, 0, bins);
    return out;
  },
);

/**
 * How many elements fall in each of `bins` equal bins between `min` and `max`; the last bin includes `max`, what lies outside is
 * left out. Both 0 (default): the range of the input. Source: `torch.histc`.
 */
export const histc: (input: Tensor, bins?: number, min?: number, max?: number) => Tensor = op(
  {
    name: 'histc',
    torch: 'histc(input, bins=100, min=0, max=0)',
    family: 'reduction',
    differentiable: 'a count',
    samples: () => [[{ shape: [8] }, 4]],
  },
  (input: Tensor, bins = 100, min = 0, max = 0) => {
    if (!Number.isInteger(bins) || bins < 1)
      throw new RangeError(`histc: ${bins} bins: use a whole number from 1`);
    if (max < min) throw new RangeError(`histc: max ${max} is below min ${min}`);
    const x = reshape(contiguous(input.detach()), [-1]);
    let [low, high] = min === max ? range(x) : [min, max];
    if (x.size === 0) [low, high] = [min, max];
    if (!Number.isFinite(low) || !Number.isFinite(high))
      throw new RangeError(`histc: the range [${low}, ${high}] is not finite`);
    if (low === high) [low, high] = [low - 1, high + 1];
    const out = Tensor.allocate([bins], isFloating(x.dtype) ? x.dtype : getDefaultDtype(), true);
    if (x.size > 0) histogramKernel(out, cast(x, 'float64'), null, low, high);
    return out;
  },
);
