import { constants } from 'node:os';

/** Node's own handle of a signal, one for each event loop. */
interface SignalHandle {
  onsignal: (signal: number) => void;
  unref(): void;
  start(signal: number): number;
}

/**
 * Calls `received` on this thread's event loop. `process.on` gives signals to the main thread alone, which may be in a loop that never
 * ends; the handle behind it works in any thread. False where this Node does not offer it.
 */
export function followSignals(signals: Readonly<Partial<Record<NodeJS.Signals, () => void>>>): boolean {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    const { binding } = process as unknown as {
      binding(name: 'signal_wrap'): { Signal: new () => SignalHandle };
    };
    const { Signal } = binding('signal_wrap');
    for (const [name, received] of Object.entries(signals)) {
      const handle = new Signal();
      handle.unref();
      handle.onsignal = received;
      if (handle.start(constants.signals[name as NodeJS.Signals]) !== 0) return false;
      held.push(handle);
    }
    return true;
  } catch {
    return false;
  } finally {
    process.noDeprecation = noDeprecation;
  }
}

/** A handle that nobody holds is collected, and hears nothing more. */
const held: SignalHandle[] = [];
