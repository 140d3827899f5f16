import { applyOne, type Primitive } from '../autograd/primitive.ts';
import { kernel } from '../engine/kernel.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { contiguous } from './views.ts';

/** Resampling along one dimension: each output is the weighted sum of `count` inputs. */
interface Taps {
  readonly count: number;
  /** The input of output o's k-th tap, at o * count + k. */
  readonly index: Int32Array;
  readonly weight: Float64Array;
}

const tapsOf = (outputs: number, count: number): Taps => ({
  count,
  index: new Int32Array(outputs * count),
  weight: new Float64Array(outputs * count),
});

const clampTo = (index: number, size: number): number => Math.min(Math.max(index, 0), size - 1);

/** Every output its own input: a dimension whose size stays, whatever the factor that was given. */
function sameTaps(size: number): Taps {
  const taps = tapsOf(size, 1);
  for (let i = 0; i < size; i++) taps.index[i] = i;
  taps.weight.fill(1);
  return taps;
}

/** The one input at floor(o * step), or of the pixel centre (`exact`). Rounded as float32 where the data is. */
function nearestTaps(size: number, outputs: number, step: number, exact: boolean, single: boolean): Taps {
  const taps = tapsOf(outputs, 1);
  const scale = single ? Math.fround(step) : step;
  for (let o = 0; o < outputs; o++) {
    // PyTorch rounds the coordinate to float32 before it cuts, whatever the dtype.
    taps.index[o] = clampTo(Math.floor(Math.fround((exact ? o + 0.5 : o) * scale)), size);
    taps.weight[o] = 1;
  }
  return taps;
}

/** Between the two neighbours. */
function linearTaps(size: number, outputs: number, step: number, alignCorners: boolean): Taps {
  const taps = tapsOf(outputs, 2);
  for (let o = 0; o < outputs; o++) {
    const at = alignCorners ? o * step : Math.max((o + 0.5) * step - 0.5, 0);
    const left = clampTo(Math.floor(at), size);
    const share = Math.min(Math.max(at - left, 0), 1);
    taps.index[2 * o] = left;
    taps.index[2 * o + 1] = Math.min(left + 1, size - 1);
    taps.weight[2 * o] = 1 - share;
    taps.weight[2 * o + 1] = share;
  }
  return taps;
}

/** Keys' cubic convolution: the weight of a sample at a distance. */
function cubicWeight(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/** Through the four neighbours; the edge repeats. */
function cubicTaps(size: number, outputs: number, step: number, alignCorners: boolean): Taps {
  const taps = tapsOf(outputs, 4);
  for (let o = 0; o < outputs; o++) {
    const at = alignCorners ? o * step : (o + 0.5) * step - 0.5;
    const left = Math.floor(at);
    for (let k = 0; k < 4; k++) {
      taps.index[4 * o + k] = clampTo(left - 1 + k, size);
      taps.weight[4 * o + k] = cubicWeight(at - (left - 1 + k), -0.75);
    }
  }
  return taps;
}

/** A filter stretched over all inputs that an output covers when shrinking, so that nothing is skipped. */
function antialiasTaps(size: number, outputs: number, step: number, cubic: boolean): Taps {
  const stretch = Math.max(step, 1);
  const support = (cubic ? 2 : 1) * stretch;
  const taps = tapsOf(outputs, Math.ceil(support) * 2 + 1);
  for (let o = 0; o < outputs; o++) {
    const centre = step * (o + 0.5);
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), size);
    let total = 0;
    for (let i = first; i < end; i++) {
      const distance = (i - centre + 0.5) / stretch;
      const weight = cubic ? cubicWeight(distance, -0.5) : Math.max(1 - Math.abs(distance), 0);
      taps.index[o * taps.count + i - first] = i;
      taps.weight[o * taps.count + i - first] = weight;
      total += weight;
    }
    for (let k = 0; k < taps.count; k++) taps.weight[o * taps.count + k] /= total || 1;
  }
  return taps;
}

/** One dimension of a plane in memory: `outer` blocks of (size, inner). */
function gather(source: Float64Array, outer: number, size: number, inner: number, taps: Taps): Float64Array {
  const outputs = taps.index.length / taps.count;
  const out = new Float64Array(outer * outputs * inner);
  for (let b = 0; b < outer; b++)
    for (let o = 0; o < outputs; o++) {
      const to = (b * outputs + o) * inner;
      for (let k = o * taps.count; k < (o + 1) * taps.count; k++) {
        const weight = taps.weight[k];
        if (weight === 0) continue;
        const from = (b * size + taps.index[k]) * inner;
        for (let i = 0; i < inner; i++) out[to + i] += weight * source[from + i];
      }
    }
  return out;
}

/** The adjoint of `gather`. */
function scatter(source: Float64Array, outer: number, size: number, inner: number, taps: Taps): Float64Array {
  const outputs = taps.index.length / taps.count;
  const out = new Float64Array(outer * size * inner);
  for (let b = 0; b < outer; b++)
    for (let o = 0; o < outputs; o++) {
      const from = (b * outputs + o) * inner;
      for (let k = o * taps.count; k < (o + 1) * taps.count; k++) {
        const weight = taps.weight[k];
        if (weight === 0) continue;
        const to = (b * size + taps.index[k]) * inner;
        for (let i = 0; i < inner; i++) out[to + i] += weight * source[from + i];
      }
    }
  return out;
}

const product = (sizes: Shape): number => sizes.reduce((a, b) => a * b, 1);

/** Resamples (or sends back) every plane of (N, C, ...), dimension by dimension. Both tensors are row-major. */
function resamplePlanes(out: Tensor, input: Tensor, taps: readonly Taps[], backward: boolean): void {
  const from = input.shape.slice(2);
  const to = out.shape.slice(2);
  const [target, source] = [out.elements, input.elements];
  const [fromSize, toSize] = [product(from), product(to)];
  for (let plane = 0; plane < out.shape[0] * out.shape[1]; plane++) {
    let values: Float64Array = new Float64Array(fromSize);
    for (let i = 0; i < fromSize; i++) values[i] = source[input.offset + plane * fromSize + i];
    for (let d = 0; d < taps.length; d++) {
      const outer = product(to.slice(0, d));
      const inner = product(from.slice(d + 1));
      values = backward
        ? scatter(values, outer, to[d], inner, taps[d])
        : gather(values, outer, from[d], inner, taps[d]);
    }
    for (let i = 0; i < toSize; i++) target[out.offset + plane * toSize + i] = values[i];
  }
}

/** The taps along one dimension of a tensor with `rank` spatial ones. */
type TapsAlong = (
  size: number,
  outputs: number,
  step: number,
  flag: boolean,
  antialias: boolean,
  rank: number,
  single: boolean,
) => Taps;

/** A kernel and its adjoint: row-major (N, C, ...) tensors, the inputs a step of each dimension, and two flags. */
function resampler(name: string, along: TapsAlong) {
  const tapsBetween = (
    small: Tensor,
    large: Tensor,
    steps: readonly number[],
    flag: boolean,
    antialias: boolean,
  ) =>
    steps.map((step, d) =>
      along(
        small.shape[d + 2],
        large.shape[d + 2],
        step,
        flag,
        antialias,
        steps.length,
        small.dtype === 'float32',
      ),
    );
  return {
    forward: kernel(
      `interpolate.${name}`,
      (out: Tensor, input: Tensor, steps: readonly number[], flag: boolean, antialias: boolean) =>
        resamplePlanes(out, input, tapsBetween(input, out, steps, flag, antialias), false),
    ),
    backward: kernel(
      `interpolate.${name}Backward`,
      (out: Tensor, grad: Tensor, steps: readonly number[], flag: boolean, antialias: boolean) =>
        resamplePlanes(out, grad, tapsBetween(out, grad, steps, flag, antialias), true),
    ),
  };
}

/**
 * The flag is `exact` for `nearest`, `alignCorners` for the others. Which methods leave a dimension alone whose size stays, though a
 * factor such as 1.1 was given, is as PyTorch has it: linear, anything with antialias, nearest in planes.
 */
const resamplers = {
  nearest: resampler('nearest', (size, outputs, step, exact, _, rank, single) =>
    size === outputs && rank === 2 && !exact
      ? sameTaps(size)
      : nearestTaps(size, outputs, step, exact, single),
  ),
  linear: resampler('linear', (size, outputs, step, alignCorners, antialias) => {
    if (size === outputs) return sameTaps(size);
    return antialias
      ? antialiasTaps(size, outputs, step, false)
      : linearTaps(size, outputs, step, alignCorners);
  }),
  cubic: resampler('cubic', (size, outputs, step, alignCorners, antialias) => {
    if (!antialias) return cubicTaps(size, outputs, step, alignCorners);
    return size === outputs ? sameTaps(size) : antialiasTaps(size, outputs, step, true);
  }),
};

export interface Resampling {
  readonly method: keyof typeof resamplers;
  /** Inputs from one output to the next, for each spatial dimension. */
  readonly steps: readonly number[];
  /** `nearest`: pixel centres; else: the corners of both lie on each other. */
  readonly flag: boolean;
  readonly antialias: boolean;
}

type Between = Resampling & { readonly from: Shape; readonly to: Shape };

const resamplePrimitive: Primitive<Between> = {
  name: 'interpolate',
  forward(_ctx, [input], { method, steps, flag, antialias, to }) {
    const x = contiguous(input as Tensor);
    const out = Tensor.allocate(to, x.dtype);
    resamplers[method].forward(out, x, steps, flag, antialias);
    return out;
  },
  gradient: (_ctx, [g], resampling) => [g && applyOne(resampleBackward, [g], resampling)],
};

const resampleBackward: Primitive<Between> = {
  name: 'interpolateBackward',
  forward(_ctx, [grad], { method, steps, flag, antialias, from }) {
    const g = contiguous(grad as Tensor);
    const out = Tensor.allocate(from, g.dtype);
    resamplers[method].backward(out, g, steps, flag, antialias);
    return out;
  },
  gradient: (_ctx, [g], resampling) => [g && applyOne(resamplePrimitive, [g], resampling)],
};

/** (N, C, ...) resampled to the shape `to`. All sizes have been checked. */
export const resample = (input: Tensor, to: Shape, resampling: Resampling): Tensor =>
  applyOne(resamplePrimitive, [input], { ...resampling, from: input.shape, to });
