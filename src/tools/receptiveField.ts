import { grad } from '../autograd/backward.ts';
import { noGrad } from '../autograd/mode.ts';
import type { AnyModule } from '../nn/module.ts';
import { AnyModule as ModuleClass } from '../nn/module.ts';
import { rand } from '../ops/random.ts';
import { Generator } from '../tensor/generator.ts';
import { formatShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { behind, type ReceptiveField, type WindowLayer, wholeUnit } from './geometry.ts';
import { inputsFor, type ModelInput, traceLayers } from './trace.ts';

/**
 * What one output unit of a network sees of the input: size, stride and padding of its receptive field, by arithmetic.
 *
 * @param network a model (with an input or its shape, batch size included), or a list of windows one after another.
 *
 * @example
 * receptiveField([{ kernelSize: 7, stride: 2, padding: 3 }, { kernelSize: 3, stride: 2, padding: 1 }]).size // [11]
 * receptiveField(vgg.features, [1, 3, 64, 64])
 *
 * For a model it is that of the last layer whose field is bounded. Errors: a model without input; no layer with a bounded field.
 * Source: Araujo, Norris and Sim 2019, doi:10.23915/distill.00021.
 */
export function receptiveField(network: readonly WindowLayer[]): ReceptiveField;
export function receptiveField(network: AnyModule, input: ModelInput): ReceptiveField;
export function receptiveField(
  network: AnyModule | readonly WindowLayer[],
  input?: ModelInput,
): ReceptiveField {
  if (!(network instanceof ModuleClass)) {
    const layers = network as readonly WindowLayer[];
    const rank = Math.max(
      1,
      ...layers.map(({ kernelSize }) => (typeof kernelSize === 'number' ? 1 : kernelSize.length)),
    );
    return layers.reduce<ReceptiveField>(behind, wholeUnit(rank));
  }
  if (input === undefined)
    throw new TypeError('receptiveField: a model needs an input or its shape, for instance [1, 3, 64, 64]');
  const last = traceLayers(network, input).findLast((call) => call.receptiveField !== null);
  if (!last?.receptiveField)
    throw new RangeError(
      'receptiveField: no layer of this model has a bounded field that is known: functional convolutions and pools hide theirs, use their layers',
    );
  return last.receptiveField;
}

/** Where an output unit's gradient reaches the input: from the first to the last position that is not zero, by dimension. */
export interface MeasuredField {
  readonly first: readonly number[];
  readonly last: readonly number[];
  /** Positions from first to last. */
  readonly size: readonly number[];
  /** The sum of the gradients' magnitudes over the channels, of the input's spatial shape: the effective receptive field. */
  readonly influence: Tensor;
}

/**
 * The receptive field of one output unit, measured: the gradient of that unit (all its channels) with respect to the input.
 *
 * The model runs in evaluation mode with all parameters positive while it is measured, so that no activation hides a path, and on
 * several random inputs, because a maximum passes one path only. The edges of the input cut the field.
 *
 * @param options `position`: the output unit, by default the middle; `trials` (4).
 * Errors: an output without spatial dimensions. Source: Luo et al. 2016.
 */
export function measureReceptiveField(
  model: AnyModule,
  input: ModelInput,
  { position, trials = 4 }: { position?: readonly number[]; trials?: number } = {},
): MeasuredField {
  const [given] = inputsFor(model, input);
  const generator = new Generator(0);
  const modes = model.modules().map((module) => ({ module, training: module.training }));
  const parameters = model.parameters();
  const before = parameters.map((parameter) => parameter.detach().clone());
  const channels = 2;
  let influence: Tensor | null = null;
  try {
    model.eval();
    noGrad(() => {
      for (const parameter of parameters) parameter.copy_(parameter.abs().add(1e-3));
    });
    for (let trial = 0; trial < trials; trial++) {
      const x = rand(given.shape, { dtype: given.dtype, generator }).requiresGrad_();
      const output = (model as unknown as (input: Tensor) => Tensor)(x);
      const spatial = output.shape.slice(channels);
      if (spatial.length === 0 || spatial.length !== given.ndim - channels)
        throw new RangeError(
          `measureReceptiveField: the output ${formatShape(output.shape)} of the input ${formatShape(given.shape)} has no such spatial dimensions: measure the part of the model before it flattens`,
        );
      const place = position ?? spatial.map((size) => Math.floor(size / 2));
      let unit = output;
      for (const index of place) unit = unit.select(channels, index);
      const [slope] = grad(unit.sum(), [x]);
      const seen: Tensor = slope.abs().sum([0, 1]);
      influence = influence ? influence.add(seen) : seen;
    }
  } finally {
    noGrad(() => {
      for (const [i, parameter] of parameters.entries()) parameter.copy_(before[i]);
    });
    for (const { module, training } of modes) module.training = training;
  }
  return { ...bounds(influence!), influence: influence! };
}

function bounds(influence: Tensor): Omit<MeasuredField, 'influence'> {
  const shape: Shape = influence.shape;
  const flat = influence.contiguous();
  const first = shape.map(() => Infinity);
  const last = shape.map(() => -1);
  for (let i = 0; i < flat.size; i++) {
    if (flat.elements[flat.offset + i] === 0) continue;
    for (let d = shape.length - 1, rest = i; d >= 0; d--) {
      const index = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
      first[d] = Math.min(first[d], index);
      last[d] = Math.max(last[d], index);
    }
  }
  return { first, last, size: last.map((end, d) => Math.max(end - first[d] + 1, 0)) };
}
