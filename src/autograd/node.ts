import type { DType } from '../tensor/dtype.ts';
import { formatShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mode } from './mode.ts';
import { userFrames } from './trace.ts';

/** A gradient for one input: `null` where it is zero or not needed. */
export type Gradient = Tensor | null;

/** Where a gradient goes: an input of `node`, which was its `index`-th output. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
}

export interface OutputInfo {
  readonly shape: Shape;
  readonly dtype: DType;
}

export type NodeHook = (grads: Gradient[]) => void;

/** A node's part in one backward pass; `outer` is that of a pass inside which this one was started. */
export interface Visit {
  readonly run: number;
  /** How many of the operations that used the outputs have not yet sent their gradients. */
  waiting: number;
  /** The gradients of the outputs, as far as they have arrived. */
  readonly grads: Gradient[];
  readonly outer: Visit | null;
}

const nothing: [] = [];
const noVersions: [] = [];
let sequence = 0;

/**
 * One step of the recorded graph: an operation that was applied, what it saved, and where the gradients of its inputs go.
 * It is also the context that the operation's forward and gradient see.
 */
export class Node {
  readonly name: string;
  /** Later operations have higher numbers: backward goes from high to low. */
  readonly sequence = sequence++;
  readonly edges: (Edge | null)[];
  outputs: readonly OutputInfo[] = [];
  /** The user's lines that led to the forward call, in anomaly mode. */
  readonly trace: readonly string[] | undefined;
  /** What a backward pass that runs through this node knows of it. */
  visit: Visit | null = null;
  #saved: (Tensor | null | undefined)[] | null = nothing;
  #versions: number[] = noVersions;
  /** Brings back what was not kept. */
  #recall: (() => (Tensor | null | undefined)[]) | null = null;
  readonly #gradient: (ctx: Node, grads: Gradient[], attrs: never) => Gradient[];
  readonly #attrs: unknown;
  /** Tensor hooks by output, run on the gradient before the operation's own. */
  outputHooks: Map<number, ((grad: Tensor) => Tensor | undefined | null)[]> | null = null;
  /** Tensors that keep their gradient (`retainGrad`), by output. */
  retained: Map<number, Tensor> | null = null;
  /** True where user code ran inside (custom functions, hooks): the engine must not reuse memory that such code has seen. */
  readonly foreign: boolean;

  constructor(
    name: string,
    edges: (Edge | null)[],
    gradient: (ctx: Node, grads: Gradient[], attrs: never) => Gradient[],
    foreign = false,
    attrs: unknown = null,
  ) {
    this.name = name;
    this.edges = edges;
    this.#gradient = gradient;
    this.#attrs = attrs;
    this.foreign = foreign;
    if (mode.anomaly) this.trace = userFrames(Node as never);
  }

  /** Whether the gradient of the i-th input is wanted. */
  needs(index: number): boolean {
    return this.edges[index] !== null;
  }

  /** The shape of the i-th input, when its gradient is wanted. */
  inputShape(index: number): Shape {
    const { node, index: output } = this.edges[index]!;
    return node.outputs[output].shape;
  }

  /** Keeps tensors for the gradient. Their versions are checked when they are read. */
  save(...tensors: (Tensor | null | undefined)[]): void {
    const versions = new Array<number>(tensors.length);
    for (let i = 0; i < tensors.length; i++) {
      const t = tensors[i] ?? null;
      tensors[i] = t;
      versions[i] = t === null ? 0 : t.storage.version;
      if (t?.isInference)
        throw new Error(
          `${this.name}: an inference tensor ${formatShape(t.shape)} cannot be saved for backward: clone() it outside inferenceMode`,
        );
    }
    const recall = mode.save === null ? null : mode.save(tensors);
    if (recall !== null) {
      this.#recall = recall;
      return;
    }
    this.#saved = tensors;
    this.#versions = versions;
  }

  /** What `save` kept. Errors: released by an earlier backward; changed in place since. */
  get saved(): Tensor[] {
    if (this.#recall !== null) return this.#recall() as Tensor[];
    const saved = this.#saved;
    if (saved === null)
      throw new Error(
        `Trying to backward through the graph a second time: ${this.name} has already released what it saved. Pass {retainGraph: true} to the first backward`,
      );
    for (let i = 0; i < saved.length; i++) {
      const t = saved[i] as Tensor | null;
      if (t !== null && t.storage.version !== this.#versions[i])
        throw new Error(
          `one of the variables needed for gradient computation has been modified by an inplace operation: [${t.dtype} ${formatShape(t.shape)}], saved by ${this.name}, is at version ${t.storage.version}; expected version ${this.#versions[i]} instead. Clone it before the in-place operation`,
        );
    }
    return saved as Tensor[];
  }

  /** What is saved now, unchecked: for those who look at the graph. */
  get held(): readonly (Tensor | null | undefined)[] {
    return this.#saved ?? nothing;
  }

  /** Lets go of what was saved; a second backward through this node is an error from now on. */
  releaseSaved(): void {
    this.#saved = null;
    this.#recall = null;
  }

  /** Whether code of the user brings back what was saved. */
  get recalls(): boolean {
    return this.#recall !== null;
  }

  /** Called by forward when nothing has to be kept, so that a second backward stays possible. */
  saveNothing(): void {
    this.#saved = nothing;
  }

  apply(grads: Gradient[]): Gradient[] {
    return this.#gradient(this, grads, this.#attrs as never);
  }
}

/** The end of the graph at a leaf: adds what arrives to the leaf's `grad`. */
export class AccumulateGrad extends Node {
  readonly leaf: Tensor;
  /** Run after the leaf's `grad` has grown. */
  readonly afterHooks: ((leaf: Tensor) => void)[] = [];
  constructor(leaf: Tensor) {
    super('AccumulateGrad', [], () => []);
    this.leaf = leaf;
    this.outputs = [{ shape: leaf.shape, dtype: leaf.dtype }];
  }
}
