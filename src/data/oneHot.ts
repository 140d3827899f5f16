import { getDefaultDtype } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';

/** Rows with a 1 at the label and 0 elsewhere, `(N, numClasses)`, floating. Error: a label outside the classes. */
export function oneHotOf(labels: Tensor, numClasses: number): Tensor {
  const out = Tensor.allocate([labels.shape[0], numClasses], getDefaultDtype(), true);
  for (let i = 0; i < labels.shape[0]; i++) {
    const label = labels.elements[labels.offset + i * labels.strides[0]];
    if (!Number.isInteger(label) || label < 0 || label >= numClasses)
      throw new RangeError(`label ${label} at ${i} is not a class from 0 to ${numClasses - 1}`);
    out.elements[out.offset + i * numClasses + label] = 1;
  }
  return out;
}
