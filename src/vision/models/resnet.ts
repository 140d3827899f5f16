import { Sequential } from '../../nn/containers.ts';
import { Conv2d } from '../../nn/convolution.ts';
import { kaimingNormal_ } from '../../nn/init.ts';
import { Linear } from '../../nn/linear.ts';
import { type AnyModule, Module } from '../../nn/module.ts';
import { BatchNorm2d } from '../../nn/normalization.ts';
import { AdaptiveAvgPool2d, MaxPool2d } from '../../nn/pooling.ts';
import { add } from '../../ops/arithmetic.ts';
import { relu } from '../../ops/pointwise.ts';
import { flatten } from '../../ops/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** A layer from `(N, C, H, W)` to the same shape that normalizes channels: `BatchNorm2d`, `FrozenBatchNorm2d`, ... */
export type NormLayer = new (channels: number) => Module;

const conv3x3 = (inChannels: number, outChannels: number, stride: number): Conv2d =>
  new Conv2d(inChannels, outChannels, 3, { stride, padding: 1, bias: false });

const conv1x1 = (inChannels: number, outChannels: number, stride = 1): Conv2d =>
  new Conv2d(inChannels, outChannels, 1, { stride, bias: false });

/** Two 3x3 convolutions around which the input goes unchanged (or through `downsample`). */
class BasicBlock extends Module {
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: Module;
  readonly conv2: Conv2d;
  readonly bn2: Module;
  readonly downsample: Sequential | null;

  constructor(
    inChannels: number,
    channels: number,
    stride: number,
    downsample: Sequential | null,
    Norm: NormLayer,
  ) {
    super();
    this.conv1 = conv3x3(inChannels, channels, stride);
    this.bn1 = new Norm(channels);
    this.conv2 = conv3x3(channels, channels, 1);
    this.bn2 = new Norm(channels);
    this.downsample = downsample;
  }

  forward(x: Tensor): Tensor {
    const inner = this.bn2(this.conv2(relu(this.bn1(this.conv1(x)))));
    return relu(add(inner, this.downsample ? this.downsample(x) : x));
  }
}

/** 1x1, 3x3 and 1x1 convolutions, narrow in the middle; the 3x3 one has the stride. */
class Bottleneck extends Module {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: Module;
  readonly conv2: Conv2d;
  readonly bn2: Module;
  readonly conv3: Conv2d;
  readonly bn3: Module;
  readonly downsample: Sequential | null;

  constructor(
    inChannels: number,
    channels: number,
    stride: number,
    downsample: Sequential | null,
    Norm: NormLayer,
  ) {
    super();
    const wide = channels * Bottleneck.expansion;
    this.conv1 = conv1x1(inChannels, channels);
    this.bn1 = new Norm(channels);
    this.conv2 = conv3x3(channels, channels, stride);
    this.bn2 = new Norm(channels);
    this.conv3 = conv1x1(channels, wide);
    this.bn3 = new Norm(wide);
    this.downsample = downsample;
  }

  forward(x: Tensor): Tensor {
    const narrow = relu(this.bn2(this.conv2(relu(this.bn1(this.conv1(x))))));
    return relu(add(this.bn3(this.conv3(narrow)), this.downsample ? this.downsample(x) : x));
  }
}

type Block = typeof BasicBlock | typeof Bottleneck;

/** Draws the convolutions as residual networks start: normal, of variance 2 / fan out. */
function startConvolutions(network: AnyModule): void {
  for (const layer of network.modules())
    if (layer instanceof Conv2d) kaimingNormal_(layer.weight, { mode: 'fanOut', nonlinearity: 'relu' });
}

/** What a residual network is but for its classifier: a stem of stride 4 and four stages of blocks. */
abstract class ResidualStages<O> extends Module<[Tensor], O> {
  readonly conv1: Conv2d;
  readonly bn1: Module;
  readonly maxpool: MaxPool2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;

  constructor(block: Block, depths: readonly [number, number, number, number], Norm: NormLayer) {
    super();
    let inChannels = 64;
    const stage = (channels: number, depth: number, stride: number): Sequential => {
      const wide = channels * block.expansion;
      const blocks = Array.from({ length: depth }, (_, i): Module => {
        const changes = i === 0 && (stride !== 1 || inChannels !== wide);
        const downsample = changes ? new Sequential(conv1x1(inChannels, wide, stride), new Norm(wide)) : null;
        const made = new block(inChannels, channels, i === 0 ? stride : 1, downsample, Norm);
        inChannels = wide;
        return made;
      });
      return new Sequential(...blocks);
    };
    this.conv1 = new Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false });
    this.bn1 = new Norm(64);
    this.maxpool = new MaxPool2d(3, 2, { padding: 1 });
    this.layer1 = stage(64, depths[0], 1);
    this.layer2 = stage(128, depths[1], 2);
    this.layer3 = stage(256, depths[2], 2);
    this.layer4 = stage(512, depths[3], 2);
  }

  /** The maps of the four stages, of strides 4, 8, 16 and 32. */
  stages(images: Tensor): [Tensor, Tensor, Tensor, Tensor] {
    const stem = this.maxpool(relu(this.bn1(this.conv1(images))));
    const c2 = this.layer1(stem);
    const c3 = this.layer2(c2);
    const c4 = this.layer3(c3);
    return [c2, c3, c4, this.layer4(c4)];
  }
}

const depths50 = [3, 4, 6, 3] as const;

/** The four stages of a ResNet-50, of 256, 512, 1024 and 2048 channels: for feature pyramids. */
export class ResNet50Stages extends ResidualStages<Tensor[]> {
  constructor(norm: NormLayer = BatchNorm2d) {
    super(Bottleneck, depths50, norm);
    startConvolutions(this);
  }

  forward(images: Tensor): Tensor[] {
    return this.stages(images);
  }
}

export interface ResNetOptions {
  /** Default 1000. */
  numClasses?: number;
  /** Default `nn.BatchNorm2d`. */
  norm?: NormLayer;
}

/**
 * A residual network: a stem of stride 4, four stages of blocks, the mean over the image, a linear layer.
 *
 * Shapes: input `(N, 3, H, W)`, output logits `(N, numClasses)`. Parameter names are torchvision's. Where the weights come from a file,
 * `nn.init.skipInit(() => ...)` saves drawing them. Source: He et al. 2016.
 */
export abstract class ResNet extends ResidualStages<Tensor> {
  readonly avgpool: AdaptiveAvgPool2d;
  readonly fc: Linear;

  constructor(
    block: Block,
    depths: readonly [number, number, number, number],
    { numClasses = 1000, norm = BatchNorm2d }: ResNetOptions,
  ) {
    super(block, depths, norm);
    this.avgpool = new AdaptiveAvgPool2d(1);
    this.fc = new Linear(512 * block.expansion, numClasses);
    startConvolutions(this);
  }

  forward(images: Tensor): Tensor {
    const [, , , c5] = this.stages(images);
    return this.fc(flatten(this.avgpool(c5), 1));
  }
}

/** 18 weight layers: 11,689,512 parameters, 1.8 billion multiply-adds an image of 224 x 224. Source: `torchvision.models.resnet18`. */
export class ResNet18 extends ResNet {
  constructor(options: ResNetOptions = {}) {
    super(BasicBlock, [2, 2, 2, 2], options);
  }
}

/** 50 weight layers: 25,557,032 parameters, 4.1 billion multiply-adds an image of 224 x 224. Source: `torchvision.models.resnet50`. */
export class ResNet50 extends ResNet {
  constructor(options: ResNetOptions = {}) {
    super(Bottleneck, depths50, options);
  }
}
