import { type InspectOptions, inspect } from 'node:util';
import type { MimeBundle } from './host.ts';

/** A value with a method of this name says how it looks: the method returns a MIME bundle (or a promise of one). Deno's convention. */
export const displaySymbol: unique symbol = Symbol.for('Jupyter.display') as never;

/** A value with a string of this name is shown under that display id, so that it can redraw itself wherever it is shown. */
export const displayIdSymbol: unique symbol = Symbol.for('gradbook.displayId') as never;

/** What a value can have to show itself. */
export interface Displayable {
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

// biome-ignore lint/suspicious/noExplicitAny: any constructor's arguments
type Class<T> = abstract new (...args: any[]) => T;
type Renderer<T> = (value: T) => MimeBundle | Promise<MimeBundle> | null;

/** One registry a process, whichever copy of this package asks. */
interface Registry {
  /** The latest first. */
  classes: Map<unknown, readonly { render: Renderer<never> }[]>;
  predicates: { matches: (value: unknown) => boolean; render: Renderer<never> }[];
}
const place = Symbol.for('gradbook.display.registry');
const holder = globalThis as { [place]?: Registry };
const registry: Registry = (holder[place] ??= { classes: new Map(), predicates: [] });

const isClass = (candidate: unknown): boolean =>
  typeof candidate === 'function' &&
  Object.getOwnPropertyDescriptor(candidate, 'prototype')?.writable === false;

/**
 * Says how the values of a class, or those that a predicate picks, look. The latest registration wins; a class before its base.
 * A renderer may return `null` to leave a value to the next rule; `text/plain` is filled in where it is missing.
 *
 * @example
 * class Money { constructor(readonly cents: number) {} }
 * display.register(Money, (m) => ({ 'text/html': `<b>${m.cents / 100} €</b>`, 'text/plain': `${m.cents / 100} €` }))
 * display.register((v): v is URL => v instanceof URL, (url) => ({ 'text/plain': url.href }))
 *
 * Error: a first argument that is neither a class nor a function.
 *
 * @returns a function that takes it back: what was registered before counts again.
 */
export function register<T>(type: (value: unknown) => value is T, render: Renderer<T>): () => void;
export function register<T>(type: Class<T>, render: Renderer<T>): () => void;
export function register<T>(
  type: Class<T> | ((value: unknown) => value is T),
  render: Renderer<T>,
): () => void {
  if (typeof type !== 'function')
    throw new TypeError(`display.register: ${inspect(type)} is neither a class nor a predicate`);
  if (!isClass(type)) {
    const rule = { matches: type as (value: unknown) => boolean, render: render as Renderer<never> };
    registry.predicates.unshift(rule);
    return () => void (registry.predicates = registry.predicates.filter((one) => one !== rule));
  }
  const own = { render: render as Renderer<never> };
  registry.classes.set(type, [own, ...(registry.classes.get(type) ?? [])]);
  return () => {
    const rest = (registry.classes.get(type) ?? []).filter((one) => one !== own);
    if (rest.length > 0) registry.classes.set(type, rest);
    else registry.classes.delete(type);
  };
}

function* renderersOf(value: unknown): Generator<Renderer<never>> {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function')
    for (
      let at = Object.getPrototypeOf(value) as object | null;
      at;
      at = Object.getPrototypeOf(at) as object | null
    ) {
      const found = registry.classes.get(at.constructor);
      if (found && at === (at.constructor as { prototype?: unknown }).prototype)
        for (const { render } of found) yield render;
    }
  for (const { matches, render } of registry.predicates) if (matches(value)) yield render;
}

/** Characters of a text that a cell shows: more is cut, and counted. */
const longest = 50_000;

/** A text that is not too long for a notebook: of a longer one the beginning, and how long it is. */
export const brief = (text: string, limit = longest): string =>
  text.length <= limit
    ? text
    : `${text.slice(0, limit)} … (${text.length.toLocaleString('en-US')} characters)`;

/** What Node prints for a value, within limits. */
export const plainText = (value: unknown, options: InspectOptions = {}): string =>
  brief(
    inspect(value, { colors: false, depth: 4, maxArrayLength: 100, maxStringLength: 10_000, ...options }),
  );

function complete(bundle: MimeBundle, value: unknown): MimeBundle {
  return 'text/plain' in bundle ? bundle : { ...bundle, 'text/plain': plainText(value, { depth: 0 }) };
}

/** How a value looks: its own display method, else what is registered for its class, else what Node's `util.inspect` prints. */
export function mimeBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  const method = (value as Record<symbol, unknown> | null | undefined)?.[displaySymbol];
  if (typeof method === 'function') {
    const bundle = (method as () => MimeBundle | Promise<MimeBundle>).call(value);
    return bundle instanceof Promise
      ? bundle.then((ready) => complete(ready, value))
      : complete(bundle, value);
  }
  for (const render of renderersOf(value)) {
    const bundle = render(value as never);
    if (bundle instanceof Promise) return bundle.then((ready) => complete(ready, value));
    if (bundle) return complete(bundle, value);
  }
  return { 'text/plain': plainText(value) };
}

/** The display id that a value brings along. */
export const displayIdOf = (value: unknown): string | undefined => {
  const id = (value as Record<symbol, unknown> | null | undefined)?.[displayIdSymbol];
  return typeof id === 'string' ? id : undefined;
};
