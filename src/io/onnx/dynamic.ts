import type { Graph, GraphConstant } from './graph.ts';
import { widths } from './graph.ts';
import type { OnnxNode, OnnxValue } from './model.ts';

/** One trace of the model: its graph, and its inputs and outputs with the sizes that they had. */
export interface Trace {
  readonly graph: Graph;
  readonly inputs: readonly (OnnxValue & { readonly shape: readonly number[] })[];
  readonly outputs: readonly (OnnxValue & { readonly shape: readonly number[] })[];
}

/** A size of an input that may vary. */
export interface Axis {
  readonly symbol: string;
  readonly input: string;
  readonly dim: number;
  /** The size in each trace. */
  readonly sizes: readonly number[];
}

/** A size that is `times` the product of one or two varying ones, and `plus`. */
interface Dependence {
  readonly factors: readonly Axis[];
  readonly times: number;
  readonly plus: number;
}

/** How a number hangs on varying sizes; null where it does not vary. Error: no line through the numbers of all traces. */
function dependence(numbers: readonly number[], axes: readonly Axis[], where: string): Dependence | null {
  if (numbers.every((number) => number === numbers[0])) return null;
  const pairs = axes.flatMap((a, i) => axes.slice(i + 1).map((b) => [a, b]));
  for (const factors of [...axes.map((axis) => [axis]), ...pairs]) {
    const sizes = numbers.map((_, i) => factors.reduce((product, axis) => product * axis.sizes[i], 1));
    const times = (numbers[1] - numbers[0]) / (sizes[1] - sizes[0]);
    const plus = numbers[0] - times * sizes[0];
    if (Number.isInteger(times) && numbers.every((number, i) => number === times * sizes[i] + plus))
      return { factors, times, plus };
  }
  throw new Error(
    `exportOnnx: ${where} has the sizes ${numbers.join(', ')} for ${axes.map(({ symbol, sizes }) => `${symbol} = ${sizes.join(', ')}`).join(' and ')}, which does not follow from them: leave out that axis of dynamicAxes`,
  );
}

const place = (node: OnnxNode): string => node.name.replace(/\/[^/]*$/, '');

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Whether all elements are the same; then the bytes of one. */
function uniform({ bytes, type }: GraphConstant): Uint8Array | null {
  const width = widths[type];
  for (let i = width; i < bytes.length; i++) if (bytes[i] !== bytes[i - width]) return null;
  return bytes.slice(0, width);
}

/** Nodes that compute a list of sizes while the model runs. */
function computed(graph: Graph, name: string, entries: readonly (number | Dependence)[]): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  const node = (operator: string, inputs: string[], attributes: OnnxNode['attributes'] = {}): string => {
    const output = graph.fresh(`sizes/${operator}`);
    nodes.push({ operator, name: output, inputs, outputs: [output], attributes });
    return output;
  };
  const parts = entries.map((entry) => {
    if (typeof entry === 'number') return graph.constant([entry], 'int64');
    const { factors, times, plus } = entry;
    let size = factors
      .map(({ input, dim }) => node('Shape', [input], { start: dim, end: dim + 1 }))
      .reduce((a, b) => node('Mul', [a, b]));
    if (times !== 1) size = node('Mul', [size, graph.constant([times], 'int64')]);
    if (plus !== 0) size = node('Add', [size, graph.constant([plus], 'int64')]);
    return size;
  });
  nodes.push({ operator: 'Concat', name, inputs: parts, outputs: [name], attributes: { axis: 0 } });
  return nodes;
}

/**
 * Makes the graph of the first trace hold for all of them: sizes that differ follow from the sizes of the inputs. The others ran on
 * other elements (and sizes), so that what else differs hangs on data. Error: such a difference.
 */
export function reconcile(traces: readonly Trace[], axes: readonly Axis[]): Trace['outputs'] | OnnxValue[] {
  const [{ graph, outputs }, ...others] = traces;
  for (const other of others) compareNodes(graph, other.graph);
  const first: OnnxNode[] = [];
  for (const constant of [...graph.constants.values()]) {
    const versions = [constant, ...others.map((other) => other.graph.constants.get(constant.name)!)];
    if (versions.every(({ bytes }) => sameBytes(bytes, constant.bytes))) {
      if (versions.every(({ shape }) => shape.join() === constant.shape.join())) continue;
    }
    const { name } = constant;
    const user = graph.nodes.find((node) => node.inputs.includes(name))!;
    if (constant.sizes) {
      const entries = constant.sizes.map((size, i) => {
        const numbers = versions.map(({ sizes }) => sizes![i]);
        return dependence(numbers, axes, `${user.operator} in ${place(user)}`) ?? size;
      });
      const varying = entries.filter((entry) => typeof entry !== 'number');
      graph.constants.delete(name);
      if (user.operator === 'Reshape' && varying.length === 1) {
        const left = graph.constant(
          entries.map((entry) => (typeof entry === 'number' ? entry : -1)),
          'int64',
        );
        user.inputs = user.inputs.map((input) => (input === name ? left : input));
      } else first.push(...computed(graph, name, entries));
      continue;
    }
    const elements = versions.map(uniform);
    const rank = constant.shape.length;
    if (
      elements.some((element) => !element || !sameBytes(element, elements[0]!)) ||
      versions.some(({ shape }) => shape.length !== rank)
    )
      throw new Error(
        `exportOnnx: ${user.operator} in ${place(user)} reads a constant that is another one for other inputs: it is random, or JavaScript computed it from elements or sizes of the inputs: use the library's operations for that`,
      );
    graph.constants.delete(name);
    const value = graph.fresh('constant');
    graph.constants.set(value, { ...constant, name: value, shape: [], bytes: elements[0]! });
    const sizes = graph.fresh('sizes');
    const entries = constant.shape.map(
      (size, d) =>
        dependence(
          versions.map(({ shape }) => shape[d]),
          axes,
          `a constant in ${place(user)}`,
        ) ?? size,
    );
    first.push(...computed(graph, sizes, entries));
    first.push({ operator: 'Expand', name, inputs: [value, sizes], outputs: [name], attributes: {} });
  }
  graph.nodes.unshift(...first);
  // Other sizes of outputs (halves, for instance) get names of their own.
  return outputs.map((output, i) => ({
    ...output,
    shape: output.shape.map((size, d) => {
      const numbers = traces.map((trace) => trace.outputs[i].shape[d]);
      if (numbers.every((number) => number === size)) return size;
      const same = axes.find(({ sizes }) => numbers.every((number, k) => number === sizes[k]));
      return same ? same.symbol : `${output.name}_${d}`;
    }),
  }));
}

function compareNodes(graph: Graph, other: Graph): void {
  const count = Math.max(graph.nodes.length, other.nodes.length);
  for (let i = 0; i < count; i++) {
    const [a, b] = [graph.nodes[i], other.nodes[i]];
    if (!a || !b || a.name !== b.name || a.inputs.join() !== b.inputs.join())
      throw new Error(
        `exportOnnx: the model runs other operations for other inputs, from ${(a ?? b).operator} in ${place(a ?? b)} on: it branches on their elements or sizes, which a graph cannot hold`,
      );
    for (const [key, value] of Object.entries(a.attributes))
      if (JSON.stringify(value) !== JSON.stringify(b.attributes[key]))
        throw new Error(
          `exportOnnx: ${a.operator} in ${place(a)} has the ${key} ${JSON.stringify(value)} for one input and ${JSON.stringify(b.attributes[key])} for another: leave out that axis of dynamicAxes, or compute nothing from elements in JavaScript`,
        );
  }
}
