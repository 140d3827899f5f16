import { stripVTControlCharacters } from 'node:util';
import type { Received } from './client.ts';

/** The message types, in order. */
export const types = (messages: Received[]): string[] => messages.map(({ header }) => header.msg_type);

/** What was written to the streams. */
export const text = (outputs: Received[]): string =>
  outputs
    .filter((m) => m.header.msg_type === 'stream')
    .map((m) => String(m.content.text))
    .join('');

/** The plain text of the cell's value. */
export const result = (outputs: Received[]): unknown =>
  outputs
    .filter((m) => m.header.msg_type === 'execute_result')
    .map((m) => (m.content.data as Record<string, unknown>)['text/plain'])[0];

/** The lines of the errors, without colours. */
export const traceback = (outputs: Received[]): string =>
  stripVTControlCharacters(
    outputs
      .flatMap((m) => (m.header.msg_type === 'error' ? (m.content.traceback as string[]) : []))
      .join('\n'),
  );
