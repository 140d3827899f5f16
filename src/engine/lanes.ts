import type { Tensor } from '../tensor/tensor.ts';

/** How many elements lie along `dim`; a 0-d tensor is one lane of one element. */
export const laneLength = (tensor: Tensor, dim: number): number =>
  tensor.ndim === 0 ? 1 : tensor.shape[dim];

/** The step between neighbours along `dim`. */
export const laneStep = (tensor: Tensor, dim: number): number =>
  tensor.ndim === 0 ? 1 : tensor.strides[dim];

/**
 * Visits each lane along `dim` of tensors that agree in every other dimension: `lane` gets each tensor's place at the lane's start.
 * The places are one array that changes from call to call.
 */
export function eachLane(
  tensors: readonly Tensor[],
  dim: number,
  lane: (places: readonly number[]) => void,
): void {
  const shape = tensors[0].shape;
  const dims: number[] = [];
  for (let d = 0; d < shape.length; d++) {
    if (d === dim) continue;
    if (shape[d] === 0) return;
    if (shape[d] !== 1) dims.push(d);
  }
  const places = tensors.map((t) => t.offset);
  const index = new Array<number>(dims.length).fill(0);
  for (;;) {
    lane(places);
    let i = dims.length - 1;
    for (; i >= 0; i--) {
      const d = dims[i];
      if (++index[i] < shape[d]) {
        for (let k = 0; k < places.length; k++) places[k] += tensors[k].strides[d];
        break;
      }
      for (let k = 0; k < places.length; k++) places[k] -= tensors[k].strides[d] * (shape[d] - 1);
      index[i] = 0;
    }
    if (i < 0) return;
  }
}
