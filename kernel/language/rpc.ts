import type { MessagePort } from 'node:worker_threads';

/** Calls over a MessagePort: each has an id, so that several may be under way. */
interface Call {
  id: number;
  method: string;
  args: unknown[];
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

type Methods = Record<string, (...args: never[]) => unknown>;

/** Answers the calls that arrive on `port` with the methods of `target`. */
export function serve(port: MessagePort, target: object): void {
  port.on('message', async ({ id, method, args }: Call) => {
    let answer: Answer;
    try {
      const run = (target as Methods)[method];
      if (typeof run !== 'function') throw new Error(`there is no method '${method}'`);
      answer = { id, value: await run.apply(target, args as never[]) };
    } catch (error) {
      answer = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    port.postMessage(answer);
  });
}

/** An object whose methods are calls over `port`. */
export function connect<T extends object>(port: MessagePort): T {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let next = 0;
  port.on('message', ({ id, value, error }: Answer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) port.unref();
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  });
  port.unref();
  return new Proxy({} as T, {
    get:
      (_, method) =>
      (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          const id = next++;
          port.ref();
          waiting.set(id, { resolve, reject });
          port.postMessage({ id, method, args });
        }),
  });
}
