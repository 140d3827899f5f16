import type { Tensor } from '../tensor/tensor.ts';
import { add, mul } from './arithmetic.ts';
import { bmm, mv, outer } from './matmul.ts';
import { op } from './record.ts';
import { sum } from './reduce.ts';

export interface BetaAlpha {
  beta?: number;
  alpha?: number;
}

type AddProduct = (input: Tensor, left: Tensor, right: Tensor, options?: BetaAlpha) => Tensor;

/** beta * input + alpha * product; with beta 0, NaN in `input` is ignored. */
function addProduct(
  name: string,
  parameters: string,
  shapes: readonly (readonly number[])[],
  product: (left: Tensor, right: Tensor) => Tensor,
): AddProduct {
  return op(
    {
      name,
      torch: `${name}(input, ${parameters}, *, beta=1, alpha=1)`,
      family: 'linear algebra',
      differentiable: true,
      samples: () => [[...shapes.map((shape) => ({ shape })), { beta: 0.5, alpha: 2 }]],
    },
    (input: Tensor, left: Tensor, right: Tensor, { beta = 1, alpha = 1 }: BetaAlpha = {}) => {
      const scaled = mul(product(left, right), alpha);
      return beta === 0 ? scaled : add(scaled, mul(input, beta));
    },
  );
}

/** beta * input + alpha * (matrix x vector). */
export const addmv: AddProduct = addProduct('addmv', 'mat, vec', [[2], [2, 3], [3]], mv);
/** beta * input + alpha * (outer product of two vectors). */
export const addr: AddProduct = addProduct('addr', 'vec1, vec2', [[2, 3], [2], [3]], outer);
/** beta * input + alpha * (batch of matrices x batch of matrices). */
export const baddbmm: AddProduct = addProduct(
  'baddbmm',
  'batch1, batch2',
  [
    [2, 2, 4],
    [2, 2, 3],
    [2, 3, 4],
  ],
  bmm,
);
/** beta * input + alpha * (the sum over the batch of the products of matrices). */
export const addbmm: AddProduct = addProduct(
  'addbmm',
  'batch1, batch2',
  [
    [2, 4],
    [2, 2, 3],
    [2, 3, 4],
  ],
  (a, b) => sum(bmm(a, b), 0),
);
