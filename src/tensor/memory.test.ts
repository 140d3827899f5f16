import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { keep, memory, nn, noGrad, ones, optim, scope, type Tensor, tensor, zeros } from '../index.ts';

const disposed = /this tensor was disposed/;

describe('dispose', () => {
  test('a disposed tensor and its views throw, whatever is done with them', () => {
    const x = ones(4);
    const view = x.narrow(0, 0, 2);
    const shared = x.detach();
    x.dispose();
    expect(x.isDisposed).toBe(true);
    for (const use of [() => x.add(1), () => view.toArray(), () => shared.sum(), () => ones(4).mul(x)])
      expect(use).toThrow(disposed);
    expect(() => x.dispose()).not.toThrow();
  });

  test('disposing of a view, or of what detach returns, leaves the memory to its owner', () => {
    const x = ones(4);
    for (const view of [x.narrow(0, 0, 2), x.detach(), x.at(0)]) {
      view.dispose();
      expect(() => view.add(1)).toThrow(disposed);
    }
    expect(x.toArray()).toEqual([1, 1, 1, 1]);
  });

  test('using disposes at the end of the block', () => {
    let out: Tensor;
    {
      using x = ones(2);
      out = x;
      expect(x.sum().item()).toBe(2);
    }
    expect(() => out.sum()).toThrow(disposed);
  });

  test('memory that was given back is used again, and a new tensor on it starts as asked', () => {
    const size = 1 << 20;
    const x = ones(size);
    const { buffer } = x.storage;
    x.dispose();
    const y = zeros(size);
    expect(y.storage.buffer).toBe(buffer);
    expect(y.sum().item()).toBe(0);
  });

  test('backward through a disposed saved tensor says so', () => {
    const x = ones(2, { requiresGrad: true });
    const y = x.mul(2);
    const loss = y.mul(y).sum();
    y.dispose();
    expect(() => loss.backward()).toThrow(disposed);
  });
});

describe('scope', () => {
  test('gives back what is not returned, in nested values too', () => {
    const made: Tensor[] = [];
    const result = scope(() => {
      const a = ones(3);
      const b = a.add(1);
      made.push(a, b);
      return { list: [b.mul(2)], map: new Map([['a', a.sub(1)]]) };
    });
    expect(made.map((t) => t.isDisposed)).toEqual([true, true]);
    expect(result.list[0].toArray()).toEqual([4, 4, 4]);
    expect(result.map.get('a')!.toArray()).toEqual([0, 0, 0]);
  });

  test('a returned loss can still go backward, and a returned view keeps its memory', () => {
    const w = ones(3, { requiresGrad: true });
    const loss = scope(() => w.mul(w).exp().sum());
    loss.backward();
    expect(w.grad!.at(0).item()).toBeCloseTo(2 * Math.E, 5);
    expect(scope(() => ones(4).narrow(0, 1, 2)).toArray()).toEqual([1, 1]);
  });

  test('scopes nest: what the inner one returns is given back by the outer one', () => {
    let inner!: Tensor;
    const kept: Tensor[] = [];
    scope(() => {
      inner = scope(() => ones(2).add(1));
      expect(inner.toArray()).toEqual([2, 2]);
      kept.push(keep(ones(2)));
    });
    expect(inner.isDisposed).toBe(true);
    expect(kept[0].isDisposed).toBe(false);
  });

  test('a whole training step inside loses nothing that training needs', () => {
    const w = new nn.Parameter(ones(3));
    const optimizer = new optim.Adam([w], { lr: 0.1 });
    for (let i = 0; i < 5; i++)
      scope(() => {
        optimizer.zeroGrad();
        w.mul(w).sum().backward();
        optimizer.step();
      });
    expect(w.grad!.isDisposed).toBe(false);
    expect(w.at(0).item()).toBeLessThan(0.6);
    scope(() => w.mul(w).sum().backward());
    scope(() => w.mul(w).sum().backward());
    optimizer.step();
  });

  test('an error inside gives everything back, and an async body is refused', () => {
    let lost!: Tensor;
    expect(() =>
      scope(() => {
        lost = ones(2);
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(lost.isDisposed).toBe(true);
    expect(() => scope(async () => ones(2))).toThrow(/scope: the body is async/);
  });
});

test('memory() counts live tensors and their bytes exactly', () => {
  const before = memory();
  const a = ones(1000);
  const b = zeros(10, 10, { dtype: 'float64' });
  const view = a.narrow(0, 0, 10);
  const after = memory();
  expect(after.tensors - before.tensors).toBe(3);
  expect(after.storages - before.storages).toBe(2);
  expect(after.bytes - before.bytes).toBe(4000 + 800);
  a.dispose();
  expect(memory().bytes - before.bytes).toBe(800);
  expect(view.isDisposed && !b.isDisposed).toBe(true);
});

test('what an unreachable graph held is collected, also for chains of in-place changes', () => {
  const before = memory();
  for (let i = 0; i < 50; i++) {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(x);
    y.add_(1);
    y.narrow(0, 0, 1).mul_(2);
    y.sum().backward();
    noGrad(() => x.add_(1));
  }
  expect(memory().storages - before.storages).toBeLessThan(20);
});

describe('memory stays flat in one synchronous loop', () => {
  const library = fileURLToPath(new URL('../../dist/src/index.js', import.meta.url));
  const peak = (body: string): number => {
    const code = `const { ones, randn, tensor } = await import(${JSON.stringify(library)});
      ${body}
      console.log(process.resourceUsage().maxRSS / 1024);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
    });
    if (!stdout) throw new Error(stderr);
    return Number(stdout);
  };

  test('1,500 iterations that allocate 4 MiB each', () => {
    expect(peak('for (let i = 0; i < 1500; i++) ones(2 ** 20);')).toBeLessThan(300);
  }, 120_000);

  test('100 steps forward and backward over 1 MiB tensors, ten times what is allowed', () => {
    const steps = `const w = randn(2 ** 18, { requiresGrad: true });
      for (let i = 0; i < 100; i++) { w.grad = null; w.mul(w).add(1).relu().mul(2).sum().backward(); }`;
    expect(peak(steps)).toBeLessThan(300);
  }, 120_000);

  test('2,000 training steps of LeNet: no more at the end than after the first 800, when all code is compiled', () => {
    const steps = `const { F, memory, optim, vision } = await import(${JSON.stringify(library)});
      const model = new vision.models.LeNet();
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
      const labels = tensor([0, 1, 2, 3, 4, 5, 6, 7], { dtype: "int32" });
      const step = () => {
        optimizer.zeroGrad();
        F.crossEntropy(model(randn(8, 1, 28, 28)), labels).backward();
        optimizer.step();
      };
      for (let i = 0; i < 800; i++) step();
      const early = [memory().storages, process.resourceUsage().maxRSS / 1024];
      for (let i = 800; i < 2000; i++) step();
      const late = [memory().storages, process.resourceUsage().maxRSS / 1024];
      if (late[0] > early[0] + 100) throw new Error('tensors stay: ' + early[0] + ' storages, then ' + late[0]);
      if (late[1] > early[1] + 40) throw new Error('memory grows: ' + early[1] + ' MiB, then ' + late[1]);`;
    expect(peak(steps)).toBeLessThan(300);
  }, 600_000);
});
