import type { Convolution } from '../../../ops/convolution.ts';
import { type Mapping, mapping } from '../mapping.ts';

const geometry = ({ weight, stride, padding, dilation, groups }: Convolution) => ({
  kernel_shape: weight.slice(2),
  strides: stride,
  pads: [...padding, ...padding],
  dilations: dilation,
  group: groups,
});

export const convolutions: Record<string, Mapping> = {
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
