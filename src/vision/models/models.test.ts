import { describe, expect, test } from 'vitest';
import { arange, F, manualSeed, nn, noGrad, optim, type Tensor, tensor, vision, zeros } from '../../index.ts';

const { models } = vision;

const parameterCount = (model: nn.AnyModule): number =>
  model.parameters().reduce((sum, { size }) => sum + size, 0);

/** Multiply-adds for one image: counted from the shapes of a batch of no images, which costs nothing. */
function multiplyAdds(model: nn.AnyModule & ((images: Tensor) => unknown), shape: number[]): number {
  let total = 0;
  for (const layer of model.modules())
    if (layer instanceof nn.Conv2d || layer instanceof nn.Linear)
      layer.registerForwardHook((_module, _inputs, output) => {
        const each = (output as Tensor).shape.slice(1).reduce((a, b) => a * b, 1);
        total += (each * layer.weight.size) / layer.weight.shape[0];
      });
  noGrad(() => model.eval()(zeros([0, ...shape])));
  return total;
}

describe('the published counts', () => {
  test.each([
    ['LeNet', () => new models.LeNet(), [1, 28, 28], 61_706, 416_520],
    ['VGG16', () => new models.VGG16(), [3, 224, 224], 138_357_544, 15_470_264_320],
    ['ResNet18', () => new models.ResNet18(), [3, 224, 224], 11_689_512, 1_814_073_344],
    ['ResNet50', () => new models.ResNet50(), [3, 224, 224], 25_557_032, 4_089_184_256],
    ['SSD300', () => new models.SSD300(), [3, 300, 300], 35_641_826, 34_858_153_472],
  ])('%s', (_, make, shape, parameters, macs) => {
    const model = nn.init.skipInit<nn.AnyModule>(make) as nn.Module<[Tensor], unknown>;
    expect(parameterCount(model)).toBe(parameters);
    expect(multiplyAdds(model, shape)).toBe(macs);
  });

  test('RetinaNet over ResNet-50, with frozen norms and with ones that learn', () => {
    const make = (norm: vision.models.NormLayer): number =>
      parameterCount(nn.init.skipInit(() => new models.RetinaNetResNet50({ norm })));
    expect(make(nn.FrozenBatchNorm2d)).toBe(34_014_999);
    expect(make(nn.BatchNorm2d)).toBe(34_068_119);
  });
});

describe("names in state dicts are torchvision's", () => {
  test.each([
    [
      'ResNet18',
      () => new models.ResNet18(),
      122,
      ['conv1.weight', 'layer2.0.downsample.1.running_var', 'layer4.1.bn2.num_batches_tracked', 'fc.bias'],
    ],
    ['ResNet50', () => new models.ResNet50(), 320, ['layer1.0.conv3.weight', 'layer3.5.bn3.running_mean']],
    ['VGG16', () => new models.VGG16(), 32, ['features.0.weight', 'features.28.bias', 'classifier.6.weight']],
    [
      'SSD300',
      () => new models.SSD300(),
      71,
      [
        'backbone.scale_weight',
        'backbone.features.21.bias',
        'backbone.extra.0.7.1.weight',
        'backbone.extra.4.2.bias',
        'head.classification_head.module_list.5.weight',
        'head.regression_head.module_list.0.bias',
      ],
    ],
    [
      'RetinaNet',
      () => new models.RetinaNetResNet50({ norm: nn.BatchNorm2d }),
      354,
      [
        'backbone.body.layer4.2.conv3.weight',
        'backbone.fpn.inner_blocks.2.0.weight',
        'backbone.fpn.extra_blocks.p7.bias',
        'head.classification_head.conv.3.0.weight',
        'head.classification_head.cls_logits.bias',
        'head.regression_head.bbox_reg.weight',
      ],
    ],
  ])('%s', (_, make, count, names) => {
    const keys = Object.keys(nn.init.skipInit<nn.AnyModule>(make).stateDict());
    expect(keys.length).toBe(count);
    expect(keys).toEqual(expect.arrayContaining(names));
  });
});

test('SSD300 says something of each of its 8732 boxes', () => {
  const ssd = nn.init.skipInit(() => new models.SSD300({ numClasses: 3 })).eval();
  const { clsLogits, bboxRegression } = noGrad(() => ssd(zeros([0, 3, 300, 300])));
  expect([clsLogits.shape, bboxRegression.shape]).toEqual([
    [0, 8732, 3],
    [0, 8732, 4],
  ]);
});

test("after manual_seed(0), ResNet18 has torchvision's weights: the same logits and gradients", () => {
  manualSeed(0);
  const model = new models.ResNet18().eval();
  const wave = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(1.7 * i));
  const logits = model(tensor(wave).reshape([1, 3, 32, 32]));
  const wanted = [0.10522548854351044, 0.3830292820930481, -0.15040349960327148, 0.33383578062057495];
  (logits.narrow(1, 0, 4).reshape([-1]).toArray() as number[]).forEach((logit, i) => {
    expect(logit).toBeCloseTo(wanted[i], 4);
  });
  logits.sum().backward();
  expect(model.conv1.weight.grad!.abs().sum().item() / 13163.7421875).toBeCloseTo(1, 4);
});

test('LeNet learns to tell ten bars apart', () => {
  manualSeed(0);
  const model = new models.LeNet();
  const images = zeros([10, 1, 28, 28]);
  for (let i = 0; i < 10; i++)
    images
      .narrow(0, i, 1)
      .narrow(2, 2 * i + 3, 4)
      .fill_(1);
  const labels = arange(10, { dtype: 'int32' });
  const adam = new optim.Adam(model.parameters(), { lr: 0.005 });
  let loss = F.crossEntropy(model(images), labels);
  expect(loss.item()).toBeGreaterThan(2.2);
  for (let step = 0; step < 25; step++) {
    adam.zeroGrad();
    loss.backward();
    adam.step();
    loss = F.crossEntropy(model(images), labels);
  }
  expect(loss.item()).toBeLessThan(0.5);
});

test('the small pyramid detector finds the square that it was trained on', () => {
  manualSeed(1);
  const detector = new models.PyramidDetector({ numClasses: 2, width: 4 });
  const images = zeros([1, 1, 32, 32]);
  images.narrow(2, 4, 10).narrow(3, 6, 10).fill_(1);
  const truth = { boxes: tensor([[6, 4, 16, 14]]), labels: tensor([1], { dtype: 'int32' }) };
  const adam = new optim.Adam(detector.parameters(), { lr: 0.003 });
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) {
    const { classification, bboxRegression } = detector.loss(images, [truth]);
    const loss = classification.add(bboxRegression);
    losses.push(loss.item());
    adam.zeroGrad();
    loss.backward();
    adam.step();
  }
  expect(losses.at(-1)).toBeLessThan(losses[0] / 4);
  // Not in evaluation mode: thirty batches are too few for running statistics.
  const [found] = detector.detect(images);
  expect(found.labels.select(0, 0).item()).toBe(1);
  expect(vision.boxIou(found.boxes.narrow(0, 0, 1), truth.boxes).item()).toBeGreaterThan(0.5);
});
