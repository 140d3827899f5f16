import { randomUUID } from 'node:crypto';
import { host, type MimeBundle, publish } from './host.ts';
import { brief, displayIdOf, mimeBundle, plainText, register } from './registry.ts';

export interface DisplayOptions {
  /** A name for this output, by which a later display replaces it. Default: the value's own, or a new one. */
  id?: string;
  /** The value is a MIME bundle already. */
  raw?: boolean;
  /** Replaces the output that has this id. */
  update?: boolean;
  metadata?: MimeBundle;
}

export interface DisplayHandle {
  readonly id: string;
  /** Shows another value in this output's place. */
  update(value: unknown): void;
}

function send(
  data: MimeBundle,
  { id = randomUUID(), update = false, metadata = {} }: DisplayOptions,
): DisplayHandle {
  publish({ kind: update ? 'update_display_data' : 'display_data', data, metadata, id });
  return { id, update: (value) => void show(value, { id, update: true }) };
}

function show(value: unknown, options: DisplayOptions = {}): DisplayHandle {
  const id = options.id ?? displayIdOf(value) ?? randomUUID();
  const bundle = options.raw ? (value as MimeBundle) : mimeBundle(value);
  if (!(bundle instanceof Promise)) return send(bundle, { ...options, id });
  void bundle.then((ready) => send(ready, { ...options, id }));
  return { id, update: (next) => void show(next, { id, update: true }) };
}

const base64 = (data: Uint8Array | string): string =>
  typeof data === 'string'
    ? data
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

export interface Display {
  /** Shows a value (or, with raw, a MIME bundle). The result's id can be given to show another value in its place. */
  (value: unknown, options?: DisplayOptions): DisplayHandle;
  /** Says how the values of a class, or those that a predicate picks, look. */
  register: typeof register;
  /** Shows HTML as it is: nothing is escaped. */
  html(source: string): void;
  markdown(source: string): void;
  latex(source: string): void;
  svg(source: string): void;
  /** Shows a PNG from its bytes (or base64). */
  png(data: Uint8Array | string): void;
  /** Shows a JPEG from its bytes (or base64). */
  jpeg(data: Uint8Array | string): void;
  json(value: unknown): void;
  /** Runs a script in the front-end. */
  javascript(source: string): void;
}

const as = (mime: string) => (source: string) =>
  void send(
    {
      [mime]: source, // A long source need not travel twice.
      'text/plain': source.length <= 10_000 ? source : brief(source, 1000),
    },
    {},
  );

/**
 * Shows a value in the running cell.
 *
 * @example
 * const shown = display('working ...')
 * shown.update('done')
 */
export const display: Display = Object.assign(show, {
  register,
  html: as('text/html'),
  markdown: as('text/markdown'),
  latex: as('text/latex'),
  svg: as('image/svg+xml'),
  javascript: as('application/javascript'),
  png: (data: Uint8Array | string): void =>
    void send({ 'image/png': base64(data), 'text/plain': '<PNG image>' }, {}),
  jpeg: (data: Uint8Array | string): void =>
    void send({ 'image/jpeg': base64(data), 'text/plain': '<JPEG image>' }, {}),
  json: (value: unknown): void =>
    void send({ 'application/json': value, 'text/plain': plainText(value) }, {}),
});

/** Removes this cell's output; with wait, when the next output arrives. */
export const clearOutput = ({ wait = false }: { wait?: boolean } = {}): void => host().clear(wait);
