import { describe, expect, test } from 'vitest';
import {
  autograd,
  type FunctionContext,
  grad,
  gradcheck,
  gradgradcheck,
  inferenceMode,
  noGrad,
  ones,
  type Tensor,
  tensor,
  zeros,
} from '../index.ts';

const f64 = { dtype: 'float64', requiresGrad: true } as const;

class Cube extends autograd.Function {
  static forward(ctx: FunctionContext, x: Tensor) {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  }
  static backward(ctx: FunctionContext, g: Tensor) {
    const [x] = ctx.savedTensors;
    return g.mul(x.mul(x)).mul(3);
  }
}

/** x * scale and its sum; the scale is a plain number, kept as a property. */
class Scale extends autograd.Function {
  static forward(ctx: FunctionContext, x: Tensor, scale: number): Tensor[] {
    ctx.scale = scale;
    return [x.mul(scale), x.sum()];
  }
  static backward(ctx: FunctionContext, g: Tensor, total: Tensor) {
    return [g.mul(ctx.scale as number).add(total), null];
  }
}

class Exp extends autograd.Function {
  static forward(ctx: FunctionContext, x: Tensor) {
    const y = x.exp();
    ctx.saveForBackward(y);
    return y;
  }
  static backward(ctx: FunctionContext, g: Tensor) {
    return g.mul(ctx.savedTensors[0]);
  }
}

describe('custom functions', () => {
  test('give their own gradients, first and second', () => {
    const x = tensor([1, 2, -3], f64);
    expect(gradcheck((t: Tensor) => Cube.apply(t), x)).toBe(true);
    expect(gradgradcheck((t: Tensor) => Cube.apply(t), x)).toBe(true);
    expect(gradgradcheck((t: Tensor) => Exp.apply(t), tensor([0.5, 1], f64))).toBe(true);
    expect(gradcheck((t: Tensor) => Scale.apply(t, 3), x)).toBe(true);
    expect(String(Cube.apply(x))).toContain('grad_fn=<CubeBackward>');
  });

  test('tell which gradients are wanted, and give zeros for outputs that nothing depends on', () => {
    let needs: readonly boolean[] = [];
    let arrived: (Tensor | null)[] = [];
    class Pair extends autograd.Function {
      static forward(ctx: FunctionContext, a: Tensor, b: Tensor): Tensor[] {
        ctx.setMaterializeGrads(!(a.size === 1));
        needs = ctx.needsInputGrad;
        return [a.add(b), a.sub(b)];
      }
      static backward(_ctx: FunctionContext, ...grads: (Tensor | null)[]) {
        arrived = grads;
        return [grads[0], null];
      }
    }
    const a = ones(2, { requiresGrad: true });
    Pair.apply(a, zeros(2))[0].sum().backward();
    expect(needs).toEqual([true, false]);
    expect(arrived[1]!.toArray()).toEqual([0, 0]);
    Pair.apply(ones(1, { requiresGrad: true }), zeros(1))[0]
      .sum()
      .backward();
    expect(arrived[1]).toBeNull();
  });

  test('record nothing without a wanted gradient, and nothing of what forward does inside', () => {
    expect(Cube.apply(ones(2)).requiresGrad).toBe(false);
    expect(noGrad(() => Cube.apply(ones(2, { requiresGrad: true }))).requiresGrad).toBe(false);
    const names = autograd
      .autogradGraph(Cube.apply(ones(2, { requiresGrad: true })))
      .nodes.map((n) => n.name);
    expect(names).toEqual(['CubeBackward', 'AccumulateGrad']);
  });

  test('saved values are guarded: changed in place, and released', () => {
    const x = ones(2, { requiresGrad: true });
    const y = x.mul(2);
    const z = Cube.apply(y);
    y.add_(1);
    expect(() => z.sum().backward()).toThrow(/modified by an inplace operation/);
    const again = Cube.apply(x).sum();
    again.backward();
    expect(() => again.backward()).toThrow(/second time/);
  });

  test('an input changed in place goes on with the history of the function', () => {
    class Double_ extends autograd.Function {
      static forward(ctx: FunctionContext, x: Tensor) {
        ctx.markDirty(x);
        return x.mul_(2);
      }
      static backward(_ctx: FunctionContext, g: Tensor) {
        return g.mul(2);
      }
    }
    const x = ones(2, { requiresGrad: true });
    const y = x.mul(3);
    expect(Double_.apply(y)).toBe(y);
    y.sum().backward();
    expect(x.grad!.toArray()).toEqual([6, 6]);
  });

  test('wrong gradients are named', () => {
    const wrong = (result: unknown) =>
      class Wrong extends autograd.Function {
        static forward(_ctx: FunctionContext, x: Tensor, _n: number) {
          return x.mul(2);
        }
        static backward() {
          return result as Tensor;
        }
      };
    const run = (result: unknown) => () =>
      wrong(result)
        .apply(ones(2, { requiresGrad: true }), 1)
        .sum()
        .backward();
    expect(run(ones(2))).toThrow(/Wrong.backward: returned 1 gradients for 2 arguments/);
    expect(run([ones(3), null])).toThrow(/gradient 0 has the shape \(3,\), but argument 0 has \(2,\)/);
    expect(run([ones(2), ones(1)])).toThrow(/argument 1 is no tensor/);
    expect(run([5, null])).toThrow(/gradient 0 is 5/);
  });
});

describe('hooks', () => {
  test('a tensor hook sees the gradient and can replace it; removed, it is silent', () => {
    const x = ones(2, { requiresGrad: true });
    const seen: unknown[] = [];
    const y = x.mul(3);
    const handle = y.registerHook((g) => {
      seen.push(g.toArray());
      return g.mul(10);
    });
    y.sum().backward(null, { retainGraph: true });
    handle.remove();
    handle.remove();
    y.sum().backward();
    expect(seen).toEqual([[1, 1]]);
    expect(x.grad!.toArray()).toEqual([33, 33]);
    expect(() => ones(1).registerHook(() => null)).toThrow(/does not require grad/);
  });

  test('a hook after accumulation can step and drop the gradient', () => {
    const w = ones(2, { requiresGrad: true });
    const handle = w.registerPostAccumulateGradHook((leaf) => {
      noGrad(() => leaf.sub_(leaf.grad!.mul(0.5)));
      leaf.grad = null;
    });
    w.mul(w).sum().backward();
    expect(w.toArray()).toEqual([0, 0]);
    expect(w.grad).toBeNull();
    handle.remove();
    expect(() => w.mul(1).registerPostAccumulateGradHook(() => {})).toThrow(/is not a leaf/);
  });

  test('retainGrad keeps the gradient of what is no leaf, others have none', () => {
    const x = ones(2, { requiresGrad: true });
    const [kept, other] = [x.mul(2), x.mul(3)];
    kept.retainGrad();
    kept.mul(kept).add(other).sum().backward();
    expect(kept.grad!.toArray()).toEqual([4, 4]);
    expect(other.grad).toBeNull();
  });
});

describe('anomaly mode', () => {
  test('names the operation, the line of its forward call, the shapes and the first bad index', () => {
    const x = tensor(
      [
        [1, 2],
        [0, 4],
      ],
      { requiresGrad: true },
    );
    const run = () =>
      autograd.detectAnomaly(() => {
        const y = x.sqrt();
        y.sum().backward();
      });
    expect(run).toThrow(
      /detectAnomaly: SqrtBackward0 returned Infinity at index \[1,0\] of the gradient \(2, 2\) of input 0 of sqrt; its outputs had the shapes \(2, 2\)/,
    );
    expect(run).toThrow(/Forward call of sqrt:\n\s+at .*function\.test\.ts:\d+:\d+/);
  });

  test('without the forward pass inside, it says what to do, and it is off again afterwards', () => {
    const y = tensor([0], { requiresGrad: true }).sqrt();
    expect(() => autograd.detectAnomaly(() => y.backward())).toThrow(
      /switch detectAnomaly on before the forward pass/,
    );
    const z = tensor([0], { requiresGrad: true });
    z.sqrt().backward();
    expect(z.grad!.item()).toBe(Infinity);
  });
});

describe('the graph as data', () => {
  test('nodes from the result to the leaves, with names, shapes and what is saved', () => {
    const w = ones(2, { requiresGrad: true });
    const { nodes, edges } = autograd.autogradGraph(w.mul(w).sum());
    expect(nodes.map((n) => n.name)).toEqual(['SumBackward0', 'MulBackward0', 'AccumulateGrad']);
    expect(nodes[1].outputs).toEqual([{ shape: [2], dtype: 'float32' }]);
    expect(nodes[1].saved).toEqual([[2], [2]]);
    expect(nodes[2].leaf).toBe(w);
    expect(edges).toEqual([
      { from: 0, to: 1, input: 0, output: 0 },
      { from: 1, to: 2, input: 0, output: 0 },
      { from: 1, to: 2, input: 1, output: 0 },
    ]);
  });

  test('100,000 nodes are listed without a deep stack', () => {
    let y = ones(1, { requiresGrad: true });
    for (let i = 0; i < 100_000; i++) y = y.add(1);
    expect(autograd.autogradGraph(y).nodes.length).toBe(100_001);
    expect(grad(y, autograd.autogradGraph(y).nodes.at(-1)!.leaf!)[0].item()).toBe(1);
  });
});

test('inference tensors cannot be saved for backward, and nothing is recorded on them', () => {
  const x = inferenceMode(() => ones(2));
  expect(x.mul(2).requiresGrad).toBe(false);
  expect(() => x.mul(ones(2, { requiresGrad: true }))).toThrow(
    /inference tensor \(2,\) cannot be saved for backward/,
  );
});
