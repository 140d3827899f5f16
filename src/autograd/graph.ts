import type { DType } from '../tensor/dtype.ts';
import { nodeName } from '../tensor/print.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { AccumulateGrad, type Node } from './node.ts';
import { edgeOf } from './primitive.ts';

export interface GraphNode {
  /** Its place in `nodes`. */
  id: number;
  /** PyTorch's name: `MulBackward0`, `AccumulateGrad` for a leaf. */
  name: string;
  /** Shapes and dtypes of the tensors that the operation made; of the leaf itself for `AccumulateGrad`. */
  outputs: { shape: Shape; dtype: DType }[];
  /** Shapes of the tensors that it has saved for backward. */
  saved: Shape[];
  /** The leaf where gradients arrive. */
  leaf?: Tensor;
}

/** Node `from` sends the gradient of one of its inputs to node `to`, which made that input. */
export interface GraphEdge {
  from: number;
  to: number;
  /** Which input of `from` this is. */
  input: number;
  /** Which output of `to` that input was. */
  output: number;
}

export interface AutogradGraph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/**
 * The recorded graph behind tensors as plain data, from the tensors (first) to the leaves: for drawing, and for looking.
 *
 * @example autogradGraph(loss).nodes.map((node) => node.name)
 */
export function autogradGraph(tensors: Tensor | readonly Tensor[]): AutogradGraph {
  const ids = new Map<Node, number>();
  const order: Node[] = [];
  const enter = (node: Node): number => {
    const known = ids.get(node);
    if (known !== undefined) return known;
    ids.set(node, order.length);
    return order.push(node) - 1;
  };
  for (const tensor of [tensors].flat() as Tensor[]) {
    const edge = edgeOf(tensor);
    if (edge) enter(edge.node);
  }
  const edges: GraphEdge[] = [];
  for (let from = 0; from < order.length; from++)
    order[from].edges.forEach((edge, input) => {
      if (edge) edges.push({ from, to: enter(edge.node), input, output: edge.index });
    });
  const nodes = order.map((node, id): GraphNode => {
    const isLeaf = node instanceof AccumulateGrad;
    return {
      id,
      name: isLeaf || node.foreign ? node.name : nodeName(node.name),
      outputs: node.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
      saved: node.held.flatMap((tensor) => (tensor ? [tensor.shape] : [])),
      ...(isLeaf ? { leaf: node.leaf } : {}),
    };
  });
  return { nodes, edges };
}
