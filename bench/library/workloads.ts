import * as g from '../../src/index.ts';
import { PyramidHead } from './models.ts';

/** One workload in both libraries, side by side. */
export interface Workload {
  readonly name: string;
  /** Peer's time / our time that is to be reached. */
  readonly target: number;
  /** Makes the data and returns what is timed. */
  readonly ours: () => () => void;
  /** The same in Python: the data, and what is timed. */
  readonly setup: string;
  readonly call: string;
  /** A product of two matrices, or of two stacks of them: what is measured in the other peers as well. */
  readonly product?: { readonly a: number[]; readonly b: number[]; readonly transpose?: 'a' | 'b' };
}

const { F, nn, optim } = g;
const list = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
const random = (shape: readonly number[], requiresGrad = false): g.Tensor => {
  const t = g.rand(shape);
  t.requiresGrad = requiresGrad;
  return t;
};

function* products(): Generator<Workload> {
  for (const n of [64, 128, 256, 512, 1024, 2048])
    yield {
      name: `matmul ${n}`,
      target: 1,
      ours: () => {
        const [a, b] = [random([n, n]), random([n, n])];
        return () => g.matmul(a, b);
      },
      setup: `a = torch.rand(${n}, ${n}); b = torch.rand(${n}, ${n})`,
      call: 'a @ b',
      product: { a: [n, n], b: [n, n] },
    };
  yield {
    name: 'matmul 64 x 128^3',
    target: 1,
    ours: () => {
      const [a, b] = [random([64, 128, 128]), random([64, 128, 128])];
      return () => g.bmm(a, b);
    },
    setup: 'a = torch.rand(64, 128, 128); b = torch.rand(64, 128, 128)',
    call: 'torch.bmm(a, b)',
    product: { a: [64, 128, 128], b: [64, 128, 128] },
  };
  yield {
    name: 'matvec 4096',
    target: 1,
    ours: () => {
      const [a, b] = [random([4096, 4096]), random([4096])];
      return () => g.mv(a, b);
    },
    setup: 'a = torch.rand(4096, 4096); b = torch.rand(4096)',
    call: 'torch.mv(a, b)',
    product: { a: [4096, 4096], b: [4096, 1] },
  };
  yield {
    name: 'matmul A^T B 512',
    target: 1,
    ours: () => {
      const [a, b] = [random([512, 512]), random([512, 512])];
      return () => g.matmul(a.transpose(0, 1), b);
    },
    setup: 'a = torch.rand(512, 512); b = torch.rand(512, 512)',
    call: 'a.t() @ b',
    product: { a: [512, 512], b: [512, 512], transpose: 'a' },
  };
  yield {
    name: 'matmul A B^T 512',
    target: 1,
    ours: () => {
      const [a, b] = [random([512, 512]), random([512, 512])];
      return () => g.matmul(a, b.transpose(0, 1));
    },
    setup: 'a = torch.rand(512, 512); b = torch.rand(512, 512)',
    call: 'a @ b.t()',
    product: { a: [512, 512], b: [512, 512], transpose: 'b' },
  };
}

interface Conv {
  name: string;
  input: number[];
  weight: number[];
  stride?: number;
  padding?: number;
  dilation?: number;
  groups?: number;
  kind?: 'conv1d' | 'conv2d' | 'conv3d' | 'transposed';
}

const convolutions: readonly Conv[] = [
  { name: '8x64x56x56 k3', input: [8, 64, 56, 56], weight: [64, 64, 3, 3], padding: 1 },
  { name: '32x1x28x28 to 8 k3', input: [32, 1, 28, 28], weight: [8, 1, 3, 3], padding: 1 },
  { name: '8x256x14x14 k3', input: [8, 256, 14, 14], weight: [256, 256, 3, 3], padding: 1 },
  { name: '8x256x56x56 to 64 k1', input: [8, 256, 56, 56], weight: [64, 256, 1, 1] },
  { name: '8x3x224x224 to 64 k7 s2', input: [8, 3, 224, 224], weight: [64, 3, 7, 7], stride: 2, padding: 3 },
  { name: 'dilation 2', input: [8, 64, 56, 56], weight: [64, 64, 3, 3], padding: 2, dilation: 2 },
  { name: 'groups 32', input: [8, 256, 14, 14], weight: [256, 8, 3, 3], padding: 1, groups: 32 },
  { name: 'depthwise', input: [8, 64, 56, 56], weight: [64, 1, 3, 3], padding: 1, groups: 64 },
  { name: '1d 16x64x1024 k9', input: [16, 64, 1024], weight: [64, 64, 9], padding: 4, kind: 'conv1d' },
  {
    name: '3d 2x16x16x32x32 k3',
    input: [2, 16, 16, 32, 32],
    weight: [16, 16, 3, 3, 3],
    padding: 1,
    kind: 'conv3d',
  },
  {
    name: 'transposed k4 s2',
    input: [8, 64, 28, 28],
    weight: [64, 64, 4, 4],
    stride: 2,
    padding: 1,
    kind: 'transposed',
  },
];

function* convs(): Generator<Workload> {
  for (const c of convolutions) {
    const { stride = 1, padding = 0, dilation = 1, groups = 1, kind = 'conv2d' } = c;
    const run = (x: g.Tensor, w: g.Tensor): g.Tensor =>
      kind === 'transposed'
        ? F.convTranspose2d(x, w, null, { stride, padding })
        : F[kind](x, w, null, { stride, padding, dilation, groups });
    const call =
      kind === 'transposed'
        ? `F.conv_transpose2d(x, w, stride=${stride}, padding=${padding})`
        : `F.${kind}(x, w, stride=${stride}, padding=${padding}, dilation=${dilation}, groups=${groups})`;
    const setup = (grad: string): string =>
      `x = torch.rand(${list(c.input)})${grad}; w = torch.rand(${list(c.weight)})${grad}`;
    yield {
      name: `conv forward ${c.name}`,
      target: 1,
      ours: () => {
        const [x, w] = [random(c.input), random(c.weight)];
        return () => run(x, w);
      },
      setup: setup(''),
      call,
    };
    yield {
      name: `conv both ${c.name}`,
      target: 1,
      ours: () => {
        const [x, w] = [random(c.input, true), random(c.weight, true)];
        const slope = g.ones(run(x, w).shape);
        return () => {
          x.grad = w.grad = null;
          run(x, w).backward(slope);
        };
      },
      setup: `${setup('.requires_grad_()')}; slope = torch.ones_like(${call})`,
      call: `x.grad = w.grad = None\n${call}.backward(slope)`,
    };
  }
}

function* layers(): Generator<Workload> {
  const cases: [string, number[], (x: g.Tensor) => g.Tensor, string, string][] = [
    ['max pool', [32, 64, 56, 56], (x) => F.maxPool2d(x, 2) as g.Tensor, '', 'F.max_pool2d(x, 2)'],
    ['average pool', [32, 64, 56, 56], (x) => F.avgPool2d(x, 2), '', 'F.avg_pool2d(x, 2)'],
    [
      'upsample x2',
      [8, 64, 28, 28],
      (x) => F.interpolate(x, { scaleFactor: 2, mode: 'bilinear' }),
      '',
      "F.interpolate(x, scale_factor=2, mode='bilinear')",
    ],
    ['softmax', [256, 1000], (x) => g.softmax(x, 1), '', 'torch.softmax(x, 1)'],
  ];
  const batchNorm = new nn.BatchNorm2d(64);
  cases.push([
    'batch norm',
    [32, 64, 56, 56],
    (x) => batchNorm.forward(x),
    'm = nn.BatchNorm2d(64)\n',
    'm(x)',
  ]);
  const layerNorm = new nn.LayerNorm([512]);
  cases.push(['layer norm', [512, 512], (x) => layerNorm.forward(x), 'm = nn.LayerNorm(512)\n', 'm(x)']);
  for (const [name, shape, run, setup, call] of cases) {
    yield {
      name: `${name} forward`,
      target: 1.5,
      ours: () => {
        const x = random(shape);
        return () => g.noGrad(() => run(x));
      },
      setup: `${setup}x = torch.rand(${list(shape)})`,
      call: `with torch.no_grad(): ${call}`,
    };
    yield {
      name: `${name} both`,
      target: 1.5,
      ours: () => {
        const x = random(shape, true);
        const slope = g.ones(run(x).shape);
        return () => {
          x.grad = null;
          run(x).backward(slope);
        };
      },
      setup: `${setup}x = torch.rand(${list(shape)}).requires_grad_(); slope = torch.ones_like(${call})`,
      call: `x.grad = None\n${call}.backward(slope)`,
    };
  }
  yield {
    name: 'cross-entropy both',
    target: 1.5,
    ours: () => {
      const x = random([256, 1000], true);
      const target = g.tensor(
        Array.from({ length: 256 }, (_, i) => (i * 37) % 1000),
        { dtype: 'int32' },
      );
      return () => {
        x.grad = null;
        F.crossEntropy(x, target).backward();
      };
    },
    setup: 'x = torch.rand(256, 1000).requires_grad_(); t = torch.arange(256) * 37 % 1000',
    call: 'x.grad = None\nF.cross_entropy(x, t).backward()',
  };
  yield {
    name: 'binary cross-entropy with logits both',
    target: 1.5,
    ours: () => {
      const x = random([256, 1000], true);
      const target = random([256, 1000]);
      return () => {
        x.grad = null;
        F.binaryCrossEntropyWithLogits(x, target).backward();
      };
    },
    setup: 'x = torch.rand(256, 1000).requires_grad_(); t = torch.rand(256, 1000)',
    call: 'x.grad = None\nF.binary_cross_entropy_with_logits(x, t).backward()',
  };
  yield {
    name: 'cdist 500x64 both',
    target: 1,
    ours: () => {
      const [x, y] = [random([500, 64], true), random([500, 64], true)];
      return () => {
        x.grad = null;
        y.grad = null;
        g.sum(g.cdist(x, y)).backward();
      };
    },
    setup: 'x = torch.rand(500, 64).requires_grad_(); y = torch.rand(500, 64).requires_grad_()',
    call: 'x.grad = None; y.grad = None\ntorch.cdist(x, y).sum().backward()',
  };
}

function* elementwise(): Generator<Workload> {
  for (const power of [10, 16, 20, 24]) {
    const n = 2 ** power;
    const rows = 2 ** Math.ceil(power / 2);
    const setup = `x = torch.rand(${n}); y = torch.rand(${n}); m = x.reshape(${rows}, ${n / rows})`;
    const cases: [string, (x: g.Tensor, y: g.Tensor, m: g.Tensor) => g.Tensor, string][] = [
      ['add', (x, y) => g.add(x, y), 'x + y'],
      ['exp', (x) => g.exp(x), 'x.exp()'],
      ['tanh', (x) => g.tanh(x), 'x.tanh()'],
      ['gelu', (x) => F.gelu(x), 'F.gelu(x)'],
      ['sum', (x) => g.sum(x), 'x.sum()'],
      ['mean over an axis', (_x, _y, m) => g.mean(m, 0), 'm.mean(0)'],
      ['transpose copy', (_x, _y, m) => m.transpose(0, 1).contiguous(), 'm.t().contiguous()'],
    ];
    for (const [name, run, call] of cases)
      yield {
        name: `${name} 2^${power}`,
        target: 1.2,
        ours: () => {
          const [x, y] = [random([n]), random([n])];
          const m = x.reshape([rows, n / rows]);
          return () => run(x, y, m);
        },
        setup,
        call,
      };
    // Where the result goes back at once, as Python's count of references has it.
    for (const [name, run, call] of cases)
      if ((name === 'add' || name === 'gelu') && power > 10 && power < 24)
        yield {
          name: `${name} 2^${power}, disposed`,
          target: 1.2,
          ours: () => {
            const [x, y] = [random([n]), random([n])];
            return () => run(x, y, x).dispose();
          },
          setup,
          call,
        };
  }
}

function* dispatch(): Generator<Workload> {
  yield {
    name: 'dispatch without grad',
    target: 3,
    ours: () => {
      const [a, b] = [random([8]), random([8])];
      return () => a.add(b);
    },
    setup: 'a = torch.rand(8); b = torch.rand(8)',
    call: 'a.add(b)',
  };
  yield {
    name: 'dispatch with grad',
    target: 3,
    ours: () => {
      const [a, b] = [random([8], true), random([8])];
      return () => a.add(b);
    },
    setup: 'a = torch.rand(8, requires_grad=True); b = torch.rand(8)',
    call: 'a.add(b)',
  };
  yield {
    name: 'dispatch chain of 100 with backward',
    target: 3,
    ours: () => {
      const [a, b] = [random([8], true), random([8])];
      return () => {
        a.grad = null;
        let y: g.Tensor = a;
        for (let i = 0; i < 100; i++) y = y.add(b);
        y.sum().backward();
      };
    },
    setup: 'a = torch.rand(8, requires_grad=True); b = torch.rand(8)',
    call: 'a.grad = None\ny = a\nfor i in range(100): y = y.add(b)\ny.sum().backward()',
  };
}

function* optimizers(): Generator<Workload> {
  const sets: [string, number, number[][]][] = [
    ['10 small tensors', 3, Array.from({ length: 10 }, () => [8, 8])],
    ['11.7 M parameters', 1.2, [...Array.from({ length: 4 }, () => [512, 512, 3, 3]), [512, 4400]]],
  ];
  for (const [what, target, shapes] of sets)
    for (const name of ['SGD', 'Adam', 'AdamW'] as const)
      yield {
        name: `${name} step, ${what}`,
        target,
        ours: () => {
          const params = shapes.map((shape) => random(shape, true));
          for (const p of params) p.grad = g.rand(p.shape);
          const optimizer = new optim[name](params, { lr: 1e-3 });
          return () => optimizer.step();
        },
        setup: `params = [torch.rand(s).requires_grad_() for s in ${JSON.stringify(shapes)}]\nfor p in params: p.grad = torch.rand_like(p)\noptimizer = torch.optim.${name}(params, lr=1e-3)`,
        call: 'optimizer.step()',
      };
}

/** A step of SGD on a model in both libraries: the gradients of `loss`, and the update. */
function step(
  what: string,
  target: number,
  ours: () => { model: Pick<g.nn.Module, 'parameters'>; loss: () => g.Tensor },
  setup: string,
  loss: string,
): Workload {
  return {
    name: `training step ${what}`,
    target,
    ours: () => {
      const { model, loss } = ours();
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
      return () => {
        optimizer.zeroGrad();
        loss().backward();
        optimizer.step();
      };
    },
    setup: `${setup}\noptimizer = torch.optim.SGD(model.parameters(), lr=0.01)`,
    call: `optimizer.zero_grad()\n${loss}.backward()\noptimizer.step()`,
  };
}

const classes = (n: number, among: number): g.Tensor =>
  g.tensor(
    Array.from({ length: n }, (_, i) => i % among),
    { dtype: 'int32' },
  );

function* training(): Generator<Workload> {
  const classifier = (model: g.nn.Module<[g.Tensor], g.Tensor>, shape: number[], among: number) => {
    const [x, target] = [random(shape), classes(shape[0], among)];
    return { model, loss: () => F.crossEntropy(model(x), target) };
  };
  yield step(
    'MLP 784-128-10 b64',
    2,
    () =>
      classifier(
        new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10)),
        [64, 784],
        10,
      ),
    'model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))\nx = torch.rand(64, 784); t = torch.arange(64) % 10',
    'F.cross_entropy(model(x), t)',
  );
  yield step(
    'LeNet b64',
    1.5,
    () =>
      classifier(
        new nn.Sequential(
          new nn.Conv2d(1, 6, 5, { padding: 2 }),
          new nn.ReLU(),
          new nn.MaxPool2d(2),
          new nn.Conv2d(6, 16, 5),
          new nn.ReLU(),
          new nn.MaxPool2d(2),
          new nn.Flatten(),
          new nn.Linear(400, 120),
          new nn.ReLU(),
          new nn.Linear(120, 84),
          new nn.ReLU(),
          new nn.Linear(84, 10),
        ),
        [64, 1, 28, 28],
        10,
      ),
    'model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))\nx = torch.rand(64, 1, 28, 28); t = torch.arange(64) % 10',
    'F.cross_entropy(model(x), t)',
  );
  yield step(
    'ResNet-18 b8 64x64',
    1,
    () => classifier(new g.vision.models.ResNet18(), [8, 3, 64, 64], 1000),
    'model = models.resnet18()\nx = torch.rand(8, 3, 64, 64); t = torch.arange(8)',
    'F.cross_entropy(model(x), t)',
  );
  yield step(
    'LSTM 64x32x128',
    1,
    () => {
      const model = new nn.LSTM(128, 128);
      const x = random([32, 64, 128]);
      return { model, loss: () => g.mean(model(x)[0].square()) };
    },
    'model = nn.LSTM(128, 128)\nx = torch.rand(32, 64, 128)',
    'model(x)[0].square().mean()',
  );
  yield step(
    'SSD/FPN head b4 128x128',
    1,
    () => {
      const model = new PyramidHead();
      const x = random([4, 3, 128, 128]);
      return { model, loss: () => model(x) };
    },
    'model = models.PyramidHead()\nx = torch.rand(4, 3, 128, 128)',
    'model.loss(x)',
  );
}

function* detection(): Generator<Workload> {
  yield {
    name: 'nms of 5,000 boxes',
    target: 1.5,
    ours: () => {
      const corners = g.rand([5000, 2]).mul(1000);
      const boxes = g.cat([corners, corners.add(g.rand([5000, 2]).mul(100).add(1))], 1);
      const scores = g.rand([5000]);
      return () => g.vision.nms(boxes, scores, 0.5);
    },
    setup:
      'from torchvision.ops import nms\nc = torch.rand(5000, 2) * 1000; boxes = torch.cat([c, c + torch.rand(5000, 2) * 100 + 1], 1); scores = torch.rand(5000)',
    call: 'nms(boxes, scores, 0.5)',
  };
}

/** Every workload, in the order of the report. */
export const workloads = (): Workload[] => [
  ...products(),
  ...convs(),
  ...layers(),
  ...detection(),
  ...elementwise(),
  ...dispatch(),
  ...optimizers(),
  ...training(),
];
