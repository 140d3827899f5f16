import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { optim, type Tensor, tensor, zeros } from '../index.ts';

type Trajectory = [step: number, x: number, y: number][];
const references = JSON.parse(
  readFileSync(new URL('../../test/golden/data/references.json', import.meta.url), 'utf8'),
) as { 'rosenbrock_from_-1.5_2': Record<string, Trajectory> };

const start = (): Tensor => tensor([-1.5, 2], { dtype: 'float64', requiresGrad: true });

/** (1 - x)² + 100 (y - x²)². */
function rosenbrock(p: Tensor): Tensor {
  const [x, y] = p.unbind();
  const [a, b] = [x.neg().add(1), y.sub(x.mul(x))];
  return a.mul(a).add(b.mul(b).mul(100));
}

/** Where a difference of 1e-14 at the start has grown past the tolerance, by PyTorch itself. */
const chaoticFrom: Record<string, number> = { adadelta: 1000 };

const optimizers: Record<string, (p: Tensor[]) => optim.Optimizer> = {
  sgd: (p) => new optim.SGD(p, { lr: 1e-3 }),
  sgd_momentum: (p) => new optim.SGD(p, { lr: 1e-4, momentum: 0.9 }),
  sgd_nesterov: (p) => new optim.SGD(p, { lr: 1e-4, momentum: 0.9, nesterov: true }),
  sgd_dampening_wd: (p) => new optim.SGD(p, { lr: 1e-4, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }),
  adam: (p) => new optim.Adam(p, { lr: 0.01 }),
  adam_amsgrad: (p) => new optim.Adam(p, { lr: 0.01, amsgrad: true }),
  adam_wd: (p) => new optim.Adam(p, { lr: 0.01, weightDecay: 0.1 }),
  adamw: (p) => new optim.AdamW(p, { lr: 0.01, weightDecay: 0.1 }),
  rmsprop: (p) => new optim.RMSprop(p, { lr: 1e-3 }),
  rmsprop_centered_mom: (p) => new optim.RMSprop(p, { lr: 1e-4, centered: true, momentum: 0.9 }),
  adagrad: (p) => new optim.Adagrad(p, { lr: 0.1 }),
  adadelta: (p) => new optim.Adadelta(p),
  adamax: (p) => new optim.Adamax(p, { lr: 0.01 }),
  nadam: (p) => new optim.NAdam(p, { lr: 0.01 }),
  radam: (p) => new optim.RAdam(p, { lr: 0.01 }),
  rprop: (p) => new optim.Rprop(p, { lr: 0.01 }),
  asgd: (p) => new optim.ASGD(p, { lr: 1e-4 }),
};

describe("on Rosenbrock's function every optimizer walks as PyTorch's", () => {
  test.each(Object.entries(optimizers))('%s', (name, create) => {
    const p = start();
    const optimizer = create([p]);
    const wanted = new Map(references['rosenbrock_from_-1.5_2'][name].map(([step, ...at]) => [step, at]));
    for (let step = 1; step <= Math.max(...wanted.keys()); step++) {
      optimizer.zeroGrad();
      rosenbrock(p).backward();
      optimizer.step();
      const at = wanted.get(step);
      if (at && step < (chaoticFrom[name] ?? Infinity))
        for (const [i, value] of (p.toArray() as number[]).entries()) expect(value).toBeCloseTo(at[i], 6);
    }
  });
});

/** The value after each step from w = 1 with the gradients given, lr 0.1. */
function walk(create: (p: Tensor[]) => optim.Optimizer, gradients: readonly number[]): number[] {
  const w = tensor([1], { dtype: 'float64', requiresGrad: true });
  const optimizer = create([w]);
  return gradients.map((gradient) => {
    w.grad = tensor([gradient], { dtype: 'float64' });
    optimizer.step();
    return w.item();
  });
}

const sgd = (options: Partial<optim.SGDOptions>) => (p: Tensor[]) =>
  new optim.SGD(p, { lr: 0.1, ...options });

describe('the rules where optimizers differ, in a few steps', () => {
  test.each<[string, (p: Tensor[]) => optim.Optimizer, number[], number[]]>([
    ['the rate stands outside the momentum', sgd({ momentum: 0.9 }), [1, 1, 1], [0.9, 0.71, 0.439]],
    [
      'dampening starts with the second step',
      sgd({ momentum: 0.9, dampening: 0.5 }),
      [1, 1, 1],
      [0.9, 0.76, 0.584],
    ],
    ['Nesterov', sgd({ momentum: 0.9, nesterov: true }), [1, 1, 1], [0.81, 0.539, 0.1951]],
    ['decay is added to the gradient', sgd({ weightDecay: 0.1 }), [1, 1], [0.89, 0.7811]],
    ['after it was negated', sgd({ weightDecay: 0.1, maximize: true }), [1, 1], [1.09, 1.1791]],
    [
      'Adam adds eps to the corrected root',
      (p) => new optim.Adam(p, { lr: 0.1 }),
      [1, 0.5, -1],
      [0.900000001, 0.806782038298, 0.795703731294],
    ],
    ['so that a tiny gradient moves half a step', (p) => new optim.Adam(p, { lr: 0.1 }), [1e-8], [0.95]],
    [
      'AMSGrad takes the maximum before it corrects',
      (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true }),
      [1, 0.5, -0.1, 0.1],
      [0.900000001, 0.806782038298, 0.740707399162, 0.681633362385],
    ],
    [
      'AdamW decays first',
      (p) => new optim.AdamW(p, { lr: 0.1, weightDecay: 0.1 }),
      [1, 0.5, -1],
      [0.890000001, 0.787882038288, 0.768924910901],
    ],
    [
      'RMSprop adds eps outside the root',
      (p) => new optim.RMSprop(p, { lr: 0.1 }),
      [1, 0.5],
      [1e-7, -0.449013114744],
    ],
    [
      'its momentum is of the normalised gradient',
      (p) => new optim.RMSprop(p, { lr: 0.1, momentum: 0.9 }),
      [1, 0.5, -1],
      [1e-7, -1.349013024744, -1.893114711074],
    ],
    [
      'Adagrad',
      (p) => new optim.Adagrad(p, { lr: 0.1 }),
      [1, 0.5, -1],
      [0.90000000001, 0.855278640464, 0.921945307126],
    ],
  ])('%s', (_, create, gradients, wanted) => {
    for (const [i, value] of walk(create, gradients).entries()) expect(value).toBeCloseTo(wanted[i], 9);
  });

  test('Nesterov needs momentum and no dampening', () => {
    expect(() => sgd({ nesterov: true })([start()])).toThrow(/nesterov/i);
    expect(() => sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 })([start()])).toThrow(/dampening/);
  });
});

// PyTorch 2.13: LBFGS([p], max_iter=5), from (-1.5, 2), the position after each of eight steps.
const lbfgs = {
  fixed: [
    [-1.4989517486565522, 2.0003419989034357],
    [-1.4985902920215226, 2.0004716870055272],
    [-1.498232913611571, 2.00060878229469],
    [-1.4978794751846316, 2.0007528425475756],
    [-1.4975298423165218, 2.000903439981443],
    [-1.4971838843139056, 2.0010601608222784],
    [-1.496841474127018, 2.0012226048816575],
    [-1.4965024882624072, 2.0013903851426176],
  ],
  strongWolfe: [
    [-1.4190151739012853, 2.015228881713949],
    [-1.2050322831643026, 1.3935585763354525],
    [-0.741182959696463, 0.512356777959665],
    [-0.29264469783423197, 0.04197400173449347],
    [0.10073199303440789, 0.01614565791544359],
    [0.4915000691266005, 0.21523631802891482],
    [0.7569067028782259, 0.5743235742056103],
    [0.9379182342868341, 0.8759097439751986],
  ],
};

describe('LBFGS', () => {
  test.each([
    ['fixed', { lr: 1e-3, maxIter: 5 }],
    ['strongWolfe', { maxIter: 5, lineSearchFn: 'strongWolfe' }],
  ] as const)("%s steps end where PyTorch's do", (name, options) => {
    const p = start();
    const optimizer = new optim.LBFGS([p], options);
    for (const at of lbfgs[name]) {
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = rosenbrock(p);
        loss.backward();
        return loss;
      });
      for (const [i, value] of (p.toArray() as number[]).entries()) expect(value).toBeCloseTo(at[i], 6);
    }
  });

  test('without a closure says what is missing', () => {
    expect(() => new optim.LBFGS([start()]).step()).toThrow(/closure/);
  });
});

describe('optimizers', () => {
  test('pass over parameters without a gradient: no state, no decay', () => {
    const [a, b] = [start(), start()];
    a.grad = tensor([1, 1], { dtype: 'float64' });
    const optimizer = new optim.AdamW([a, b], { weightDecay: 0.5 });
    optimizer.step();
    expect(b.toArray()).toEqual([-1.5, 2]);
    expect([optimizer.state.size, optimizer.state.has(a)]).toEqual([1, true]);
  });

  test('take options by group, and the defaults for what a group leaves out', () => {
    const [a, b] = [start(), start()];
    const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 1 }], { lr: 0.5 });
    for (const p of [a, b]) p.grad = tensor([1, 0], { dtype: 'float64' });
    optimizer.step();
    expect([a.toArray(), b.toArray()]).toEqual([
      [-2, 2],
      [-2.5, 2],
    ]);
  });

  test('step a strided view as they step its elements', () => {
    const whole = zeros([4], { dtype: 'float64' });
    const view = whole.reshape([2, 2]).transpose(0, 1).detach();
    view.requiresGrad = true;
    view.grad = tensor([1, 2, 3, 4], { dtype: 'float64' }).reshape([2, 2]);
    new optim.SGD([view], { lr: 1 }).step();
    expect(whole.toArray()).toEqual([-1, -3, -2, -4]);
  });

  test('go on from a state dict as if nothing had happened', () => {
    const run = (p: Tensor, optimizer: optim.Optimizer, steps: number): void => {
      for (let i = 0; i < steps; i++) {
        optimizer.zeroGrad();
        rosenbrock(p).backward();
        optimizer.step();
      }
    };
    const whole = start();
    const a = new optim.Adam([whole], { lr: 0.05, amsgrad: true });
    run(whole, a, 5);
    const halfway = whole.detach().clone().requiresGrad_();
    const b = new optim.Adam([halfway], { amsgrad: true });
    b.loadStateDict(a.stateDict());
    run(whole, a, 5);
    run(halfway, b, 5);
    expect(halfway.toArray()).toEqual(whole.toArray());
    expect(b.paramGroups[0].lr).toBe(0.05);
  });

  test('bump the version, so that a graph that saved the parameter notices', () => {
    const p = start();
    const loss = rosenbrock(p);
    p.grad = tensor([1, 1], { dtype: 'float64' });
    new optim.SGD([p]).step();
    expect(() => loss.backward()).toThrow(/modified by an inplace operation/);
  });

  test.each([
    [() => new optim.SGD([]), /empty list/],
    [() => new optim.SGD([start()], { lr: -1 }), /lr is -1/],
    [() => new optim.SGD([start()], { nesterov: true }), /nesterov needs a momentum/],
    [() => new optim.Adam([start()], { betas: [1, 0.9] }), /betas\[0\] is 1/],
    [() => new optim.SGD([start().mul(2)]), /non-leaf/],
    [() => new optim.SGD([tensor([1], { dtype: 'int32' })]), /int32/],
    [() => ((p) => new optim.SGD([p, p]))(start()), /more than one group/],
    [() => new optim.LBFGS([{ params: [start()] }, { params: [start()] }]), /one group/],
  ] as const)('%s is refused', (create, message) => expect(create).toThrow(message));
});

describe('schedulers', () => {
  const sgd = (): optim.Optimizer => new optim.SGD([start()], { lr: 1 });

  test('one step too many of a one-cycle schedule is refused', () => {
    const schedule = new optim.lrScheduler.OneCycleLR(sgd(), 1, { totalSteps: 3 });
    for (let i = 0; i < 3; i++) schedule.step();
    expect(() => schedule.step()).toThrow(/one too many/);
  });

  test('a cyclic schedule lowers the momentum while the rate rises', () => {
    const optimizer = new optim.SGD([start()], { lr: 1, momentum: 0.9 });
    const schedule = new optim.lrScheduler.CyclicLR(optimizer, 0.1, 1, {
      stepSizeUp: 2,
    });
    schedule.step();
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.55, momentum: 0.8500000000000001 });
    expect(() => new optim.lrScheduler.CyclicLR(new optim.Rprop([start()]), 0.1, 1)).toThrow(/cycleMomentum/);
  });

  test('early stopping waits for patience, and never takes NaN for better', () => {
    const stopper = new optim.EarlyStopping<string>({ patience: 1, minDelta: 0.1 });
    const stops = [1, 0.95, 0.5, Number.NaN, 0.45].map((loss, i) => stopper.step(loss, () => `state ${i}`));
    expect(stops).toEqual([false, false, false, false, true]);
    expect(stopper).toMatchObject({ best: 0.5, bestStep: 2, bestState: 'state 2' });
  });

  test('averages follow the parameters, stand in for them, and leave them as they were', () => {
    const p = tensor([0, 0]).requiresGrad_();
    const ema = new optim.EMA([p], { decay: 0.5 });
    new optim.SGD([p], { lr: 1 });
    p.grad = tensor([-1, -2]);
    new optim.SGD([p], { lr: 1 }).step();
    ema.update();
    expect(ema.within(() => p.toArray())).toEqual([0.5, 1]);
    expect(p.toArray()).toEqual([1, 2]);
  });
});
