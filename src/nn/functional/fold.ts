import { foldPatches, type Patches, unfoldPatches } from '../../ops/patches.ts';
import { op } from '../../ops/record.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { batched, checkSpatial, type Size, sizes } from './spatial.ts';

export interface PatchOptions {
  /** Distance between neighbouring elements of a patch. Default 1. */
  dilation?: Size<2>;
  /** Zeros around the image. Default 0. */
  padding?: Size<2>;
  /** Steps between patches. Default 1. */
  stride?: Size<2>;
}

/** How patches lie in an image (N, C, H, W). Error: none fits. */
function patchesOf(
  name: string,
  image: readonly number[],
  kernelSize: Size<2>,
  { dilation = 1, padding = 0, stride = 1 }: PatchOptions,
): Patches {
  const kernel = sizes(name, 'kernelSize', kernelSize, 2, 1);
  const gaps = sizes(name, 'dilation', dilation, 2, 1);
  const pad = sizes(name, 'padding', padding, 2, 0);
  const step = sizes(name, 'stride', stride, 2, 1);
  const counts = [0, 1].map(
    (d) => Math.floor((image[d + 2] + 2 * pad[d] - gaps[d] * (kernel[d] - 1) - 1) / step[d]) + 1,
  );
  if (counts.some((count) => count < 1))
    throw new RangeError(
      `${name}: given spatial size (${image.slice(2).join(', ')}), kernelSize [${kernel}], dilation [${gaps}], padding [${pad}], stride [${step}], the shape of the array of sliding blocks is (${counts.join(', ')}), but its components must be at least one: pad, or use a smaller kernel`,
    );
  return { image, kernel, dilation: gaps, padding: pad, stride: step, counts };
}

/**
 * The patches under a sliding kernel, as columns: a convolution becomes a matrix product with them (im2col).
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`.
 * @returns `(N, C kH kW, L)`, L the number of patches, row by row.
 *
 * @example
 * const columns = F.unfold(x, 3, { padding: 1 })             // (N, C * 9, H * W)
 * const y = matmul(weight.reshape([out, -1]), columns)        // conv2d(x, weight, null, {padding: 1}), flattened
 *
 * Error: no patch fits. Source: `torch.nn.functional.unfold`.
 */
export const unfold: (input: Tensor, kernelSize: Size<2>, options?: PatchOptions) => Tensor = op(
  {
    name: 'F.unfold',
    torch: 'nn.functional.unfold(input, kernel_size, *, dilation=1, padding=0, stride=1)',
    family: 'convolution',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 2, 3, 4] }, 2],
      [{ shape: [1, 2, 5, 5] }, [2, 3], { dilation: [2, 1], padding: 1, stride: 2 }],
    ],
  },
  (input: Tensor, kernelSize: Size<2>, options: PatchOptions = {}) => {
    checkSpatial('unfold', input, 2);
    return batched(input, 2, (x) => unfoldPatches(x, patchesOf('unfold', x.shape, kernelSize, options)));
  },
);

/**
 * Columns of patches added up into an image, where they overlap too: the adjoint of `unfold` (col2im).
 *
 * @param input `(N, C kH kW, L)` or `(C kH kW, L)`. @param outputSize `[H, W]` of the image.
 * @returns `(N, C, H, W)` or `(C, H, W)`.
 * Errors: rows that are no multiple of the kernel's size; another number of patches than fit. Source: `torch.nn.functional.fold`.
 */
export const fold: (
  input: Tensor,
  outputSize: Size<2>,
  kernelSize: Size<2>,
  options?: PatchOptions,
) => Tensor = op(
  {
    name: 'fold',
    torch: 'nn.functional.fold(input, output_size, kernel_size, *, dilation=1, padding=0, stride=1)',
    family: 'convolution',
    differentiable: true,
    samples: () => [[{ shape: [2, 8, 6] }, [3, 4], 2]],
  },
  (input: Tensor, outputSize: Size<2>, kernelSize: Size<2>, options: PatchOptions = {}) => {
    if (input.ndim !== 2 && input.ndim !== 3)
      throw new RangeError(
        `fold: expected 2D (unbatched) or 3D (batched) input, but got input of size ${formatShape(input.shape)}: it must be (C kH kW, L) or (N, C kH kW, L)`,
      );
    const image = sizes('fold', 'outputSize', outputSize, 2, 1);
    const [kernelY, kernelX] = sizes('fold', 'kernelSize', kernelSize, 2, 1);
    const columns = input.ndim === 3 ? input : reshape(input, [1, ...input.shape]);
    const [batch, taps, positions] = columns.shape;
    const area = kernelY * kernelX;
    if (taps % area !== 0)
      throw new RangeError(
        `fold: expected size of input's dimension 1 to be divisible by the product of kernelSize, but got ${formatShape(input.shape)} and kernelSize [${kernelY}, ${kernelX}]`,
      );
    const patches = patchesOf('fold', [batch, taps / area, ...image], kernelSize, options);
    const fit = patches.counts[0] * patches.counts[1];
    if (fit !== positions)
      throw new RangeError(
        `fold: given outputSize [${image}], expected size of input's dimension 2 to match the calculated number of sliding blocks ${patches.counts.join(' * ')} = ${fit}, but got ${positions}`,
      );
    const out = foldPatches(columns, patches);
    return input.ndim === 3 ? out : reshape(out, out.shape.slice(1));
  },
);
