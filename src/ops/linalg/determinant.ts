import { applyMany, type Primitive } from '../../autograd/primitive.ts';
import { kernel } from '../../engine/kernel.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { mul } from '../arithmetic.ts';
import { matmul } from '../matmul.ts';
import { log } from '../pointwise.ts';
import { op } from '../record.ts';
import { productBefore } from '../scan.ts';
import { transpose, unsqueeze } from '../shape.ts';
import { reshape } from '../views.ts';
import { asBatch, checkSquare } from './batch.ts';
import { inv } from './solve.ts';
import { svd } from './svd.ts';

/** value, sign, logarithm of the absolute value (each (B,)) of the determinants of a (B, n, n), row-major, by elimination. */
const determinantKernel = kernel(
  'linalg.determinant',
  (value: Tensor, sign: Tensor, log: Tensor, a: Tensor) => {
    const [batches, n] = a.shape;
    const lu = new Float64Array(n * n);
    for (let t = 0; t < batches; t++) {
      for (let i = 0; i < n * n; i++) lu[i] = a.elements[a.offset + t * n * n + i];
      let [product, signs, logs] = [1, 1, 0];
      for (let c = 0; c < n; c++) {
        let pivot = c;
        for (let r = c + 1; r < n; r++) if (Math.abs(lu[r * n + c]) > Math.abs(lu[pivot * n + c])) pivot = r;
        if (pivot !== c) {
          for (let j = 0; j < n; j++) [lu[c * n + j], lu[pivot * n + j]] = [lu[pivot * n + j], lu[c * n + j]];
          product = -product;
          signs = -signs;
        }
        const top = lu[c * n + c];
        product *= top;
        signs *= Math.sign(top);
        logs += Math.log(Math.abs(top));
        if (top === 0) break;
        for (let r = c + 1; r < n; r++) {
          const factor = lu[r * n + c] / top;
          for (let j = c; j < n; j++) lu[r * n + j] -= factor * lu[c * n + j];
        }
      }
      value.elements[value.offset + t] = product;
      sign.elements[sign.offset + t] = signs;
      log.elements[log.offset + t] = logs;
    }
  },
);

const determinantPrimitive: Primitive<null> = {
  name: 'det',
  forward(ctx, [input]) {
    const a = input as Tensor;
    const outputs = Array.from({ length: 3 }, () => Tensor.allocate([a.shape[0]], a.dtype));
    determinantKernel(outputs[0], outputs[1], outputs[2], a);
    ctx.save(a, outputs[0]);
    return outputs;
  },
  gradient: (ctx, [g, , gl]) => {
    const [a, value] = ctx.saved;
    const lift = (x: Tensor): Tensor => unsqueeze(unsqueeze(x, 1), 2);
    if (g && isSingular(value)) return [mul(lift(g), cofactors(a))];
    const inverse = transpose(inv(a), 1, 2);
    const direct = g ? mul(lift(mul(g, value)), inverse) : null;
    const logarithmic = gl ? mul(lift(gl), inverse) : null;
    return [direct && logarithmic ? direct.add(logarithmic) : (direct ?? logarithmic)];
  },
};

const isSingular = (value: Tensor): boolean => {
  for (let i = 0; i < value.size; i++) if (value.elements[value.offset + i] === 0) return true;
  return false;
};

/** The derivative of the determinant by each element, which exists for singular matrices too: det(U) det(V) U diag(Π_{j≠i} sⱼ) Vᵀ. */
function cofactors(a: Tensor): Tensor {
  const [u, s, vt] = svd(a, { fullMatrices: false });
  const [du] = applyMany(determinantPrimitive, [asBatch(u.detach())], null);
  const [dv] = applyMany(determinantPrimitive, [asBatch(vt.detach())], null);
  const others = mul(productBefore(s, 1, false), productBefore(s, 1, true));
  return matmul(mul(u, unsqueeze(mul(others, unsqueeze(mul(du, dv), 1)), 1)), vt);
}

const invertible = { shape: [3, 3], data: [2, 0.5, -0.3, 0.1, 1.5, 0.4, -0.2, 0.3, 1.8] } as const;

function parts(name: string, input: Tensor): Tensor[] {
  checkSquare(name, input);
  return applyMany(determinantPrimitive, [asBatch(input)], null).map((part) =>
    reshape(part, input.shape.slice(0, -2)),
  );
}

/** The determinant of each matrix; its gradient exists for singular ones too. Error: not square. Source: `torch.linalg.det`. */
export const det: (input: Tensor) => Tensor = op(
  {
    name: 'linalg.det',
    torch: 'linalg.det(A)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[invertible], [{ shape: [2, 3, 3] }]],
  },
  (input: Tensor) => parts('linalg.det', input)[0],
);

/** The sign and the logarithm of the absolute value of each determinant: -Infinity where it is 0. Source: `torch.linalg.slogdet`. */
export const slogdet: (input: Tensor) => [sign: Tensor, logabsdet: Tensor] = op(
  {
    name: 'linalg.slogdet',
    torch: 'linalg.slogdet(A)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[invertible]],
  },
  (input: Tensor): [Tensor, Tensor] => {
    const [, sign, logarithm] = parts('linalg.slogdet', input);
    return [sign.detach(), logarithm];
  },
);

/** The logarithm of each determinant: NaN where it is negative. Source: `torch.logdet`. */
export const logdet: (input: Tensor) => Tensor = op(
  {
    name: 'logdet',
    torch: 'logdet(input)',
    family: 'linear algebra',
    differentiable: true,
    samples: () => [[invertible]],
  },
  (input: Tensor) => {
    const [sign, logarithm] = slogdet(input);
    return logarithm.add(log(sign));
  },
);
