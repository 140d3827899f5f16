import { fused } from '../../autograd/fused.ts';
import { applyOne } from '../../autograd/primitive.ts';
import { add, div, mul, sub } from '../../ops/arithmetic.ts';
import { cat } from '../../ops/join.ts';
import {
  batchBackwardKernel,
  batchEvalKernel,
  batchKernel,
  groupBackwardKernel,
  groupKernel,
  layerBackwardKernel,
  layerKernel,
  rmsBackwardKernel,
  rmsKernel,
  runningKernel,
} from '../../ops/normKernels.ts';
import { pow } from '../../ops/pairwise.ts';
import { rsqrt } from '../../ops/pointwise.ts';
import { op } from '../../ops/record.ts';
import { narrow } from '../../ops/shape.ts';
import { mean } from '../../ops/statistics.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape, numel, type Shape, sameShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';

type Optional = Tensor | null | undefined;

/** Error: a parameter of another shape or dtype than the input needs. */
function checkVector(op: string, what: string, vector: Optional, shape: Shape, input: Tensor): void {
  if (!vector) return;
  if (!sameShape(vector.shape, shape))
    throw new RangeError(
      `${op}: ${what} ${formatShape(vector.shape)} should have the shape ${formatShape(shape)} for the input ${formatShape(input.shape)}`,
    );
  if (vector.dtype !== input.dtype)
    throw new TypeError(
      `${op}: ${what} is ${vector.dtype} but the input is ${input.dtype}: convert one with to('${input.dtype}')`,
    );
}

/** (value - mean) / sqrt(variance + eps) over `dims`, then weight and bias, in differentiable operations. */
function composed(
  input: Tensor,
  dims: readonly number[],
  eps: number,
  weight: Tensor | null,
  bias: Tensor | null,
): Tensor {
  const centred = sub(input, mean(input, dims, { keepdim: true }));
  const variance = mean(mul(centred, centred), dims, { keepdim: true });
  return affine(mul(centred, rsqrt(add(variance, eps))), weight, bias);
}

const affine = (value: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor => {
  const scaled = weight ? mul(value, weight) : value;
  return bias ? add(scaled, bias) : scaled;
};

/** A vector of channels, to broadcast over (N, C, L). */
const byChannel = (vector: Tensor | null): Tensor | null => vector && reshape(vector, [vector.size, 1]);

const like = (tensor: Tensor | null, wanted: boolean): Tensor | null =>
  wanted && tensor ? Tensor.allocate(tensor.shape, tensor.dtype) : null;

interface Running {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

function updateRunning(
  running: Running,
  batchMean: Tensor,
  batchVariance: Tensor,
  momentum: number,
  count: number,
): void {
  runningKernel(running.mean, running.variance, batchMean, batchVariance, momentum, count);
  running.mean.storage.version++;
  running.variance.storage.version++;
}

const batchTraining = fused<{ eps: number; momentum: number; running: Running | null }>({
  name: 'batchNorm',
  forward([x, weight, bias], { eps, momentum, running }) {
    const input = x as Tensor;
    const [samples, channels, length] = input.shape;
    const out = Tensor.allocate(input.shape, input.dtype);
    const average = Tensor.allocate([channels], input.dtype);
    const variance = Tensor.allocate([channels], input.dtype);
    batchKernel(out, average, variance, input, weight, bias, eps);
    if (running) updateRunning(running, average, variance, momentum, samples * length);
    return { outputs: out, kept: [average, variance] };
  },
  backward([g], [x, weight, bias], [average, variance], { eps }, needs) {
    const input = x as Tensor;
    const gradInput = like(input, needs(0));
    const gradWeight = like(weight, needs(1));
    const gradBias = like(bias, needs(2));
    batchBackwardKernel(gradInput, gradWeight, gradBias, g!, input, average, variance, weight, eps, true);
    return [gradInput, gradWeight, gradBias];
  },
  compose: ([x, weight, bias], { eps }) =>
    composed(x as Tensor, [0, 2], eps, byChannel(weight), byChannel(bias)),
});

const batchEvaluation = fused<{ eps: number; running: Running }>({
  name: 'batchNorm',
  forward([x, weight, bias], { eps, running }) {
    const input = x as Tensor;
    const out = Tensor.allocate(input.shape, input.dtype);
    batchEvalKernel(out, input, running.mean, running.variance, weight, bias, eps);
    return { outputs: out, kept: [running.mean, running.variance] };
  },
  backward([g], [x, weight, bias], [average, variance], { eps }, needs) {
    const input = x as Tensor;
    const gradInput = like(input, needs(0));
    const gradWeight = like(weight, needs(1));
    const gradBias = like(bias, needs(2));
    batchBackwardKernel(gradInput, gradWeight, gradBias, g!, input, average, variance, weight, eps, false);
    return [gradInput, gradWeight, gradBias];
  },
  compose: ([x, weight, bias], { eps, running }) => {
    const scale = rsqrt(add(byChannel(running.variance.detach())!, eps));
    const centred = sub(x as Tensor, byChannel(running.mean.detach())!);
    return affine(mul(centred, scale), byChannel(weight), byChannel(bias));
  },
});

const channelSample = { shape: [2] };

export interface NormOptions {
  /** Added to the variance (or mean square) inside the root. */
  eps?: number;
}

/**
 * Normalises each channel over the batch and all positions, and updates the running statistics while training: the mean, and the
 * variance with n - 1 in its denominator, by `running = (1 - momentum) * running + momentum * batch`.
 *
 * @param input `(N, C, ...)`. @param runningMean `(C,)`, changed in place when training; may be null then.
 * @param runningVar `(C,)`, likewise. @param weight `(C,)`. @param bias `(C,)`.
 * @param options `training` (false): use the batch's own statistics instead of the running ones; `momentum` (0.1); `eps` (1e-5).
 * Errors: one value per channel while training; sizes that differ. Source: `torch.nn.functional.batch_norm`; Ioffe and Szegedy 2015.
 */
export const batchNorm: (
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: NormOptions & { training?: boolean; momentum?: number },
) => Tensor = op(
  {
    name: 'batchNorm',
    torch:
      'nn.functional.batch_norm(input, running_mean, running_var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-05)',
    family: 'normalization',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 2, 4] }, null, null, channelSample, channelSample, { training: true }],
      [{ shape: [4, 2] }, null, null, null, null, { training: true }],
      [
        { shape: [3, 2] },
        { shape: [2], data: [0.1, -0.2], constant: true },
        { shape: [2], data: [0.5, 1.5], constant: true },
        channelSample,
        channelSample,
        { eps: 1e-3 },
      ],
    ],
  },
  (
    input,
    runningMean,
    runningVar,
    weight = null,
    bias = null,
    { training = false, momentum = 0.1, eps = 1e-5 } = {},
  ) => {
    if (input.size === 0) return affine(mul(input, 1), null, null);
    if (input.ndim < 2)
      throw new RangeError(
        `batchNorm: the input ${formatShape(input.shape)} needs (N, C) or more dimensions`,
      );
    const [samples, channels] = input.shape;
    const length = numel(input.shape.slice(2));
    checkVector('batchNorm', 'runningMean', runningMean, [channels], input);
    checkVector('batchNorm', 'runningVar', runningVar, [channels], input);
    checkVector('batchNorm', 'weight', weight, [channels], input);
    checkVector('batchNorm', 'bias', bias, [channels], input);
    const running = runningMean && runningVar ? { mean: runningMean, variance: runningVar } : null;
    const flat = reshape(input, [samples, channels, length]);
    if (training) {
      if (samples * length === 1)
        throw new RangeError(
          `batchNorm: Expected more than 1 value per channel when training, got input size [${input.shape.join(', ')}]: use a larger batch, or eval()`,
        );
      return reshape(applyOne(batchTraining, [flat, weight, bias], { eps, momentum, running }), input.shape);
    }
    if (!running) throw new RangeError('batchNorm: without training it needs runningMean and runningVar');
    return reshape(applyOne(batchEvaluation, [flat, weight, bias], { eps, running }), input.shape);
  },
);

const layer = fused<{ eps: number }>({
  name: 'layerNorm',
  forward([x, weight, bias], { eps }) {
    const input = x as Tensor;
    const out = Tensor.allocate(input.shape, input.dtype);
    const average = Tensor.allocate([input.shape[0]], input.dtype);
    const variance = Tensor.allocate([input.shape[0]], input.dtype);
    layerKernel(out, average, variance, input, weight, bias, eps);
    return { outputs: out, kept: [average, variance] };
  },
  backward([g], [x, weight, bias], [average, variance], { eps }, needs) {
    const input = x as Tensor;
    const gradInput = like(input, needs(0));
    const gradWeight = like(weight, needs(1));
    const gradBias = like(bias, needs(2));
    layerBackwardKernel(gradInput, gradWeight, gradBias, g!, input, average, variance, weight, eps);
    return [gradInput, gradWeight, gradBias];
  },
  compose: ([x, weight, bias], { eps }) => composed(x as Tensor, [1], eps, weight, bias),
});

/** The input as rows of what is normalised, (M, D). Error: the last dimensions are not `normalizedShape`. */
function asRows(op: string, input: Tensor, normalizedShape: Shape): Tensor {
  const lead = input.ndim - normalizedShape.length;
  if (normalizedShape.length === 0 || lead < 0 || !sameShape(input.shape.slice(lead), normalizedShape))
    throw new RangeError(
      `${op}: the input ${formatShape(input.shape)} does not end with the normalized shape ${formatShape(normalizedShape)}`,
    );
  return reshape(input, [numel(input.shape.slice(0, lead)), numel(normalizedShape)]);
}

const asVector = (parameter: Tensor | null): Tensor | null =>
  parameter && reshape(parameter, [parameter.size]);

/**
 * Normalises over the last dimensions, with the biased variance, then multiplies by `weight` and adds `bias`.
 *
 * @param input `(..., *normalizedShape)`. @param weight @param bias of `normalizedShape`. @param options `eps` (1e-5).
 * Errors: shapes that do not fit. Source: `torch.nn.functional.layer_norm`; Ba, Kiros and Hinton 2016.
 */
export const layerNorm: (
  input: Tensor,
  normalizedShape: Shape,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: NormOptions,
) => Tensor = op(
  {
    name: 'layerNorm',
    torch: 'nn.functional.layer_norm(input, normalized_shape, weight=None, bias=None, *, eps=1e-05)',
    family: 'normalization',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 2, 4] }, [2, 4], { shape: [2, 4] }, { shape: [2, 4] }],
      [{ shape: [3, 4] }, [4]],
    ],
  },
  (input, normalizedShape, weight = null, bias = null, { eps = 1e-5 } = {}) => {
    const rows = asRows('layerNorm', input, normalizedShape);
    checkVector('layerNorm', 'weight', weight, normalizedShape, input);
    checkVector('layerNorm', 'bias', bias, normalizedShape, input);
    return reshape(applyOne(layer, [rows, asVector(weight), asVector(bias)], { eps }), input.shape);
  },
);

const group = fused<{ groups: number; eps: number; momentum?: number; running?: Running | null }>({
  name: 'groupNorm',
  forward([x, weight, bias], { groups, eps, momentum = 0, running = null }) {
    const input = x as Tensor;
    const [samples, , length] = input.shape;
    const out = Tensor.allocate(input.shape, input.dtype);
    const average = Tensor.allocate([samples, groups], input.dtype);
    const variance = Tensor.allocate([samples, groups], input.dtype);
    groupKernel(out, average, variance, input, weight, bias, groups, eps);
    if (running) updateRunning(running, overBatch(average), overBatch(variance), momentum, length);
    return { outputs: out, kept: [average, variance] };
  },
  backward([g], [x, weight, bias], [average, variance], { groups, eps }, needs) {
    const input = x as Tensor;
    const gradInput = like(input, needs(0));
    const gradWeight = like(weight, needs(1));
    const gradBias = like(bias, needs(2));
    groupBackwardKernel(gradInput, gradWeight, gradBias, g!, input, average, variance, weight, groups, eps);
    return [gradInput, gradWeight, gradBias];
  },
  compose: ([x, weight, bias], { groups, eps }) => {
    const input = x as Tensor;
    const [samples, channels, length] = input.shape;
    const grouped = reshape(input, [samples, groups, (channels / groups) * length]);
    const hat = reshape(composed(grouped, [2], eps, null, null), input.shape);
    return affine(hat, byChannel(weight), byChannel(bias));
  },
});

/** The mean over the first dimension of row-major statistics (N, C). */
function overBatch(statistics: Tensor): Tensor {
  const [samples, channels] = statistics.shape;
  const out = Tensor.allocate([channels], statistics.dtype);
  for (let c = 0; c < channels; c++) {
    let total = 0;
    for (let n = 0; n < samples; n++) total += statistics.elements[statistics.offset + n * channels + c];
    out.elements[out.offset + c] = total / samples;
  }
  return out;
}

/**
 * Normalises groups of channels of each sample, then multiplies and adds by channel.
 *
 * @param input `(N, C, ...)`. @param numGroups divides C. @param weight `(C,)`. @param bias `(C,)`. @param options `eps` (1e-5).
 * Errors: channels that do not divide; shapes that do not fit. Source: `torch.nn.functional.group_norm`; Wu and He 2018.
 */
export const groupNorm: (
  input: Tensor,
  numGroups: number,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: NormOptions,
) => Tensor = op(
  {
    name: 'groupNorm',
    torch: 'nn.functional.group_norm(input, num_groups, weight=None, bias=None, *, eps=1e-05)',
    family: 'normalization',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 4, 3] }, 2, { shape: [4] }, { shape: [4] }],
      [{ shape: [2, 4, 3] }, 1],
    ],
  },
  (input, numGroups, weight = null, bias = null, { eps = 1e-5 } = {}) => {
    const [samples, channels] = input.shape;
    if (input.ndim < 2)
      throw new RangeError(
        `groupNorm: the input ${formatShape(input.shape)} needs (N, C) or more dimensions`,
      );
    if (!(numGroups > 0) || channels % numGroups !== 0)
      throw new RangeError(`groupNorm: ${channels} channels do not divide into ${numGroups} groups`);
    checkVector('groupNorm', 'weight', weight, [channels], input);
    checkVector('groupNorm', 'bias', bias, [channels], input);
    const flat = reshape(input, [samples, channels, numel(input.shape.slice(2))]);
    return reshape(applyOne(group, [flat, weight, bias], { groups: numGroups, eps }), input.shape);
  },
);

/**
 * Normalises each channel of each sample over its positions. With running statistics these are updated, or, without
 * `useInputStats`, used instead.
 *
 * @param input `(N, C, ...)`. @param runningMean @param runningVar @param weight @param bias `(C,)` or null.
 * @param options `useInputStats` (true); `momentum` (0.1); `eps` (1e-5).
 * Errors: one position per channel; shapes that do not fit. Source: `torch.nn.functional.instance_norm`; Ulyanov et al. 2016.
 */
export const instanceNorm: (
  input: Tensor,
  runningMean?: Tensor | null,
  runningVar?: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: NormOptions & { useInputStats?: boolean; momentum?: number },
) => Tensor = op(
  {
    name: 'instanceNorm',
    torch:
      'nn.functional.instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, *, use_input_stats=True, momentum=0.1, eps=1e-05)',
    family: 'normalization',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 2, 4] }, null, null, channelSample, channelSample],
      [{ shape: [2, 2, 2, 2] }],
    ],
  },
  (
    input,
    runningMean = null,
    runningVar = null,
    weight = null,
    bias = null,
    { useInputStats = true, momentum = 0.1, eps = 1e-5 } = {},
  ) => {
    const [samples, channels] = input.shape;
    const length = numel(input.shape.slice(2));
    if (input.ndim < 3)
      throw new RangeError(
        `instanceNorm: the input ${formatShape(input.shape)} needs (N, C, L) or more dimensions`,
      );
    if (!useInputStats)
      return batchNorm(input, runningMean, runningVar, weight, bias, { training: false, eps });
    if (length === 1)
      throw new RangeError(
        `instanceNorm: Expected more than 1 spatial element when training, got input size [${input.shape.join(', ')}]`,
      );
    checkVector('instanceNorm', 'runningMean', runningMean, [channels], input);
    checkVector('instanceNorm', 'runningVar', runningVar, [channels], input);
    checkVector('instanceNorm', 'weight', weight, [channels], input);
    checkVector('instanceNorm', 'bias', bias, [channels], input);
    const running = runningMean && runningVar ? { mean: runningMean, variance: runningVar } : null;
    const flat = reshape(input, [samples, channels, length]);
    const attrs = { groups: channels, eps, momentum, running };
    return reshape(applyOne(group, [flat, weight, bias], attrs), input.shape);
  },
);

const rms = fused<{ eps: number }>({
  name: 'rmsNorm',
  forward([x, weight], { eps }) {
    const input = x as Tensor;
    const out = Tensor.allocate(input.shape, input.dtype);
    const meanSquare = Tensor.allocate([input.shape[0]], input.dtype);
    rmsKernel(out, meanSquare, input, weight, eps);
    return { outputs: out, kept: [meanSquare] };
  },
  backward([g], [x, weight], [meanSquare], { eps }, needs) {
    const input = x as Tensor;
    const gradInput = like(input, needs(0));
    const gradWeight = like(weight, needs(1));
    rmsBackwardKernel(gradInput, gradWeight, g!, input, meanSquare, weight, eps);
    return [gradInput, gradWeight];
  },
  compose: ([x, weight], { eps }) => {
    const input = x as Tensor;
    const inverse = rsqrt(add(mean(mul(input, input), 1, { keepdim: true }), eps));
    return affine(mul(input, inverse), weight, null);
  },
});

/** The distance from 1 to the next number of a dtype. */
const machineEpsilon = (input: Tensor): number => (input.dtype === 'float64' ? 2 ** -52 : 2 ** -23);

/**
 * Divides by the root of the mean square over the last dimensions, then multiplies by `weight`.
 *
 * @param input `(..., *normalizedShape)`. @param weight of `normalizedShape`. @param options `eps`: by default the dtype's machine epsilon.
 * Errors: shapes that do not fit. Source: `torch.nn.functional.rms_norm`; Zhang and Sennrich 2019.
 */
export const rmsNorm: (
  input: Tensor,
  normalizedShape: Shape,
  weight?: Tensor | null,
  options?: { eps?: number | null },
) => Tensor = op(
  {
    name: 'rmsNorm',
    torch: 'nn.functional.rms_norm(input, normalized_shape, weight=None, *, eps=None)',
    family: 'normalization',
    differentiable: true,
    samples: () => [
      [{ shape: [3, 2, 4] }, [2, 4], { shape: [2, 4] }],
      [{ shape: [3, 4] }, [4], null, { eps: 1e-3 }],
    ],
  },
  (input, normalizedShape, weight = null, { eps = null } = {}) => {
    const rows = asRows('rmsNorm', input, normalizedShape);
    checkVector('rmsNorm', 'weight', weight, normalizedShape, input);
    const attrs = { eps: eps ?? machineEpsilon(input) };
    return reshape(applyOne(rms, [rows, asVector(weight)], attrs), input.shape);
  },
);

/**
 * Divides each value by (k + alpha / size * the sum of squares over `size` neighbouring channels) ** beta.
 *
 * @param input `(N, C, ...)`. @param options `alpha` (1e-4), `beta` (0.75), `k` (1).
 * Errors: fewer than three dimensions; a size that is not above 0. Source: `torch.nn.functional.local_response_norm`; Krizhevsky 2012.
 */
export const localResponseNorm: (
  input: Tensor,
  size: number,
  options?: { alpha?: number; beta?: number; k?: number },
) => Tensor = op(
  {
    name: 'localResponseNorm',
    torch: 'nn.functional.local_response_norm(input, size, *, alpha=0.0001, beta=0.75, k=1.0)',
    family: 'normalization',
    differentiable: true,
    samples: () => [[{ shape: [2, 4, 3] }, 3, { alpha: 0.5 }]],
  },
  (input, size, { alpha = 1e-4, beta = 0.75, k = 1 } = {}) => {
    if (input.ndim < 3)
      throw new RangeError(
        `localResponseNorm: the input ${formatShape(input.shape)} needs (N, C, L) or more dimensions`,
      );
    if (!Number.isInteger(size) || size < 1)
      throw new RangeError(`localResponseNorm: size ${size} must be a whole number above 0`);
    if (input.size === 0) return mul(input, 1);
    const channels = input.shape[1];
    const edge = (count: number): Tensor =>
      Tensor.allocate([input.shape[0], count, ...input.shape.slice(2)], input.dtype, true);
    const before = Math.floor(size / 2);
    const padded = cat([edge(before), mul(input, input), edge(size - 1 - before)], 1);
    let sums = narrow(padded, 1, 0, channels);
    for (let i = 1; i < size; i++) sums = add(sums, narrow(padded, 1, i, channels));
    return div(input, pow(add(mul(sums, alpha / size), k), beta));
  },
);
