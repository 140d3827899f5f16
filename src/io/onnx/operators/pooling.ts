import type { Sliding } from '../../../ops/pooling.ts';
import type { Shape } from '../../../tensor/shape.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping, numelOf, Unsupported } from '../mapping.ts';
import { castTo } from './elementwise.ts';

interface MaxPooling {
  input: Shape;
  output: Shape;
  windows: (Sliding & { dilation: readonly number[] }) | null;
}

interface Averaging {
  input: Shape;
  output: Shape;
  windows: (Sliding & { includePad: boolean; divisor: number }) | null;
}

/** How far the last windows reach beyond the padding: where sizes are rounded up. */
function overhang(input: Shape, output: Shape, windows: Sliding, dilation: readonly number[]): number[] {
  const { kernel, stride, padding } = windows;
  return kernel.map((k, d) => {
    const reach = (output[d + 2] - 1) * stride[d] + (k - 1) * dilation[d] + 1;
    return Math.max(reach - input[d + 2] - 2 * padding[d], 0);
  });
}

const pads = (padding: readonly number[], beyond: readonly number[]): number[] => [
  ...padding,
  ...padding.map((p, d) => p + beyond[d]),
];

/** The windows of an adaptive pool where they are all alike. Error: sizes that do not divide. */
function evenWindows(input: Shape, output: Shape): number[] {
  return input.slice(2).map((size, d) => {
    const length = output[d + 2];
    if (size % length !== 0)
      throw new Unsupported(
        `windows that share out ${size} into ${length} have different sizes, which ONNX has no pool for: use an input whose size divides`,
      );
    return size / length;
  });
}

const isGlobal = (output: Shape): boolean => output.slice(2).every((size) => size === 1);

/** Indices in the planes, of indices in the whole tensor. */
function planeIndices(g: Graph, indices: string, input: Shape): string {
  const plane = g.constant([numelOf(input.slice(2))], 'int64', []);
  return castTo(g, g.node('Mod', [indices, plane]), 'int32');
}

function average(g: Graph, x: string, { input, output, windows }: Averaging, zero: () => string): string {
  if (!windows) {
    if (isGlobal(output)) return g.node('GlobalAveragePool', [x]);
    const even = evenWindows(input, output);
    return even.every((size) => size === 1)
      ? x
      : g.node('AveragePool', [x], { kernel_shape: even, strides: even });
  }
  const { kernel, stride, padding, includePad, divisor } = windows;
  const beyond = overhang(
    input,
    output,
    windows,
    kernel.map(() => 1),
  );
  const shape = { kernel_shape: kernel, strides: stride };
  if (divisor !== 0)
    return g.node('AveragePool', [x], { ...shape, pads: pads(padding, beyond), count_include_pad: 1 });
  if (!includePad || beyond.every((size) => size === 0))
    return g.node('AveragePool', [x], {
      ...shape,
      pads: pads(padding, beyond),
      count_include_pad: Number(includePad),
    });
  // The padding counts, what reaches beyond it does not: zeros first, then a pool that counts none of its own.
  const border = [0, 0, ...padding];
  const padded = g.node('Pad', [x, g.constant([...border, ...border], 'int64'), zero()]);
  const none = padding.map(() => 0);
  return g.node('AveragePool', [padded], { ...shape, pads: pads(none, beyond), count_include_pad: 0 });
}

export const pooling: Record<string, Mapping> = {
  maxPool: mapping<MaxPooling>((g, { inputs: [x], attrs: { input, output, windows }, outputs }) => {
    const even = windows ? null : evenWindows(input, output);
    if (even && outputs.length === 1 && isGlobal(output)) return g.node('GlobalMaxPool', [x]);
    const attributes: Record<string, readonly number[]> = windows
      ? {
          kernel_shape: windows.kernel,
          strides: windows.stride,
          pads: pads(windows.padding, overhang(input, output, windows, windows.dilation)),
          dilations: windows.dilation,
        }
      : { kernel_shape: even!, strides: even! };
    const [values, indices] = g.several('MaxPool', [x], attributes, outputs.length);
    return indices === undefined ? [values] : [values, planeIndices(g, indices, input)];
  }),
  avgPool: mapping<Averaging>((g, { inputs: [x], attrs, outputs: [{ dtype }] }) => {
    const out = average(g, x, attrs, () => g.scalar(0, dtype));
    const { windows } = attrs;
    if (!windows || windows.divisor === 0) return out;
    return g.node('Mul', [out, g.scalar(numelOf(windows.kernel) / windows.divisor, dtype)]);
  }),
};
