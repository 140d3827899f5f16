import type { Tensor } from '../tensor/tensor.ts';
import type { AnyModule } from './module.ts';

/** Undoes a registration. */
export interface HookHandle {
  remove(): void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a hook replaces a value, or returns nothing in any way
type OrNothing<T> = T | undefined | void;

export type ForwardPreHook<I extends readonly unknown[] = readonly unknown[]> = (
  module: AnyModule,
  inputs: I,
) => OrNothing<I>;
export type ForwardHook<I extends readonly unknown[] = readonly unknown[], O = unknown> = (
  module: AnyModule,
  inputs: I,
  output: O,
) => OrNothing<O>;
export type BackwardHook = (
  module: AnyModule,
  gradInputs: (Tensor | null)[],
  gradOutputs: (Tensor | null)[],
) => OrNothing<(Tensor | null)[]>;
export type BackwardPreHook = (
  module: AnyModule,
  gradOutputs: (Tensor | null)[],
) => OrNothing<(Tensor | null)[]>;

export interface Hooks {
  pre: ForwardPreHook[];
  forward: ForwardHook[];
  backwardPre: BackwardPreHook[];
  backward: BackwardHook[];
}
