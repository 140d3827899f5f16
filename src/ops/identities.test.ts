import { describe, expect, test } from 'vitest';
import {
  cat,
  cdist,
  cumsum,
  diff,
  einsum,
  flip,
  gather,
  kron,
  linalg,
  logcumsumexp,
  rand,
  roll,
  rot90,
  scatterAdd,
  sort,
  type Tensor,
  take,
  tensor,
  tensordot,
  topk,
  zeros,
} from '../index.ts';

const f64 = { dtype: 'float64' } as const;
const draw = (...shape: number[]): Tensor => rand(shape, f64).sub(0.5);
const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  expect(a.isclose(b, { rtol: 1e-10, atol: 1e-12 }).all().item()).toBe(1);
};

describe('what undoes itself', () => {
  test('the differences of running sums are the elements', () => {
    const x = draw(3, 7);
    close(diff(cumsum(x, 1), 1, 1, zeros([3, 1], f64)), x);
    close(logcumsumexp(x, 1).select(1, 6), x.logsumexp(1));
  });

  test('flips, rolls and four quarter turns', () => {
    const x = draw(3, 4, 5);
    close(flip(flip(x, [0, 2]), [0, 2]), x);
    close(roll(roll(x, [2, -1], [0, 2]), [-2, 1], [0, 2]), x);
    close(rot90(rot90(x, 3), 1), x);
    close(x.tril(1).add(x.triu(2)), x);
  });

  test('an order and its inverse', () => {
    const x = draw(4, 9);
    const [values, order] = sort(x, 1);
    close(gather(values, 1, order.argsort(1)), x);
    close(topk(x, 4, 1)[0], flip(values, [1]).narrow(1, 0, 4));
  });
});

describe('one operation said in two ways', () => {
  test('einsum is matmul, trace, transpose, sum, outer, tensordot', () => {
    const [a, b, s] = [draw(2, 3, 4), draw(2, 4, 5), draw(4, 4)];
    close(einsum('bij,bjk->bik', a, b), a.matmul(b));
    close(einsum('ii', s), s.trace());
    close(einsum('ij->ji', s), s.t());
    close(einsum('ijk->', a), a.sum());
    close(einsum('bij,bkl->ijkl', a, b), tensordot(a, b, [[0], [0]]));
    close(einsum('ij,kl->ikjl', s, s).reshape([16, 16]), kron(s, s));
    close(
      einsum('bij,bjk,kl->il', a, b, draw(5, 2).mul(0).add(1)),
      a.matmul(b).sum(0).sum(1, { keepdim: true }).expand([3, 2]),
    );
  });

  test('distances of pairs are norms of differences', () => {
    const [x, y] = [draw(4, 3), draw(5, 3)];
    for (const p of [0, 1, 1.5, 2, 3, Infinity])
      close(cdist(x, y, p), linalg.vectorNorm(x.unsqueeze(1).sub(y.unsqueeze(0)), p, 2));
  });

  test('determinants multiply, and the nuclear norm is the sum of singular values', () => {
    const [a, b] = [draw(4, 4), draw(4, 4)];
    close(a.matmul(b).det(), a.det().mul(b.det()));
    close(linalg.matrixNorm(a, 'nuc'), linalg.svdvals(a).sum());
    close(linalg.matrixNorm(a), linalg.svdvals(a).square().sum().sqrt());
    close(linalg.matrixPower(a, 5), a.matmul(a).matmul(a).matmul(a).matmul(a));
    close(kron(a, b).trace(), a.trace().mul(b.trace()));
  });
});

describe('what must not matter', () => {
  test('a batch computed in parts: sort, cumsum, svd values, cdist', () => {
    const x = draw(6, 4, 3);
    const inParts = (f: (part: Tensor) => Tensor): void =>
      close(f(x), cat([f(x.narrow(0, 0, 2)), f(x.narrow(0, 2, 4))]));
    inParts((t) => sort(t, 1)[0]);
    inParts((t) => cumsum(t, 2));
    inParts((t) => linalg.svdvals(t));
    inParts((t) => cdist(t, t));
  });

  test('the order of the elements: reductions of a permutation', () => {
    const x = draw(24);
    const shuffled = take(
      x,
      tensor(
        Array.from({ length: 24 }, (_, i) => (i * 7) % 24),
        { dtype: 'int32' },
      ),
    );
    for (const f of [
      (t: Tensor) => t.max(),
      (t: Tensor) => t.median(),
      (t: Tensor) => t.prod(),
      (t: Tensor) => t.norm(),
      (t: Tensor) => t.logsumexp(0),
    ])
      close(f(shuffled), f(x));
  });
});

describe('what gathers and what scatters are adjoint: <gather(x), y> = <x, scatterAdd(y)>', () => {
  test('and so are their gradients', () => {
    const x = draw(5, 3).detach();
    x.requiresGrad = true;
    const index = tensor(
      [
        [0, 4, 4],
        [2, 0, 4],
      ],
      { dtype: 'int32' },
    );
    const y = draw(2, 3);
    const scattered = scatterAdd(zeros([5, 3], f64), 0, index, y);
    const inner = gather(x, 0, index).mul(y).sum();
    close(inner.detach(), x.detach().mul(scattered).sum());
    inner.backward();
    close(x.grad!, scattered);
  });
});
