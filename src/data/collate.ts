import { stack } from '../ops/join.ts';
import { tensor } from '../tensor/creation.ts';
import { Tensor } from '../tensor/tensor.ts';

/** What a batch of examples of type T is: tensors stacked, numbers and booleans as tensors, the rest in lists, by field. */
export type Collated<T> = T extends Tensor | number | boolean
  ? Tensor
  : T extends string | null | undefined
    ? T[]
    : T extends readonly unknown[]
      ? { -readonly [K in keyof T]: Collated<T[K]> }
      : T extends object
        ? { [K in keyof T]: Collated<T[K]> }
        : T[];

/**
 * Makes one batch of many examples: tensors are stacked along a new first dimension; numbers become a tensor of the default floating
 * dtype (make labels int32 tensors), booleans a bool tensor; arrays and objects are collated item by item; what is left, strings
 * for instance, stays a list.
 *
 * Errors: tensors of different shapes; examples of different forms. Source: `torch.utils.data.default_collate`.
 */
export function defaultCollate<T>(examples: readonly T[]): Collated<T> {
  return collate(examples, 'example') as Collated<T>;
}

function collate(items: readonly unknown[], where: string): unknown {
  const [first] = items;
  if (first instanceof Tensor) {
    const odd = items.find((x) => !(x instanceof Tensor) || x.shape.join() !== first.shape.join());
    if (odd !== undefined)
      throw new RangeError(
        `defaultCollate: ${where} has shapes (${first.shape}) and (${odd instanceof Tensor ? odd.shape : typeof odd}): pad them to one size, or pass collate`,
      );
    return stack(items as Tensor[]);
  }
  if (typeof first === 'number') return tensor(items as number[]);
  if (typeof first === 'boolean') return tensor(items as boolean[]);
  if (Array.isArray(first)) {
    if (items.some((x) => !Array.isArray(x) || x.length !== first.length))
      throw new RangeError(
        `defaultCollate: ${where} is a list of ${first.length}, but not always: pass collate`,
      );
    return first.map((_, i) =>
      collate(
        items.map((x) => (x as unknown[])[i]),
        `${where}[${i}]`,
      ),
    );
  }
  if (typeof first === 'object' && first !== null && Object.getPrototypeOf(first) === Object.prototype)
    return Object.fromEntries(
      Object.keys(first).map((key) => [
        key,
        collate(
          items.map((x) => (x as Record<string, unknown>)[key]),
          `${where}.${key}`,
        ),
      ]),
    );
  return [...items];
}
