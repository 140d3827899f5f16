import { ReLU } from '../../nn/activations.ts';
import { Sequential } from '../../nn/containers.ts';
import { Conv2d } from '../../nn/convolution.ts';
import { kaimingNormal_ } from '../../nn/init.ts';
import { Module } from '../../nn/module.ts';
import { BatchNorm2d, FrozenBatchNorm2d } from '../../nn/normalization.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { AnchorGenerator } from '../anchors.ts';
import { RetinaNet } from '../detector.ts';
import { type ExtraLevels, FeaturePyramidNetwork, LastLevelP6P7 } from '../featurePyramid.ts';
import { RetinaNetHead } from '../heads.ts';
import { type NormLayer, ResNet50Stages } from './resnet.ts';

/** A network of stages and the pyramid over the last of them. */
abstract class PyramidBackbone extends Module<[Tensor], Tensor[]> {
  readonly fpn: FeaturePyramidNetwork;

  constructor(channels: readonly number[], outChannels: number, extra: ExtraLevels | null) {
    super();
    this.fpn = new FeaturePyramidNetwork(channels, outChannels, extra);
  }

  protected abstract stages(images: Tensor): Tensor[];

  forward(images: Tensor): Tensor[] {
    const stages = this.stages(images);
    return Object.values(this.fpn(Object.fromEntries(stages.map((map, i) => [`c${i}`, map]))));
  }
}

/** A 3x3 convolution of stride 2 with its norm, and one of stride 1. */
const halve = (inChannels: number, outChannels: number): Sequential =>
  new Sequential(
    new Conv2d(inChannels, outChannels, 3, { stride: 2, padding: 1, bias: false }),
    new BatchNorm2d(outChannels),
    new ReLU({ inplace: true }),
    new Conv2d(outChannels, outChannels, 3, { padding: 1, bias: false }),
    new BatchNorm2d(outChannels),
    new ReLU({ inplace: true }),
  );

class SmallBackbone extends PyramidBackbone {
  readonly stem: Sequential;
  readonly stage2: Sequential;
  readonly stage3: Sequential;
  readonly stage4: Sequential;

  constructor(inChannels: number, width: number) {
    super([2 * width, 4 * width, 8 * width], 4 * width, null);
    this.stem = halve(inChannels, width);
    this.stage2 = halve(width, 2 * width);
    this.stage3 = halve(2 * width, 4 * width);
    this.stage4 = halve(4 * width, 8 * width);
  }

  protected stages(images: Tensor): Tensor[] {
    const c2 = this.stage2(this.stem(images));
    const c3 = this.stage3(c2);
    return [c2, c3, this.stage4(c3)];
  }
}

/** Sizes of anchors a third of an octave apart, for each level. */
const octaves = (sizes: readonly number[]): number[][] =>
  sizes.map((size) => [size, Math.trunc(size * 2 ** (1 / 3)), Math.trunc(size * 2 ** (2 / 3))]);

export interface PyramidDetectorOptions {
  /** Default 3. */
  numClasses?: number;
  /** Default 1. */
  inChannels?: number;
  /** Channels of the first stage; the others are multiples. Default 8. */
  width?: number;
  /** Lengths in pixels of the anchors of the levels of stride 4, 8 and 16. Default 8, 16, 32. */
  anchorSizes?: readonly [number, number, number];
}

/**
 * A small detector over a feature pyramid, for images of some 64 pixels and objects of several sizes: strides 4, 8 and 16, one square
 * anchor size a level with three aspect ratios, RetinaNet's head. With the default width it trains on a CPU in minutes.
 *
 * Shapes: images `(N, inChannels, H, W)`, H and W multiples of 16.
 *
 * @example
 * const detector = new vision.models.PyramidDetector({ numClasses: 3 });
 * const { classification, bboxRegression } = detector.loss(images, targets);
 */
export class PyramidDetector extends RetinaNet {
  constructor({
    numClasses = 3,
    inChannels = 1,
    width = 8,
    anchorSizes = [8, 16, 32],
  }: PyramidDetectorOptions = {}) {
    const anchors = new AnchorGenerator(anchorSizes.map((size) => [size]));
    const head = new RetinaNetHead(4 * width, 3, numClasses);
    // With few channels RetinaNet's own weights, normal of 0.01, let next to nothing through four layers.
    for (const { conv } of [head.classificationHead, head.regressionHead])
      for (const layer of conv.modules())
        if (layer instanceof Conv2d) kaimingNormal_(layer.weight, { nonlinearity: 'relu' });
    super(new SmallBackbone(inChannels, width), head, anchors);
  }
}

class ResNet50Backbone extends PyramidBackbone {
  readonly body: ResNet50Stages;

  constructor(norm: NormLayer) {
    super([512, 1024, 2048], 256, new LastLevelP6P7(256, 256));
    this.body = new ResNet50Stages(norm);
  }

  protected stages(images: Tensor): Tensor[] {
    return this.body(images).slice(1);
  }
}

/**
 * RetinaNet over a ResNet-50: levels of stride 8 to 128, nine anchors a cell, 34,014,999 parameters with 91 classes (34,068,119 with
 * `nn.BatchNorm2d` in place of the frozen norm).
 *
 * Shapes: images `(N, 3, H, W)`. Parameter names are torchvision's.
 * Source: Lin et al. 2017; `torchvision.models.detection.retinanet_resnet50_fpn`.
 */
export class RetinaNetResNet50 extends RetinaNet {
  constructor({ numClasses = 91, norm = FrozenBatchNorm2d }: { numClasses?: number; norm?: NormLayer } = {}) {
    const anchors = new AnchorGenerator(octaves([32, 64, 128, 256, 512]));
    super(new ResNet50Backbone(norm), new RetinaNetHead(256, 9, numClasses), anchors);
  }
}
