import { describe, expect, test } from 'vitest';
import {
  arange,
  checkpoint,
  grad,
  gradcheck,
  gradgradcheck,
  hessian,
  hvp,
  jacobian,
  jvp,
  manualSeed,
  memory,
  noGrad,
  ones,
  operations,
  rand,
  randn,
  stack,
  Tensor,
  tensor,
  vjp,
  vmap,
  zerosLike,
} from '../index.ts';
import { makeSample } from './samples.ts';

const f64 = { dtype: 'float64' } as const;
const x = tensor([1, 2, 3], f64);
const A = tensor(
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  f64,
);

describe('derivatives of functions', () => {
  test('jacobian: diagonal for element-wise functions, the matrix for linear ones', () => {
    expect(jacobian((t: Tensor) => t.mul(t), x).toArray()).toEqual([
      [2, 0, 0],
      [0, 4, 0],
      [0, 0, 6],
    ]);
    expect(jacobian((t: Tensor) => A.matmul(t), x).toArray()).toEqual(A.toArray());
    expect(jacobian((t: Tensor) => t.sum(), x).toArray()).toEqual([1, 1, 1]);
    expect(jacobian(() => ones(2, f64), x).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('jacobian of several inputs and outputs comes in their form', () => {
    const y = tensor([10, 20, 30], f64);
    const [byX, byY] = jacobian((a: Tensor, b: Tensor) => a.mul(b), [x, y]);
    expect(byX.toArray()).toEqual([
      [10, 0, 0],
      [0, 20, 0],
      [0, 0, 30],
    ]);
    expect(byY.toArray()).toEqual([
      [1, 0, 0],
      [0, 2, 0],
      [0, 0, 3],
    ]);
    const [[first], [second]] = jacobian((a: Tensor) => [a.sum(), a], [x]);
    expect(first.toArray()).toEqual([1, 1, 1]);
    expect(second.shape).toEqual([3, 3]);
  });

  test('vjp and jvp are products with the Jacobian from the left and from the right', () => {
    const f = (t: Tensor) => A.matmul(t.mul(t));
    const [value, left] = vjp(f, x, tensor([1, 10], f64));
    expect(value.toArray()).toEqual([36, 78]);
    expect(left.toArray()).toEqual([2 * 41, 4 * 52, 6 * 63]);
    const [same, right] = jvp(f, x, tensor([1, 0, 2], f64));
    expect(same.toArray()).toEqual([36, 78]);
    expect(right.toArray()).toEqual([2 + 36, 8 + 72]);
    expect(right.requiresGrad).toBe(false);
    expect(jvp((t: Tensor) => t.exp(), tensor(0, f64))[1].item()).toBe(1);
  });

  test('hessian of x0² x1 + x2³, and its product with a vector', () => {
    const f = (t: Tensor) => t.at(0).square().mul(t.at(1)).add(t.at(2).pow(3));
    expect(hessian(f, x).toArray()).toEqual([
      [4, 2, 0],
      [2, 0, 0],
      [0, 0, 18],
    ]);
    const [value, product] = hvp(f, x, tensor([1, 1, 1], f64));
    expect(value.item()).toBe(29);
    expect(product.toArray()).toEqual([6, 2, 18]);
    const blocks = hessian((a: Tensor, b: Tensor) => a.mul(b).sum(), [x, x]);
    expect(blocks.map((row) => row.map((t) => t.sum().item()))).toEqual([
      [0, 3],
      [3, 0],
    ]);
  });

  test('with createGraph the results can be differentiated again', () => {
    const p = tensor([0.5, 1], { dtype: 'float64', requiresGrad: true });
    const cube = (t: Tensor) => t.mul(t).mul(t);
    expect(gradcheck((t: Tensor) => jacobian(cube, t, { createGraph: true }), p)).toBe(true);
    expect(gradcheck((t: Tensor) => jvp(cube, t, ones(2, f64), { createGraph: true })[1], p)).toBe(true);
    expect(jacobian(cube, p).requiresGrad).toBe(false);
    expect(p.grad).toBeNull();
  });

  test('wrong vectors and functions are refused', () => {
    expect(() => vjp((t: Tensor) => t, x)).toThrow(/v can be left out only/);
    expect(() => vjp((t: Tensor) => t, x, ones(2, f64))).toThrow(
      /v \(2,\) does not have the shape of output 0, \(3,\)/,
    );
    expect(() => hessian((t: Tensor) => t, x)).toThrow(
      /hessian: the function must return one element, not \(3,\)/,
    );
    expect(() => jacobian((t: Tensor) => t, tensor([1], { dtype: 'int32' }))).toThrow(
      /input 0 is not a floating tensor/,
    );
    expect(() => jvp((() => 5) as never, x, x)).toThrow(/jvp: the function returned 5/);
  });
});

/** The tensors of a result, whatever it returns them in. */
const tensorsIn = (result: unknown): Tensor[] =>
  result instanceof Tensor
    ? [result]
    : typeof result === 'object' && result !== null
      ? Object.values(result).flatMap(tensorsIn)
      : [];

/** The gradients of the sum of all results, zeros where there is none. */
function gradientsOf(results: readonly Tensor[], tensors: readonly Tensor[]): Tensor[] {
  const sums = results.filter(({ requiresGrad }) => requiresGrad).map((result) => result.sum());
  const leaves = tensors.filter(({ requiresGrad }) => requiresGrad);
  return grad(sums, leaves, { allowUnused: true }).map((g, i) => g ?? zerosLike(leaves[i]));
}

describe('vmap', () => {
  test('equals a loop, for functions of vectors', () => {
    const batch = arange(6, f64).reshape([2, 3]);
    expect(vmap((a: Tensor, b: Tensor) => a.dot(b), { inDims: [0, null] })(batch, x).toArray()).toEqual([
      8, 26,
    ]);
    expect(vmap((a: Tensor) => a.sum())(batch).toArray()).toEqual([3, 12]);
    expect(vmap((a: Tensor) => a.mul(2), { inDims: 1, outDims: 1 })(batch).toArray()).toEqual(
      batch.mul(2).toArray(),
    );
    const [low, high] = vmap((a: Tensor) => [a.amin(), a.amax()])(batch);
    expect([low.toArray(), high.toArray()]).toEqual([
      [0, 3],
      [2, 5],
    ]);
  });

  describe('equals a loop for every operation, and so do the gradients', () => {
    // asStrided counts its offset from the start of the memory, which is the batch's.
    const sampled = [...operations().values()].filter(
      ({ name, samples }) => name !== 'asStrided' && samples().length > 0,
    );
    test.each(sampled)('$name', ({ call, samples }) => {
      for (const sample of samples()) {
        const examples = [1, 50].map((seed) => {
          const { args } = makeSample(sample, seed);
          return { args, tensors: args.filter((arg) => arg instanceof Tensor) };
        });
        const { args } = examples[0];
        if (examples[0].tensors.length === 0) continue;
        const run = (given: readonly Tensor[]): Tensor[] => {
          const rest = [...given];
          return tensorsIn(call(...args.map((arg) => (arg instanceof Tensor ? rest.shift() : arg))));
        };
        manualSeed(1);
        const single = examples.map(({ tensors }) => run(tensors));
        // A shape that hangs on values cannot be stacked, in a loop or in vmap.
        if (single[0].some((out, o) => String(out.shape) !== String(single[1][o]?.shape))) continue;
        const batches = examples[0].tensors.map((of, i) =>
          stack(examples.map(({ tensors }) => tensors[i].detach())).requiresGrad_(of.requiresGrad),
        );
        manualSeed(1);
        const mapped = vmap((...given: Tensor[]) => run(given))(...batches);
        expect(mapped.map((out) => out.detach().toArray())).toEqual(
          single[0].map((_, o) => stack(single.map((outs) => outs[o].detach())).toArray()),
        );
        // Adding 0 takes the sign off -0.
        const slopes = examples.map(({ tensors }, n) => gradientsOf(single[n], tensors));
        expect(gradientsOf(mapped, batches).map((g) => g.add(0).toArray())).toEqual(
          slopes[0].map((_, i) =>
            stack(slopes.map((of) => of[i]))
              .add(0)
              .toArray(),
          ),
        );
      }
    });
  });

  test('nests: all pairwise dot products are a matrix product', () => {
    const [a, b] = [randn(3, 4, f64), randn(2, 4, f64)];
    const pairs = vmap((u: Tensor) => vmap((v: Tensor) => u.dot(v))(b))(a);
    expect(pairs.sub(a.matmul(b.t())).abs().max().item()).toBeLessThan(1e-12);
  });

  test('gradients flow through: per-example gradients', () => {
    const w = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    const batch = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      f64,
    );
    const perExample = vmap((e: Tensor) => vjp((p: Tensor) => p.dot(e).square(), w.detach())[1])(batch);
    expect(perExample.toArray()).toEqual([
      [10, 20],
      [66, 88],
    ]);
    vmap((e: Tensor) => w.dot(e))(batch)
      .sum()
      .backward();
    expect(w.grad!.toArray()).toEqual([4, 6]);
  });

  test('sizes that differ, nothing to map, and other outputs are refused', () => {
    const f = vmap((a: Tensor, b: Tensor) => a.add(b));
    expect(() => f(ones(2), ones(3))).toThrow(/mapped sizes differ: 2 in argument 0, 3 in argument 1/);
    expect(() => vmap((a: Tensor) => a, { inDims: [null] })(ones(2))).toThrow(/no argument is mapped/);
    expect(() => vmap((a: Tensor) => a, { inDims: 2 })(ones(2))).toThrow(/inDims 2 is out of range/);
    expect(() => vmap((() => 1) as never)(ones(2) as never)).toThrow(/the function returned 1/);
  });
});

describe('checkpoint', () => {
  const w = tensor([0.5, -1, 2], { dtype: 'float64', requiresGrad: true });
  const block = (t: Tensor): Tensor => t.mul(w).tanh().mul(t).exp();

  test('gives the same values and gradients, of its arguments and of what it captures', () => {
    const run = (call: (t: Tensor) => Tensor): unknown[] => {
      w.grad = null;
      const p = x.clone().requiresGrad_();
      const y = call(p.mul(0.1)).sum();
      y.backward();
      return [y.item(), p.grad!.toArray(), w.grad!.toArray()];
    };
    expect(run((t) => checkpoint(block, t))).toEqual(run(block));
    expect(run((t) => checkpoint((s: Tensor) => checkpoint(block, s).mul(s), t))).toEqual(
      run((t) => block(t).mul(t)),
    );
  });

  test('has right second derivatives', () => {
    const p = tensor([0.1, 0.2, 0.3], { dtype: 'float64', requiresGrad: true });
    expect(gradcheck((t: Tensor) => checkpoint(block, t), p)).toBe(true);
    expect(gradgradcheck((t: Tensor) => checkpoint(block, t), p)).toBe(true);
  });

  test('draws the same random numbers again, and does not disturb the stream', () => {
    const p = ones(8, { requiresGrad: true });
    manualSeed(3);
    const y = checkpoint((t: Tensor) => t.mul(rand(8)), p);
    const after = rand(1).item();
    y.sum().backward();
    expect(p.grad!.toArray()).toEqual(y.detach().toArray());
    manualSeed(3);
    rand(8);
    expect(rand(1).item()).toBe(after);
  });

  test('keeps nothing of the inside until backward', () => {
    const p = ones(100_000, { requiresGrad: true });
    const deep = (t: Tensor): Tensor => {
      let y = t;
      for (let i = 0; i < 10; i++) y = y.sin();
      return y;
    };
    const before = memory().bytes;
    const plain = deep(p);
    const held = memory().bytes - before;
    plain.dispose();
    const middle = memory().bytes;
    const light = checkpoint(deep, p);
    expect(memory().bytes - middle).toBeLessThan(held / 4);
    light.sum().backward();
    expect(p.grad!.at(0).item()).toBeGreaterThan(0);
  });

  test('a function that does something else the second time is found', () => {
    let calls = 0;
    const fickle = (t: Tensor): Tensor => (calls++ === 0 ? t.mul(t) : t.mul(t).mul(t));
    const y = checkpoint(fickle, ones(2, { requiresGrad: true }));
    expect(() => y.sum().backward()).toThrow(
      /computing again saved 2 times for backward, the first time it was 1/,
    );
    expect(noGrad(() => checkpoint((t: Tensor) => stack([t, t]), ones(2))).shape).toEqual([2, 2]);
  });
});
