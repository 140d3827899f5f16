import type { FromUser } from '../interfaces.ts';
import { shared, sharedHeader } from '../protocol/interrupt.ts';
import { Interrupted } from './errors.ts';
import type { Output } from './output.ts';

/** Asks the front-end for a line and blocks until it is there. Errors: a client that allows no input; an interrupt. */
export function createInput(output: Output, post: (message: FromUser) => void, memory: SharedArrayBuffer) {
  const words = new Int32Array(memory, 0, sharedHeader / 4);
  return (prompt = '', { password = false }: { password?: boolean } = {}): string => {
    const { context } = output;
    if (!context?.allowStdin)
      throw new Error(
        'input: this front-end does not allow input (allow_stdin is false): pass the value as a parameter instead',
      );
    Atomics.store(words, shared.input, 0);
    post({ type: 'input', parent: context.parent, prompt, password });
    Atomics.wait(words, shared.input, 0);
    if (Atomics.load(words, shared.input) !== 1) throw new Interrupted();
    const length = Atomics.load(words, shared.inputLength);
    return Buffer.from(new Uint8Array(memory, sharedHeader, length)).toString('utf8');
  };
}
