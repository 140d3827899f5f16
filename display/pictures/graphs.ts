import { nn, Tensor } from '../../src/index.ts';
import type { MimeBundle } from '../host.ts';
import { type Displayable, displaySymbol } from '../registry.ts';
import { formatCount } from '../values/numbers.ts';
import { svgImage } from '../values/png.ts';

interface Vertex {
  id: string;
  label: string;
  kind: 'operation' | 'leaf' | 'input' | 'output';
}

interface Graph {
  vertices: Vertex[];
  edges: { from: string; to: string; label?: string }[];
}

/** Opaque, so that the dark text on them can be read on white and on black pages. */
const looks: Record<Vertex['kind'], string> = {
  operation: 'shape=box,style="filled,rounded",fillcolor="#e9ecf1",color="#9aa3b0"',
  leaf: 'shape=box,style="filled,rounded",fillcolor="#cfe1f7",color="#4c8dd6"',
  input: 'shape=ellipse,style=filled,fillcolor="#d2ecd6",color="#4fae5b"',
  output: 'shape=ellipse,style=filled,fillcolor="#fbdcc8",color="#ee854a"',
};

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const toDot = ({ vertices, edges }: Graph, direction: string): string =>
  [
    `digraph { rankdir=${direction}; bgcolor=transparent; ranksep=0.3; nodesep=0.25;`,
    'node [fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#1f2328", height=0.3, margin="0.12,0.05"];',
    'edge [color="#888888", arrowsize=0.6, fontsize=10, fontcolor="#808080", fontname="Helvetica,Arial,sans-serif"];',
    ...vertices.map(({ id, label, kind }) => `${quoted(id)} [label=${quoted(label)},${looks[kind]}];`),
    ...edges.map(
      ({ from, to, label }) =>
        `${quoted(from)} -> ${quoted(to)}${label ? ` [label=${quoted(`  ${label}`)}]` : ''};`,
    ),
    '}',
  ].join('\n');

/** Pixels of a point. */
const pixels = 4 / 3;

/** A graph that Graphviz lays out, as SVG in colours that read on white and on black. */
export class GraphPicture implements Displayable {
  readonly dot: string;
  readonly #text: string;

  constructor(graph: Graph, text: string, direction: 'TB' | 'LR' = 'TB') {
    this.dot = toDot(graph, direction);
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  /** The picture as SVG. Loads Graphviz at its first use. */
  async toSvg(): Promise<string> {
    const { instance } = await import('@viz-js/viz');
    const svg = (await instance()).renderString(this.dot, { format: 'svg', engine: 'dot' });
    return svg.slice(svg.indexOf('<svg')).replace(/font-family="[^"]*"/g, 'font-family="sans-serif"');
  }

  async [displaySymbol](): Promise<MimeBundle> {
    const svg = await this.toSvg();
    const [, width, height] = /^<svg width="(\d+)pt" height="(\d+)pt"/.exec(svg) ?? [];
    // An image, because pages that do not trust a notebook drop SVG elements.
    const image = svgImage(svg, Math.round(Number(width) * pixels), Math.round(Number(height) * pixels));
    return {
      'text/html': `<div class="gb-graph" style="overflow:auto;max-height:1200px">${image}</div>`,
      'text/plain': this.#text,
    };
  }
}

const shapeText = (shape: readonly number[]): string => `(${shape.join(', ')})`;

/** Vertices that a picture can hold. */
const limit = 400;

/**
 * How a tensor was computed: the graph that backward goes through, leaves in blue.
 *
 * @param names of leaves: a model, or tensors by name
 * @example show.graph(loss, { names: model })
 * Error: a tensor without history.
 */
export function graph(
  output: Tensor,
  {
    names = {},
    direction = 'TB',
  }: { names?: nn.AnyModule | Readonly<Record<string, Tensor>>; direction?: 'TB' | 'LR' } = {},
): GraphPicture {
  if (!output.gradFn)
    throw new Error('show.graph: this tensor has no history: it is a leaf, or was computed under noGrad()');
  const entries =
    names instanceof nn.AnyModule ? names.namedParameters() : Object.entries(names as Record<string, Tensor>);
  const nameOf = new Map<Tensor, string>(entries.map(([name, leaf]) => [leaf, name]));
  const root = output.gradFn;
  const ids = new Map<unknown, string>();
  const drawn: Graph = { vertices: [], edges: [] };
  const queue = [root];
  const add = (node: typeof root): string => {
    const known = ids.get(node);
    if (known !== undefined) return known;
    const id = `n${ids.size}`;
    ids.set(node, id);
    const leaf = (node as { leaf?: Tensor }).leaf;
    if (leaf)
      drawn.vertices.push({
        id,
        kind: 'leaf',
        label: `${nameOf.get(leaf) ?? 'leaf'}\n${shapeText(leaf.shape)}`,
      });
    else {
      drawn.vertices.push({ id, kind: 'operation', label: node.name });
      queue.push(node);
    }
    return id;
  };
  drawn.vertices.push({ id: 'out', kind: 'output', label: shapeText(output.shape) });
  queue.length = 0;
  drawn.edges.push({ from: add(root), to: 'out' });
  while (queue.length > 0 && ids.size < limit) {
    const node = queue.shift()!;
    const to = ids.get(node)!;
    for (const edge of node.edges) {
      if (!edge) continue;
      const shape = edge.node.outputs[edge.index]?.shape;
      drawn.edges.push({
        from: add(edge.node),
        to,
        label: shape && !('leaf' in edge.node) ? shapeText(shape) : undefined,
      });
    }
  }
  const leaves = drawn.vertices.filter(({ kind }) => kind === 'leaf').length;
  return new GraphPicture(
    drawn,
    `graph of ${drawn.vertices.length - 1 - leaves} operations and ${leaves} leaves${queue.length > 0 ? ` (the first ${limit})` : ''}`,
    direction,
  );
}

/**
 * What goes through a model: runs it on an input and draws its layers with the shapes between them.
 *
 * @param depth how deep to look into modules that contain others. Default: to the end.
 * @example show.model(model, zeros([1, 3, 32, 32]))
 */
export function model(
  module: nn.AnyModule,
  input: Tensor | readonly Tensor[],
  { depth = Number.POSITIVE_INFINITY, direction = 'TB' }: { depth?: number; direction?: 'TB' | 'LR' } = {},
): GraphPicture {
  const inputs = input instanceof Tensor ? [input] : [...input];
  const drawn: Graph = { vertices: [], edges: [] };
  /** Which vertex made a tensor; tensors made between layers are followed through their history. */
  const makers = new Map<unknown, string>();
  const origins = (value: Tensor): string[] => {
    const direct = makers.get(value);
    if (direct !== undefined) return [direct];
    const found = new Set<string>();
    const seen = new Set<unknown>();
    const visit = (node: Tensor['gradFn']): void => {
      if (!node || seen.has(node)) return;
      seen.add(node);
      const maker = makers.get(node);
      if (maker !== undefined) {
        found.add(maker);
        return;
      }
      for (const edge of node.edges) if (edge) visit(edge.node);
    };
    visit(value.gradFn);
    return [...found];
  };
  const tensorsIn = (value: unknown): Tensor[] =>
    value instanceof Tensor ? [value] : Array.isArray(value) ? value.flatMap(tensorsIn) : [];
  const made = (value: unknown, id: string): void => {
    for (const tensor of tensorsIn(value)) {
      makers.set(tensor, id);
      if (tensor.gradFn) makers.set(tensor.gradFn, id);
    }
  };
  // Inputs that require gradients leave a trace through every operation, also those between layers.
  const tracked = inputs.map((tensor, i) => {
    const leaf = tensor.isFloating ? tensor.detach().clone().requiresGrad_() : tensor;
    const id = `in${i}`;
    drawn.vertices.push({ id, kind: 'input', label: `input ${shapeText(tensor.shape)}` });
    makers.set(leaf, id);
    makers.set(leaf.accumulator, id);
    return leaf;
  });
  const level = (name: string): number => name.split('.').length;
  const hooks = module
    .namedModules()
    .filter(
      ([name, part]) =>
        name !== '' && level(name) <= depth && (part.children().length === 0 || level(name) === depth),
    )
    .map(([name, part]) =>
      part.registerForwardHook((_part, given, output) => {
        const id = `m${drawn.vertices.length}`;
        const count = part.parameters().reduce((sum, p) => sum + p.size, 0);
        drawn.vertices.push({
          id,
          kind: 'operation',
          label: `${name}: ${part.typeName}${count > 0 ? `\n${formatCount(count)} parameters` : ''}`,
        });
        for (const tensor of tensorsIn(given))
          for (const from of origins(tensor))
            drawn.edges.push({ from, to: id, label: shapeText(tensor.shape) });
        made(output, id);
      }),
    );
  let result: unknown;
  try {
    result = (module as unknown as (...inputs: Tensor[]) => unknown)(...tracked);
  } finally {
    for (const hook of hooks) hook.remove();
  }
  tensorsIn(result).forEach((tensor, i) => {
    const id = `out${i}`;
    drawn.vertices.push({ id, kind: 'output', label: `output ${shapeText(tensor.shape)}` });
    for (const from of origins(tensor)) drawn.edges.push({ from, to: id, label: shapeText(tensor.shape) });
  });
  return new GraphPicture(
    drawn,
    `model of ${drawn.vertices.filter(({ kind }) => kind === 'operation').length} layers: ${inputs.map(({ shape }) => shapeText(shape)).join(', ')} to ${tensorsIn(
      result,
    )
      .map(({ shape }) => shapeText(shape))
      .join(', ')}`,
    direction,
  );
}
