import { ReLU } from '../../nn/activations.ts';
import { type Layer, Sequential } from '../../nn/containers.ts';
import { Conv2d } from '../../nn/convolution.ts';
import { Dropout } from '../../nn/dropout.ts';
import { kaimingNormal_, normal_, zeros_ } from '../../nn/init.ts';
import { Linear } from '../../nn/linear.ts';
import { Module } from '../../nn/module.ts';
import { AdaptiveAvgPool2d, MaxPool2d } from '../../nn/pooling.ts';
import { flatten } from '../../ops/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Output channels of the 3x3 convolutions of VGG16; `null` halves the image. */
const plan = [64, 64, null, 128, 128, null, 256, 256, 256, null, 512, 512, 512, null, 512, 512, 512, null];

/** The convolutional part of VGG16, layer by layer: 13 convolutions with ReLU, 5 poolings. */
export function vgg16Layers(): Layer[] {
  let channels = 3;
  return plan.flatMap((out): Layer[] => {
    if (out === null) return [new MaxPool2d(2, 2)];
    const conv = new Conv2d(channels, out, 3, { padding: 1 });
    channels = out;
    return [conv, new ReLU({ inplace: true })];
  });
}

/**
 * VGG with 16 weight layers: 138,357,544 parameters, 15.5 billion multiply-adds an image of 224 x 224.
 *
 * Shapes: input `(N, 3, H, W)`, output logits `(N, numClasses)`. Parameter names are torchvision's. Where the weights come from a file,
 * `nn.init.skipInit(() => new vision.models.VGG16())` saves drawing them.
 * Source: Simonyan and Zisserman 2015, configuration D; `torchvision.models.vgg16`.
 */
export class VGG16 extends Module {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential;

  constructor({ numClasses = 1000, dropout = 0.5 } = {}) {
    super();
    this.features = new Sequential(...vgg16Layers());
    this.avgpool = new AdaptiveAvgPool2d(7);
    this.classifier = new Sequential(
      new Linear(512 * 7 * 7, 4096),
      new ReLU({ inplace: true }),
      new Dropout(dropout),
      new Linear(4096, 4096),
      new ReLU({ inplace: true }),
      new Dropout(dropout),
      new Linear(4096, numClasses),
    );
    for (const layer of this.modules()) {
      if (layer instanceof Conv2d) kaimingNormal_(layer.weight, { mode: 'fanOut', nonlinearity: 'relu' });
      else if (layer instanceof Linear) normal_(layer.weight, 0, 0.01);
      else continue;
      if (layer.bias) zeros_(layer.bias);
    }
  }

  forward(images: Tensor): Tensor {
    return this.classifier(flatten(this.avgpool(this.features(images)), 1));
  }
}
