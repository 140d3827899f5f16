import { type DisplayHost, type Shown, type Sink, setHost } from '../../display/host.ts';
import type { Comms } from './comms.ts';
import type { CellContext } from './context.ts';
import type { Output } from './output.ts';

export { display } from '../../display/display.ts';
export { displayIdOf, displaySymbol, mimeBundle } from '../../display/registry.ts';

/** Shows what `display/` publishes, in the cell that the running code belongs to. */
export class KernelHost implements DisplayHost {
  readonly rich = true;
  readonly comms: Comms;
  readonly #output: Output;
  readonly #endings = new Map<CellContext, (() => void)[]>();

  constructor(output: Output, comms: Comms) {
    this.#output = output;
    this.comms = comms;
  }

  get cell(): string {
    const { context } = this.#output;
    return context ? (context.cellId ?? `cell ${context.executionCount}`) : '';
  }

  publish({ kind, data, metadata, id }: Shown): void {
    this.#output.publish(kind, { data, metadata, transient: { display_id: id } });
  }

  clear(wait: boolean): void {
    this.#output.publish('clear_output', { wait });
  }

  stream(text: string): void {
    this.#output.stream('stderr', text);
  }

  capture<T>(sink: Sink, body: () => T): T {
    const { context } = this.#output;
    return context ? this.#output.within({ ...context, sink, root: context.root ?? context }, body) : body();
  }

  atCellEnd(callback: () => void): void {
    const { context } = this.#output;
    if (!context) return;
    const root = context.root ?? context;
    if (root.ended) setTimeout(callback, 50);
    else this.#endings.set(root, [...(this.#endings.get(root) ?? []), callback]);
  }

  /** The cell has ended: what waits for that shows its last state, and what waits for this too. */
  cellEnded(context: CellContext): void {
    for (let callbacks = this.#endings.get(context); callbacks; callbacks = this.#endings.get(context)) {
      this.#endings.delete(context);
      for (const callback of callbacks) callback();
    }
    context.ended = true;
  }
}

/** Makes the kernel the one who shows things. */
export function connectDisplay(output: Output, comms: Comms): KernelHost {
  const kernelHost = new KernelHost(output, comms);
  setHost(kernelHost);
  return kernelHost;
}
