import { mode } from '../autograd/mode.ts';
import { AccumulateGrad, type Node } from '../autograd/node.ts';
import type { TensorMethods } from '../ops/methods.ts';
import { type DType, isFloating, type TypedArray } from './dtype.ts';
import { isContiguous, numel, type Shape } from './shape.ts';
import { allocate, Storage } from './storage.ts';

/** How a view was made, where that matters: while nothing was recorded, or as one of several by one operation (`split`, `unbind`). */
export type ViewOrigin = 'unrecorded' | 'several';

// The operations become methods: `ops/methods.ts` lists them once, as types here and as functions on the prototype.
export interface Tensor extends TensorMethods {}

/**
 * An n-dimensional array: a strided view of a storage, with the autograd facts that belong to it.
 *
 * Make one with `tensor`, `zeros`, `randn`, ...; PyTorch's operations are methods and functions of the same (camelCase) names.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods of the interface are put on the prototype by ops/methods.ts
export class Tensor {
  readonly storage: Storage;
  /** Sizes of the dimensions. */
  readonly shape: Shape;
  /** Elements (not bytes) to step for the next index of each dimension; 0 where a dimension is broadcast. */
  readonly strides: readonly number[];
  /** The first element's place in the storage. */
  readonly offset: number;
  /** How many elements. */
  readonly size: number;
  /** The tensor whose memory this one views; `null` when it owns its own. */
  base: Tensor | null = null;
  /** Which output of `gradFn` this is. */
  outputIndex = 0;
  /** Made inside `inferenceMode`: can never be saved for backward. A view is what its base is. */
  isInference: boolean = mode.inference;
  /** Lives in the memory of another tensor without being its view in the graph: what `detach` returns. */
  isShared = false;
  /** Why writing through this view with recording on is refused; `null` where it is not. */
  viewOrigin: ViewOrigin | null = null;
  #grad: Tensor | null = null;
  /** Whether anyone but the engine may hold what `#grad` was or is. */
  #gradIsSeen = false;
  #leafRequiresGrad = false;
  #gradFn: Node | null = null;
  #accumulator: AccumulateGrad | null = null;
  #viewVersion = 0;
  #isContiguous: boolean | null = null;

  constructor(storage: Storage, shape: Shape, strides: readonly number[], offset: number) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.size = numel(shape);
  }

  get dtype(): DType {
    return this.storage.dtype;
  }

  /** How many dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  get isFloating(): boolean {
    return isFloating(this.dtype);
  }

  /** Whether the elements lie in row-major order without gaps. */
  get isContiguous(): boolean {
    return (this.#isContiguous ??= isContiguous(this.shape, this.strides));
  }

  /** The memory that `offset` and `strides` are places in: for kernels. Error: a disposed tensor. */
  get elements(): TypedArray {
    return this.storage.array;
  }

  /** The accumulated gradient of a leaf (or after `retainGrad`), `null` before the first backward. */
  get grad(): Tensor | null {
    this.#gradIsSeen = true;
    return this.#grad;
  }

  set grad(value: Tensor | null) {
    this.#gradIsSeen = true;
    this.#grad = value;
  }

  /** `grad` for code of the library that keeps no reference to it. */
  get innerGrad(): Tensor | null {
    return this.#grad;
  }

  /** Sets `grad`; `own` says that nobody else holds it. */
  receiveGrad(grad: Tensor, own: boolean): void {
    this.#grad = grad;
    this.#gradIsSeen = !own;
  }

  /** Forgets `grad`, and gives its memory back where nobody has looked at it. */
  dropGrad(): void {
    const grad = this.#grad;
    this.#grad = null;
    if (grad !== null && !this.#gradIsSeen) grad.storage.release();
  }

  /** Whether operations on this tensor are recorded. */
  get requiresGrad(): boolean {
    return this.#leafRequiresGrad || this.gradFn !== null;
  }

  set requiresGrad(value: boolean) {
    if (value && !this.isFloating)
      throw new TypeError(`requiresGrad: only floating tensors have gradients, this one is ${this.dtype}`);
    if (!value && this.#gradFn !== null)
      throw new Error(
        'requiresGrad: only leaf tensors can be changed; use detach() for a tensor without history',
      );
    if (value && this.isInference && !mode.inference)
      throw new Error(
        'requiresGrad: this tensor was made inside inferenceMode and never has gradients: clone() it outside',
      );
    this.#leafRequiresGrad = value;
  }

  /** Whether this tensor was not computed from others that require gradients. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }

  /** The operation that made this tensor, `null` for a leaf. A view asks its base again after an in-place change. */
  get gradFn(): Node | null {
    const base = this.base;
    if (base !== null && this.storage.version !== this.#viewVersion) {
      this.#viewVersion = this.storage.version;
      Tensor.refreshView(this, base);
    }
    return this.#gradFn;
  }

  /** Where gradients for this leaf arrive. */
  get accumulator(): AccumulateGrad {
    return (this.#accumulator ??= new AccumulateGrad(this));
  }

  setHistory(node: Node | null, outputIndex: number): void {
    const before = this.#gradFn;
    if (before !== null && before.retained !== null) this.#moveRetained(before, node, outputIndex);
    this.#gradFn = node;
    this.outputIndex = outputIndex;
    if (this.base !== null) this.#viewVersion = this.storage.version;
  }

  /** After an in-place change, `retainGrad` is about the changed value. */
  #moveRetained(from: Node, to: Node | null, outputIndex: number): void {
    if (from.retained!.get(this.outputIndex) !== this) return;
    from.retained!.delete(this.outputIndex);
    if (to !== null) (to.retained ??= new Map()).set(outputIndex, this);
  }

  markView(source: Tensor): void {
    if (this.storage !== source.storage) return;
    this.base = source.base ?? source;
    this.isInference = source.isInference;
    this.viewOrigin = source.viewOrigin ?? (mode.grad ? null : 'unrecorded');
    this.#viewVersion = this.storage.version;
  }

  /** Gives a view of a base that was changed in place its new history; set by `autograd/inplace.ts`. */
  static refreshView: (view: Tensor, base: Tensor) => void = () => {};

  /** A new row-major tensor with memory of its own: zeros, or (faster) whatever was there before. Its `offset` need not be 0. */
  static allocate(shape: Shape, dtype: DType, zeroed = false): Tensor {
    const strides = new Array<number>(shape.length);
    let stride = 1;
    for (let i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i] > 1 ? shape[i] : 1;
    }
    const storage = allocate(dtype, numel(shape), zeroed);
    const out = new Tensor(storage, shape, strides, storage.start);
    out.#isContiguous = true;
    return out;
  }

  /** Whether `dispose` was called on this tensor, or its memory was given back. */
  get isDisposed(): boolean {
    return this.storage.isReleased;
  }

  /**
   * Gives the memory back now, instead of when the collector finds it. Every use of it, through views too, is an error from then on. A view,
   * or a tensor from `detach()`, does not own its memory: disposing of it only ends that view.
   *
   * `using x = ...` calls it at the end of the block.
   */
  dispose(): void {
    if (this.base === null && !this.isShared) this.storage.release();
    else (this as { storage: Storage }).storage = Storage.released(this.dtype);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Another view of the same memory, without history: view operations build their result with it. */
  alias(shape: Shape, strides: readonly number[], offset: number): Tensor {
    return new Tensor(this.storage, shape, strides, offset);
  }
}
