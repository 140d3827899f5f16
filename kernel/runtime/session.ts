import { shared } from '../protocol/interrupt.ts';
import { Interrupted } from './errors.ts';
import type { Modules } from './modules.ts';
import { isOriginal, isPlain } from './plain.ts';

/** Where a top-level name lives, in a property of that name: one box a name, shared by every cell and closure. */
export type Box = Record<string, unknown>;

/** What boxes inherit: none but they have it, so that V8 tells their properties from those of the user's objects. */
const boxes = class Box {}.prototype;

/** An object with room for a property in itself: one that a class makes has what its first objects needed, which is none. */
const makeBox = (): Box => Object.setPrototypeOf({}, boxes) as Box;

/** Names that the transform makes for its helpers. */
const helpers = /^_(?:usingCtx|decorate\w*)\d*$/;

/** JavaScript's own error for two failures, which Node 20 does not have. */
const suppressing = (error: unknown, suppressed: unknown): Error =>
  Object.assign(new Error('a disposal failed as well'), { name: 'SuppressedError', error, suppressed });

interface ToDispose {
  dispose: () => unknown;
}

/** What a transformed cell sees as `$`. */
export class Session {
  readonly #boxes = new Map<string, Box>();
  readonly #modules: Modules;
  /** What runs, and what it has to dispose of. */
  readonly #disposables = new WeakMap<object, ToDispose[]>();
  readonly #running: () => object;

  /** The boxes that functions of cells write. */
  readonly #shared = new WeakSet<Box>();

  /** Element 0 counts the interrupts: a loop whose writes wait for its end ends itself when it changes. */
  readonly interrupts: Int32Array;

  /** @param running tells whose code runs: cells of subshells take turns. */
  constructor(modules: Modules, words: Int32Array, running: () => object = () => modules) {
    this.#modules = modules;
    this.#running = running;
    this.interrupts = words.subarray(shared.interrupts, shared.interrupts + 1);
  }

  stop(): never {
    throw new Interrupted();
  }

  /** Boxes that have held other things than numbers. */
  readonly #mixed = new WeakSet<Box>();

  /** A cell whose functions write these boxes starts. */
  share(...boxes: Box[]): void {
    for (const box of boxes) this.#shared.add(box);
  }

  /** Whether no function writes any of these boxes: nothing but the running code does, for as long as it awaits nothing. */
  unshared(...boxes: Box[]): boolean {
    for (const box of boxes) if (this.#shared.has(box)) return false;
    return true;
  }

  /** The same value; a whole number as a small integer, also where its box holds numbers with a fraction, so that V8 counts in integers. */
  settled(value: unknown): unknown {
    return typeof value === 'number' && Object.is(value, value | 0) ? value | 0 : value;
  }

  plain(value: unknown, elements: boolean, members: readonly string[]): boolean {
    return isPlain(value, elements, members);
  }

  original(name: string, members: readonly string[]): boolean {
    return isOriginal(name, members);
  }

  box(name: string): Box {
    let box = this.#boxes.get(name);
    if (!box) this.#boxes.set(name, (box = makeBox()));
    return box;
  }

  /**
   * Gives a declared variable its value. Where its box has held other things and now is for numbers, it starts anew: V8 would allocate one at
   * every store. Nothing else can tell.
   */
  declare(box: Box, name: string, value: unknown): void {
    const isNumeric = typeof value === 'number' || value === undefined;
    if (isNumeric && name in box && (typeof box[name] !== 'number' || this.#mixed.has(box))) {
      delete box[name];
      Object.setPrototypeOf(box, Object.create(boxes) as object);
      this.#mixed.delete(box);
    } else if (!isNumeric) this.#mixed.add(box);
    if (value === undefined) delete box[name];
    else box[name] = value;
  }

  /** The names that have a value. */
  get variables(): string[] {
    return [...this.#boxes]
      .filter(([name, box]) => box[name] !== undefined && !helpers.test(name))
      .map(([name]) => name);
  }

  get meta(): { url: string; dirname: string } {
    return { url: `file://${this.#modules.folder}/notebook.ts`, dirname: this.#modules.folder };
  }

  import(specifier: unknown, attributes?: Record<string, string>): Promise<Record<string, unknown>> {
    return this.#modules.import(String(specifier), attributes);
  }

  /**
   * A named import; CommonJS modules offer their properties too. A name that is only a type has no value: the checker has seen to it
   * that any other name exists.
   */
  pick(module: Record<string, unknown>, name: string): unknown {
    if (name in module) return module[name];
    const whole = module.default as Record<string, unknown> | null | undefined;
    return (typeof whole === 'object' && whole !== null) || typeof whole === 'function'
      ? whole[name]
      : undefined;
  }

  /** `using` at a cell's top level: disposed when the cell ends. */
  using<T>(value: T): T {
    const dispose = (value as { [Symbol.dispose]?: () => void } | null)?.[Symbol.dispose];
    if (value !== null && value !== undefined) {
      if (typeof dispose !== 'function') throw new TypeError('using: the value has no [Symbol.dispose]()');
      this.#used().push({ dispose: () => dispose.call(value) });
    }
    return value;
  }

  awaitUsing<T>(value: T): T {
    const dispose = (value as { [Symbol.asyncDispose]?: () => Promise<void> } | null)?.[Symbol.asyncDispose];
    if (typeof dispose !== 'function') return this.using(value);
    this.#used().push({ dispose: () => dispose.call(value) });
    return value;
  }

  #used(): ToDispose[] {
    const running = this.#running();
    const used = this.#disposables.get(running) ?? [];
    this.#disposables.set(running, used);
    return used;
  }

  /**
   * Begins a source; what it gives disposes of what that used, last first, whatever fails meanwhile. Error: that of the disposals, with `failure`,
   * what the source itself threw, as what it suppresses.
   */
  begin(): (failure: { thrown: unknown } | null) => Promise<void> {
    const used = this.#used();
    const from = used.length;
    return (failure) => this.#disposeAll(used.splice(from).reverse(), failure);
  }

  async #disposeAll(all: readonly ToDispose[], failure: { thrown: unknown } | null): Promise<void> {
    let last = failure;
    for (const { dispose } of all)
      try {
        await dispose();
      } catch (thrown) {
        last = { thrown: last ? suppressing(thrown, last.thrown) : thrown };
      }
    if (last && last !== failure) throw last.thrown;
  }

  reset(): void {
    for (const [name, box] of this.#boxes) box[name] = undefined;
    this.#boxes.clear();
  }
}
