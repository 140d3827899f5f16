import { type DType, dtypeInfo, type TypedArray } from './dtype.ts';

/** One piece of V8-owned memory, its address (asked for once), and the typed arrays that read all of it. */
class Block {
  readonly buffer: ArrayBuffer;
  /** Shared by small storages: never recycled, because the others may live on. */
  readonly shared: boolean;
  address = 0;
  #float32: Float32Array | null = null;
  #float64: Float64Array | null = null;
  #int32: Int32Array | null = null;
  #uint8: Uint8Array | null = null;

  constructor(buffer: ArrayBuffer, shared: boolean) {
    this.buffer = buffer;
    this.shared = shared;
  }

  view(dtype: DType): TypedArray {
    switch (dtype) {
      case 'float32':
        return (this.#float32 ??= new Float32Array(this.buffer));
      case 'float64':
        return (this.#float64 ??= new Float64Array(this.buffer));
      case 'int32':
        return (this.#int32 ??= new Int32Array(this.buffer));
      default:
        return (this.#uint8 ??= new Uint8Array(this.buffer));
    }
  }
}

let addressOf: (buffer: ArrayBuffer) => number = () => {
  throw new Error('no native engine is loaded, so memory has no address');
};

/** Tells how to find a buffer's address; the native engine sets it when it loads. */
export function setAddressOf(find: (buffer: ArrayBuffer) => number): void {
  addressOf = find;
}

/**
 * The memory behind one or more tensors: V8-owned, so that the garbage collector frees it even inside one long synchronous loop,
 * where finalizers never run. Small storages share a slab and begin at `start`; larger ones have a block of their own, which goes
 * back to a pool as soon as it is known to be dead (`release`).
 */
export class Storage {
  readonly dtype: DType;
  readonly length: number;
  /** The first element's place in `array`: not 0 in a slab. */
  readonly start: number;
  /** Counts in-place writes; autograd compares it with the version at which a tensor was saved. */
  version = 0;
  /** Whether a leaf's `grad` lives here, so that no other tensor may take it over. */
  holdsGrad = false;
  /** How many gradients on their way through a backward pass live here. */
  inFlight = 0;
  #block: Block | null;
  #array: TypedArray | null = null;

  constructor(dtype: DType, length: number, block: Block, start: number) {
    this.dtype = dtype;
    this.length = length;
    this.start = start;
    this.#block = block;
    counters.storages++;
    counters.bytes += length * dtypeInfo(dtype).bytes;
  }

  #live(): Block {
    const block = this.#block;
    if (block === null)
      throw new Error(
        'this tensor was disposed: its memory has been given back. Clone it before dispose() if it is still needed',
      );
    return block;
  }

  /** The memory itself, shared with other storages when `start` is not 0. Error: after `release`. */
  get buffer(): ArrayBuffer {
    return this.#live().buffer;
  }

  /** The address of `array[0]`, for the native engine. It stays valid while the storage lives. Error: after `release`. */
  get address(): number {
    const block = this.#block;
    if (block !== null && block.address !== 0) return block.address;
    return (this.#live().address = addressOf(this.buffer));
  }

  /** The elements, from `start`. Error: after `release`. */
  get array(): TypedArray {
    return this.#array ?? (this.#array = this.#live().view(this.dtype));
  }

  /** A storage that was given back already: what a view that was disposed of lives in. */
  static released(dtype: DType): Storage {
    const out = new Storage(dtype, 0, nowhere, 0);
    out.release();
    return out;
  }

  get isReleased(): boolean {
    return this.#block === null;
  }

  get byteLength(): number {
    return this.#block === null ? 0 : this.length * dtypeInfo(this.dtype).bytes;
  }

  /** Gives the memory back to the pool. Every tensor on this storage throws from now on. */
  release(): void {
    const block = this.#block;
    if (block === null) return;
    this.#block = null;
    this.#array = null;
    counters.storages--;
    counters.bytes -= this.length * dtypeInfo(this.dtype).bytes;
    recycle(block);
  }
}

/** Process-wide facts: what is allocated and not released by hand (the collector's share is only known to V8), and the pool. */
const counters = { storages: 0, bytes: 0, pooled: 0 };
const pool = new Map<number, Block[]>();
const poolLimit = 512 * 2 ** 20;

export const storageCounters = (): Readonly<typeof counters> => counters;

/**
 * Memory that small storages share, cut off piece by piece. Two kinds, so that a small tensor that lives long does not keep much more
 * than itself.
 */
class Slab {
  readonly #bytes: number;
  #block: Block;
  #used = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#block = new Block(new ArrayBuffer(bytes), true);
  }

  /** A slab's memory is handed out once, so it is still zero. */
  take(dtype: DType, length: number, bytes: number): Storage {
    const rounded = (bytes + 31) & ~31;
    if (this.#used + rounded > this.#bytes) {
      this.#block = new Block(new ArrayBuffer(this.#bytes), true);
      this.#used = 0;
    }
    const storage = new Storage(dtype, length, this.#block, this.#used / dtypeInfo(dtype).bytes);
    this.#used += rounded;
    return storage;
  }
}

const nowhere = new Block(new ArrayBuffer(0), true);
const smallBytes = 1024;
const mediumBytes = 16 * 1024;
const small = new Slab(16 * 1024);
const medium = new Slab(128 * 1024);

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

/** Memory for `length` elements from the storage's `start`. `zeroed: false` may hand out recycled memory with old contents. */
export function allocate(dtype: DType, length: number, zeroed: boolean): Storage {
  const bytes = length * dtypeInfo(dtype).bytes;
  let storage: Storage;
  if (bytes <= smallBytes) storage = small.take(dtype, length, bytes);
  else if (bytes <= mediumBytes) storage = medium.take(dtype, length, bytes);
  else {
    const size = sizeClass(bytes);
    const block = pool.get(size)?.pop();
    if (block) {
      counters.pooled -= size;
      storage = new Storage(dtype, length, block, 0);
      if (zeroed) storage.array.fill(0, 0, length);
    } else storage = new Storage(dtype, length, new Block(fresh(size, zeroed), false), 0);
  }
  if (observer !== null) observer(storage);
  return storage;
}

/** Node's slow buffers skip the zeroing that an ArrayBuffer pays for. */
const fresh = (size: number, zeroed: boolean): ArrayBuffer =>
  zeroed ? new ArrayBuffer(size) : (Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer);

function recycle(block: Block): void {
  const size = block.buffer.byteLength;
  if (block.shared || counters.pooled + size > poolLimit) return;
  const free = pool.get(size);
  if (free) free.push(block);
  else pool.set(size, [block]);
  counters.pooled += size;
}
