import { add, div, mul } from '../../ops/arithmetic.ts';
import { padded } from '../../ops/pad.ts';
import { pow } from '../../ops/pairwise.ts';
import { avgPool } from '../../ops/pooling.ts';
import { op } from '../../ops/record.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

export interface LocalResponseNormOptions {
  /** Factor of the mean square. Default 1e-4. */
  alpha?: number;
  /** Exponent. Default 0.75. */
  beta?: number;
  /** Added constant. Default 1. */
  k?: number;
}

/**
 * Divides each channel by (k + alpha * the mean square of `size` neighbouring channels) ^ beta; channels beyond the ends are zero.
 *
 * @param input `(N, C, ...)`. @param size channels a neighbourhood.
 * Error: fewer than three dimensions. Source: Krizhevsky et al. 2012; `torch.nn.functional.local_response_norm`.
 */
export const localResponseNorm: (input: Tensor, size: number, options?: LocalResponseNormOptions) => Tensor =
  op(
    {
      name: 'localResponseNorm',
      torch: 'nn.functional.local_response_norm(input, size, *, alpha=0.0001, beta=0.75, k=1.0)',
      family: 'normalization',
      differentiable: true,
      samples: () => [[{ shape: [2, 4, 3] }, 3, { alpha: 1 }]],
    },
    (input: Tensor, size: number, { alpha = 1e-4, beta = 0.75, k = 1 }: LocalResponseNormOptions = {}) => {
      if (input.ndim < 3)
        throw new RangeError(
          `localResponseNorm: expected 3D or higher dimensionality input, but got ${formatShape(input.shape)}: it must be (N, C, ...)`,
        );
      if (!Number.isInteger(size) || size < 1)
        throw new RangeError(`localResponseNorm: size ${size} must be a whole number of channels from 1`);
      const [batch, channels, ...rest] = input.shape;
      if (input.size === 0) return input;
      const plane = rest.reduce((a, b) => a * b, 1);
      const square = reshape(mul(input, input), [batch, 1, channels, plane]);
      const before = Math.floor(size / 2);
      const ready = padded(square, [0, 0, before, 0], [0, 0, size - 1 - before, 0], 'constant');
      const mean = avgPool(ready, [batch, 1, channels, plane], {
        kernel: [size, 1],
        stride: [1, 1],
        padding: [0, 0],
        includePad: true,
        divisor: 0,
      });
      return div(input, pow(add(mul(reshape(mean, input.shape), alpha), k), beta));
    },
  );
