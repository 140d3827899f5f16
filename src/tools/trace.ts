import { enableGrad } from '../autograd/mode.ts';
import type { Node } from '../autograd/node.ts';
import { edgeOf } from '../autograd/primitive.ts';
import type { AnyModule } from '../nn/module.ts';
import { zeros } from '../ops/creation.ts';
import { dtypeInfo, getDefaultDtype } from '../tensor/dtype.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { behind, isUnbounded, joined, type ReceptiveField, wholeUnit, windowOf } from './geometry.ts';
import { macsOf } from './macs.ts';

/** What a model can be run on: one input's shape with its batch size, or the inputs themselves. */
export type ModelInput = Shape | Tensor | readonly Tensor[];

/** One call of one layer while a model ran. */
export interface LayerCall {
  /** Dotted, as in the state dict; empty for the model itself. */
  readonly name: string;
  readonly module: AnyModule;
  readonly inputShapes: readonly Shape[];
  /** Of the first output tensor. */
  readonly outputShape: Shape;
  /** Elements of the module's own parameters; 0 at later calls of the same module. */
  readonly parameters: number;
  /** Multiplications with an addition. */
  readonly macs: number;
  /** Bytes of the outputs. */
  readonly bytes: number;
  /** Null where an output unit sees the whole input, or where that is not known. */
  readonly receptiveField: ReceptiveField | null;
}

const tensorsIn = (value: unknown): Tensor[] =>
  value instanceof Tensor ? [value] : Array.isArray(value) ? value.flatMap(tensorsIn) : [];

/** The inputs of a model as tensors in its dtype. */
export function inputsFor(model: AnyModule, input: ModelInput): Tensor[] {
  if (input instanceof Tensor) return [input];
  if (input.length > 0 && input.every((each) => each instanceof Tensor))
    return [...(input as readonly Tensor[])];
  const dtype = model.parameters().find((parameter) => parameter.isFloating)?.dtype ?? getDefaultDtype();
  return [zeros(input as Shape, { dtype })];
}

/** Operations with windows: a functional call of one hides how far its outputs see. */
const windowed = new Set(['conv', 'maxPool', 'avgPool', 'unfold', 'fold', 'interpolate', 'pad']);

/** The receptive field of a tensor, from the module outputs that it was computed from. */
function fieldOf(tensor: Tensor, known: ReadonlyMap<Node, ReceptiveField | null>): ReceptiveField | null {
  const edge = edgeOf(tensor);
  if (!edge) return null;
  const found: ReceptiveField[] = [];
  const seen = new Set<Node>();
  const open = [edge.node];
  while (open.length > 0) {
    const node = open.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    const field = known.get(node);
    if (field === null || (field === undefined && windowed.has(node.name))) return null;
    if (field !== undefined) found.push(field);
    else for (const next of node.edges) if (next) open.push(next.node);
  }
  return found.length === 0 ? null : joined(found);
}

/** The receptive field of a module's output: by its window, else by what it computed from its input. */
function fieldBehind(
  module: AnyModule,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  known: ReadonlyMap<Node, ReceptiveField | null>,
): ReceptiveField | null {
  if (inputs.length === 0 || inputs[0].ndim < 3 || isUnbounded(module)) return null;
  const window = windowOf(module, inputs[0].ndim - 2);
  if (!window) return fieldOf(outputs[0], known);
  const before = fieldOf(inputs[0], known);
  return before && behind(before, window);
}

/**
 * Runs a model once in evaluation mode and notes every call of a layer (a module without modules inside, or with parameters of its own).
 * What is computed between the layers counts as element by element: additions and activations leave receptive fields as they are.
 */
export function traceLayers(model: AnyModule, input: ModelInput): LayerCall[] {
  const calls: LayerCall[] = [];
  const known = new Map<Node, ReceptiveField | null>();
  const counted = new Set<AnyModule>();
  const inputs = inputsFor(model, input);
  const roots = inputs.map((each) => (each.isFloating ? each.detach().requiresGrad_() : each));
  for (const root of roots) {
    const edge = edgeOf(root);
    if (edge) known.set(edge.node, wholeUnit(Math.max(root.ndim - 2, 0)));
  }
  const modes = model.modules().map((module) => ({ module, training: module.training }));
  const hooks = model.namedModules().flatMap(([name, module]) => {
    const own = module.parameters({ recurse: false });
    if (module.children().length > 0 && own.length === 0) return [];
    return [
      module.registerForwardHook((_module, given, output) => {
        const from = tensorsIn(given);
        const to = tensorsIn(output);
        if (to.length === 0) return;
        const receptiveField = fieldBehind(module, from, to, known);
        for (const tensor of to) {
          const edge = edgeOf(tensor);
          if (edge) known.set(edge.node, receptiveField);
        }
        calls.push({
          name,
          module,
          inputShapes: from.map(({ shape }) => shape),
          outputShape: to[0].shape,
          parameters: counted.has(module) ? 0 : own.reduce((sum, { size }) => sum + size, 0),
          macs: macsOf(module, from, to[0]),
          bytes: to.reduce((sum, { size, dtype }) => sum + size * dtypeInfo(dtype).bytes, 0),
          receptiveField,
        });
        counted.add(module);
      }),
    ];
  });
  try {
    model.eval();
    enableGrad(() => (model as unknown as (...inputs: Tensor[]) => unknown)(...roots));
  } finally {
    for (const hook of hooks) hook.remove();
    for (const { module, training } of modes) module.training = training;
  }
  return calls;
}
