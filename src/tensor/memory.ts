import v8 from 'node:v8';
import { AccumulateGrad, type Node } from '../autograd/node.ts';
import { observeAllocations, Storage, storageCounters } from './storage.ts';
import { Tensor } from './tensor.ts';

/** Storages that no scope gives back: what `keep` was told, and what belongs to modules. */
const kept = new WeakSet<Storage>();

/** Takes a tensor out of the scopes around it: its memory stays until nothing refers to it. Returns the tensor. */
export function keep<T extends Tensor>(tensor: T): T {
  kept.add(tensor.storage);
  return tensor;
}

/** Runs `body` as if no scope were around it: what it allocates is never given back at a scope's end. Optimizers keep their state so. */
export function outsideScopes<T>(body: () => T): T {
  const before = observeAllocations(null);
  try {
    return body();
  } finally {
    observeAllocations(before);
  }
}

/** The storages that a value needs: tensors in it, at any depth, what their graphs have saved, and the leaves of those graphs. */
function reachable(value: unknown): Set<Storage> {
  const storages = new Set<Storage>();
  const seen = new Set<unknown>();
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const item = stack.pop();
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item) || seen.has(item)) continue;
    seen.add(item);
    if (item instanceof Tensor) {
      storages.add(item.storage);
      stack.push(item.innerGrad, item.base, item.gradFn);
      for (const extra of Object.values(item)) if (extra instanceof Tensor) stack.push(extra);
    } else if (isNode(item)) {
      if (item instanceof AccumulateGrad) stack.push(item.leaf);
      for (const tensor of item.held) stack.push(tensor);
      for (const edge of item.edges) if (edge) stack.push(edge.node);
    } else if (item instanceof Map) for (const pair of item) stack.push(...pair);
    else if (item instanceof Set) for (const member of item) stack.push(member);
    else for (const key of Reflect.ownKeys(item)) stack.push((item as Record<PropertyKey, unknown>)[key]);
  }
  return storages;
}

const isNode = (value: object): value is Node => 'edges' in value && 'held' in value;

/**
 * Runs `body` and gives the memory of every tensor that it made back at its end, but for: what `body` returns (alone, in arrays, objects,
 * maps and sets) with all that is needed to go backward from it; gradients of leaves; parameters and buffers of modules; the state of
 * optimizers; and what `keep` was called with. It is never needed, since unreachable memory is collected anyway; it makes the next
 * allocations faster, because they find memory that is warm.
 *
 * A tensor that was put elsewhere, such as in a variable outside, throws when it is used afterwards: `keep` it.
 *
 * @example
 * for (const [x, y] of batches) scope(() => { loss(model(x), y).backward(); optimizer.step(); });
 * Error: an async body, whose end a scope cannot see: use `scope` between its awaits.
 */
export function scope<T>(body: () => T): T {
  const made: Storage[] = [];
  const before = observeAllocations((storage) => void made.push(storage));
  let result: T | undefined;
  let pending = false;
  try {
    result = body();
    pending = isThenable(result);
    if (pending)
      throw new TypeError(
        'scope: the body is async, and would go on after its memory was given back: use scope between the awaits, around code that runs in one go',
      );
    return result;
  } finally {
    observeAllocations(before);
    const needed = pending ? null : reachable(result);
    for (const storage of made) {
      if (storage.isReleased) continue;
      if (needed === null || needed.has(storage) || kept.has(storage) || storage.holdsGrad) before?.(storage);
      else storage.release();
    }
  }
}

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

export interface MemoryReport {
  /** Tensor objects that are alive, views among them. */
  tensors: number;
  /** Memories that they live in: one for each tensor that is not a view. */
  storages: number;
  /** Bytes of those memories. */
  bytes: number;
  /** Bytes that were given back and wait to be used again. */
  pooled: number;
}

/** Counts the live objects of a class, calling `visit` with each: V8 shows them to their custom inspector. */
function census<T extends object>(
  type: abstract new (...args: never[]) => T,
  visit: (object: T) => void,
): void {
  const inspector = Symbol.for('nodejs.util.inspect.custom');
  const own = Object.getOwnPropertyDescriptor(type.prototype, inspector);
  const { emitWarning } = process;
  process.emitWarning = () => {};
  Object.defineProperty(type.prototype, inspector, {
    configurable: true,
    value(this: T) {
      if (Object.hasOwn(this, own ? 'storage' : 'length')) visit(this);
      return '';
    },
  });
  try {
    v8.queryObjects(type as unknown as new () => T, { format: 'summary' });
  } finally {
    process.emitWarning = emitWarning;
    if (own) Object.defineProperty(type.prototype, inspector, own);
    else delete (type.prototype as Record<PropertyKey, unknown>)[inspector];
  }
}

/**
 * What tensors hold in memory. It collects garbage first, so it is exact, and takes some milliseconds: for finding leaks, not for loops.
 *
 * @example memory() // { tensors: 12, storages: 12, bytes: 4096, pooled: 0 }
 */
export function memory(): MemoryReport {
  const report: MemoryReport = { tensors: 0, storages: 0, bytes: 0, pooled: storageCounters().pooled };
  census(Tensor, (tensor) => {
    if (!tensor.isDisposed) report.tensors++;
  });
  census(Storage, (storage) => {
    if (storage.isReleased) return;
    report.storages++;
    report.bytes += storage.byteLength;
  });
  return report;
}
