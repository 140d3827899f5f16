import { getRngState, setRngState } from '../tensor/generator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { enableGrad, mode } from './mode.ts';

type Saved = (Tensor | null | undefined)[];

export interface CheckpointOptions {
  /** Draws the same random numbers (dropout) when it computes again. Default true. */
  preserveRngState?: boolean;
}

/** Runs `body` with `save` seeing what operations keep for backward. */
function watching<T>(save: typeof mode.save, body: () => T): T {
  const before = mode.save;
  mode.save = save;
  try {
    return body();
  } finally {
    mode.save = before;
  }
}

/**
 * Runs `func` without keeping what backward needs of it; backward computes it again, once, when it gets there. Saves the memory of the
 * activations for the price of a second forward pass.
 *
 * Parameters that `func` uses without being given them get their gradients too, and second derivatives work.
 *
 * @param func must do the same each time it is called. Its arguments must not change until backward.
 * @example const y = checkpoint((x) => block(x), x)
 * Error (in backward): a function that did something else the second time. Source: `torch.utils.checkpoint.checkpoint`.
 */
export function checkpoint<A extends unknown[], R>(func: (...args: A) => R, ...args: A): R {
  return checkpointWith({}, func, ...args);
}

/** `checkpoint` with options. */
export function checkpointWith<A extends unknown[], R>(
  { preserveRngState = true }: CheckpointOptions,
  func: (...args: A) => R,
  ...args: A
): R {
  if (!mode.grad) return func(...args);
  const random = preserveRngState ? getRngState() : null;
  let count = 0;
  let again: (Saved | undefined)[] = [];

  const compute = (): void => {
    const now = getRngState();
    const found: Saved[] = [];
    if (random) setRngState(random);
    try {
      const collect = (tensors: Saved): null => {
        found.push(tensors);
        return null;
      };
      watching(collect, () => enableGrad(() => func(...args)));
    } finally {
      if (random) setRngState(now);
    }
    if (found.length !== count)
      throw new Error(
        `checkpoint: computing again saved ${found.length} times for backward, the first time it was ${count}: the function must do the same each time`,
      );
    again = found;
  };

  const forget = (): (() => Saved) => {
    const place = count++;
    return () => {
      if (again[place] === undefined) compute();
      const tensors = again[place]!;
      again[place] = undefined;
      return tensors;
    };
  };
  return watching(forget, () => func(...args));
}
