import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { MimeBundle } from '../interfaces.ts';
import type { Output } from './output.ts';

/** A value with a method of this name says how it looks: the method returns a MIME bundle (or a promise of one). Deno's convention. */
export const displaySymbol = Symbol.for('Jupyter.display');

export interface DisplayOptions {
  /** A name for this output, by which a later display replaces it. Default: a new one. */
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

/** How a value looks: its own display method, else what Node's `util.inspect` prints. */
export function mimeBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  const method = (value as Record<symbol, unknown> | null | undefined)?.[displaySymbol];
  if (typeof method === 'function') {
    const plain = (bundle: MimeBundle): MimeBundle =>
      'text/plain' in bundle ? bundle : { ...bundle, 'text/plain': inspect(value, { depth: 0 }) };
    const bundle = (method as () => MimeBundle | Promise<MimeBundle>).call(value);
    return bundle instanceof Promise ? bundle.then(plain) : plain(bundle);
  }
  return { 'text/plain': inspect(value, { colors: false, depth: 4, maxArrayLength: 100 }) };
}

const base64 = (data: Uint8Array | string): string =>
  typeof data === 'string' ? data : Buffer.from(data).toString('base64');

/** The `display` function of the cells. */
export function createDisplay(output: Output) {
  const send = (
    bundle: MimeBundle,
    { id = randomUUID(), update = false, metadata = {} }: DisplayOptions,
  ): DisplayHandle => {
    output.publish(update ? 'update_display_data' : 'display_data', {
      data: bundle,
      metadata,
      transient: { display_id: id },
    });
    return { id, update: (value) => void display(value, { id, update: true }) };
  };
  const display = (value: unknown, options: DisplayOptions = {}): DisplayHandle => {
    const { id = randomUUID() } = options;
    const bundle = options.raw ? (value as MimeBundle) : mimeBundle(value);
    if (!(bundle instanceof Promise)) return send(bundle, { ...options, id });
    void bundle.then((ready) => send(ready, { ...options, id }));
    return { id, update: (next) => void display(next, { id, update: true }) };
  };
  const as = (mime: string) => (source: string) => void send({ [mime]: source, 'text/plain': source }, {});
  return Object.assign(display, {
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
      void send({ 'application/json': value, 'text/plain': inspect(value) }, {}),
  });
}
