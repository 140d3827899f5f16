import { applyMany, applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** The windows along one dimension: window o covers `from[o]`, `from[o] + step`, ... below `to[o]`, and counts as `count[o]` long. */
interface Windows {
  readonly size: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly count: Int32Array;
  readonly step: number;
}

/** A dimension that lines and planes lack. */
const single: Windows = {
  size: 1,
  from: Int32Array.of(0),
  to: Int32Array.of(1),
  count: Int32Array.of(1),
  step: 1,
};

/** Windows that slide. What they cover of the padding counts or not, but what reaches beyond it never does. */
function slidingWindows(
  size: number,
  length: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  includePad: boolean,
): Windows {
  const from = new Int32Array(length);
  const to = new Int32Array(length);
  const count = new Int32Array(length);
  for (let o = 0; o < length; o++) {
    const start = o * stride - padding;
    const end = start + (kernel - 1) * dilation + 1;
    from[o] = start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
    to[o] = Math.min(end, size);
    count[o] = includePad ? Math.min(end, size + padding) - start : to[o] - from[o];
  }
  return { size, from, to, count, step: dilation };
}

/** Windows that share out a dimension: [floor(i size / length), ceil((i + 1) size / length)). */
function adaptiveWindows(size: number, length: number): Windows {
  const from = new Int32Array(length);
  const to = new Int32Array(length);
  const count = new Int32Array(length);
  for (let o = 0; o < length; o++) {
    from[o] = Math.floor((o * size) / length);
    to[o] = Math.ceil(((o + 1) * size) / length);
    count[o] = to[o] - from[o];
  }
  return { size, from, to, count, step: 1 };
}

const volume = (windows: readonly Windows[]): Windows[] => [
  ...new Array<Windows>(3 - windows.length).fill(single),
  ...windows,
];

const sliding = (
  input: Shape,
  output: Shape,
  kernel: readonly number[],
  stride: readonly number[],
  padding: readonly number[],
  dilation: readonly number[],
  includePad = false,
): Windows[] =>
  volume(
    kernel.map((k, d) =>
      slidingWindows(input[d + 2], output[d + 2], k, stride[d], padding[d], dilation[d], includePad),
    ),
  );

const adaptive = (input: Shape, output: Shape): Windows[] =>
  volume(input.slice(2).map((size, d) => adaptiveWindows(size, output[d + 2])));

/** Steps along depth, height and width. */
const spatialStrides = (t: Tensor): number[] => [
  ...new Array<number>(5 - t.ndim).fill(0),
  ...t.strides.slice(2),
];

/** out = the greatest of each window, the first of equal ones, NaN above all; `indices`: its place in the input's plane. */
function maxOver(out: Tensor, indices: Tensor | null, input: Tensor, [wz, wy, wx]: readonly Windows[]): void {
  const [target, source] = [out.elements, input.elements];
  const places = indices?.elements;
  const [sz, sy, sx] = spatialStrides(input);
  let at = 0;
  for (let n = 0; n < input.shape[0]; n++)
    for (let c = 0; c < input.shape[1]; c++) {
      const plane = input.offset + n * input.strides[0] + c * input.strides[1];
      for (let oz = 0; oz < wz.from.length; oz++)
        for (let oy = 0; oy < wy.from.length; oy++)
          for (let ox = 0; ox < wx.from.length; ox++) {
            let best = -Infinity;
            let place = (wz.from[oz] * wy.size + wy.from[oy]) * wx.size + wx.from[ox];
            for (let z = wz.from[oz]; z < wz.to[oz]; z += wz.step)
              for (let y = wy.from[oy]; y < wy.to[oy]; y += wy.step) {
                const row = plane + z * sz + y * sy;
                for (let x = wx.from[ox]; x < wx.to[ox]; x += wx.step) {
                  const value = source[row + x * sx];
                  if (value > best || Number.isNaN(value)) {
                    best = value;
                    place = (z * wy.size + y) * wx.size + x;
                  }
                }
              }
            target[out.offset + at] = best;
            if (places) places[indices!.offset + at] = place;
            at++;
          }
    }
}

/** out = the sum of each window over `divisor`, or over the window's count where that is 0. float64 accumulators. */
function averageOver(out: Tensor, input: Tensor, [wz, wy, wx]: readonly Windows[], divisor: number): void {
  const [target, source] = [out.elements, input.elements];
  const [sz, sy, sx] = spatialStrides(input);
  let at = out.offset;
  for (let n = 0; n < input.shape[0]; n++)
    for (let c = 0; c < input.shape[1]; c++) {
      const plane = input.offset + n * input.strides[0] + c * input.strides[1];
      for (let oz = 0; oz < wz.from.length; oz++)
        for (let oy = 0; oy < wy.from.length; oy++)
          for (let ox = 0; ox < wx.from.length; ox++) {
            let total = 0;
            for (let z = wz.from[oz]; z < wz.to[oz]; z++)
              for (let y = wy.from[oy]; y < wy.to[oy]; y++) {
                const row = plane + z * sz + y * sy;
                for (let x = wx.from[ox]; x < wx.to[ox]; x++) total += source[row + x * sx];
              }
            target[at++] = total / (divisor || wz.count[oz] * wy.count[oy] * wx.count[ox]);
          }
    }
}

/** out (row-major) = what each element gave to the windows' averages, from their gradients: the adjoint of `averageOver`. */
function shareOver(out: Tensor, grad: Tensor, [wz, wy, wx]: readonly Windows[], divisor: number): void {
  const [target, source] = [out.elements, grad.elements];
  const [sz, sy, sx] = spatialStrides(grad);
  const sums = new Float64Array(wz.size * wy.size * wx.size);
  let at = out.offset;
  for (let n = 0; n < grad.shape[0]; n++)
    for (let c = 0; c < grad.shape[1]; c++) {
      const plane = grad.offset + n * grad.strides[0] + c * grad.strides[1];
      sums.fill(0);
      for (let oz = 0; oz < wz.from.length; oz++)
        for (let oy = 0; oy < wy.from.length; oy++)
          for (let ox = 0; ox < wx.from.length; ox++) {
            const share =
              source[plane + oz * sz + oy * sy + ox * sx] /
              (divisor || wz.count[oz] * wy.count[oy] * wx.count[ox]);
            for (let z = wz.from[oz]; z < wz.to[oz]; z++)
              for (let y = wy.from[oy]; y < wy.to[oy]; y++) {
                const row = (z * wy.size + y) * wx.size;
                for (let x = wx.from[ox]; x < wx.to[ox]; x++) sums[row + x] += share;
              }
          }
      for (let i = 0; i < sums.length; i++) target[at++] = sums[i];
    }
}

const maxKernel = kernel(
  'pool.max',
  (
    out: Tensor,
    indices: Tensor | null,
    input: Tensor,
    kernelSize: readonly number[],
    stride: readonly number[],
    padding: readonly number[],
    dilation: readonly number[],
  ) => maxOver(out, indices, input, sliding(input.shape, out.shape, kernelSize, stride, padding, dilation)),
);

const adaptiveMaxKernel = kernel('pool.adaptiveMax', (out: Tensor, indices: Tensor | null, input: Tensor) =>
  maxOver(out, indices, input, adaptive(input.shape, out.shape)),
);

const ones = (count: number): number[] => new Array<number>(count).fill(1);

/** Divides by `divisor`, or by the windows' sizes where it is 0; `includePad`: with their share of the padding. */
const averageKernel = kernel(
  'pool.avg',
  (
    out: Tensor,
    input: Tensor,
    kernelSize: readonly number[],
    stride: readonly number[],
    padding: readonly number[],
    includePad: boolean,
    divisor: number,
  ) => {
    const dilation = ones(stride.length);
    const windows = sliding(input.shape, out.shape, kernelSize, stride, padding, dilation, includePad);
    averageOver(out, input, windows, divisor);
  },
);

const averageBackwardKernel = kernel(
  'pool.avgBackward',
  (
    out: Tensor,
    grad: Tensor,
    kernelSize: readonly number[],
    stride: readonly number[],
    padding: readonly number[],
    includePad: boolean,
    divisor: number,
  ) => {
    const dilation = ones(stride.length);
    const windows = sliding(out.shape, grad.shape, kernelSize, stride, padding, dilation, includePad);
    shareOver(out, grad, windows, divisor);
  },
);

const adaptiveAverageKernel = kernel('pool.adaptiveAvg', (out: Tensor, input: Tensor) =>
  averageOver(out, input, adaptive(input.shape, out.shape), 0),
);

const adaptiveAverageBackwardKernel = kernel('pool.adaptiveAvgBackward', (out: Tensor, grad: Tensor) =>
  shareOver(out, grad, adaptive(out.shape, grad.shape), 0),
);

/** Visits planes of (N, C, ...) tensors whose places are counted along `walked`: its place, that of its index, the plane's number. */
function eachPlane(
  walked: Tensor,
  indices: Tensor,
  visit: (place: number, index: number, plane: number) => void,
): void {
  const spatial = walked.shape.slice(2);
  const index = indices.elements;
  const count = spatial.reduce((a, b) => a * b, 1);
  for (let n = 0, plane = 0; n < walked.shape[0]; n++)
    for (let c = 0; c < walked.shape[1]; c++, plane++) {
      const start = walked.offset + n * walked.strides[0] + c * walked.strides[1];
      const indexStart = indices.offset + n * indices.strides[0] + c * indices.strides[1];
      for (let i = 0; i < count; i++) {
        let place = start;
        let at = indexStart;
        for (let d = spatial.length - 1, rest = i; d >= 0; d--) {
          const along = rest % spatial[d];
          rest = (rest - along) / spatial[d];
          place += along * walked.strides[d + 2];
          at += along * indices.strides[d + 2];
        }
        visit(place, index[at], plane);
      }
    }
}

const planeSize = (t: Tensor): number => t.shape.slice(2).reduce((a, b) => a * b, 1);

/** out (row-major) = zero but for the places of `indices` in each plane, where grad is added: the gradient of max pooling. */
const maxBackwardKernel = kernel('pool.maxBackward', (out: Tensor, grad: Tensor, indices: Tensor) => {
  const sums = new Float64Array(out.size);
  const source = grad.elements;
  const size = planeSize(out);
  eachPlane(grad, indices, (place, index, plane) => {
    sums[plane * size + index] += source[place];
  });
  const target = out.elements;
  for (let i = 0; i < sums.length; i++) target[out.offset + i] = sums[i];
});

/** out (row-major) = zero but for the places of `indices` in each plane, which become input; the last of equal places wins. */
const unpoolKernel = kernel('pool.unpool', (out: Tensor, input: Tensor, indices: Tensor) => {
  const [target, source] = [out.elements, input.elements];
  const size = planeSize(out);
  target.fill(0, out.offset, out.offset + out.size);
  eachPlane(input, indices, (place, index, plane) => {
    target[out.offset + plane * size + index] = source[place];
  });
});

/** out (row-major, in the shape of `indices`) = the elements of input's planes at the places of `indices`. */
const pickKernel = kernel('pool.pick', (out: Tensor, input: Tensor, indices: Tensor) => {
  const [target, source] = [out.elements, input.elements];
  const spatial = input.shape.slice(2);
  const channels = input.shape[1];
  eachPlane(out, indices, (place, index, plane) => {
    const c = plane % channels;
    let from = input.offset + ((plane - c) / channels) * input.strides[0] + c * input.strides[1];
    for (let d = spatial.length - 1, rest = index; d >= 0; d--) {
      const along = rest % spatial[d];
      rest = (rest - along) / spatial[d];
      from += along * input.strides[d + 2];
    }
    target[place] = source[from];
  });
});

/** Adds gradients back at the places they were picked from. */
const spreadPrimitive: Primitive<Shape> = {
  name: 'maxPoolBackward',
  forward(ctx, [grad, indices], shape) {
    const out = Tensor.allocate(shape, (grad as Tensor).dtype);
    maxBackwardKernel(out, grad as Tensor, indices as Tensor);
    ctx.save(indices);
    return out;
  },
  gradient: (ctx, [g], shape) => [g && applyOne(pickPrimitive, [g, ctx.saved[0]], shape), null],
};

/** The elements of planes (of `shape`) at indices. */
const pickPrimitive: Primitive<Shape> = {
  name: 'pick',
  forward(ctx, [input, indices]) {
    const out = Tensor.allocate((indices as Tensor).shape, (input as Tensor).dtype);
    pickKernel(out, input as Tensor, indices as Tensor);
    ctx.save(indices);
    return out;
  },
  gradient: (ctx, [g], shape) => [g && applyOne(spreadPrimitive, [g, ctx.saved[0]], shape), null],
};

const unpoolPrimitive: Primitive<Shape> = {
  name: 'maxUnpool',
  forward(ctx, [input, indices], shape) {
    const out = Tensor.allocate(shape, (input as Tensor).dtype);
    unpoolKernel(out, input as Tensor, indices as Tensor);
    ctx.save(indices);
    return out;
  },
  gradient: (ctx, [g], shape) => [g && applyOne(pickPrimitive, [g, ctx.saved[0]], shape), null],
};

/** Sliding windows; one number a spatial dimension. */
export interface Sliding {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

interface MaxPooling {
  readonly input: Shape;
  readonly output: Shape;
  readonly windows: (Sliding & { readonly dilation: readonly number[] }) | null;
  readonly wantsIndices: boolean;
}

const maxPrimitive: Primitive<MaxPooling> = {
  name: 'maxPool',
  forward(ctx, [input], { output, windows, wantsIndices }) {
    const x = input as Tensor;
    const out = Tensor.allocate(output, x.dtype);
    const indices = wantsIndices || ctx.needs(0) ? Tensor.allocate(output, 'int32') : null;
    if (windows)
      maxKernel(out, indices, x, windows.kernel, windows.stride, windows.padding, windows.dilation);
    else adaptiveMaxKernel(out, indices, x);
    ctx.save(indices);
    return indices && wantsIndices ? [out, indices] : [out];
  },
  gradient: (ctx, [g], { input }) => [g && applyOne(spreadPrimitive, [g, ctx.saved[0]], input)],
};

/**
 * The greatest of each window of (N, C, ...), and with `wantsIndices` its place in the input's plane. Without `windows` the
 * dimensions are shared out evenly. All sizes have been checked.
 */
export const maxPool = (
  input: Tensor,
  output: Shape,
  windows: MaxPooling['windows'],
  wantsIndices: boolean,
): Tensor[] => applyMany(maxPrimitive, [input], { input: input.shape, output, windows, wantsIndices });

/**
 * The elements of each plane of (N, C, ...) at `indices` (N, C, ...), counted in the plane. Indices that all channels share may be
 * an expanded view.
 */
export const pick = (input: Tensor, indices: Tensor): Tensor =>
  applyOne(pickPrimitive, [input, indices], input.shape);

/** (N, C, ...) of `shape`: the input at `indices` of each plane, zero elsewhere. */
export const unpool = (input: Tensor, indices: Tensor, shape: Shape): Tensor =>
  applyOne(unpoolPrimitive, [input, indices], shape);

interface Averaging {
  readonly input: Shape;
  readonly output: Shape;
  readonly windows: (Sliding & { readonly includePad: boolean; readonly divisor: number }) | null;
}

const averagePrimitive: Primitive<Averaging> = {
  name: 'avgPool',
  forward(_ctx, [input], { output, windows }) {
    const x = input as Tensor;
    const out = Tensor.allocate(output, x.dtype);
    if (windows) {
      const { kernel, stride, padding, includePad, divisor } = windows;
      averageKernel(out, x, kernel, stride, padding, includePad, divisor);
    } else adaptiveAverageKernel(out, x);
    return out;
  },
  gradient: (_ctx, [g], pooling) => [g && applyOne(averageBackward, [g], pooling)],
};

const averageBackward: Primitive<Averaging> = {
  name: 'avgPoolBackward',
  forward(_ctx, [grad], { input, windows }) {
    const g = grad as Tensor;
    const out = Tensor.allocate(input, g.dtype);
    if (windows) {
      const { kernel, stride, padding, includePad, divisor } = windows;
      averageBackwardKernel(out, g, kernel, stride, padding, includePad, divisor);
    } else adaptiveAverageBackwardKernel(out, g);
    return out;
  },
  gradient: (_ctx, [g], pooling) => [g && applyOne(averagePrimitive, [g], pooling)],
};

/**
 * The average of each window of (N, C, ...): over `divisor`, or the window's size where that is 0. Without `windows` the dimensions
 * are shared out evenly. All sizes have been checked.
 */
export const avgPool = (input: Tensor, output: Shape, windows: Averaging['windows']): Tensor =>
  applyOne(averagePrimitive, [input], { input: input.shape, output, windows });

/**
 * How many windows fit: floor or ceil of (size + 2 padding - dilation (kernel - 1) - 1) / stride, plus one; a last window that would
 * start in the padding at the end is left out.
 */
export function poolOutputSize(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  const count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  return ceilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
}
