import type { Convolution } from '../../../ops/convolution.ts';
import type { Patches } from '../../../ops/patches.ts';
import type { DType } from '../../../tensor/dtype.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping } from '../mapping.ts';

const geometry = ({ weight, stride, padding, dilation, groups }: Convolution) => ({
  kernel_shape: weight.slice(2),
  strides: stride,
  pads: [...padding, ...padding],
  dilations: dilation,
  group: groups,
});

/** A kernel for each element of a patch that has 1 there: convolved with it, an image gives its patches. */
function taps(g: Graph, { image: [, channels], kernel }: Patches, dtype: DType): string {
  const area = kernel[0] * kernel[1];
  const ones = Array.from({ length: channels * area * area }, (_, i) =>
    Number(i % area === Math.floor(i / area) % area),
  );
  return g.constant(ones, dtype, [channels * area, 1, ...kernel]);
}

const sliding = ({ image, kernel, stride, padding, dilation }: Patches) => ({
  kernel_shape: kernel,
  strides: stride,
  pads: [...padding, ...padding],
  dilations: dilation,
  group: image[1],
});

const patchShapes = ({ image: [batch, channels], kernel, counts }: Patches) => {
  const rows = channels * kernel[0] * kernel[1];
  return { grid: [batch, rows, ...counts], columns: [batch, rows, counts[0] * counts[1]] };
};

export const convolutions: Record<string, Mapping> = {
  unfold: mapping<Patches>((g, { inputs: [x], tensors: [{ dtype }], attrs }) => {
    const { grid, columns } = patchShapes(attrs);
    return g.reshape(g.node('Conv', [x, taps(g, attrs, dtype)], sliding(attrs)), grid, columns);
  }),
  fold: mapping<Patches>((g, { inputs: [x], tensors: [{ dtype }], attrs }) => {
    const { image, kernel, stride, padding, dilation, counts } = attrs;
    const { grid, columns } = patchShapes(attrs);
    return g.node('ConvTranspose', [g.reshape(x, columns, grid), taps(g, attrs, dtype)], {
      ...sliding(attrs),
      output_padding: counts.map(
        (count, d) =>
          image[d + 2] + 2 * padding[d] - ((count - 1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1),
      ),
    });
  }),
  conv: mapping<Convolution>((g, { inputs, attrs }) =>
    g.node('Conv', inputs[2] ? inputs : inputs.slice(0, 2), geometry(attrs)),
  ),
  // The gradient in the input is the transposed convolution; its bias is added by an operation of its own.
  convGradInput: mapping<Convolution>((g, { inputs, attrs }) => {
    const { input, output, weight, stride, padding, dilation } = attrs;
    const least = stride.map(
      (s, d) => (output[d + 2] - 1) * s - 2 * padding[d] + dilation[d] * (weight[d + 2] - 1) + 1,
    );
    return g.node('ConvTranspose', inputs, {
      ...geometry(attrs),
      output_padding: least.map((size, d) => input[d + 2] - size),
    });
  }),
};
