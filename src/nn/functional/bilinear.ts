import { add, mul } from '../../ops/arithmetic.ts';
import { matmul } from '../../ops/matmul.ts';
import { op } from '../../ops/record.ts';
import { sum } from '../../ops/reduce.ts';
import { permute, unsqueeze } from '../../ops/shape.ts';
import { reshape } from '../../ops/views.ts';
import { formatShape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/**
 * x1ᵀ A x2 + b, for each of the matrices A of the weight.
 *
 * @param input1 `(..., in1)`. @param input2 `(..., in2)`. @param weight `(out, in1, in2)`. @param bias `(out,)`.
 * @returns `(..., out)`. Errors: sizes that do not fit. Source: `torch.nn.functional.bilinear`.
 */
export const bilinear: (input1: Tensor, input2: Tensor, weight: Tensor, bias?: Tensor | null) => Tensor = op(
  {
    name: 'bilinear',
    torch: 'nn.functional.bilinear(input1, input2, weight, bias=None)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [
      [{ shape: [2, 3] }, { shape: [2, 4] }, { shape: [5, 3, 4] }, { shape: [5] }],
      [{ shape: [3] }, { shape: [2] }, { shape: [2, 3, 2] }],
    ],
  },
  (input1: Tensor, input2: Tensor, weight: Tensor, bias?: Tensor | null) => {
    const batch = input1.shape.slice(0, -1);
    const [out, in1, in2] = weight.shape;
    if (
      weight.ndim !== 3 ||
      !sameShape(batch, input2.shape.slice(0, -1)) ||
      input1.shape.at(-1) !== in1 ||
      input2.shape.at(-1) !== in2
    )
      throw new RangeError(
        `bilinear: input1 ${formatShape(input1.shape)}, input2 ${formatShape(input2.shape)} and weight ${formatShape(weight.shape)} do not fit: (..., in1), (..., in2) and (out, in1, in2)`,
      );
    if (bias && (bias.ndim !== 1 || bias.shape[0] !== out))
      throw new RangeError(`bilinear: the bias ${formatShape(bias.shape)} must have ${out} elements`);
    const matrices = reshape(permute(weight, [1, 0, 2]), [in1, out * in2]);
    const rows = reshape(matmul(reshape(input1, [batch.reduce((a, b) => a * b, 1), in1]), matrices), [
      ...batch,
      out,
      in2,
    ]);
    const product = sum(mul(rows, unsqueeze(input2, -2)), -1);
    return bias ? add(product, bias) : product;
  },
);
