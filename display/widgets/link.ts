import { classOf } from './kinds.ts';
import type { Widget } from './widget.ts';

/** A trait of a widget. */
export type End = readonly [widget: Widget, trait: string];

const set = ([widget, trait]: End, value: unknown): void => {
  (widget as unknown as Record<string, unknown>)[trait] = value;
};
const get = ([widget, trait]: End): unknown => (widget as unknown as Record<string, unknown>)[trait];

/**
 * Keeps two traits equal, through the kernel. @returns a function that ends it.
 *
 * @example link([slider, 'value'], [text, 'value'])
 */
export function link(a: End, b: End): () => void {
  set(b, get(a));
  const ends = [
    a[0].observe(({ value }) => set(b, value), a[1]),
    b[0].observe(({ value }) => set(a, value), b[1]),
  ];
  return () => {
    for (const end of ends) end();
  };
}

interface LinkTraits {
  source: readonly unknown[];
  target: readonly unknown[];
}
const kind = (name: string) => ({
  model: `${name}Model`,
  view: null,
  module: '@jupyter-widgets/controls',
  moduleVersion: '2.0.0',
  defaults: { source: () => [], target: () => [] },
});
const Link = classOf<LinkTraits>(kind('Link'));
const DirectionalLink = classOf<LinkTraits>(kind('DirectionalLink'));

/** Keeps two traits equal in the front-end alone: also while the kernel is busy, and in a saved page. */
export const jslink = (a: End, b: End): Widget => new Link({ source: [...a], target: [...b] });
/** As `jslink`, in one direction. */
export const jsdlink = (from: End, to: End): Widget =>
  new DirectionalLink({ source: [...from], target: [...to] });
