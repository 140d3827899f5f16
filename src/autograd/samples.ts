import type { Sample, TensorSample } from '../ops/record.ts';
import { fromArray } from '../tensor/creation.ts';
import { numel } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

const isTensorSample = (value: unknown): value is TensorSample =>
  typeof value === 'object' && value !== null && 'shape' in value && Array.isArray(value.shape);

/** Numbers in [0, 1), spread evenly and without ties: multiples of the golden ratio. */
function* spread(seed: number): Generator<number> {
  for (let i = seed; ; i++) yield (i * 0.6180339887498949) % 1;
}

function makeTensor(sample: TensorSample, numbers: Generator<number>, leaves: Tensor[]): Tensor {
  const { shape, low = -1, high = 1, data, dtype = 'float64', constant = false } = sample;
  const values =
    data ?? Array.from({ length: numel(shape) }, () => low + (high - low) * (numbers.next().value as number));
  const made = fromArray(values, shape, { dtype });
  if (dtype === 'float64' && !constant) {
    made.requiresGrad = true;
    leaves.push(made);
  }
  return made;
}

/**
 * The arguments of one call from an operation's record: descriptions of tensors become tensors, in lists too; those of float64
 * require grad and are returned as `leaves`.
 */
export function makeSample(sample: Sample, seed = 1): { args: unknown[]; leaves: Tensor[] } {
  const leaves: Tensor[] = [];
  const numbers = spread(seed);
  const convert = (value: unknown): unknown =>
    isTensorSample(value)
      ? makeTensor(value, numbers, leaves)
      : Array.isArray(value)
        ? value.map(convert)
        : isPlain(value)
          ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(item)]))
          : value;
  return { args: sample.map(convert), leaves };
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
