import type { AnyModule } from '../nn/module.ts';

/** What one output unit sees of the input, for each spatial dimension. */
export interface ReceptiveField {
  /** How many input positions one output unit depends on. */
  readonly size: readonly number[];
  /** How many input positions lie between neighbouring output units. */
  readonly stride: readonly number[];
  /** How many positions the first output unit's field reaches beyond the input's edge. */
  readonly padding: readonly number[];
}

/** A layer as far as receptive fields go: each a number, or one for each spatial dimension. */
export interface WindowLayer {
  readonly kernelSize: number | readonly number[];
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: number | readonly number[];
  /** Default 1. */
  readonly dilation?: number | readonly number[];
}

export const wholeUnit = (rank: number): ReceptiveField => ({
  size: new Array<number>(rank).fill(1),
  stride: new Array<number>(rank).fill(1),
  padding: new Array<number>(rank).fill(0),
});

const at = (value: number | readonly number[] | undefined, dimension: number, fallback: number): number =>
  typeof value === 'number' ? value : (value?.[dimension] ?? fallback);

/**
 * The receptive field behind a layer, from that before it: size + dilation (kernel - 1) stride, stride x layer stride, and the
 * padding in input positions. Source: Araujo, Norris and Sim 2019, doi:10.23915/distill.00021.
 */
export function behind(before: ReceptiveField, layer: WindowLayer): ReceptiveField {
  const { kernelSize, stride, padding, dilation } = layer;
  return {
    size: before.size.map(
      (size, d) => size + at(dilation, d, 1) * (at(kernelSize, d, 1) - 1) * before.stride[d],
    ),
    stride: before.stride.map((step, d) => step * at(stride, d, 1)),
    padding: before.padding.map((edge, d) => edge + at(padding, d, 0) * before.stride[d]),
  };
}

/** Where branches meet: the widest field, the greatest reach beyond the edge. Null where the strides differ. */
export function joined(fields: readonly ReceptiveField[]): ReceptiveField | null {
  const [first] = fields;
  if (fields.some(({ stride }) => stride.some((step, d) => step !== first.stride[d]))) return null;
  const most = (key: 'size' | 'padding'): number[] =>
    first[key].map((_, d) => Math.max(...fields.map((field) => field[key][d])));
  return { size: most('size'), stride: first.stride, padding: most('padding') };
}

/** Layers whose outputs see the whole input, or whose field this arithmetic does not cover. */
const unbounded =
  /^(Adaptive|Conv(Transpose)|Linear|Bilinear|NonDynamically|Flatten|Unflatten|MaxUnpool|Upsample|Fold|RNN|LSTM|GRU|MultiheadAttention|Pixel|LayerNorm|GroupNorm|InstanceNorm)/;

/** Whether an output unit of a module sees everything, or what is not known. */
export const isUnbounded = (module: AnyModule): boolean => unbounded.test(module.typeName);

/** A module's window; null where it has none. */
export function windowOf(module: AnyModule, rank: number): WindowLayer | null {
  const layer = module as unknown as Partial<Omit<WindowLayer, 'padding'>> & {
    padding?: WindowLayer['padding'] | 'same' | 'valid';
  };
  const { kernelSize, stride, dilation, padding } = layer;
  if (kernelSize === undefined) return null;
  if (padding === 'valid') return { kernelSize, stride, dilation };
  if (padding !== 'same') return { kernelSize, stride, dilation, padding };
  const half = (d: number): number => Math.floor((at(dilation, d, 1) * (at(kernelSize, d, 1) - 1)) / 2);
  return { kernelSize, stride, dilation, padding: Array.from({ length: rank }, (_, d) => half(d)) };
}
