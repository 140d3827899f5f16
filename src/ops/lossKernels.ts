import { kernel } from '../engine/kernel.ts';
import { eachRow, operand } from '../engine/loops.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A vector's elements as float64; ones where there is none. */
function weights(tensor: Tensor | null, size: number): Float64Array {
  const values = new Float64Array(size).fill(1);
  if (tensor)
    for (let i = 0; i < size; i++) values[i] = tensor.elements[tensor.offset + i * (tensor.strides[0] ?? 0)];
  return values;
}

const sumOf = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** log(sum of e^x) over the channels at one place of (N, C, L) memory. */
function logSumExpAt(x: ArrayLike<number>, first: number, step: number, channels: number): number {
  let greatest = -Infinity;
  for (let c = 0, p = first; c < channels; c++, p += step) if (!(x[p] <= greatest)) greatest = x[p];
  if (greatest === -Infinity) return -Infinity;
  let total = 0;
  for (let c = 0, p = first; c < channels; c++, p += step) total += Math.exp(x[p] - greatest);
  return greatest + Math.log(total);
}

/**
 * Cross-entropy of logits with class indices, one loss for each place: with logp = input - logSumExp and y the target,
 * losses = -(1 - smoothing) w[y] logp[y] - smoothing / C * sum over c of w[c] logp[c]; 0 where y is `ignoreIndex`.
 *
 * losses, logSumExp (N, L); input (N, C, L); target (N, L) int32; weight (C,).
 */
export const crossEntropyKernel = kernel(
  'loss.crossEntropy',
  (
    losses: Tensor,
    logSumExp: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | null,
    ignoreIndex: number,
    smoothing: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const [sn, sc, sl] = input.strides;
    const [tn, tl] = target.strides;
    const x = input.elements;
    const w = weights(weight, channels);
    for (let n = 0; n < samples; n++)
      for (let l = 0; l < length; l++) {
        const first = input.offset + n * sn + l * sl;
        const normalizer = logSumExpAt(x, first, sc, channels);
        const y = target.elements[target.offset + n * tn + l * tl];
        logSumExp.elements[logSumExp.offset + n * length + l] = normalizer;
        let loss = 0;
        if (y !== ignoreIndex) {
          loss = (1 - smoothing) * w[y] * (normalizer - x[first + y * sc]);
          if (smoothing > 0)
            for (let c = 0; c < channels; c++)
              loss += (smoothing / channels) * w[c] * (normalizer - x[first + c * sc]);
        }
        losses.elements[losses.offset + n * length + l] = loss;
      }
  },
);

/** The gradient of `loss.crossEntropy` with respect to its input: gradInput (N, C, L), grad (N, L). */
export const crossEntropyBackwardKernel = kernel(
  'loss.crossEntropyBackward',
  (
    gradInput: Tensor,
    grad: Tensor,
    input: Tensor,
    logSumExp: Tensor,
    target: Tensor,
    weight: Tensor | null,
    ignoreIndex: number,
    smoothing: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const [sn, sc, sl] = input.strides;
    const [tn, tl] = target.strides;
    const [gn, gl] = grad.strides;
    const w = weights(weight, channels);
    const spread = smoothing / channels;
    const total = spread * sumOf(w);
    for (let n = 0; n < samples; n++)
      for (let l = 0; l < length; l++) {
        const y = target.elements[target.offset + n * tn + l * tl];
        const ignored = y === ignoreIndex;
        const slope = ignored ? 0 : grad.elements[grad.offset + n * gn + l * gl];
        const normalizer = logSumExp.elements[logSumExp.offset + n * length + l];
        const hard = ignored ? 0 : (1 - smoothing) * w[y];
        for (let c = 0; c < channels; c++) {
          const place = gradInput.offset + (n * channels + c) * length + l;
          const probability = ignored
            ? 0
            : Math.exp(input.elements[input.offset + n * sn + c * sc + l * sl] - normalizer);
          gradInput.elements[place] =
            slope * (probability * (hard + total) - spread * w[c] - (c === y ? hard : 0));
        }
      }
  },
);

/**
 * Cross-entropy of logits with class probabilities: losses = - sum over c of w[c] ((1 - smoothing) target[c] + smoothing / C) logp[c].
 *
 * losses, logSumExp (N, L); input, target (N, C, L); weight (C,).
 */
export const softCrossEntropyKernel = kernel(
  'loss.softCrossEntropy',
  (
    losses: Tensor,
    logSumExp: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | null,
    smoothing: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const [sn, sc, sl] = input.strides;
    const [tn, tc, tl] = target.strides;
    const x = input.elements;
    const w = weights(weight, channels);
    for (let n = 0; n < samples; n++)
      for (let l = 0; l < length; l++) {
        const first = input.offset + n * sn + l * sl;
        const wanted = target.offset + n * tn + l * tl;
        const normalizer = logSumExpAt(x, first, sc, channels);
        let loss = 0;
        for (let c = 0; c < channels; c++)
          loss +=
            w[c] *
            ((1 - smoothing) * target.elements[wanted + c * tc] + smoothing / channels) *
            (normalizer - x[first + c * sc]);
        logSumExp.elements[logSumExp.offset + n * length + l] = normalizer;
        losses.elements[losses.offset + n * length + l] = loss;
      }
  },
);

/** Gradients of `loss.softCrossEntropy` for its input and its target (N, C, L), each of which may be left out; grad (N, L). */
export const softCrossEntropyBackwardKernel = kernel(
  'loss.softCrossEntropyBackward',
  (
    gradInput: Tensor | null,
    gradTarget: Tensor | null,
    grad: Tensor,
    input: Tensor,
    logSumExp: Tensor,
    target: Tensor,
    weight: Tensor | null,
    smoothing: number,
  ) => {
    const [samples, channels, length] = input.shape;
    const [sn, sc, sl] = input.strides;
    const [tn, tc, tl] = target.strides;
    const [gn, gl] = grad.strides;
    const w = weights(weight, channels);
    for (let n = 0; n < samples; n++)
      for (let l = 0; l < length; l++) {
        const slope = grad.elements[grad.offset + n * gn + l * gl];
        const normalizer = logSumExp.elements[logSumExp.offset + n * length + l];
        const wanted = target.offset + n * tn + l * tl;
        const share = (c: number): number =>
          w[c] * ((1 - smoothing) * target.elements[wanted + c * tc] + smoothing / channels);
        let total = 0;
        for (let c = 0; c < channels; c++) total += share(c);
        for (let c = 0; c < channels; c++) {
          const place = (n * channels + c) * length + l;
          const logp = input.elements[input.offset + n * sn + c * sc + l * sl] - normalizer;
          if (gradInput)
            gradInput.elements[gradInput.offset + place] = slope * (Math.exp(logp) * total - share(c));
          if (gradTarget)
            gradTarget.elements[gradTarget.offset + place] = -slope * (1 - smoothing) * w[c] * logp;
        }
      }
  },
);

/** losses (N, L) = -weight[y] input[y], 0 where y is `ignoreIndex`; input (N, C, L), target (N, L) int32, weight (C,). */
export const nllKernel = kernel(
  'loss.nll',
  (losses: Tensor, input: Tensor, target: Tensor, weight: Tensor | null, ignoreIndex: number) => {
    const [samples, channels, length] = input.shape;
    const [sn, sc, sl] = input.strides;
    const [tn, tl] = target.strides;
    const w = weights(weight, channels);
    for (let n = 0; n < samples; n++)
      for (let l = 0; l < length; l++) {
        const y = target.elements[target.offset + n * tn + l * tl];
        losses.elements[losses.offset + n * length + l] =
          y === ignoreIndex ? 0 : -w[y] * input.elements[input.offset + n * sn + y * sc + l * sl];
      }
  },
);

/** The gradient of `loss.nll` with respect to its input: gradInput (N, C, L), grad (N, L). */
export const nllBackwardKernel = kernel(
  'loss.nllBackward',
  (gradInput: Tensor, grad: Tensor, target: Tensor, weight: Tensor | null, ignoreIndex: number) => {
    const [samples, channels, length] = gradInput.shape;
    const [tn, tl] = target.strides;
    const [gn, gl] = grad.strides;
    const w = weights(weight, channels);
    for (let n = 0; n < samples; n++)
      for (let l = 0; l < length; l++) {
        const y = target.elements[target.offset + n * tn + l * tl];
        for (let c = 0; c < channels; c++)
          gradInput.elements[gradInput.offset + (n * channels + c) * length + l] =
            c === y && y !== ignoreIndex ? -w[y] * grad.elements[grad.offset + n * gn + l * gl] : 0;
      }
  },
);

/** log(1 + e^-x), without overflow. */
const softplusOfNegative = (x: number): number => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(-x, 0);

/**
 * out = (1 - target) input + (1 + (posWeight - 1) target) log(1 + e^-input), element by element; posWeight broadcasts to the input.
 */
export const bceWithLogitsKernel = kernel(
  'loss.bceWithLogits',
  (out: Tensor, input: Tensor, target: Tensor, posWeight: Tensor | null) => {
    const all = [out, input, target, ...(posWeight ? [posWeight] : [])].map((t) => operand(t, out.shape));
    const [o, x, t, w] = all.map((each) => each.array);
    eachRow(out.shape, all, (places, steps, n) => {
      let [p, q, r, s] = places;
      for (let i = 0; i < n; i++) {
        const factor = w ? 1 + (w[s] - 1) * t[r] : 1;
        o[p] = (1 - t[r]) * x[q] + factor * softplusOfNegative(x[q]);
        p += steps[0];
        q += steps[1];
        r += steps[2];
        s += steps[3];
      }
    });
  },
);

/** Gradients of `loss.bceWithLogits` for its input and its target, each of which may be left out. */
export const bceWithLogitsBackwardKernel = kernel(
  'loss.bceWithLogitsBackward',
  (
    gradInput: Tensor | null,
    gradTarget: Tensor | null,
    grad: Tensor,
    input: Tensor,
    target: Tensor,
    posWeight: Tensor | null,
  ) => {
    const all = [
      gradInput ?? gradTarget ?? grad,
      gradTarget ?? gradInput ?? grad,
      grad,
      input,
      target,
      ...(posWeight ? [posWeight] : []),
    ].map((t) => operand(t, input.shape));
    const [a, b, g, x, t, w] = all.map((each) => each.array);
    eachRow(input.shape, all, (places, steps, n) => {
      let [pa, pb, pg, px, pt, pw] = places;
      for (let i = 0; i < n; i++) {
        const excess = w ? w[pw] - 1 : 0;
        const slope = g[pg];
        const below = 1 / (1 + Math.exp(x[px]));
        if (gradInput) a[pa] = slope * (1 - t[pt] - (1 + excess * t[pt]) * below);
        if (gradTarget) b[pb] = slope * (excess * softplusOfNegative(x[px]) - x[px]);
        pa += steps[0];
        pb += steps[1];
        pg += steps[2];
        px += steps[3];
        pt += steps[4];
        pw += steps[5];
      }
    });
  },
);

/** out = -(target log(input) + (1 - target) log(1 - input)), both logarithms at least -100; the same shape. */
export const bceKernel = kernel('loss.bce', (out: Tensor, input: Tensor, target: Tensor) => {
  const all = [out, input, target].map((t) => operand(t, out.shape));
  const [o, x, t] = all.map((each) => each.array);
  eachRow(out.shape, all, (places, steps, n) => {
    let [p, q, r] = places;
    for (let i = 0; i < n; i++) {
      const yes = Math.max(Math.log(x[q]), -100);
      const no = Math.max(Math.log1p(-x[q]), -100);
      o[p] = (t[r] - 1) * no - t[r] * yes;
      p += steps[0];
      q += steps[1];
      r += steps[2];
    }
  });
});

/** Gradients of `loss.bce` for its input (with a denominator of at least 1e-12) and its target, each of which may be left out. */
export const bceBackwardKernel = kernel(
  'loss.bceBackward',
  (gradInput: Tensor | null, gradTarget: Tensor | null, grad: Tensor, input: Tensor, target: Tensor) => {
    const all = [gradInput ?? gradTarget ?? grad, gradTarget ?? gradInput ?? grad, grad, input, target].map(
      (t) => operand(t, input.shape),
    );
    const [a, b, g, x, t] = all.map((each) => each.array);
    eachRow(input.shape, all, (places, steps, n) => {
      let [pa, pb, pg, px, pt] = places;
      for (let i = 0; i < n; i++) {
        const p = x[px];
        if (gradInput) a[pa] = (g[pg] * (p - t[pt])) / Math.max((1 - p) * p, 1e-12);
        if (gradTarget) b[pb] = g[pg] * (Math.max(Math.log1p(-p), -100) - Math.max(Math.log(p), -100));
        pa += steps[0];
        pb += steps[1];
        pg += steps[2];
        px += steps[3];
        pt += steps[4];
      }
    });
  },
);
