import { noGrad } from '../../autograd/mode.ts';
import type { AnyModule } from '../../nn/module.ts';
import { formatShape } from '../../tensor/shape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { bytesOf } from '../elements.ts';
import { writeAtomically } from '../writeAtomically.ts';
import { type Axis, reconcile, type Trace } from './dynamic.ts';
import { Graph } from './graph.ts';
import { Unsupported } from './mapping.ts';
import { modelBytes, type OnnxConstant, type OnnxNode, type OnnxValue } from './model.ts';
import { mappings } from './operators/index.ts';
import { type Call, record } from './recording.ts';

export interface OnnxOptions {
  /** Default: `input`, or `input_0`, `input_1`, ... */
  inputNames?: readonly string[];
  /** One for each tensor in what the model returns, in order (arrays and values of objects). Default: `output`, or `output_0`, ... */
  outputNames?: readonly string[];
  /**
   * Sizes that may vary, by the name of an input: dimensions with their names, `{ input: { 0: 'batch' } }`, or without, `{ input: [0] }`.
   * Dimensions of one name have one size. Entries for outputs are allowed, and not needed: their sizes follow.
   */
  dynamicAxes?: Readonly<Record<string, Readonly<Record<number, string>> | readonly number[]>>;
  /** The version of ONNX's operators, 17 (default) to 20. */
  opset?: number;
}

const named = (stem: string, count: number): string[] =>
  count === 1 ? [stem] : Array.from({ length: count }, (_, i) => `${stem}_${i}`);

const describe = (call: Call): string =>
  `'${call.name}' of ${call.layer || 'the model'}${call.module ? `, the module '${call.module}'` : ''}${call.line ? ` (${call.line})` : ''}`;

/** One run of the model as a graph. */
function trace(
  model: AnyModule,
  inputs: readonly Tensor[],
  inputNames: readonly string[],
  { outputNames, opset = 17 }: OnnxOptions,
): Trace {
  const recording = record(model, inputs, inputNames);
  const names = outputNames ?? named('output', recording.outputs.length);
  if (names.length !== recording.outputs.length || new Set(names).size !== names.length)
    throw new RangeError(
      `exportOnnx: the model returns ${recording.outputs.length} tensors, there are ${names.length} outputNames (${names.join(', ')}): give each its own`,
    );
  const graph = new Graph(opset, [
    ...inputNames,
    ...names,
    ...Object.keys(model.stateDict({ keepVars: true })),
  ]);
  for (const call of recording.calls) {
    const write = mappings.get(call.name);
    if (!write)
      throw new Error(
        `exportOnnx: the operation ${describe(call)} has no counterpart in ONNX here: write it with other operations, or export the model without it`,
      );
    graph.call = call;
    try {
      const written = write(graph, {
        call,
        attrs: call.attrs as never,
        inputs: call.inputs.map((input) => (input ? graph.nameOf(input) : '')),
        tensors: call.inputs.map((input) => input?.tensor as Tensor),
        outputs: call.outputs.map(({ tensor }) => tensor),
        held: (tensor) => graph.nameOf(call.held.get(tensor)!),
      });
      const results = typeof written === 'string' ? [written] : written;
      call.outputs.forEach((output, i) => {
        graph.bind(output, results[i]);
      });
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      throw new Error(`exportOnnx: ${error.message}: the operation ${describe(call)}`);
    }
  }
  graph.call = null;
  recording.outputs.forEach((value, i) => {
    const source = graph.nameOf(value);
    graph.nodes.push({
      operator: 'Identity',
      name: `output/${names[i]}`,
      inputs: [source],
      outputs: [names[i]],
      attributes: {},
    });
  });
  const described = (name: string, { dtype, shape }: Tensor) => ({ name, type: dtype, shape });
  return {
    graph,
    inputs: inputs.map((input, i) => described(inputNames[i], input)),
    outputs: recording.outputs.map(({ tensor }, i) => described(names[i], tensor)),
  };
}

/** Other elements, of sizes that grow by `more` in the varying dimensions: what is legal stays legal (indices come from the indices). */
function otherInput(input: Tensor, more: readonly number[]): Tensor {
  const shape = input.shape.map((size, d) => size + (more[d] ?? 0));
  const out = Tensor.allocate(shape, input.dtype);
  const dense = input.detach().contiguous();
  const { elements, offset } = dense;
  const isProbability = elements.subarray(offset, offset + dense.size).every((x) => x >= 0 && x <= 1);
  for (let i = 0; i < out.size; i++) {
    const source =
      input.size === 0
        ? 0
        : dense.elements[dense.offset + ((((input.size - 1 - i) % input.size) + input.size) % input.size)];
    const other = source + ((i * 7) % 13) / 64;
    // Probabilities stay probabilities.
    out.elements[out.offset + i] = !input.isFloating
      ? source
      : isProbability && other > 1
        ? other - 1
        : other;
  }
  return out;
}

/** The varying dimensions, with the sizes that they have in three traces. */
function axesOf(
  inputs: readonly Tensor[],
  inputNames: readonly string[],
  outputNames: readonly string[] | undefined,
  dynamicAxes: NonNullable<OnnxOptions['dynamicAxes']>,
): Axis[] {
  const axes: Axis[] = [];
  const growth = new Map<string, number>();
  for (const [name, given] of Object.entries(dynamicAxes)) {
    const at = inputNames.indexOf(name);
    if (at < 0) {
      if (!outputNames || outputNames.includes(name)) continue;
      throw new RangeError(
        `exportOnnx: dynamicAxes names '${name}', which is neither an input (${inputNames.join(', ')}) nor an output (${outputNames.join(', ')})`,
      );
    }
    const entries: [number, string][] = Array.isArray(given)
      ? (given as readonly number[]).map((dim) => [dim, `${name}_${dim}`])
      : Object.entries(given as Record<number, string>).map(([dim, symbol]) => [Number(dim), symbol]);
    for (const [dim, symbol] of entries) {
      const { shape } = inputs[at];
      if (!Number.isInteger(dim) || dim < 0 || dim >= shape.length)
        throw new RangeError(
          `exportOnnx: dynamicAxes gives dimension ${dim} of '${name}' ${formatShape(shape)}: use 0 to ${shape.length - 1}`,
        );
      const same = axes.find((axis) => axis.symbol === symbol);
      if (same && same.sizes[0] !== shape[dim])
        throw new RangeError(
          `exportOnnx: '${symbol}' is ${same.sizes[0]} in '${same.input}' and ${shape[dim]} in '${name}': give the axes different names`,
        );
      if (!growth.has(symbol)) growth.set(symbol, growth.size);
      const n = growth.get(symbol)!;
      axes.push({
        symbol,
        input: name,
        dim,
        sizes: [shape[dim], shape[dim] + 1 + n, shape[dim] + 3 + n * n],
      });
    }
  }
  return axes;
}

/** Leaves out initializers that nothing reads, and writes equal ones once. */
function constantsOf(model: AnyModule, graph: Graph): OnnxConstant[] {
  const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const out: OnnxConstant[] = [];
  for (const [name, tensor] of Object.entries(model.stateDict({ keepVars: true })))
    if (used.has(name))
      out.push({ name, type: tensor.dtype, shape: tensor.shape, bytes: noGrad(() => bytesOf(tensor)) });
  const known = new Map<string, string>();
  const merged = new Map<string, string>();
  for (const constant of graph.constants.values()) {
    const { name, type, shape, bytes } = constant;
    if (!used.has(name)) continue;
    const key = bytes.length > 64 ? name : `${type} ${shape.join()} ${bytes.join()}`;
    const same = known.get(key);
    if (same !== undefined) merged.set(name, same);
    else {
      known.set(key, name);
      out.push({ name, type, shape, bytes });
    }
  }
  for (const node of graph.nodes) node.inputs = node.inputs.map((input) => merged.get(input) ?? input);
  return out;
}

/** Puts the outputs' names on the nodes that make them, where that takes no copy. */
function withoutIdentities(nodes: readonly OnnxNode[]): OnnxNode[] {
  const uses = new Map<string, number>();
  for (const { inputs } of nodes) for (const input of inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  const renamed = new Map<string, string>();
  const made = new Set(nodes.flatMap(({ operator, outputs }) => (operator === 'Identity' ? [] : outputs)));
  const kept = nodes.filter(({ operator, inputs: [source], outputs: [name] }) => {
    if (operator !== 'Identity' || !made.has(source) || renamed.has(source)) return true;
    renamed.set(source, name);
    return false;
  });
  const current = (name: string): string => renamed.get(name) ?? name;
  return kept.map((node) => ({
    ...node,
    inputs: node.inputs.map(current),
    outputs: node.outputs.map(current),
  }));
}

/**
 * A model as the bytes of an ONNX file, which `exportOnnx` describes.
 *
 * @example
 * const bytes = io.onnxBytes(model, [zeros([1, 3, 224, 224])], { dynamicAxes: { input: { 0: 'batch' } } });
 */
export function onnxBytes(
  model: AnyModule,
  exampleInputs: Tensor | readonly Tensor[],
  options: OnnxOptions = {},
): Uint8Array {
  const inputs = exampleInputs instanceof Tensor ? [exampleInputs] : [...exampleInputs];
  const { opset = 17, outputNames, dynamicAxes = {} } = options;
  const inputNames = options.inputNames ?? named('input', inputs.length);
  if (!Number.isInteger(opset) || opset < 17 || opset > 20)
    throw new RangeError(`exportOnnx: opset ${opset} is not supported: use 17 to 20`);
  if (inputNames.length !== inputs.length || new Set(inputNames).size !== inputs.length)
    throw new RangeError(
      `exportOnnx: ${inputs.length} inputs have ${inputNames.length} inputNames (${inputNames.join(', ')}): give each its own`,
    );
  const axes = axesOf(inputs, inputNames, outputNames, dynamicAxes);
  const first = trace(model, inputs, inputNames, options);
  const others = (axes.length === 0 ? [1] : [1, 2]).map((run) => {
    const changed = inputs.map((input, i) => {
      const more = input.shape.map(() => 0);
      for (const { input: name, dim, sizes } of axes)
        if (name === inputNames[i]) more[dim] = sizes[run] - sizes[0];
      return otherInput(input, more);
    });
    return trace(model, changed, inputNames, options);
  });
  const outputs = reconcile([first, ...others], axes);
  const constants = constantsOf(model, first.graph);
  const symbolOf = (name: string, dim: number): string | undefined =>
    axes.find((axis) => axis.input === name && axis.dim === dim)?.symbol;
  const shown = first.inputs.map(
    (input): OnnxValue => ({
      ...input,
      shape: input.shape.map((size, dim) => symbolOf(input.name, dim) ?? size),
    }),
  );
  return modelBytes(
    { nodes: withoutIdentities(first.graph.nodes), constants, inputs: shown, outputs },
    opset,
  );
}

/**
 * Writes a model as an ONNX file, which onnxruntime and other engines run: the graph of what the model does with the example inputs in
 * evaluation mode. Parameters and buffers keep their names of the state dict; sizes are fixed unless `dynamicAxes` names them.
 *
 * The model also runs on changed inputs, to find what a graph cannot hold. Errors: an operation that has no counterpart in ONNX (with its
 * module and line); shapes, branches or constants that hang on elements; random numbers; 2 GiB of weights.
 *
 * @param exampleInputs what the model is called with, one tensor or several. @param options names, sizes that vary, `opset`.
 *
 * @example
 * io.exportOnnx('lenet.onnx', model, zeros([1, 1, 28, 28]), { dynamicAxes: { input: { 0: 'batch' } } });
 *
 * Source: `torch.onnx.export`; the ONNX operator specification, onnx.ai/onnx/operators.
 */
export function exportOnnx(
  path: string,
  model: AnyModule,
  exampleInputs: Tensor | readonly Tensor[],
  options: OnnxOptions = {},
): void {
  writeAtomically(path, onnxBytes(model, exampleInputs, options));
}
