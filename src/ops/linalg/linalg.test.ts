import { describe, expect, test } from 'vitest';
import { det, grad, linalg, ones, rand, stack, type Tensor, tensor } from '../../index.ts';

const f64 = { dtype: 'float64' } as const;
const close = (a: Tensor, b: Tensor, atol = 1e-10): void =>
  expect(a.isclose(b, { rtol: 1e-9, atol }).all().item()).toBe(1);
const symmetric = (): Tensor =>
  tensor(
    [
      [4, 1, 0.5],
      [1, 3, 0.2],
      [0.5, 0.2, 2],
    ],
    { ...f64, requiresGrad: true },
  );
const weights = (): Tensor =>
  tensor([0.5, 0.625, 0.75, 0.875, 1, 1.125, 1.25, 1.375, 1.5], f64).reshape([3, 3]);

describe('least squares', () => {
  // Anscombe's quartet (The American Statistician, 1973), and the published fits of its four sets.
  const x123 = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
  const sets = {
    I: [x123, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]],
    II: [x123, [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74]],
    III: [x123, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]],
    IV: [
      [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8],
      [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89],
    ],
  };
  const fits: Record<string, number[]> = {
    I: [3.000090909090909, 0.5000909090909091],
    II: [3.0009090909090883, 0.5000000000000001],
    III: [3.0024545454545435, 0.4997272727272728],
    IV: [3.0017272727272695, 0.49990909090909114],
  };

  test.each(Object.entries(sets))(
    "Anscombe's set %s: lstsq, pinv and the normal equations agree",
    (name, [x, y]) => {
      const [line, target] = [tensor(x, f64), tensor(y, f64)];
      const a = stack([ones([11], f64), line], 1);
      const [solution, residuals, rank] = linalg.lstsq(a, target);
      close(solution, tensor(fits[name], f64));
      close(linalg.pinv(a).mv(target), solution);
      close(linalg.solve(a.t().mm(a), a.t().mv(target)), solution);
      expect(rank.item()).toBe(2);
      close(residuals, a.mv(solution).sub(target).square().sum().reshape([1]));
    },
  );

  test('of many solutions the smallest is taken', () => {
    const [solution] = linalg.lstsq(tensor([[1, 1]], f64), tensor([2], f64));
    close(solution, tensor([1, 1], f64));
  });
});

describe('closed forms', () => {
  test("the inverse of Hilbert's matrix is whole", () => {
    const hilbert = tensor(
      [0, 1, 2].map((i) => [0, 1, 2].map((j) => 1 / (i + j + 1))),
      f64,
    );
    close(
      linalg.inv(hilbert),
      tensor(
        [
          [9, -36, 30],
          [-36, 192, -180],
          [30, -180, 180],
        ],
        f64,
      ),
      1e-9,
    );
    expect(det(hilbert).item()).toBeCloseTo(1 / 2160, 12);
  });

  test("Vandermonde's determinant is the product of the differences", () => {
    const nodes = [1, 2, 4, 7];
    const matrix = tensor(
      nodes.map((x) => [1, x, x ** 2, x ** 3]),
      f64,
    );
    let product = 1;
    for (let i = 0; i < 4; i++) for (let j = i + 1; j < 4; j++) product *= nodes[j] - nodes[i];
    expect(det(matrix).item()).toBeCloseTo(product, 8);
    const [sign, logarithm] = linalg.slogdet(matrix);
    expect([sign.item(), Math.exp(logarithm.item())]).toEqual([1, expect.closeTo(product, 8)]);
  });

  test('the eigenvalues of the second difference are 2 - 2 cos(kπ/(n+1))', () => {
    const n = 6;
    const matrix = tensor(
      Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)),
      ),
      f64,
    );
    const expected = Array.from({ length: n }, (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)));
    close(linalg.eigvalsh(matrix), tensor(expected, f64));
    close(linalg.svdvals(matrix), tensor(expected.reverse(), f64));
  });

  test('the gradient of a singular determinant is the matrix of cofactors', () => {
    const a = tensor(
      [
        [1, 2],
        [2, 4],
      ],
      { ...f64, requiresGrad: true },
    );
    det(a).backward();
    close(
      a.grad!,
      tensor(
        [
          [4, -2],
          [-2, 1],
        ],
        f64,
      ),
    );
  });
});

describe('decompositions', () => {
  const batch = (): Tensor => rand([3, 5, 4], f64).sub(0.5);

  test('Q R, U S Vᵀ and the eigenvectors give the matrix back, with orthonormal columns', () => {
    for (const a of [batch(), batch().transpose(1, 2)]) {
      const [q, r] = linalg.qr(a);
      close(q.matmul(r), a);
      const [u, s, vh] = linalg.svd(a, { fullMatrices: false });
      close(u.mul(s.unsqueeze(1)).matmul(vh), a);
      const [full] = linalg.svd(a);
      const gram = full.transpose(1, 2).matmul(full);
      close(gram.sum([1, 2]), ones([3], f64).mul(a.shape[1]));
      close(linalg.pinv(a).matmul(a).matmul(linalg.pinv(a)), linalg.pinv(a));
    }
    const even = batch().transpose(1, 2).matmul(batch());
    const c = even.add(even.transpose(1, 2));
    const [values, vectors] = linalg.eigh(c);
    close(vectors.mul(values.unsqueeze(1)).matmul(vectors.transpose(1, 2)), c);
  });

  test("the triangle of a positive-definite matrix and its gradient are PyTorch's", () => {
    const a = symmetric();
    const l = linalg.cholesky(a);
    close(
      l,
      tensor([2, 0, 0, 0.5, 1.6583123951777, 0, 0.25, 0.04522670168666455, 1.391206147720224], f64).reshape([
        3, 3,
      ]),
    );
    const [g] = grad(l.mul(weights()).sum(), a);
    close(
      g,
      tensor(
        [
          [0.08282850919715268, 0.0961141671771137, 0.14514359206855118],
          [0.0961141671771137, 0.2906056530365839, 0.3998753565099228],
          [0.14514359206855118, 0.39987535650992284, 0.5391005504317448],
        ],
        f64,
      ),
    );
  });

  test("the gradients of eigenvalues and eigenvectors are PyTorch's", () => {
    const a = symmetric();
    const [values, vectors] = linalg.eigh(a);
    const [byValues] = grad(values.mul(tensor([1, 2, 3], f64)).sum(), a, { retainGraph: true });
    close(
      byValues,
      tensor(
        [
          [2.639663651251195, 0.4409415269507082, 0.40512406481651453],
          [0.4409415269507082, 2.256756019007707, 0.04598183651216142],
          [0.40512406481651453, 0.04598183651216142, 1.1035803297410949],
        ],
        f64,
      ),
    );
    const [byVectors] = grad(vectors.abs().mul(weights()).sum(), a);
    close(
      byVectors,
      tensor(
        [
          [-0.6321568100080849, 0.49164569821590554, 0.8788255183351914],
          [0.49164569821590565, -0.04024270647139694, -1.3939014706985913],
          [0.8788255183351913, -1.393901470698591, 0.6723995164794817],
        ],
        f64,
      ),
    );
  });
});

test('what cannot be solved says which matrix, and what to use', () => {
  const zero = tensor(
    [
      [1, 2],
      [2, 4],
    ],
    f64,
  );
  expect(() => linalg.inv(zero)).toThrow(
    /linalg.inv: the matrix is singular: pivot 2 is zero. Use lstsq or pinv/,
  );
  expect(() => linalg.inv(stack([ones([2, 2], f64).tril(), zero]))).toThrow(/batch element 1/);
  expect(() => linalg.cholesky(zero.neg())).toThrow(/not positive-definite: its leading minor of order 1/);
  expect(() => linalg.det(ones([2, 3]))).toThrow(/linalg.det: the matrices must be square, these are 2 x 3/);
  expect(() => linalg.solve(zero, ones([3], f64))).toThrow(/B needs 2 rows/);
  expect(() => linalg.matrixNorm(ones([2, 2]), 3)).toThrow(/order '3' is unknown/);
});
