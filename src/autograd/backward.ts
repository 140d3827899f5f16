import { add } from '../ops/arithmetic.ts';
import { nodeName } from '../tensor/print.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import { observeAllocations, type Storage } from '../tensor/storage.ts';
import { Tensor } from '../tensor/tensor.ts';
import { mode, setGradEnabled } from './mode.ts';
import { AccumulateGrad, type Gradient, type Node, type Visit } from './node.ts';
import { edgeOf } from './primitive.ts';

export interface BackwardOptions {
  /** Keeps what was saved, so that backward can run again. Default: the value of `createGraph`. */
  retainGraph?: boolean;
  /** Records the backward pass itself, for second derivatives. Default false. */
  createGraph?: boolean;
}

export interface GradOptions extends BackwardOptions {
  /** Gradients of the outputs, in their order; `null` means 1 for a scalar. */
  gradOutputs?: Tensor | readonly (Tensor | null)[] | null;
  /** Returns `null` for inputs that the outputs do not depend on, instead of throwing. Default false. */
  allowUnused?: boolean;
}

/** Nodes whose gradients are complete, the latest recorded first: a binary heap by sequence number. */
class Ready {
  readonly #heap: Node[] = [];
  get size(): number {
    return this.#heap.length;
  }
  push(node: Node): void {
    const heap = this.#heap;
    let i = heap.push(node) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent].sequence >= node.sequence) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = node;
  }
  pop(): Node {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && heap[child + 1].sequence > heap[child].sequence) child++;
        if (heap[child].sequence <= last.sequence) break;
        heap[i] = heap[child];
        i = child;
      }
      heap[i] = last;
    }
    return top;
  }
}

/** Where the forward call of a node stands. */
function forwardCall(node: Node): string {
  const { trace, name } = node;
  if (!trace)
    return `The forward call of ${name} was not recorded: switch detectAnomaly on before the forward pass`;
  return `Forward call of ${name}:\n${trace.map((line) => `    ${line}`).join('\n')}`;
}

function checkGradient(node: Node, grads: readonly Gradient[]): void {
  grads.forEach((g, input) => {
    if (!g) return;
    const flat = g.isContiguous ? g : g.clone();
    for (let i = 0; i < flat.size; i++) {
      const value = flat.elements[flat.offset + i];
      if (Number.isFinite(value)) continue;
      const index: number[] = [];
      for (let d = flat.ndim - 1, rest = i; d >= 0; d--) {
        index.unshift(rest % flat.shape[d]);
        rest = Math.floor(rest / flat.shape[d]);
      }
      throw new Error(
        `detectAnomaly: ${nodeName(node.name)} returned ${value} at index [${index}] of the gradient ${formatShape(g.shape)} of input ${input} of ${node.name}; its outputs had the shapes ${node.outputs.map((o) => formatShape(o.shape)).join(', ')}.\n${forwardCall(node)}`,
      );
    }
  });
}

/** A gradient in the shape and dtype of what it belongs to. Error: a custom function that returned another shape. */
function conform(node: Node, edgeNode: Node, index: number, grad: Tensor): Tensor {
  const info = edgeNode.outputs[index];
  if (!info) return grad;
  if (!sameShape(grad.shape, info.shape))
    throw new RangeError(
      `${node.name}: the gradient has the shape ${formatShape(grad.shape)}, but its input has ${formatShape(info.shape)}`,
    );
  return grad.dtype === info.dtype ? grad : grad.to(info.dtype);
}

/**
 * The backward pass: sends `grads` from the root tensors through the recorded graph, latest operation first, without recursion.
 * `arrive` receives what reaches a leaf; with `targets`, only the paths to them are walked.
 */
function run(
  roots: readonly Tensor[],
  grads: readonly Tensor[],
  options: { retainGraph: boolean; createGraph: boolean },
  arrive: (node: Node, index: number, grad: Tensor, unseen: boolean) => void,
  targets: ReadonlyMap<Node, ReadonlySet<number>> | null,
): void {
  const pass = ++passes;
  const stack: Node[] = [];
  const order: Node[] = [];
  for (const root of roots) {
    const edge = edgeOf(root);
    if (edge !== null && visitOf(edge.node, pass) === null) {
      enter(edge.node, pass);
      stack.push(edge.node);
    }
  }
  while (stack.length > 0) {
    const node = stack.pop()!;
    order.push(node);
    const { edges } = node;
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i];
      if (edge === null) continue;
      let visit = visitOf(edge.node, pass);
      if (visit === null) {
        visit = enter(edge.node, pass);
        stack.push(edge.node);
      }
      visit.waiting++;
    }
  }
  const useful = targets && leadingTo(targets, order);
  const ready = new Ready();
  for (let i = 0; i < roots.length; i++) {
    const edge = edgeOf(roots[i]);
    if (edge !== null) send(edge.node, pass, edge.index, grads[i]);
  }
  for (const node of order) if (visitOf(node, pass)!.waiting === 0) ready.push(node);

  const recycles = targets === null && !options.createGraph && !mode.anomaly && !order.some(isWatched);
  try {
    while (ready.size > 0) {
      const node = ready.pop();
      const incoming = leave(node, pass);
      if (node.outputHooks !== null || node.retained !== null) {
        keepAll(incoming);
        applyHooks(node, incoming);
        keepAll(incoming);
      }
      const wanted = targets?.get(node);
      if (wanted)
        for (const index of wanted) if (incoming[index]) arrive(node, index, incoming[index], recycles);
      if (node instanceof AccumulateGrad) {
        if (!targets && incoming[0]) arrive(node, 0, incoming[0], recycles);
        landed(incoming);
        continue;
      }
      let outgoing: Gradient[] | null = null;
      if ((useful === null || useful.has(node)) && hasGradient(incoming)) {
        if (node.foreign) keepAll(incoming);
        outgoing = recycles && !node.foreign ? applyTidily(node, incoming) : node.apply(incoming);
        if (mode.anomaly) checkGradient(node, outgoing);
      }
      if (!options.retainGraph) node.releaseSaved();
      const { edges } = node;
      for (let i = 0; i < edges.length; i++) {
        const edge = edges[i];
        if (edge === null) continue;
        const grad = outgoing === null ? null : outgoing[i];
        if (grad) {
          const fitting = conform(node, edge.node, edge.index, grad);
          if (fitting.storage.inFlight > 0) fitting.storage.inFlight++;
          send(edge.node, pass, edge.index, fitting);
        }
        if (--visitOf(edge.node, pass)!.waiting === 0) ready.push(edge.node);
      }
      landed(incoming);
      if (outgoing !== null) landed(outgoing);
    }
  } catch (error) {
    for (const node of order) if (visitOf(node, pass) !== null) leave(node, pass);
    throw error;
  }
}

let passes = 0;

/** Gradients of at least this many bytes are given back by hand; smaller ones are left to the collector. */
const worthRecycling = 16 * 1024;

/** Whether user code runs or sees gradients at this node: then the whole pass leaves its memory to the collector. */
const isWatched = (node: Node): boolean =>
  node.foreign ||
  node.recalls ||
  node.outputHooks !== null ||
  node.retained !== null ||
  (node instanceof AccumulateGrad && node.afterHooks.length > 0);

/** Marks memory that user code has seen: it is never given back by hand. */
const forever = 2 ** 40;

function keepAll(grads: readonly Gradient[]): void {
  for (const grad of grads) if (grad !== null) grad.storage.inFlight += forever;
}

/**
 * Runs a node's gradient, and gives back at once what it allocated and does not return. What it returns counts as in flight until
 * every node that it is sent to has used it.
 */
function applyTidily(node: Node, incoming: Gradient[]): Gradient[] {
  const made: Storage[] = [];
  const before = observeAllocations((storage) => {
    if (storage.byteLength >= worthRecycling) made.push(storage);
    before?.(storage);
  });
  let outgoing: Gradient[];
  try {
    outgoing = node.apply(incoming);
  } finally {
    observeAllocations(before);
  }
  // Once for each mention in the list, which `landed` takes back.
  for (const grad of outgoing)
    if (grad && (grad.storage.inFlight > 0 || made.includes(grad.storage))) grad.storage.inFlight++;
  for (const storage of made) if (storage.inFlight === 0 && !storage.holdsGrad) storage.release();
  return outgoing;
}

/** These gradients have been used: memory that no other gradient in flight and no leaf lives in goes back to the pool. */
function landed(grads: readonly Gradient[]): void {
  for (let i = 0; i < grads.length; i++) {
    const storage = grads[i]?.storage;
    if (storage && storage.inFlight > 0 && --storage.inFlight === 0 && !storage.holdsGrad) storage.release();
  }
}

function visitOf(node: Node, pass: number): Visit | null {
  let { visit } = node;
  while (visit !== null && visit.run !== pass) visit = visit.outer;
  return visit;
}

function enter(node: Node, pass: number): Visit {
  const count = node.outputs.length;
  const grads: Gradient[] = count <= 1 ? [null] : new Array<Gradient>(count).fill(null);
  return (node.visit = { run: pass, waiting: 0, grads, outer: node.visit });
}

/** Takes the gradients that have arrived, and the pass's mark off the node. A pass ends before one that it was started inside. */
function leave(node: Node, pass: number): Gradient[] {
  const visit = visitOf(node, pass)!;
  node.visit = visit.outer;
  return visit.grads;
}

function send(node: Node, pass: number, index: number, grad: Tensor): void {
  const { grads } = visitOf(node, pass)!;
  const before = grads[index];
  grads[index] = before ? add(before, grad) : grad;
  if (before) landed([before, grad]);
}

function hasGradient(grads: readonly Gradient[]): boolean {
  for (let i = 0; i < grads.length; i++) if (grads[i] !== null) return true;
  return false;
}

/** The nodes of `order` from which a target can be reached. */
function leadingTo(targets: ReadonlyMap<Node, unknown>, order: readonly Node[]): Set<Node> {
  const useful = new Set(targets.keys());
  const sorted = [...order].sort((a, b) => a.sequence - b.sequence);
  // AccumulateGrad nodes may be younger than the operations that use them: settle until nothing changes.
  for (let grew = true; grew; ) {
    grew = false;
    for (const node of sorted)
      if (!useful.has(node) && node.edges.some((e) => e !== null && useful.has(e.node))) {
        useful.add(node);
        grew = true;
      }
  }
  return useful;
}

function applyHooks(node: Node, incoming: Gradient[]): void {
  if (node.outputHooks)
    for (const [index, hooks] of node.outputHooks)
      for (const hook of hooks) {
        const grad = incoming[index];
        if (grad) incoming[index] = hook(grad) ?? grad;
      }
  if (node.retained)
    for (const [index, tensor] of node.retained) {
      const grad = incoming[index];
      if (grad) tensor.grad = tensor.grad ? add(tensor.grad, grad) : grad;
    }
}

function rootGradient(op: string, root: Tensor, grad: Tensor | null | undefined, index: number): Tensor {
  if (!root.requiresGrad)
    throw new Error(
      `${op}: element ${index} of tensors does not require grad and does not have a grad_fn: nothing in its computation has requiresGrad`,
    );
  if (!grad) {
    if (root.size !== 1)
      throw new Error(
        `${op}: grad can be implicitly created only for scalar outputs, this one is ${formatShape(root.shape)}: reduce it (sum, mean) or pass a gradient of its shape`,
      );
    const ones = Tensor.allocate(root.shape, root.dtype);
    ones.elements[ones.offset] = 1;
    return ones;
  }
  if (!sameShape(grad.shape, root.shape))
    throw new RangeError(
      `${op}: the gradient ${formatShape(grad.shape)} does not have the output's shape ${formatShape(root.shape)}`,
    );
  return grad.to(root.dtype);
}

function withMode<T>(createGraph: boolean, body: () => T): T {
  const before = mode.grad;
  setGradEnabled(createGraph);
  try {
    return body();
  } finally {
    setGradEnabled(before);
  }
}

/**
 * Adds the gradients of `tensors` to the `grad` of every leaf that they were computed from.
 *
 * @param grads gradients of the tensors, of their shapes; may be left out for tensors of one element (then 1).
 * Errors: no history; more than one element and no gradient; a graph that an earlier backward released.
 * Source: `torch.autograd.backward`.
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  grads?: Tensor | readonly (Tensor | null)[] | null,
  { createGraph = false, retainGraph = createGraph }: BackwardOptions = {},
): void {
  const roots = tensors instanceof Tensor ? [tensors] : [...tensors];
  const given = grads instanceof Tensor ? [grads] : (grads ?? []);
  const start = roots.map((root, i) => rootGradient('backward', root, given[i], i));
  withMode(createGraph, () =>
    run(
      roots,
      start,
      { retainGraph, createGraph },
      (node, _index, grad, unseen) => {
        const { leaf, afterHooks } = node as AccumulateGrad;
        const before = leaf.innerGrad;
        const sum = before ? add(before, grad) : createGraph ? grad : ownCopy(grad, start, unseen);
        if (before) {
          sum.storage.holdsGrad = true;
          if (unseen && sum.storage !== before.storage) leaf.dropGrad();
        }
        leaf.receiveGrad(sum, unseen);
        for (const hook of [...afterHooks]) hook(leaf);
      },
      null,
    ),
  );
}

/**
 * A leaf's gradient must not share memory with another tensor, because it is changed in place later. A view of all of a storage that only
 * this pass knows of (`unseen`), and that no other gradient on its way lives in, takes the storage over.
 */
function ownCopy(grad: Tensor, start: readonly Tensor[], unseen: boolean): Tensor {
  const { storage } = grad;
  if (unseen && grad.base !== null && storage.inFlight === 1 && !storage.holdsGrad)
    if (grad.isContiguous && storage.length === grad.size) {
      storage.holdsGrad = true;
      return grad.alias(grad.shape, grad.strides, grad.offset);
    }
  const shared =
    grad.base !== null || start.includes(grad) || grad.storage.length !== grad.size || grad.storage.holdsGrad;
  const own = shared || !grad.isContiguous ? grad.clone() : grad.requiresGrad ? grad.detach() : grad;
  own.storage.holdsGrad = true;
  return own;
}

/**
 * The gradients of `outputs` with respect to `inputs`, in the order of the inputs; nothing is added to any `grad`.
 *
 * Errors: as `backward`; an input that the outputs do not depend on, unless `allowUnused`.
 * Source: `torch.autograd.grad`.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions & { allowUnused: true },
): (Tensor | null)[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options?: GradOptions,
): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  { gradOutputs, createGraph = false, retainGraph = createGraph, allowUnused = false }: GradOptions = {},
): (Tensor | null)[] {
  const roots = outputs instanceof Tensor ? [outputs] : [...outputs];
  const wanted = inputs instanceof Tensor ? [inputs] : [...inputs];
  const given = gradOutputs instanceof Tensor ? [gradOutputs] : (gradOutputs ?? []);
  const start = roots.map((root, i) => rootGradient('grad', root, given[i], i));
  const edges = wanted.map((input, i) => {
    const edge = edgeOf(input);
    if (!edge)
      throw new Error(
        `grad: input ${i} ${formatShape(input.shape)} does not require grad: set requiresGrad before it is used`,
      );
    return edge;
  });
  const targets = new Map<Node, Set<number>>();
  for (const { node, index } of edges) {
    const indices = targets.get(node);
    if (indices) indices.add(index);
    else targets.set(node, new Set([index]));
  }
  const found = new Map<Node, Map<number, Tensor>>();
  withMode(createGraph, () =>
    run(
      roots,
      start,
      { retainGraph, createGraph },
      (node, index, gradient) => {
        const slots = found.get(node) ?? new Map<number, Tensor>();
        found.set(node, slots.set(index, gradient));
      },
      targets,
    ),
  );
  return edges.map(({ node, index }, i) => {
    const gradient = found.get(node)?.get(index) ?? null;
    if (!gradient && !allowUnused)
      throw new Error(
        `grad: the outputs do not depend on input ${i} ${formatShape(wanted[i].shape)}: pass {allowUnused: true} to get null for it`,
      );
    return gradient;
  });
}
