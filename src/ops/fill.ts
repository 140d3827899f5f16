import { overwrite } from '../autograd/inplace.ts';
import { edgeOf } from '../autograd/primitive.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { cast, copyKernel, scalar } from './cast.ts';
import { op } from './record.ts';
import { expand, reshape } from './views.ts';

const own = 'changes its input; the gradient goes to the values that are written';

/** The values as the target holds them: its dtype, its shape. Error: values that do not broadcast to it. */
export function spreadOver(name: string, target: Tensor, values: Tensor): Tensor {
  let source = cast(values, target.dtype);
  const extra = source.ndim - target.ndim;
  if (extra > 0 && source.shape.slice(0, extra).every((size) => size === 1))
    source = reshape(source, source.shape.slice(extra));
  if (sameShape(source.shape, target.shape)) return source;
  const lead = target.ndim - source.ndim;
  if (lead < 0 || source.shape.some((size, d) => size !== 1 && size !== target.shape[d + lead]))
    throw new RangeError(
      `${name}: values of shape ${formatShape(values.shape)} do not broadcast to ${formatShape(target.shape)}, where they are written`,
    );
  return expand(source, target.shape);
}

/** Writes `source` over the tensor, converted to its dtype and broadcast to its shape. Gradients go to `source`. */
export const copy_: (input: Tensor, source: Tensor) => Tensor = op(
  {
    name: 'copy_',
    torch: 'Tensor.copy_(input, src)',
    family: 'indexing',
    differentiable: own,
    samples: () => [],
  },
  (input: Tensor, source: Tensor) => {
    const values = spreadOver('copy_', input, source);
    const write = (): ReturnType<typeof edgeOf> => {
      copyKernel(input, values);
      return edgeOf(values);
    };
    return overwrite('copy_', input, write, values.requiresGrad);
  },
);

/** Writes one value over all elements: a number, a boolean or a 0-d tensor. */
export const fill_: (input: Tensor, value: number | boolean | Tensor) => Tensor = op(
  {
    name: 'fill_',
    torch: 'Tensor.fill_(input, value)',
    family: 'indexing',
    differentiable: own,
    samples: () => [],
  },
  (input: Tensor, value: number | boolean | Tensor) => {
    if (value instanceof Tensor) {
      if (value.ndim > 0)
        throw new RangeError(
          `fill_: the value has the shape ${formatShape(value.shape)}: give a number or a 0-d tensor, or use copy_`,
        );
      return copy_(input, value);
    }
    return overwrite('fill_', input, () => {
      if (input.isContiguous) {
        const written = input.dtype === 'bool' ? Number(Boolean(value)) : Number(value);
        input.elements.fill(written, input.offset, input.offset + input.size);
      } else copyKernel(input, scalar(value, input.dtype));
      return null;
    });
  },
);

/** Writes 0 over all elements. */
export const zero_: (input: Tensor) => Tensor = op(
  {
    name: 'zero_',
    torch: 'Tensor.zero_(input)',
    family: 'indexing',
    differentiable: own,
    samples: () => [],
  },
  (input: Tensor) => fill_(input, 0),
);
