import { unpool } from '../../ops/pooling.ts';
import { op } from '../../ops/record.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Stride, slidingOf, strideAndOptions } from './pooling.ts';
import { batched, checkSpatial, type Rank, type Size, withSpatial } from './spatial.ts';

export interface MaxUnpoolOptions<N extends Rank> {
  /** As the pooling had it. Default 0. */
  padding?: Size<N>;
  /** The spatial sizes before pooling (or the whole shape), where several sizes pool to this one. */
  outputSize?: readonly number[] | null;
}

type MaxUnpool<N extends Rank> = {
  (
    input: Tensor,
    indices: Tensor,
    kernelSize: Size<N>,
    options?: MaxUnpoolOptions<N> & { stride?: Stride<N> },
  ): Tensor;
  (
    input: Tensor,
    indices: Tensor,
    kernelSize: Size<N>,
    stride: Stride<N> | undefined,
    options?: MaxUnpoolOptions<N>,
  ): Tensor;
};

/** The wanted spatial sizes. Error: sizes that the pooling cannot have had. */
function unpooledSize(
  name: string,
  outputSize: readonly number[] | null | undefined,
  smallest: readonly number[],
  stride: readonly number[],
): readonly number[] {
  if (!outputSize) return smallest;
  const rank = smallest.length;
  const wanted =
    outputSize.length === rank + 2 || outputSize.length === rank + 1 ? outputSize.slice(-rank) : outputSize;
  if (
    wanted.length !== rank ||
    wanted.some((size, d) => size <= smallest[d] - stride[d] || size >= smallest[d] + stride[d])
  )
    throw new RangeError(
      `${name}: invalid outputSize [${outputSize}]: sizes must be between ${smallest.map((s, d) => `${s - stride[d]} and ${s + stride[d]}`).join(', ')}, both excluded`,
    );
  return wanted;
}

function maxUnpoolNd<N extends Rank>(rank: N): MaxUnpool<N> {
  const name = `maxUnpool${rank}d`;
  const shape = [1, 1, ...new Array<number>(rank).fill(2)];
  return op(
    {
      name,
      torch: `nn.functional.max_unpool${rank}d(input, indices, kernel_size, stride=None, *, padding=0, output_size=None)`,
      family: 'pooling',
      differentiable: true,
      samples: () => [
        [
          { shape },
          { shape, dtype: 'int32', data: Array.from({ length: 2 ** rank }, (_, i) => 2 * i + (i % 2)) },
          2,
        ],
      ],
    },
    (
      input: Tensor,
      indices: Tensor,
      kernelSize: Size<N>,
      strideOrOptions?: Stride<N> | (MaxUnpoolOptions<N> & { stride?: Stride<N> }),
      rest?: MaxUnpoolOptions<N>,
    ) => {
      const options = strideAndOptions<N, MaxUnpoolOptions<N>>(strideOrOptions, rest);
      checkSpatial(name, input, rank);
      if (!sameShape(input.shape, indices.shape))
        throw new RangeError(
          `${name}: expected shape of indices to be same as that of the input tensor ${formatShape(input.shape)} but got indices tensor with shape ${formatShape(indices.shape)}`,
        );
      if (indices.dtype !== 'int32')
        throw new TypeError(
          `${name}: the indices are ${indices.dtype}: pass those that maxPool${rank}d gives with {returnIndices: true}`,
        );
      const ones = new Array<number>(rank).fill(1);
      const { kernel, stride, padding } = slidingOf(
        name,
        rank,
        kernelSize,
        options.stride,
        options.padding ?? 0,
        ones,
      );
      const smallest = input.shape
        .slice(-rank)
        .map((size, d) => (size - 1) * stride[d] + kernel[d] - 2 * padding[d]);
      const spatial = unpooledSize(name, options.outputSize, smallest, stride);
      const places = spatial.reduce((a, b) => a * b, 1);
      return batched(input, rank, (x) => {
        const at = reshape(indices, x.shape);
        const flat = at.contiguous();
        for (let i = 0; i < flat.size; i++) {
          const index = flat.elements[flat.offset + i];
          if (index < 0 || index >= places)
            throw new RangeError(
              `${name}: found an invalid max index: ${index} (output volumes are of size ${spatial.join('x')}): give the outputSize that was pooled`,
            );
        }
        return unpool(x, at, withSpatial(x.shape, spatial));
      });
    },
  ) as MaxUnpool<N>;
}

/** Puts each value of a pooled line back at its index, zeros elsewhere. `indices` come from `maxPool1d`. */
export const maxUnpool1d: MaxUnpool<1> = maxUnpoolNd(1);

/**
 * Puts each value of a pooled plane back at its index, zeros elsewhere: the partial inverse of `maxPool2d`.
 *
 * @param input `(N, C, H, W)` or `(C, H, W)`. @param indices of the same shape, from `maxPool2d` with `returnIndices`.
 * @param kernelSize, stride, options as the pooling had them.
 * @returns each size `(H - 1) stride - 2 padding + kernel`, or `outputSize`. Where windows shared their greatest, the last one stands.
 * Errors: indices of another shape or beyond the output; an `outputSize` that cannot have been. Source:
 * `torch.nn.functional.max_unpool2d`.
 */
export const maxUnpool2d: MaxUnpool<2> = maxUnpoolNd(2);

/** Puts each value of a pooled volume back at its index, zeros elsewhere. `indices` come from `maxPool3d`. */
export const maxUnpool3d: MaxUnpool<3> = maxUnpoolNd(3);
