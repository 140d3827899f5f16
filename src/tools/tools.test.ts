import { describe, expect, test } from 'vitest';
import {
  countMacs,
  F,
  manualSeed,
  measureReceptiveField,
  nn,
  ones,
  profile,
  randn,
  receptiveField,
  summary,
  type Tensor,
} from '../index.ts';
import type { WindowLayer } from './index.ts';

const conv = (kernelSize: number, stride = 1, padding = 0): WindowLayer => ({ kernelSize, stride, padding });
const repeat = <T>(times: number, items: readonly T[]): T[] =>
  Array.from({ length: times }, () => items).flat();

/** TensorFlow's residual networks: the stride is in the last unit of a block, and the first pool pads on one side. */
const residual = (units: readonly number[]): WindowLayer[] => [
  conv(7, 2, 3),
  conv(3, 2, 0),
  ...units.flatMap((count, block) =>
    Array.from({ length: count }, (_, unit) => conv(3, unit === count - 1 && block < 3 ? 2 : 1, 1)),
  ),
];

// github.com/google-research/receptive_field, RECEPTIVE_FIELD_TABLE.md
describe('receptive fields equal the published table', () => {
  test.each<[string, WindowLayer[], number, number, number]>([
    [
      'alexnet_v2',
      [conv(11, 4), conv(3, 2), conv(5, 1, 2), conv(3, 2), ...repeat(3, [conv(3, 1, 1)]), conv(3, 2)],
      195,
      32,
      64,
    ],
    [
      'vgg_16',
      [2, 2, 3, 3, 3].flatMap((convs) => [...repeat(convs, [conv(3, 1, 1)]), conv(2, 2)]),
      212,
      32,
      90,
    ],
    ['resnet_v1_50', residual([3, 4, 6, 3]), 483, 32, 239],
    ['resnet_v1_101', residual([3, 4, 23, 3]), 1027, 32, 511],
    [
      'mobilenet_v1',
      [conv(3, 2), ...[1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1].map((s) => conv(3, s, s === 1 ? 1 : 0))],
      315,
      32,
      126,
    ],
    [
      'inception_v3',
      [
        ...[conv(3, 2), conv(3), conv(3, 1, 1), conv(3, 2), conv(3), conv(3, 2)],
        ...repeat(3, [conv(3, 1, 1), conv(3, 1, 1)]),
        ...[conv(3, 1, 1), conv(3, 2)],
        ...repeat(4, [conv(7, 1, 3), conv(7, 1, 3)]),
        ...[conv(7, 1, 3), conv(3, 2)],
        ...repeat(2, [conv(3, 1, 1), conv(3, 1, 1)]),
      ],
      1311,
      32,
      618,
    ],
  ])('%s', (_name, layers, size, stride, padding) => {
    expect(receptiveField(layers)).toEqual({ size: [size], stride: [stride], padding: [padding] });
  });
});

class Block extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  downsample: nn.Sequential | null = null;

  constructor(from: number, to: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(from, to, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(to);
    this.conv2 = new nn.Conv2d(to, to, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(to);
    if (stride !== 1 || from !== to)
      this.downsample = new nn.Sequential(
        new nn.Conv2d(from, to, 1, { stride, bias: false }),
        new nn.BatchNorm2d(to),
      );
  }

  forward(x: Tensor): Tensor {
    const straight = this.downsample ? this.downsample(x) : x;
    return F.relu(this.bn2(this.conv2(F.relu(this.bn1(this.conv1(x))))).add(straight));
  }
}

class ResNet18 extends nn.Module {
  stem = new nn.Sequential(
    new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false }),
    new nn.BatchNorm2d(64),
    new nn.ReLU(),
    new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
  );
  body = new nn.Sequential(
    new Block(64, 64, 1),
    new Block(64, 64, 1),
    new Block(64, 128, 2),
    new Block(128, 128, 1),
    new Block(128, 256, 2),
    new Block(256, 256, 1),
    new Block(256, 512, 2),
    new Block(512, 512, 1),
  );
  fc = new nn.Linear(512, 1000);

  forward(x: Tensor): Tensor {
    return this.fc(F.adaptiveAvgPool2d(this.body(this.stem(x)), 1).flatten(1));
  }
}

describe('a summary', () => {
  test('of ResNet-18 has the published parameters and multiplications, and its field of 435', () => {
    const net = new ResNet18();
    const table = summary(net, [1, 3, 224, 224]);
    expect(table.parameters).toBe(11_689_512);
    expect(table.macs).toBe(1_814_073_344);
    expect(table.layers.findLast((call) => call.receptiveField)?.receptiveField).toMatchObject({
      size: [435, 435],
      stride: [32, 32],
    });
    expect(net.training).toBe(true);
    expect(net.stem.at(1).numBatchesTracked!.item()).toBe(0);
  }, 120_000);

  test('prints one row for each call, and the totals', () => {
    const net = new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 'same' }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(64, 10),
    );
    const lines = String(summary(net, [2, 1, 8, 8])).split('\n');
    expect(lines[0].split(/ {2,}/)).toEqual([
      'layer',
      'output shape',
      'parameters',
      'MACs',
      'output',
      'field',
      'stride',
      'padding',
    ]);
    expect(lines[2].split(/ {2,}/)).toEqual([
      '0 (Conv2d)',
      '[2, 4, 8, 8]',
      '40',
      '4,608',
      '0.00 MB',
      '3',
      '1',
      '1',
    ]);
    expect(lines[4].split(/ {2,}/)).toEqual(['2 (MaxPool2d)', '[2, 4, 4, 4]', '0.00 MB', '4', '2', '1']);
    expect(lines[6].split(/ {2,}/)).toEqual(['4 (Linear)', '[2, 10]', '650', '1,280', '0.00 MB']);
    expect(lines.at(-2)).toContain('parameters: 690 (690 trainable)');
  });

  test('counts a shared layer once, and recurrent and attention layers', () => {
    const shared = new nn.Linear(4, 4);
    const table = summary(new nn.Sequential(shared, shared), [2, 4]);
    expect(table.layers.map(({ parameters }) => parameters)).toEqual([20, 0]);
    expect(table.macs).toBe(64);
    expect(countMacs(new nn.LSTM(3, 5), ones([7, 2, 3]))).toBe(7 * 2 * 4 * 5 * (3 + 5));
    const x = randn([6, 2, 8]);
    // Four projections of 12 positions, and twice 6 x 6 products for each of 2 samples.
    expect(countMacs(new nn.MultiheadAttention(8, 2), [x, x, x])).toBe(4 * 12 * 64 + 2 * 2 * 36 * 8);
  });
});

describe('the receptive field of a model', () => {
  test('by arithmetic equals that by gradient, through strides, dilation and residual sums', () => {
    manualSeed(0);
    class Net extends nn.Module {
      a = new nn.Conv2d(1, 2, 3, { stride: 2, padding: 1 });
      b = new nn.Conv2d(2, 2, 3, { padding: 2, dilation: 2 });
      pool = new nn.MaxPool2d(2);
      forward(x: Tensor): Tensor {
        const y = F.relu(this.a(x));
        return this.pool(F.relu(this.b(y)).add(y));
      }
    }
    const net = new Net();
    const field = receptiveField(net, [1, 1, 40, 40]);
    expect(field).toEqual({ size: [13, 13], stride: [4, 4], padding: [5, 5] });
    const before = net.a.weight.toArray();
    const measured = measureReceptiveField(net, [1, 1, 40, 40]);
    expect(measured.size).toEqual([13, 13]);
    expect(measured.first).toEqual([5 * 4 - 5, 5 * 4 - 5]);
    expect(net.a.weight.toArray()).toEqual(before);
  });

  test('a functional convolution hides its window, and a model that flattens cannot be measured', () => {
    class Hidden extends nn.Module {
      weight = new nn.Parameter(ones([1, 1, 3, 3]));
      act = new nn.ReLU();
      forward(x: Tensor): Tensor {
        return this.act(F.conv2d(x, this.weight));
      }
    }
    expect(() => receptiveField(new Hidden(), [1, 1, 8, 8])).toThrow(
      /functional convolutions and pools hide theirs/,
    );
    const flat = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 1));
    expect(() => measureReceptiveField(flat, [1, 1, 2, 2])).toThrow(/before it flattens/);
  });
});

describe('a profile', () => {
  test('names the kernels with their calls, and gives back the result', async () => {
    const found = profile(() =>
      ones([100, 100])
        .matmul(ones([100, 100]))
        .add(1)
        .sum()
        .item(),
    );
    expect(found.result).toBe(1_010_000);
    expect(found.rows.find(({ name }) => name === 'matmul')?.calls).toBe(1);
    expect(found.rows.every(({ time }) => time >= 0)).toBe(true);
    expect(String(found)).toMatch(/kernel +calls +ms.*\n.*matmul.*(\n.*)*\(outside kernels\).*\ntotal: /);
    const later = await profile(async () => ones([2]).add(1).toArray());
    expect(later.result).toEqual([2, 2]);
    expect(() =>
      profile(() => {
        throw new Error('stopped');
      }),
    ).toThrow('stopped');
  });
});
