import { type PadMode, padded } from '../../ops/pad.ts';
import { op } from '../../ops/record.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Error: a padding that the mode cannot fill, or that cuts everything away. */
function checkPad(mode: PadMode, input: Tensor, d: number, before: number, after: number): void {
  const size = input.shape[d];
  const where = `dimension ${d} of input ${formatShape(input.shape)}`;
  if (mode === 'reflect' && Math.max(before, after) >= size)
    throw new RangeError(
      `pad: padding size should be less than the corresponding input dimension, but got padding (${before}, ${after}) at ${where}: reflect at most ${size - 1}`,
    );
  if (mode === 'circular' && Math.max(before, after) > size)
    throw new RangeError(
      `pad: padding value causes wrapping around more than once: (${before}, ${after}) at ${where}: pad at most ${size}`,
    );
  const total = size + before + after;
  const empty = total === 0 || size === 0;
  if (total < 0 || (empty && mode !== 'constant' && !(mode === 'circular' && size > 0)))
    throw new RangeError(
      `pad: the padding (${before}, ${after}) leaves size ${total} at ${where}: cut less, or pad more`,
    );
}

/**
 * The input with places added around it, or cut off where a number is negative.
 *
 * @param pad pairs (before, after), **the last dimension first**: `[left, right]`, `[left, right, top, bottom]`, ...
 * @param mode `constant` (default), `reflect` (mirrors, without the edge), `replicate` (repeats the edge), `circular` (the other side).
 * @param value what `constant` fills in. Default 0.
 *
 * @example
 * F.pad(tensor([1, 2, 3]), [2, 1]) // [0, 0, 1, 2, 3, 0]
 *
 * Errors: an odd number of sizes, or more than there are dimensions; reflecting as much as the size or more; going round more than
 * once; a value with another mode. Source: `torch.nn.functional.pad`.
 */
export const pad: (input: Tensor, pad: readonly number[], mode?: PadMode, value?: number | null) => Tensor =
  op(
    {
      name: 'pad',
      torch: "nn.functional.pad(input, pad, mode='constant', value=None)",
      family: 'shape',
      differentiable: true,
      samples: () => [
        [{ shape: [2, 3] }, [1, 2]],
        [{ shape: [1, 2, 4] }, [-1, 2, 1, 0], 'constant', 3],
        [{ shape: [1, 2, 4] }, [3, 2], 'reflect'],
        [{ shape: [1, 2, 3, 4] }, [1, 2, 0, 3], 'replicate'],
        [{ shape: [1, 2, 3, 4] }, [4, 1, 2, 3], 'circular'],
        [{ shape: [1, 1, 3, 4] }, [-1, 2, 1, -1], 'circular'],
      ],
      differs: 'every mode takes any number of dimensions',
    },
    (input: Tensor, sizes: readonly number[], mode: PadMode = 'constant', value?: number | null) => {
      if (!['constant', 'reflect', 'replicate', 'circular'].includes(mode))
        throw new RangeError(
          `pad: unrecognised padding mode '${mode}': use constant, reflect, replicate or circular`,
        );
      if (sizes.length % 2 !== 0 || sizes.length > 2 * input.ndim)
        throw new RangeError(
          `pad: [${sizes}] must hold a pair of sizes for each padded dimension, at most ${input.ndim} pairs for input ${formatShape(input.shape)}`,
        );
      for (const size of sizes)
        if (!Number.isInteger(size)) throw new RangeError(`pad: [${sizes}] must be whole numbers`);
      if (mode !== 'constant' && value !== undefined && value !== null)
        throw new RangeError(`pad: mode '${mode}' takes no value, but ${value} was given: leave it out`);
      const before = new Array<number>(input.ndim).fill(0);
      const after = [...before];
      for (let i = 0; i < sizes.length; i += 2) {
        const d = input.ndim - 1 - i / 2;
        before[d] = sizes[i];
        after[d] = sizes[i + 1];
        checkPad(mode, input, d, before[d], after[d]);
      }
      if (input.ndim === 0) return padded(input.reshape([1]), [0], [0], mode).reshape([]);
      return padded(input, before, after, mode, value ?? 0);
    },
  );
