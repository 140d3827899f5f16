import { randomUUID } from 'node:crypto';
import { type DisplayHost, host, publish } from '../host.ts';
import { escapeHtml, faint, shade } from '../html.ts';
import { formatCount, formatNumber } from '../values/numbers.ts';

export interface ProgressOptions {
  /** Said before the bar. */
  desc?: string;
  /** How many steps; default: the iterable's length or size, where it has one. */
  total?: number;
  /** The bar goes when the loop is done. Default: true inside another bar. */
  transient?: boolean;
}

/** Milliseconds between two updates of one bar. */
const interval = 50;

/** `1:05`, `2:03:04` */
function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, '0'));
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${parts.join(':')}` : `${Number(parts[0])}:${parts[1]}`;
}

let numbers: Intl.NumberFormat | undefined;

/** `12.3K`. The format is made at its first use: that takes longer than loading all of this folder. */
const compact = (value: number): string => {
  numbers ??= new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
  return numbers.format(value);
};

/** How many bars are open: a bar inside another is indented and goes when it is done. */
const open: Progress<unknown>[] = [];

let watching: DisplayHost | null = null;

/** An interrupt ends a loop without a word: bars that are still open when their cell ends have stopped. */
function closeAtCellEnd(): void {
  const shower = host();
  if (watching === shower) return;
  watching = shower;
  shower.atCellEnd(() => {
    watching = null;
    for (const bar of [...open].reverse()) bar.stop();
  });
}

/**
 * A loop's progress bar: iterate over it, once. `set` adds numbers behind the bar.
 * It updates at most every 50 ms, inside a synchronous loop too.
 */
export class Progress<T> implements Iterable<T>, AsyncIterable<T> {
  readonly #source: Iterable<T> | AsyncIterable<T>;
  readonly #desc: string;
  readonly #total: number | undefined;
  #id: string = randomUUID();
  /** The output in which bars inside this one's loop follow each other. */
  #slot: string | null = null;
  #transient: boolean | undefined;
  #depth = 0;
  #count = 0;
  #started = 0;
  #shownAt = 0;
  #ended: 'no' | 'done' | 'stopped' = 'no';
  #postfix = '';
  #rate = 0;
  #rateCount = 0;
  #rateAt = 0;
  /** The clock is asked only every so many steps, when steps are short. */
  #skip = 1;
  #next = 1;

  constructor(source: Iterable<T> | AsyncIterable<T>, { desc = '', total, transient }: ProgressOptions = {}) {
    this.#source = source;
    this.#desc = desc;
    const { length, size } = source as { length?: unknown; size?: unknown };
    this.#total = total ?? [length, size].find((n): n is number => typeof n === 'number');
    this.#transient = transient;
  }

  /** Shows values behind the bar. @example bar.set({ loss, accuracy }) */
  set(values: Readonly<Record<string, number | string>>): void {
    this.#postfix = Object.entries(values)
      .map(([name, value]) => `${name} ${typeof value === 'number' ? formatNumber(value) : value}`)
      .join(', ');
  }

  *[Symbol.iterator](): Iterator<T> {
    if (!(Symbol.iterator in this.#source))
      throw new TypeError('progress: this is an async iterable: use for await');
    this.#begin();
    try {
      for (const item of this.#source) {
        yield item;
        this.#step();
      }
      this.#ended = 'done';
    } finally {
      this.#end();
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    this.#begin();
    try {
      for await (const item of this.#source) {
        yield item;
        this.#step();
      }
      this.#ended = 'done';
    } finally {
      this.#end();
    }
  }

  #begin(): void {
    const outer = open.at(-1);
    this.#depth = open.length;
    this.#transient ??= outer !== undefined;
    open.push(this as Progress<unknown>);
    closeAtCellEnd();
    let kind: 'display_data' | 'update_display_data' = 'display_data';
    if (outer && this.#transient) {
      if (outer.#slot) kind = 'update_display_data';
      this.#id = outer.#slot ??= this.#id;
    }
    this.#count = 0;
    this.#next = this.#skip = 1;
    this.#rate = this.#rateCount = 0;
    this.#ended = 'no';
    this.#started = this.#rateAt = performance.now();
    this.#publish(kind);
  }

  #step(): void {
    this.#count++;
    if (this.#ended === 'stopped') {
      // It goes on after its cell, in the background.
      this.#ended = 'no';
      this.#publish('update_display_data');
    }
    if (this.#count < this.#next) return;
    const now = performance.now();
    const since = now - this.#shownAt;
    if (since >= interval) {
      const rate = (this.#count - this.#rateCount) / Math.max(1e-9, (now - this.#rateAt) / 1000);
      this.#rate = this.#rate === 0 ? rate : 0.7 * this.#rate + 0.3 * rate;
      this.#rateCount = this.#count;
      this.#rateAt = now;
      // About ten looks at the clock for each update.
      this.#skip = Math.max(1, Math.floor((this.#rate * interval) / 10_000));
      this.#publish('update_display_data');
    }
    this.#next = this.#count + this.#skip;
  }

  /** @internal */
  stop(): void {
    this.#end();
  }

  #end(): void {
    const at = open.lastIndexOf(this as Progress<unknown>);
    if (at >= 0) open.splice(at, 1);
    if (this.#ended === 'no') this.#ended = 'stopped';
    this.#publish('update_display_data');
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** `epoch: 40% 4/10 [0:02 < 0:03, 2 it/s] loss 0.25` */
  toString(): string {
    const total = this.#total;
    const seconds = this.#seconds;
    const rate = this.#ended !== 'no' ? this.#count / Math.max(seconds, 1e-9) : this.#rate;
    const speed =
      this.#count === 0 || rate === 0
        ? ''
        : rate >= 1
          ? `, ${compact(rate)} it/s`
          : `, ${compact(1 / rate)} s/it`;
    const left =
      total !== undefined && this.#ended === 'no' && rate > 0
        ? ` < ${clock((total - this.#count) / rate)}`
        : '';
    const share = total === undefined ? '' : `${Math.floor((100 * this.#count) / Math.max(1, total))}% `;
    const of =
      total === undefined ? formatCount(this.#count) : `${formatCount(this.#count)}/${formatCount(total)}`;
    return `${this.#desc ? `${this.#desc}: ` : ''}${share}${of} [${clock(seconds)}${left}${speed}]${this.#postfix ? ` ${this.#postfix}` : ''}`;
  }

  #html(): string {
    const total = this.#total;
    const share =
      total === undefined ? (this.#ended === 'done' ? 1 : 0) : Math.min(1, this.#count / Math.max(1, total));
    const color =
      this.#ended === 'done'
        ? 'var(--jp-success-color1,#4caf50)'
        : this.#ended === 'stopped'
          ? 'var(--jp-error-color1,#d32f2f)'
          : 'var(--jp-brand-color1,#1f77b4)';
    const text = this.toString();
    const rest = this.#desc ? text.slice(this.#desc.length + 2) : text;
    return `<div style="display:flex;align-items:center;gap:.7em;font-family:var(--jp-code-font-family,monospace);font-size:.9em;color:var(--jp-ui-font-color1,inherit);padding-left:${this.#depth * 1.2}em;white-space:pre-wrap">${this.#desc ? `<span>${escapeHtml(this.#desc)}</span>` : ''}<span role="progressbar" aria-valuenow="${Math.round(share * 100)}" style="flex:0 1 220px;height:9px;border-radius:5px;overflow:hidden;background:${shade};box-shadow:inset 0 0 0 1px rgba(128,128,128,.25)"><span style="display:block;height:100%;width:${(share * 100).toFixed(1)}%;background:${color}"></span></span><span style="color:${faint}">${escapeHtml(rest)}</span></div>`;
  }

  #publish(kind: 'display_data' | 'update_display_data'): void {
    this.#shownAt = performance.now();
    const shower = host();
    const gone = this.#ended === 'done' && this.#transient;
    if (!shower.rich) {
      const text = this.toString();
      if (process.stderr.isTTY)
        shower.stream(`\r\u001b[K${gone ? '' : text}${this.#ended !== 'no' && !gone ? '\n' : ''}`);
      else if (this.#ended !== 'no' && !gone) shower.stream(`${text}\n`);
      return;
    }
    publish({
      kind,
      data: gone
        ? { 'text/html': '', 'text/plain': '' }
        : { 'text/html': this.#html(), 'text/plain': this.toString() },
      metadata: {},
      id: this.#id,
    });
  }
}

/**
 * Shows how far a loop is: `for (const batch of progress(loader)) ...`, or `for await` over what comes later.
 *
 * @example
 * for (const step of progress(100, { desc: 'epoch' })) progress.set({ loss: train(step) })
 */
export function progress<T>(iterable: Iterable<T> | AsyncIterable<T>, options?: ProgressOptions): Progress<T>;
/** Counts from 0 to `count - 1`. @example for (const epoch of progress(10)) ... */
export function progress(count: number, options?: ProgressOptions): Progress<number>;
export function progress(
  source: Iterable<unknown> | AsyncIterable<unknown> | number,
  options?: ProgressOptions,
): Progress<unknown> {
  if (typeof source === 'number') return new Progress(counting(source), { total: source, ...options });
  if (typeof source !== 'object' && typeof source !== 'string')
    throw new TypeError(`progress: expected an iterable or a count, got ${typeof source}`);
  return new Progress(source, options);
}

/** Shows values behind the bar of the innermost loop that runs; without one there is nothing to do. */
progress.set = (values: Readonly<Record<string, number | string>>): void => open.at(-1)?.set(values);

function* counting(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}
