import { type DType, dtypeInfo, type TypedArray } from './dtype.ts';

/**
 * The memory behind one or more tensors: a V8-owned ArrayBuffer, so that the garbage collector frees it even inside one long
 * synchronous loop, where finalizers never run. What is known to be dead goes back to a pool at once (`release`).
 */
export class Storage {
  readonly dtype: DType;
  readonly length: number;
  /** Counts in-place writes; autograd compares it with the version at which a tensor was saved. */
  version = 0;
  #block: ArrayBuffer | null;
  #array: TypedArray | null = null;

  constructor(dtype: DType, length: number, block: ArrayBuffer) {
    this.dtype = dtype;
    this.length = length;
    this.#block = block;
    counters.storages++;
    counters.bytes += block.byteLength;
  }

  /** The block itself: the native engine takes its address once. Error: after `release`. */
  get buffer(): ArrayBuffer {
    if (this.#block === null)
      throw new Error(
        'this tensor was disposed: its memory has been given back. Clone it before dispose() if it is still needed',
      );
    return this.#block;
  }

  /** The elements. Error: after `release`. */
  get array(): TypedArray {
    const array = this.#array;
    if (array !== null) return array;
    return (this.#array = new (dtypeInfo(this.dtype).array)(this.buffer, 0, this.length));
  }

  get isReleased(): boolean {
    return this.#block === null;
  }

  get byteLength(): number {
    return this.#block?.byteLength ?? 0;
  }

  /** Gives the memory back to the pool. Every tensor on this storage throws from now on. */
  release(): void {
    const block = this.#block;
    if (block === null) return;
    this.#block = null;
    this.#array = null;
    counters.storages--;
    counters.bytes -= block.byteLength;
    recycle(block);
  }
}

/** Process-wide facts: what is allocated and not released by hand (the collector's share is only known to V8), and the pool. */
const counters = { storages: 0, bytes: 0, pooled: 0 };
const pool = new Map<number, ArrayBuffer[]>();
const poolLimit = 512 * 2 ** 20;

export const storageCounters = (): Readonly<typeof counters> => counters;

/** Powers of two with four steps between, so that at most a fifth is wasted; at least 64 bytes. */
function sizeClass(bytes: number): number {
  if (bytes <= 64) return 64;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

let observer: ((storage: Storage) => void) | null = null;

/** Sees every storage that is allocated until the observer before it is put back: scopes and backward use it. */
export function observeAllocations(
  next: ((storage: Storage) => void) | null,
): ((storage: Storage) => void) | null {
  const before = observer;
  observer = next;
  return before;
}

/** Memory for `length` elements. `zeroed: false` may hand out recycled memory with old contents. */
export function allocate(dtype: DType, length: number, zeroed: boolean): Storage {
  const size = sizeClass(length * dtypeInfo(dtype).bytes);
  const free = pool.get(size);
  const block = free?.pop();
  let storage: Storage;
  if (block) {
    counters.pooled -= size;
    storage = new Storage(dtype, length, block);
    if (zeroed) storage.array.fill(0);
  } else {
    storage = new Storage(dtype, length, new ArrayBuffer(size));
  }
  observer?.(storage);
  return storage;
}

function recycle(block: ArrayBuffer): void {
  const size = block.byteLength;
  if (sizeClass(size) !== size || counters.pooled + size > poolLimit) return;
  const free = pool.get(size);
  if (free) free.push(block);
  else pool.set(size, [block]);
  counters.pooled += size;
}

/** Drops the pooled blocks, so that the collector can free them. */
export function emptyPool(): void {
  pool.clear();
  counters.pooled = 0;
}
