import { kernel } from '../engine/kernel.ts';
import { numel, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A convolution of volumes: lines and planes are volumes of depth 1. Each triple is (depth, height, width). */
interface Geometry {
  /** Channels of the input, and of the output, in one group. */
  channels: number;
  filters: number;
  kernel: Shape;
  stride: Shape;
  padding: Shape;
  dilation: Shape;
  output: Shape;
  input: Shape;
  /** `input` with the padding on both sides. */
  padded: Shape;
}

/** Three sizes: `fill` stands in for the dimensions that a line or a plane lacks. */
const triple = (sizes: readonly number[], fill: number): number[] => [
  ...new Array<number>(3 - sizes.length).fill(fill),
  ...sizes,
];

function geometryOf(
  input: Shape,
  weight: Shape,
  output: Shape,
  stride: readonly number[],
  padding: readonly number[],
  dilation: readonly number[],
  groups: number,
): Geometry {
  const size = triple(input.slice(2), 1);
  const pad = triple(padding, 0);
  return {
    channels: input[1] / groups,
    filters: output[1] / groups,
    kernel: triple(weight.slice(2), 1),
    stride: triple(stride, 1),
    padding: pad,
    dilation: triple(dilation, 1),
    output: triple(output.slice(2), 1),
    input: size,
    padded: size.map((n, d) => n + 2 * pad[d]),
  };
}

/** Visits `channels` planes of one sample, row by row: the row's place in the tensor, and in planes of `size` that begin at `corner`. */
function eachRow(
  tensor: Tensor,
  sample: number,
  channel: number,
  channels: number,
  size: Shape,
  corner: Shape,
  row: (from: number, step: number, to: number, length: number) => void,
): void {
  const [depth, height, width] = triple(tensor.shape.slice(2), 1);
  const [sz, sy, sx] = triple(tensor.strides.slice(2), 0);
  for (let c = 0; c < channels; c++) {
    const start = tensor.offset + sample * tensor.strides[0] + (channel + c) * tensor.strides[1];
    for (let z = 0; z < depth; z++)
      for (let y = 0; y < height; y++)
        row(
          start + z * sz + y * sy,
          sx,
          ((c * size[0] + z + corner[0]) * size[1] + y + corner[1]) * size[2] + corner[2],
          width,
        );
  }
}

/** Copies one sample's channels of a group into padded planes. */
function load(planes: Float64Array, tensor: Tensor, n: number, c: number, count: number, g: Geometry): void {
  const source = tensor.elements;
  eachRow(tensor, n, c, count, g.padded, g.padding, (from, step, to, length) => {
    for (let i = 0; i < length; i++) planes[to + i] = source[from + i * step];
  });
}

/** Copies one sample's filters of a group into dense planes. */
function loadOutput(
  planes: Float64Array,
  tensor: Tensor,
  n: number,
  c: number,
  count: number,
  g: Geometry,
): void {
  const source = tensor.elements;
  eachRow(tensor, n, c, count, g.output, [0, 0, 0], (from, step, to, length) => {
    for (let i = 0; i < length; i++) planes[to + i] = source[from + i * step];
  });
}

/** The weight (O, C / groups, k...) as rows of taps. */
function loadWeight(weight: Tensor): Float64Array {
  const rows = new Float64Array(weight.size);
  const source = weight.elements;
  const [filters, channels] = weight.shape;
  const kernel = triple(weight.shape.slice(2), 1);
  const plane = channels * numel(kernel);
  for (let o = 0; o < filters; o++)
    eachRow(weight, o, 0, channels, kernel, [0, 0, 0], (from, step, to, length) => {
      for (let i = 0; i < length; i++) rows[o * plane + to + i] = source[from + i * step];
    });
  return rows;
}

/**
 * Visits what each tap (channel, then kernel position) reads at the output positions `first` to `first + count`, in runs along the
 * width: the tap, the position in the tile, the place in the padded planes, the length.
 */
function eachRun(
  g: Geometry,
  first: number,
  count: number,
  run: (tap: number, position: number, place: number, length: number) => void,
): void {
  const [kz, ky, kx] = g.kernel;
  const [dz, dy, dx] = g.dilation;
  const [sz, sy, sx] = g.stride;
  const [, height, width] = g.output;
  const [pd, ph, pw] = g.padded;
  let tap = 0;
  for (let c = 0; c < g.channels; c++)
    for (let z = 0; z < kz; z++)
      for (let y = 0; y < ky; y++)
        for (let x = 0; x < kx; x++, tap++) {
          const corner = ((c * pd + z * dz) * ph + y * dy) * pw + x * dx;
          for (let p = 0; p < count; ) {
            const ox = (first + p) % width;
            const row = (first + p - ox) / width;
            const oy = row % height;
            const oz = (row - oy) / height;
            const length = Math.min(width - ox, count - p);
            run(tap, p, corner + (oz * sz * ph + oy * sy) * pw + ox * sx, length);
            p += length;
          }
        }
}

/** columns[position, tap] (by the two steps) = what the tap reads there: the image as a matrix of patches. */
function gather(
  columns: Float64Array,
  planes: Float64Array,
  g: Geometry,
  first: number,
  count: number,
  positionStep: number,
  tapStep: number,
): void {
  const step = g.stride[2];
  eachRun(g, first, count, (tap, position, place, length) => {
    let to = tap * tapStep + position * positionStep;
    for (let i = 0, from = place; i < length; i++, from += step, to += positionStep)
      columns[to] = planes[from];
  });
}

/** The adjoint of `gather` with position-major columns: adds each column back to where it was read. */
function scatter(
  planes: Float64Array,
  columns: Float64Array,
  g: Geometry,
  first: number,
  count: number,
  taps: number,
): void {
  const step = g.stride[2];
  eachRun(g, first, count, (tap, position, place, length) => {
    let from = position * taps + tap;
    for (let i = 0, to = place; i < length; i++, from += taps, to += step) planes[to] += columns[from];
  });
}

/** A matrix in memory: where it starts, and the step from row to row. */
interface Rows {
  array: Float64Array;
  start: number;
  step: number;
}

/**
 * out[i, j] += the dot product, over `inner`, of row i of a and row j of b. Blocks of 4 x 2 keep eight sums in registers, so that
 * each element that is read is used several times.
 */
function addProducts(out: Rows, a: Rows, b: Rows, rows: number, columns: number, inner: number): void {
  const [z, x, y] = [out.array, a.array, b.array];
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const a0 = a.start + i * a.step;
    const a1 = a0 + a.step;
    const a2 = a1 + a.step;
    const a3 = a2 + a.step;
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const b0 = b.start + j * b.step;
      const b1 = b0 + b.step;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let k = 0; k < inner; k++) {
        const u = y[b0 + k];
        const v = y[b1 + k];
        const p = x[a0 + k];
        s00 += p * u;
        s01 += p * v;
        const q = x[a1 + k];
        s10 += q * u;
        s11 += q * v;
        const r = x[a2 + k];
        s20 += r * u;
        s21 += r * v;
        const s = x[a3 + k];
        s30 += s * u;
        s31 += s * v;
      }
      const o = out.start + i * out.step + j;
      z[o] += s00;
      z[o + 1] += s01;
      z[o + out.step] += s10;
      z[o + out.step + 1] += s11;
      z[o + 2 * out.step] += s20;
      z[o + 2 * out.step + 1] += s21;
      z[o + 3 * out.step] += s30;
      z[o + 3 * out.step + 1] += s31;
    }
    for (; j < columns; j++) for (let r = 0; r < 4; r++) addProduct(out, a, b, i + r, j, inner);
  }
  for (; i < rows; i++) addRow(out, a, b, i, columns, inner);
}

/** One row of `addProducts`, four columns at a time. */
function addRow(out: Rows, a: Rows, b: Rows, i: number, columns: number, inner: number): void {
  const [z, x, y] = [out.array, a.array, b.array];
  const a0 = a.start + i * a.step;
  let j = 0;
  for (; j + 4 <= columns; j += 4) {
    const b0 = b.start + j * b.step;
    const b1 = b0 + b.step;
    const b2 = b1 + b.step;
    const b3 = b2 + b.step;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k < inner; k++) {
      const p = x[a0 + k];
      s0 += p * y[b0 + k];
      s1 += p * y[b1 + k];
      s2 += p * y[b2 + k];
      s3 += p * y[b3 + k];
    }
    const o = out.start + i * out.step + j;
    z[o] += s0;
    z[o + 1] += s1;
    z[o + 2] += s2;
    z[o + 3] += s3;
  }
  for (; j < columns; j++) addProduct(out, a, b, i, j, inner);
}

function addProduct(out: Rows, a: Rows, b: Rows, i: number, j: number, inner: number): void {
  const [x, y] = [a.array, b.array];
  const p = a.start + i * a.step;
  const q = b.start + j * b.step;
  let total = 0;
  for (let k = 0; k < inner; k++) total += x[p + k] * y[q + k];
  out.array[out.start + i * out.step + j] += total;
}

/** Output positions worked on at once: their patches stay in the cache. */
const tileOf = (positions: number, taps: number): number =>
  Math.min(positions, Math.max(16, Math.floor(2 ** 16 / Math.max(taps, 1))));

/**
 * out (N, O, o...) = input (N, C, i...) correlated with weight (O, C / groups, k...), plus bias (O,) or nothing: each tile of the
 * image becomes a matrix of patches, and the convolution a matrix product. float64 accumulators.
 */
export const convForwardKernel = kernel(
  'conv.forward',
  (
    out: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | null,
    stride: readonly number[],
    padding: readonly number[],
    dilation: readonly number[],
    groups: number,
  ) => {
    if (out.size === 0) return;
    const g = geometryOf(input.shape, weight.shape, out.shape, stride, padding, dilation, groups);
    const taps = g.channels * numel(g.kernel);
    const positions = numel(g.output);
    const tile = tileOf(positions, taps);
    const planes = new Float64Array(g.channels * numel(g.padded));
    const columns = new Float64Array(tile * taps);
    const sums = new Float64Array(g.filters * tile);
    const rows = loadWeight(weight);
    const target = out.elements;
    for (let n = 0; n < out.shape[0]; n++)
      for (let group = 0; group < groups; group++) {
        const filter = group * g.filters;
        load(planes, input, n, group * g.channels, g.channels, g);
        for (let first = 0; first < positions; first += tile) {
          const count = Math.min(tile, positions - first);
          gather(columns, planes, g, first, count, taps, 1);
          for (let o = 0; o < g.filters; o++)
            sums.fill(
              bias === null ? 0 : bias.elements[bias.offset + (filter + o) * bias.strides[0]],
              o * tile,
              o * tile + count,
            );
          addProducts(
            { array: sums, start: 0, step: tile },
            { array: rows, start: filter * taps, step: taps },
            { array: columns, start: 0, step: taps },
            g.filters,
            count,
            taps,
          );
          for (let o = 0; o < g.filters; o++) {
            const place = out.offset + (n * out.shape[1] + filter + o) * positions + first;
            for (let p = 0; p < count; p++) target[place + p] = sums[o * tile + p];
          }
        }
      }
  },
);

/**
 * out (N, C, i...) = what grad (N, O, o...) sends back through weight (O, C / groups, k...): the adjoint of `conv.forward` in its
 * input, and the transposed convolution. float64 accumulators.
 */
export const convGradInputKernel = kernel(
  'conv.gradInput',
  (
    out: Tensor,
    grad: Tensor,
    weight: Tensor,
    stride: readonly number[],
    padding: readonly number[],
    dilation: readonly number[],
    groups: number,
  ) => {
    if (out.size === 0) return;
    const g = geometryOf(out.shape, weight.shape, grad.shape, stride, padding, dilation, groups);
    const taps = g.channels * numel(g.kernel);
    const positions = numel(g.output);
    const tile = tileOf(positions, taps);
    const planes = new Float64Array(g.channels * numel(g.padded));
    const outputs = new Float64Array(g.filters * positions);
    const across = new Float64Array(tile * g.filters);
    const columns = new Float64Array(tile * taps);
    const rows = loadWeight(weight);
    const turned = new Float64Array(rows.length);
    for (let group = 0; group < groups; group++)
      for (let o = 0; o < g.filters; o++)
        for (let tap = 0; tap < taps; tap++)
          turned[(group * taps + tap) * g.filters + o] = rows[(group * g.filters + o) * taps + tap];
    const target = out.elements;
    for (let n = 0; n < out.shape[0]; n++)
      for (let group = 0; group < groups; group++) {
        loadOutput(outputs, grad, n, group * g.filters, g.filters, g);
        planes.fill(0);
        for (let first = 0; first < positions; first += tile) {
          const count = Math.min(tile, positions - first);
          for (let o = 0; o < g.filters; o++)
            for (let p = 0; p < count; p++) across[p * g.filters + o] = outputs[o * positions + first + p];
          columns.fill(0, 0, count * taps);
          addProducts(
            { array: columns, start: 0, step: taps },
            { array: across, start: 0, step: g.filters },
            { array: turned, start: group * taps * g.filters, step: g.filters },
            count,
            taps,
            g.filters,
          );
          scatter(planes, columns, g, first, count, taps);
        }
        eachRow(out, n, group * g.channels, g.channels, g.padded, g.padding, (to, step, from, length) => {
          for (let i = 0; i < length; i++) target[to + i * step] = planes[from + i];
        });
      }
  },
);

/**
 * out (O, C / groups, k...) = grad (N, O, o...) correlated with input (N, C, i...): the adjoint of `conv.forward` in its weight.
 * float64 accumulators.
 */
export const convGradWeightKernel = kernel(
  'conv.gradWeight',
  (
    out: Tensor,
    grad: Tensor,
    input: Tensor,
    stride: readonly number[],
    padding: readonly number[],
    dilation: readonly number[],
    groups: number,
  ) => {
    const g = geometryOf(input.shape, out.shape, grad.shape, stride, padding, dilation, groups);
    const taps = g.channels * numel(g.kernel);
    const positions = numel(g.output);
    const tile = tileOf(positions, taps);
    const planes = new Float64Array(g.channels * numel(g.padded));
    const outputs = new Float64Array(g.filters * positions);
    const columns = new Float64Array(tile * taps);
    const sums = new Float64Array(out.size);
    for (let n = 0; n < grad.shape[0]; n++)
      for (let group = 0; group < groups; group++) {
        load(planes, input, n, group * g.channels, g.channels, g);
        loadOutput(outputs, grad, n, group * g.filters, g.filters, g);
        for (let first = 0; first < positions; first += tile) {
          const count = Math.min(tile, positions - first);
          gather(columns, planes, g, first, count, 1, tile);
          addProducts(
            { array: sums, start: group * g.filters * taps, step: taps },
            { array: outputs, start: first, step: positions },
            { array: columns, start: 0, step: tile },
            g.filters,
            taps,
            count,
          );
        }
      }
    const target = out.elements;
    for (let i = 0; i < sums.length; i++) target[out.offset + i] = sums[i];
  },
);
