import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { formatShape, normalizeDim, normalizeDims, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyKernel } from './cast.ts';
import { indexSelect } from './indexSelect.ts';
import { cat } from './join.ts';
import { op } from './record.ts';
import { movedim, narrow, transpose, unsqueeze } from './shape.ts';
import { clone, expand, reshape } from './views.ts';

const flipPrimitive: Primitive<{ dims: readonly number[] }> = {
  name: 'flip',
  forward(_ctx, [input], { dims }) {
    const x = input as Tensor;
    const out = Tensor.allocate(x.shape, x.dtype);
    if (x.size === 0) return out;
    const last = dims.reduce((place, d) => place + (x.shape[d] - 1) * x.strides[d], x.offset);
    const strides = x.strides.map((stride, d) => (dims.includes(d) ? -stride : stride));
    copyKernel(out, x.alias(x.shape, strides, last));
    return out;
  },
  gradient: (_ctx, [g], attrs) => [g && applyOne(flipPrimitive, [g], attrs)],
};

/** The elements in reverse order along each of `dims`; a copy. Error: a dimension twice. Source: `torch.flip`. */
export const flip: (input: Tensor, dims: number | readonly number[]) => Tensor = op(
  {
    name: 'flip',
    torch: 'flip(input, dims)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3, 2] }, [0, -1]]],
  },
  (input: Tensor, dims: number | readonly number[]) => {
    const list = typeof dims === 'number' ? [dims] : dims;
    return applyOne(flipPrimitive, [input], {
      dims: list.length === 0 ? [] : normalizeDims('flip', list, input.ndim),
    });
  },
);

/** Columns in reverse order: `flip` along the second dimension. Error: fewer than 2 dimensions. */
export const fliplr: (input: Tensor) => Tensor = op(
  {
    name: 'fliplr',
    torch: 'fliplr(input)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor) => {
    if (input.ndim < 2)
      throw new RangeError(`fliplr: ${formatShape(input.shape)} needs at least 2 dimensions`);
    return flip(input, 1);
  },
);

/** Rows in reverse order: `flip` along the first dimension. Error: a 0-d tensor. */
export const flipud: (input: Tensor) => Tensor = op(
  {
    name: 'flipud',
    torch: 'flipud(input)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }]],
  },
  (input: Tensor) => {
    if (input.ndim < 1) throw new RangeError('flipud: a 0-d tensor has no rows');
    return flip(input, 0);
  },
);

/** One dimension rolled by `shift`: what leaves at the end comes back at the start. */
function rolled(input: Tensor, shift: number, dim: number): Tensor {
  const size = input.shape[dim];
  if (size === 0) return clone(input);
  const start = (((size - shift) % size) + size) % size;
  if (start === 0) return clone(input);
  return cat([narrow(input, dim, start, size - start), narrow(input, dim, 0, start)], dim);
}

/**
 * The elements moved along dimensions, those that leave at one end coming back at the other; without `dims`, in the flattened tensor.
 *
 * Error: not as many shifts as dimensions. Source: `torch.roll`.
 */
export const roll: (
  input: Tensor,
  shifts: number | readonly number[],
  dims?: number | readonly number[] | null,
) => Tensor = op(
  {
    name: 'roll',
    torch: 'roll(input, shifts, dims=None)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, 2],
      [{ shape: [2, 3] }, [1, -1], [0, 1]],
    ],
  },
  (input: Tensor, shifts: number | readonly number[], dims?: number | readonly number[] | null) => {
    const by = typeof shifts === 'number' ? [shifts] : shifts;
    const over = dims === undefined || dims === null ? [] : typeof dims === 'number' ? [dims] : dims;
    if (over.length === 0) {
      if (by.length !== 1)
        throw new RangeError(`roll: ${by.length} shifts without dims: give one shift, or as many dims`);
      return reshape(rolled(reshape(input, [-1]), by[0], 0), input.shape);
    }
    if (by.length !== over.length)
      throw new RangeError(`roll: shifts [${by}] and dims [${over}] differ in length`);
    return over.reduce((x, d, i) => rolled(x, by[i], normalizeDim('roll', d, input.ndim)), input);
  },
);

/** Rotated by 90 degrees `k` times in the plane of two dimensions, from the first towards the second. Source: `torch.rot90`. */
export const rot90: (input: Tensor, k?: number, dims?: readonly [number, number]) => Tensor = op(
  {
    name: 'rot90',
    torch: 'rot90(input, k=1, dims=[0,1])',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }], [{ shape: [2, 3, 2] }, -1, [1, 2]]],
  },
  (input: Tensor, k = 1, dims: readonly [number, number] = [0, 1]) => {
    if (input.ndim < 2 || dims.length !== 2)
      throw new RangeError(
        `rot90: needs 2 dimensions of at least 2, got [${dims}] of ${formatShape(input.shape)}`,
      );
    const [a, b] = normalizeDims('rot90', dims, input.ndim);
    if (!Number.isInteger(k)) throw new RangeError(`rot90: k ${k} must be a whole number of quarter turns`);
    const turns = ((k % 4) + 4) % 4;
    if (turns === 0) return clone(input);
    if (turns === 2) return flip(input, [a, b]);
    return turns === 1 ? transpose(flip(input, [b]), a, b) : flip(transpose(input, a, b), [b]);
  },
);

/**
 * Copies side by side, `repeats[d]` of them along each dimension; more repeats than dimensions add dimensions in front.
 *
 * Error: fewer repeats than dimensions. Source: `torch.Tensor.repeat`.
 */
export const repeat: (input: Tensor, repeats: Shape) => Tensor = op(
  {
    name: 'repeat',
    torch: 'repeat(input, repeats)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, [2, 1, 2]]],
  },
  (input: Tensor, repeats: Shape) => {
    const lead = repeats.length - input.ndim;
    if (lead < 0 || repeats.some((r) => !Number.isInteger(r) || r < 0))
      throw new RangeError(
        `repeat: [${repeats}] must give a whole number for each of the ${input.ndim} dimensions of ${formatShape(input.shape)}`,
      );
    const sizes = repeats.map((_, d) => (d < lead ? 1 : input.shape[d - lead]));
    const apart = expand(
      reshape(
        input,
        sizes.flatMap((size) => [1, size]),
      ),
      sizes.flatMap((size, d) => [repeats[d], size]),
    );
    const shape = sizes.map((size, d) => size * repeats[d]);
    const out = reshape(apart, shape);
    return out.storage === input.storage ? clone(out) : out;
  },
);

/** `repeat` that adds 1s in front where `dims` is shorter than the tensor. Source: `torch.tile`. */
export const tile: (input: Tensor, dims: Shape) => Tensor = op(
  {
    name: 'tile',
    torch: 'tile(input, dims)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3] }, [2]]],
  },
  (input: Tensor, dims: Shape) =>
    repeat(input, [...new Array<number>(Math.max(0, input.ndim - dims.length)).fill(1), ...dims]),
);

/**
 * Each element repeated in place, `repeats` times (a number, or a tensor with one number for each element of the dimension);
 * without `dim`, of the flattened tensor.
 *
 * Error: as many repeats as elements are needed, none below 0. Source: `torch.repeat_interleave`.
 */
export const repeatInterleave: (
  input: Tensor,
  repeats: number | Tensor,
  dim?: number | null,
  options?: { outputSize?: number },
) => Tensor = op(
  {
    name: 'repeatInterleave',
    torch: 'repeat_interleave(input, repeats, dim=None, *, output_size=None)',
    family: 'shape',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, 2, 1],
      [{ shape: [2, 3] }, { shape: [2], data: [1, 3], dtype: 'int32' }, 0],
    ],
  },
  (
    input: Tensor,
    repeats: number | Tensor,
    dim?: number | null,
    { outputSize }: { outputSize?: number } = {},
  ) => {
    const flat = dim === undefined || dim === null || input.ndim === 0;
    const x = flat ? reshape(input, [-1]) : input;
    const place = flat ? 0 : normalizeDim('repeatInterleave', dim, input.ndim);
    const size = x.shape[place];
    const counts = repeats instanceof Tensor ? clone(repeats.detach()) : null;
    const countAt = (i: number): number =>
      counts === null ? (repeats as number) : counts.elements[counts.offset + (counts.size === 1 ? 0 : i)];
    if (counts !== null && counts.size !== 1 && (counts.ndim !== 1 || counts.size !== size))
      throw new RangeError(
        `repeatInterleave: repeats ${formatShape(counts.shape)} must have one number for each of the ${size} elements of dimension ${place}`,
      );
    let total = 0;
    for (let i = 0; i < size; i++) {
      const n = countAt(i);
      if (!Number.isInteger(n) || n < 0)
        throw new RangeError(`repeatInterleave: ${n} repeats: use whole numbers from 0`);
      total += n;
    }
    if (outputSize !== undefined && outputSize !== null && outputSize !== total)
      throw new RangeError(
        `repeatInterleave: outputSize ${outputSize} is not ${total}, what the repeats add up to`,
      );
    if (counts === null) {
      const spread = [...x.shape.slice(0, place + 1), repeats as number, ...x.shape.slice(place + 1)];
      const out = reshape(
        expand(unsqueeze(x, place + 1), spread),
        x.shape.map((s, d) => (d === place ? total : s)),
      );
      return out.storage === input.storage ? clone(out) : out;
    }
    const index = Tensor.allocate([total], 'int32');
    for (let i = 0, at = index.offset; i < size; i++)
      for (let n = countAt(i); n > 0; n--) index.elements[at++] = i;
    return indexSelect(x, place, index);
  },
);

/** `expand` under PyTorch's other name. */
export const broadcastTo: (input: Tensor, shape: Shape) => Tensor = op(
  {
    name: 'broadcastTo',
    torch: 'broadcast_to(input, size)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [3, 1] }, [2, 3, 4]]],
  },
  (input: Tensor, shape: Shape) => expand(input, shape),
);

/** `movedim` under NumPy's name. */
export const moveaxis: typeof movedim = op(
  {
    name: 'moveaxis',
    torch: 'moveaxis(input, source, destination)',
    family: 'shape',
    differentiable: true,
    samples: () => [[{ shape: [2, 3, 4] }, 0, 2]],
  },
  (input: Tensor, source: number | readonly number[], destination: number | readonly number[]) =>
    movedim(input, source, destination),
);
