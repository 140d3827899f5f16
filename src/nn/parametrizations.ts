import { noGrad } from '../autograd/mode.ts';
import { div, mul } from '../ops/arithmetic.ts';
import { emptyLike } from '../ops/creation.ts';
import { dot, mv } from '../ops/matmul.ts';
import { vectorNorm } from '../ops/norm.ts';
import { normal_ } from '../ops/randomInPlace.ts';
import { permute, transpose } from '../ops/shape.ts';
import { reshape } from '../ops/views.ts';
import { normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ModuleDict } from './containers.ts';
import { normalize } from './functional/distance.ts';
import { type AnyModule, Module } from './module.ts';
import { Buffer, Parameter } from './parameter.ts';

/** Computes a module's tensor from other parameters, at every use. */
abstract class Parametrization extends Module<[]> {}

/** Direction and length of a weight, learnt apart. */
class WeightNorm extends Parametrization {
  /** The lengths. */
  original0: Parameter;
  /** The directions, of any length. */
  original1: Parameter;
  readonly #dims: number[];

  constructor(weight: Tensor, dim: number | null) {
    super();
    const kept = dim === null ? -1 : normalizeDim('weightNorm', dim, weight.ndim);
    this.#dims = weight.shape.flatMap((_, d) => (d === kept ? [] : [d]));
    this.original0 = new Parameter(this.#lengths(weight.detach()));
    this.original1 = new Parameter(weight.detach());
  }

  #lengths(direction: Tensor): Tensor {
    return vectorNorm(direction, 2, this.#dims, { keepdim: true });
  }

  forward(): Tensor {
    return mul(this.original1, div(this.original0, this.#lengths(this.original1)));
  }
}

/** The two singular vectors that belong to the greatest singular value, followed by power iterations. */
class SingularVectors extends Module<[matrix: Tensor]> {
  _u: Buffer;
  _v: Buffer;
  readonly #iterations: number;
  readonly #eps: number;

  constructor(matrix: Tensor, iterations: number, eps: number) {
    super();
    this.#iterations = iterations;
    this.#eps = eps;
    const unit = (size: Tensor): Buffer => new Buffer(normalize(normal_(emptyLike(size)), { dim: 0, eps }));
    this._u = unit(matrix.select(1, 0));
    this._v = unit(matrix.select(0, 0));
    this.#iterate(matrix, 15);
  }

  #iterate(matrix: Tensor, times: number): void {
    const options = { dim: 0, eps: this.#eps };
    noGrad(() => {
      for (let i = 0; i < times; i++) {
        this._u.copy_(normalize(mv(matrix, this._v), options));
        this._v.copy_(normalize(mv(transpose(matrix, 0, 1), this._u), options));
      }
    });
  }

  /** The greatest singular value, 0-d. */
  forward(matrix: Tensor): Tensor {
    if (this.training) this.#iterate(matrix, this.#iterations);
    return dot(this._u.clone(), mv(matrix, this._v.clone()));
  }
}

class SpectralNorm extends Parametrization {
  original: Parameter;
  '0': SingularVectors;
  readonly #dim: number;

  constructor(weight: Tensor, iterations: number, eps: number, dim: number) {
    super();
    this.#dim = normalizeDim('spectralNorm', dim, weight.ndim);
    this.original = new Parameter(weight.detach());
    this['0'] = noGrad(() => new SingularVectors(this.#matrix(weight.detach()), iterations, eps));
  }

  #matrix(weight: Tensor): Tensor {
    const order = [this.#dim, ...weight.shape.flatMap((_, d) => (d === this.#dim ? [] : [d]))];
    const rows = weight.shape[this.#dim];
    return reshape(permute(weight, order), [rows, weight.size / rows]);
  }

  forward(): Tensor {
    return div(this.original, this['0'](this.#matrix(this.original)));
  }
}

type Parametrized = AnyModule & { parametrizations?: ModuleDict<Record<string, Parametrization>> };

function parametrize<M extends AnyModule>(
  op: string,
  module: M,
  name: string,
  make: (weight: Tensor) => Parametrization,
): M {
  const holder = module as Parametrized;
  const weight = (module as unknown as Record<string, unknown>)[name];
  if (holder.parametrizations?.has(name))
    throw new Error(
      `${op}: '${name}' of ${module.typeName} is parametrized already: removeParametrizations first`,
    );
  if (!(weight instanceof Parameter))
    throw new TypeError(`${op}: ${module.typeName} has no parameter '${name}'`);
  const parametrization = make(weight);
  holder.parametrizations ??= new ModuleDict<Record<string, Parametrization>>();
  holder.parametrizations.set(name, parametrization);
  Object.defineProperty(module, name, {
    configurable: true,
    enumerable: false,
    get: () => parametrization(),
  });
  return module;
}

/**
 * Learns length and direction of a weight apart: weight = original0 * original1 / ‖original1‖, computed at every use.
 *
 * @param options `name` of the parameter ('weight'); `dim` that keeps a length for each index (0), null: one length for all.
 *
 * @example
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(20, 40));
 *
 * Errors: no such parameter; one that is parametrized already.
 * Source: `torch.nn.utils.parametrizations.weight_norm`; Salimans and Kingma 2016.
 */
export const weightNorm = <M extends AnyModule>(
  module: M,
  { name = 'weight', dim = 0 }: { name?: string; dim?: number | null } = {},
): M => parametrize('weightNorm', module, name, (weight) => new WeightNorm(weight, dim));

/**
 * Divides a weight by its greatest singular value at every use, followed by `nPowerIterations` (1) while training.
 *
 * @param options `name` ('weight'); `nPowerIterations` (1); `eps` (1e-12); `dim` of the rows (0; 1 for transposed convolutions).
 * Errors: no such parameter; one of fewer than two dimensions; one that is parametrized already.
 * Source: `torch.nn.utils.parametrizations.spectral_norm`; Miyato et al. 2018.
 */
export const spectralNorm = <M extends AnyModule>(
  module: M,
  {
    name = 'weight',
    nPowerIterations = 1,
    eps = 1e-12,
    dim = 0,
  }: { name?: string; nPowerIterations?: number; eps?: number; dim?: number } = {},
): M => {
  if (!Number.isInteger(nPowerIterations) || nPowerIterations < 1)
    throw new RangeError(`spectralNorm: nPowerIterations ${nPowerIterations} must be a whole number above 0`);
  return parametrize('spectralNorm', module, name, (weight) => {
    if (weight.ndim < 2)
      throw new RangeError(
        `spectralNorm: '${name}' of ${module.typeName} is no matrix: it needs two dimensions`,
      );
    return new SpectralNorm(weight, nPowerIterations, eps, dim);
  });
};

/** Makes a parametrized tensor an ordinary parameter again, with the value that it has now. Error: one that is not parametrized. */
export function removeParametrizations<M extends AnyModule>(module: M, name: string): M {
  const holder = module as Parametrized;
  const { parametrizations } = holder;
  if (!parametrizations?.has(name))
    throw new Error(`removeParametrizations: '${name}' of ${module.typeName} is not parametrized`);
  const value = noGrad(() => parametrizations.get(name)());
  parametrizations.delete(name);
  if (parametrizations.size === 0) delete holder.parametrizations;
  Object.defineProperty(module, name, {
    configurable: true,
    enumerable: true,
    writable: true,
    value: new Parameter(value.detach()),
  });
  return module;
}
