import type { Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Graph } from './graph.ts';
import type { Call } from './recording.ts';

/** What a mapping reads of one run of a primitive. `A`: the primitive's attributes. */
export interface Operation<A = unknown> {
  readonly call: Call;
  readonly attrs: A;
  /** Names of the inputs; empty where there is none. */
  readonly inputs: readonly string[];
  readonly tensors: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The name of a tensor among the attributes. */
  held(tensor: Tensor): string;
}

/** Writes a primitive as nodes; returns the names of its outputs. */
export type Mapping = (graph: Graph, operation: Operation<never>) => string | string[];

/** Types a mapping by its primitive's attributes. */
export const mapping =
  <A>(write: (graph: Graph, operation: Operation<A>) => string | string[]): Mapping =>
  (graph, operation) =>
    write(graph, operation as Operation<A>);

/** Why a primitive cannot be written, as an error that the exporter completes with the place. */
export class Unsupported extends Error {}

export const numelOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
