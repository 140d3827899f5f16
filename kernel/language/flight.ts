import type { API } from 'typescript/unstable/sync';

/** One call of the compiler's process. */
export interface Call {
  method: string;
  params: unknown;
}

/** What the API's calls go through: a pipe to a process that answers one request after the other. */
interface Channel {
  writeTuple(type: number, name: Buffer, payload: string): void;
  readTuple(): void;
  readonly _msgType: number;
  readonly _msgPayload: Buffer;
}

const request = 1;
const response = 4;

/**
 * Asks the compiler's process several things at once, or one thing while this thread does something else. The API's own methods wait
 * for each answer by itself, which takes longer than to find most of them. Calls and answers are the same as theirs.
 *
 * @returns the answers, in order. Error: that of the first call that failed.
 */
export function flight(api: API, calls: readonly Call[], meanwhile?: () => void): unknown[] {
  const { channel } = (api as unknown as { client: { channel: Channel } }).client;
  for (const { method, params } of calls)
    channel.writeTuple(request, Buffer.from(method), JSON.stringify(params));
  const answers: unknown[] = [];
  let failure: Error | undefined;
  try {
    meanwhile?.();
  } finally {
    // Whatever happens here, what was asked for must be taken, or the next call would get it.
    for (const { method } of calls) {
      channel.readTuple();
      const text = channel._msgPayload.toString('utf8');
      if (channel._msgType === response) answers.push(text === '' ? undefined : JSON.parse(text));
      else failure ??= new Error(`${method}: ${text}`);
    }
  }
  if (failure) throw failure;
  return answers;
}
