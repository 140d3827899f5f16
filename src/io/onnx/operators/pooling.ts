import type { Sliding } from '../../../ops/pooling.ts';
import type { Shape } from '../../../tensor/shape.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping, numelOf, Unsupported } from '../mapping.ts';
import { castTo } from './elementwise.ts';
import { reduced } from './reduction.ts';

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

/** The windows of an adaptive pool where they are all alike; else `null`. */
function evenWindows(input: Shape, output: Shape): number[] | null {
  const sizes = input.slice(2).map((size, d) => size / output[d + 2]);
  return sizes.every(Number.isInteger) ? sizes : null;
}

/** Windows that share out each dimension and differ in size, which no pool of ONNX has: one reduction for each. */
function sharedOut(g: Graph, operator: string, x: string, input: Shape, output: Shape): string {
  return output.slice(2).reduce((whole, length, i) => {
    const dim = i + 2;
    const size = input[dim];
    if (length === size) return whole;
    const windows = Array.from({ length }, (_, o) => {
      const [from, to] = [Math.floor((o * size) / length), Math.ceil(((o + 1) * size) / length)];
      const bounds = [from, to, dim].map((value) => g.constant([value], 'int64'));
      return reduced(g, operator, g.node('Slice', [whole, ...bounds]), [dim], true);
    });
    return windows.length === 1 ? windows[0] : g.node('Concat', windows, { axis: dim });
  }, x);
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
    if (!even) return sharedOut(g, 'ReduceMean', x, input, output);
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
  maxUnpool: mapping<Shape>((g, { inputs: [x, indices], tensors: [{ shape: from, dtype }], attrs: to }) => {
    const planes = [from, to].map((shape) => [...shape.slice(0, 2), numelOf(shape.slice(2))]);
    const empty = g.node('Expand', [g.scalar(0, dtype), g.sizes(planes[1])]);
    const [at, values] = [indices, x].map((name) => g.reshape(name, from, planes[0]));
    return g.reshape(g.node('ScatterElements', [empty, at, values], { axis: 2 }), planes[1], to);
  }),
  maxPool: mapping<MaxPooling>((g, { inputs: [x], attrs: { input, output, windows }, outputs }) => {
    const even = windows ? null : evenWindows(input, output);
    if (!windows && !even) {
      if (outputs.length > 1)
        throw new Unsupported(
          `the indices of windows that share out ${input.slice(2)} into ${output.slice(2)} and differ in size: use an input whose sizes divide`,
        );
      return sharedOut(g, 'ReduceMax', x, input, output);
    }
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
