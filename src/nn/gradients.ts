export * as parametrizations from './parametrizations.ts';

import { noGrad } from '../autograd/mode.ts';
import { zeros } from '../ops/creation.ts';
import { cat, stack } from '../ops/join.ts';
import { vectorNorm } from '../ops/norm.ts';
import { reshape } from '../ops/views.ts';
import { formatShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

const listOf = (parameters: Tensor | Iterable<Tensor>): Tensor[] =>
  parameters instanceof Tensor ? [parameters] : [...parameters];

const gradientsOf = (parameters: Tensor | Iterable<Tensor>): Tensor[] =>
  listOf(parameters).flatMap(({ grad }) => (grad ? [grad] : []));

export interface NormOptions {
  /** The p of the norm; Infinity for the greatest magnitude. Default 2. */
  normType?: number;
  /** Whether a norm that is NaN or infinite is an error. Default false. */
  errorIfNonfinite?: boolean;
}

/**
 * The norm of all tensors as if they were one vector, 0-d.
 *
 * Error: a norm that is not finite, if asked for. Source: `torch.nn.utils.get_total_norm`.
 */
export function getTotalNorm(
  tensors: Tensor | Iterable<Tensor>,
  { normType = 2, errorIfNonfinite = false }: NormOptions = {},
): Tensor {
  return noGrad(() => {
    const norms = listOf(tensors).map((each) => vectorNorm(each, normType));
    const total = norms.length === 0 ? zeros([]) : vectorNorm(stack(norms, 0), normType);
    if (errorIfNonfinite && !Number.isFinite(total.item()))
      throw new RangeError(
        `getTotalNorm: the total norm of order ${normType} is ${total.item()}, so gradients cannot be clipped by it: look for the first NaN with detectAnomaly`,
      );
    return total;
  });
}

/**
 * Scales the gradients of the parameters in place by min(1, maxNorm / (totalNorm + 1e-6)).
 *
 * Source: `torch.nn.utils.clip_grads_with_norm_`.
 */
export function clipGradsWithNorm_(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  totalNorm: Tensor,
): void {
  const coefficient = Math.min(1, maxNorm / (totalNorm.item() + 1e-6));
  noGrad(() => {
    for (const grad of gradientsOf(parameters)) grad.mul_(coefficient);
  });
}

/**
 * Scales the gradients in place so that their norm, all as one vector, is at most `maxNorm`.
 *
 * @returns the norm before clipping, 0-d. Parameters without a gradient do not count.
 *
 * @example
 * loss.backward();
 * nn.utils.clipGradNorm_(model.parameters(), 1);
 *
 * Error: a norm that is not finite, if asked for. Source: `torch.nn.utils.clip_grad_norm_`; Pascanu et al. 2012.
 */
export function clipGradNorm_(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: NormOptions = {},
): Tensor {
  if (!(maxNorm >= 0)) throw new RangeError(`clipGradNorm_: maxNorm ${maxNorm} must be at least 0`);
  const list = listOf(parameters);
  const total = getTotalNorm(gradientsOf(list), options);
  clipGradsWithNorm_(list, maxNorm, total);
  return total;
}

/** Cuts each gradient in place to [-clipValue, clipValue]. Source: `torch.nn.utils.clip_grad_value_`. */
export function clipGradValue_(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  if (!(clipValue >= 0)) throw new RangeError(`clipGradValue_: clipValue ${clipValue} must be at least 0`);
  noGrad(() => {
    for (const grad of gradientsOf(parameters)) grad.clamp_(-clipValue, clipValue);
  });
}

/** All parameters behind each other, as one vector. Source: `torch.nn.utils.parameters_to_vector`. */
export const parametersToVector = (parameters: Iterable<Tensor>): Tensor =>
  cat(
    [...parameters].map((parameter) => reshape(parameter, [parameter.size])),
    0,
  );

/**
 * Copies the parts of a vector into the parameters, in their order.
 *
 * Error: a vector of another length. Source: `torch.nn.utils.vector_to_parameters`.
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const list = [...parameters];
  const total = list.reduce((sum, { size }) => sum + size, 0);
  if (vector.ndim !== 1 || vector.size !== total)
    throw new RangeError(
      `vectorToParameters: the vector ${formatShape(vector.shape)} should be (${total},), one value for each parameter element`,
    );
  noGrad(() => {
    let start = 0;
    for (const parameter of list) {
      parameter.copy_(reshape(vector.narrow(0, start, parameter.size), parameter.shape));
      start += parameter.size;
    }
  });
}
