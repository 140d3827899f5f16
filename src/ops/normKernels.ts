import { kernel } from '../engine/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A vector's elements as float64, `fallback` where there is none. */
function vector(tensor: Tensor | null, size: number, fallback: number): Float64Array {
  const values = new Float64Array(size).fill(fallback);
  if (tensor)
    for (let i = 0; i < size; i++) values[i] = tensor.elements[tensor.offset + i * (tensor.strides[0] ?? 0)];
  return values;
}

function write(target: Tensor | null, values: ArrayLike<number>): void {
  if (!target) return;
  const { elements, offset } = target;
  for (let i = 0; i < values.length; i++) elements[offset + i] = values[i];
}

/**
 * Batch statistics and normalisation: for each channel c of input (N, C, L), mean and biased variance over n and l, and
 * out = (input - mean) / sqrt(variance + eps) * weight + bias. mean, variance, weight, bias: (C,).
 */
export const batchKernel = kernel(
  'norm.batch',
  (
    out: Tensor,
    mean: Tensor,
    variance: Tensor,
    input: Tensor,
    weight: Tensor | null,
    bias: Tensor | null,
    eps: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const count = samples * length;
    const x = input.elements;
    const [sn, sc, sl] = input.strides;
    const means = new Float64Array(channels);
    const variances = new Float64Array(channels);
    for (let c = 0; c < channels; c++) {
      let total = 0;
      for (let n = 0; n < samples; n++)
        for (let l = 0, p = input.offset + n * sn + c * sc; l < length; l++, p += sl) total += x[p];
      const average = total / count;
      let squares = 0;
      for (let n = 0; n < samples; n++)
        for (let l = 0, p = input.offset + n * sn + c * sc; l < length; l++, p += sl)
          squares += (x[p] - average) ** 2;
      means[c] = average;
      variances[c] = squares / count;
    }
    write(mean, means);
    write(variance, variances);
    normalizeChannels(out, input, means, variances, weight, bias, eps);
  },
);

function normalizeChannels(
  out: Tensor,
  input: Tensor,
  means: Float64Array,
  variances: Float64Array,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
): void {
  const [samples, channels, length] = input.shape;
  const x = input.elements;
  const y = out.elements;
  const [sn, sc, sl] = input.strides;
  const scale = vector(weight, channels, 1);
  const shift = vector(bias, channels, 0);
  for (let n = 0; n < samples; n++)
    for (let c = 0; c < channels; c++) {
      const factor = scale[c] / Math.sqrt(variances[c] + eps);
      let q = out.offset + (n * channels + c) * length;
      for (let l = 0, p = input.offset + n * sn + c * sc; l < length; l++, p += sl)
        y[q++] = (x[p] - means[c]) * factor + shift[c];
    }
}

/** out = (input - mean) / sqrt(variance + eps) * weight + bias with given statistics; input (N, C, L), the rest (C,). */
export const batchEvalKernel = kernel(
  'norm.batchEval',
  (
    out: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | null,
    bias: Tensor | null,
    eps: number,
  ) => {
    const channels = input.shape[1];
    normalizeChannels(
      out,
      input,
      vector(mean, channels, 0),
      vector(variance, channels, 1),
      weight,
      bias,
      eps,
    );
  },
);

/**
 * Gradients of both of the above: of the input (N, C, L), the weight (C,) and the bias (C,), each of which may be left out. With
 * `training` the statistics are functions of the input, else constants.
 */
export const batchBackwardKernel = kernel(
  'norm.batchBackward',
  (
    gradInput: Tensor | null,
    gradWeight: Tensor | null,
    gradBias: Tensor | null,
    grad: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | null,
    eps: number,
    training: boolean,
  ) => {
    const [samples, channels, length] = input.shape;
    const count = samples * length;
    const [x, g] = [input.elements, grad.elements];
    const [sn, sc, sl] = input.strides;
    const [gn, gc, gl] = grad.strides;
    const means = vector(mean, channels, 0);
    const variances = vector(variance, channels, 1);
    const scale = vector(weight, channels, 1);
    const sums = new Float64Array(channels);
    const products = new Float64Array(channels);
    for (let c = 0; c < channels; c++) {
      const inverse = 1 / Math.sqrt(variances[c] + eps);
      for (let n = 0; n < samples; n++) {
        let p = input.offset + n * sn + c * sc;
        let q = grad.offset + n * gn + c * gc;
        for (let l = 0; l < length; l++, p += sl, q += gl) {
          sums[c] += g[q];
          products[c] += g[q] * (x[p] - means[c]) * inverse;
        }
      }
      if (!gradInput) continue;
      const out = gradInput.elements;
      const factor = scale[c] * inverse;
      for (let n = 0; n < samples; n++) {
        let p = input.offset + n * sn + c * sc;
        let q = grad.offset + n * gn + c * gc;
        let r = gradInput.offset + (n * channels + c) * length;
        for (let l = 0; l < length; l++, p += sl, q += gl) {
          const centred = training
            ? g[q] - (sums[c] + (x[p] - means[c]) * inverse * products[c]) / count
            : g[q];
          out[r++] = centred * factor;
        }
      }
    }
    write(gradWeight, products);
    write(gradBias, sums);
  },
);

/**
 * running = (1 - momentum) * running + momentum * batch, for mean and variance (C,); the variance of `count` values enters unbiased.
 */
export const runningKernel = kernel(
  'norm.running',
  (
    runningMean: Tensor,
    runningVar: Tensor,
    mean: Tensor,
    variance: Tensor,
    momentum: number,
    count: number,
  ) => {
    const correction = count / (count - 1);
    const blend = (running: Tensor, batch: Tensor, factor: number): void => {
      const step = running.strides[0];
      for (let c = 0; c < running.size; c++) {
        const place = running.offset + c * step;
        const value = batch.elements[batch.offset + c] * factor;
        running.elements[place] = (1 - momentum) * running.elements[place] + momentum * value;
      }
    };
    blend(runningMean, mean, 1);
    blend(runningVar, variance, correction);
  },
);

/**
 * Normalises each row of input (M, D): mean and biased variance (M,), out = (input - mean) / sqrt(variance + eps) * weight + bias with
 * weight and bias (D,).
 */
export const layerKernel = kernel(
  'norm.layer',
  (
    out: Tensor,
    mean: Tensor,
    variance: Tensor,
    input: Tensor,
    weight: Tensor | null,
    bias: Tensor | null,
    eps: number,
  ) => {
    const [rows, size] = input.shape;
    const [sr, sd] = input.strides;
    const x = input.elements;
    const y = out.elements;
    const scale = vector(weight, size, 1);
    const shift = vector(bias, size, 0);
    for (let m = 0; m < rows; m++) {
      const first = input.offset + m * sr;
      let total = 0;
      for (let d = 0; d < size; d++) total += x[first + d * sd];
      const average = total / size;
      let squares = 0;
      for (let d = 0; d < size; d++) squares += (x[first + d * sd] - average) ** 2;
      const inverse = 1 / Math.sqrt(squares / size + eps);
      const target = out.offset + m * size;
      for (let d = 0; d < size; d++)
        y[target + d] = (x[first + d * sd] - average) * inverse * scale[d] + shift[d];
      mean.elements[mean.offset + m] = average;
      variance.elements[variance.offset + m] = squares / size;
    }
  },
);

/** Gradients of `norm.layer`: of the input (M, D), the weight (D,) and the bias (D,), each of which may be left out. */
export const layerBackwardKernel = kernel(
  'norm.layerBackward',
  (
    gradInput: Tensor | null,
    gradWeight: Tensor | null,
    gradBias: Tensor | null,
    grad: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | null,
    eps: number,
  ) => {
    const [rows, size] = input.shape;
    const [sr, sd] = input.strides;
    const [gr, gd] = grad.strides;
    const [x, g] = [input.elements, grad.elements];
    const scale = vector(weight, size, 1);
    const weightSums = new Float64Array(size);
    const biasSums = new Float64Array(size);
    for (let m = 0; m < rows; m++) {
      const average = mean.elements[mean.offset + m];
      const inverse = 1 / Math.sqrt(variance.elements[variance.offset + m] + eps);
      const [first, other] = [input.offset + m * sr, grad.offset + m * gr];
      let total = 0;
      let product = 0;
      for (let d = 0; d < size; d++) {
        const slope = g[other + d * gd];
        const hat = (x[first + d * sd] - average) * inverse;
        weightSums[d] += slope * hat;
        biasSums[d] += slope;
        total += slope * scale[d];
        product += slope * scale[d] * hat;
      }
      if (!gradInput) continue;
      const target = gradInput.offset + m * size;
      for (let d = 0; d < size; d++) {
        const hat = (x[first + d * sd] - average) * inverse;
        gradInput.elements[target + d] =
          (g[other + d * gd] * scale[d] - (total + hat * product) / size) * inverse;
      }
    }
    write(gradWeight, weightSums);
    write(gradBias, biasSums);
  },
);

/**
 * Normalises each group of channels of each sample of input (N, C, L): mean and biased variance (N, groups), then weight and bias (C,)
 * by channel. Instance norm has as many groups as channels.
 */
export const groupKernel = kernel(
  'norm.group',
  (
    out: Tensor,
    mean: Tensor,
    variance: Tensor,
    input: Tensor,
    weight: Tensor | null,
    bias: Tensor | null,
    groups: number,
    eps: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const members = channels / groups;
    const count = members * length;
    const [sn, sc, sl] = input.strides;
    const x = input.elements;
    const y = out.elements;
    const scale = vector(weight, channels, 1);
    const shift = vector(bias, channels, 0);
    for (let n = 0; n < samples; n++)
      for (let k = 0; k < groups; k++) {
        let total = 0;
        for (let c = k * members; c < (k + 1) * members; c++)
          for (let l = 0, p = input.offset + n * sn + c * sc; l < length; l++, p += sl) total += x[p];
        const average = total / count;
        let squares = 0;
        for (let c = k * members; c < (k + 1) * members; c++)
          for (let l = 0, p = input.offset + n * sn + c * sc; l < length; l++, p += sl)
            squares += (x[p] - average) ** 2;
        const inverse = 1 / Math.sqrt(squares / count + eps);
        for (let c = k * members; c < (k + 1) * members; c++) {
          let q = out.offset + (n * channels + c) * length;
          for (let l = 0, p = input.offset + n * sn + c * sc; l < length; l++, p += sl)
            y[q++] = (x[p] - average) * inverse * scale[c] + shift[c];
        }
        mean.elements[mean.offset + n * groups + k] = average;
        variance.elements[variance.offset + n * groups + k] = squares / count;
      }
  },
);

/** Gradients of `norm.group`: of the input (N, C, L), the weight (C,) and the bias (C,), each of which may be left out. */
export const groupBackwardKernel = kernel(
  'norm.groupBackward',
  (
    gradInput: Tensor | null,
    gradWeight: Tensor | null,
    gradBias: Tensor | null,
    grad: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | null,
    groups: number,
    eps: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const members = channels / groups;
    const count = members * length;
    const [sn, sc, sl] = input.strides;
    const [gn, gc, gl] = grad.strides;
    const [x, g] = [input.elements, grad.elements];
    const scale = vector(weight, channels, 1);
    const weightSums = new Float64Array(channels);
    const biasSums = new Float64Array(channels);
    for (let n = 0; n < samples; n++)
      for (let k = 0; k < groups; k++) {
        const average = mean.elements[mean.offset + n * groups + k];
        const inverse = 1 / Math.sqrt(variance.elements[variance.offset + n * groups + k] + eps);
        let total = 0;
        let product = 0;
        for (let c = k * members; c < (k + 1) * members; c++) {
          let p = input.offset + n * sn + c * sc;
          let q = grad.offset + n * gn + c * gc;
          let slopes = 0;
          let products = 0;
          for (let l = 0; l < length; l++, p += sl, q += gl) {
            slopes += g[q];
            products += g[q] * (x[p] - average) * inverse;
          }
          weightSums[c] += products;
          biasSums[c] += slopes;
          total += slopes * scale[c];
          product += products * scale[c];
        }
        if (!gradInput) continue;
        for (let c = k * members; c < (k + 1) * members; c++) {
          let p = input.offset + n * sn + c * sc;
          let q = grad.offset + n * gn + c * gc;
          let r = gradInput.offset + (n * channels + c) * length;
          for (let l = 0; l < length; l++, p += sl, q += gl)
            gradInput.elements[r++] =
              (g[q] * scale[c] - (total + (x[p] - average) * inverse * product) / count) * inverse;
        }
      }
    write(gradWeight, weightSums);
    write(gradBias, biasSums);
  },
);

/** Divides each row of input (M, D) by its root mean square: meanSquare (M,), out = input / sqrt(meanSquare + eps) * weight (D,). */
export const rmsKernel = kernel(
  'norm.rms',
  (out: Tensor, meanSquare: Tensor, input: Tensor, weight: Tensor | null, eps: number) => {
    const [rows, size] = input.shape;
    const [sr, sd] = input.strides;
    const x = input.elements;
    const scale = vector(weight, size, 1);
    for (let m = 0; m < rows; m++) {
      const first = input.offset + m * sr;
      let squares = 0;
      for (let d = 0; d < size; d++) squares += x[first + d * sd] ** 2;
      const inverse = 1 / Math.sqrt(squares / size + eps);
      const target = out.offset + m * size;
      for (let d = 0; d < size; d++) out.elements[target + d] = x[first + d * sd] * inverse * scale[d];
      meanSquare.elements[meanSquare.offset + m] = squares / size;
    }
  },
);

/** Gradients of `norm.rms`: of the input (M, D) and the weight (D,), each of which may be left out. */
export const rmsBackwardKernel = kernel(
  'norm.rmsBackward',
  (
    gradInput: Tensor | null,
    gradWeight: Tensor | null,
    grad: Tensor,
    input: Tensor,
    meanSquare: Tensor,
    weight: Tensor | null,
    eps: number,
  ) => {
    const [rows, size] = input.shape;
    const [sr, sd] = input.strides;
    const [gr, gd] = grad.strides;
    const [x, g] = [input.elements, grad.elements];
    const scale = vector(weight, size, 1);
    const weightSums = new Float64Array(size);
    for (let m = 0; m < rows; m++) {
      const inverse = 1 / Math.sqrt(meanSquare.elements[meanSquare.offset + m] + eps);
      const [first, other] = [input.offset + m * sr, grad.offset + m * gr];
      let product = 0;
      for (let d = 0; d < size; d++) {
        const hat = x[first + d * sd] * inverse;
        weightSums[d] += g[other + d * gd] * hat;
        product += g[other + d * gd] * scale[d] * hat;
      }
      if (!gradInput) continue;
      const target = gradInput.offset + m * size;
      for (let d = 0; d < size; d++)
        gradInput.elements[target + d] =
          (g[other + d * gd] * scale[d] - (x[first + d * sd] * inverse * product) / size) * inverse;
    }
    write(gradWeight, weightSums);
  },
);
