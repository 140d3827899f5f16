import { describe, expect, test } from 'vitest';
import { F, nn, ones, optim, rand, type Tensor } from '../index.ts';

/** Gradients of more than a slab's bytes, so that their memory goes back to the pool. */
const model = () => new nn.Sequential(new nn.Linear(128, 256), new nn.ReLU(), new nn.Linear(256, 64));

const gradients = (net: ReturnType<typeof model>, x: Tensor): Tensor[] => {
  F.mseLoss(net(x) as Tensor, ones([32, 64])).backward();
  return [...net.parameters()].map((p) => p.grad!);
};

describe('memory of gradients', () => {
  test('a gradient that was looked at outlives zeroGrad, one that was not gives its memory back', () => {
    const net = model();
    const optimizer = new optim.SGD(net.parameters(), { lr: 0.1 });
    const x = rand([32, 128]);
    const held = gradients(net, x);
    const copies = held.map((g) => g.clone());
    optimizer.zeroGrad();
    for (let i = 0; i < 3; i++) gradients(net, x);
    for (const [i, g] of held.entries()) expect(g.equal(copies[i])).toBe(true);

    F.mseLoss(net(x) as Tensor, ones([32, 64])).backward();
    const [first] = [...net.parameters()];
    // What the engine sees of it, without looking.
    optimizer.zeroGrad();
    F.mseLoss(net(x) as Tensor, ones([32, 64])).backward();
    const storage = first.innerGrad!.storage;
    net.zeroGrad();
    expect(storage.isReleased).toBe(true);
    expect(first.grad).toBe(null);
  });

  test('steps whose memory is used again give the same gradients as the first one', () => {
    const net = model();
    const x = rand([32, 128]);
    const expected = gradients(net, x).map((g) => g.clone());
    for (let i = 0; i < 5; i++) {
      net.zeroGrad();
      F.mseLoss(net(x) as Tensor, ones([32, 64])).backward();
    }
    for (const [i, p] of [...net.parameters()].entries()) expect(p.grad!.equal(expected[i])).toBe(true);
  });

  test('hooks, retained and accumulated gradients keep what they saw', () => {
    const x = rand([64, 128], { requiresGrad: true });
    const y = x.mul(2);
    y.retainGrad();
    const seen: Tensor[] = [];
    y.registerHook((g) => void seen.push(g));
    const z = y.add(x).square();
    z.sum().backward();
    rand([64, 128]).mul(rand([64, 128]));
    expect(seen[0].equal(z.detach().sqrt().mul(2))).toBe(true);
    expect(y.grad!.equal(seen[0])).toBe(true);
    const once = x.grad!.clone();
    x.mul(2).add(x).square().sum().backward();
    expect(x.grad!.allclose(once.mul(2))).toBe(true);
  });
});
