import { ReLU } from '../../nn/activations.ts';
import { ModuleList, Sequential } from '../../nn/containers.ts';
import { Conv2d, type ConvLayerOptions } from '../../nn/convolution.ts';
import { normalize } from '../../nn/functional/distance.ts';
import { kaimingNormal_, xavierUniform_, zeros_ } from '../../nn/init.ts';
import { type AnyModule, Module } from '../../nn/module.ts';
import { Parameter } from '../../nn/parameter.ts';
import { MaxPool2d } from '../../nn/pooling.ts';
import { mul } from '../../ops/arithmetic.ts';
import { full } from '../../ops/creation.ts';
import { reshape } from '../../ops/views.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { DefaultBoxGenerator } from '../anchors.ts';
import { SSD } from '../detector.ts';
import { SSDHead } from '../heads.ts';
import { vgg16Layers } from './vgg.ts';

function xavier(module: AnyModule): void {
  for (const layer of module.modules())
    if (layer instanceof Conv2d) {
      xavierUniform_(layer.weight);
      if (layer.bias) zeros_(layer.bias);
    }
}

const active = (...conv: ConstructorParameters<typeof Conv2d>): [Conv2d, ReLU] => [
  new Conv2d(...conv),
  new ReLU({ inplace: true }),
];

/** A level below the last one: a 1x1 convolution that narrows, a 3x3 one that shrinks. */
const smaller = (inChannels: number, narrow: number, out: number, shrink: ConvLayerOptions<2>): Sequential =>
  new Sequential(...active(inChannels, narrow, 1), ...active(narrow, out, 3, shrink));

/** VGG16 up to conv4_3, its last stage with a dilated convolution in place of the linear layers, four more levels. */
class SSD300Backbone extends Module<[Tensor], Tensor[]> {
  readonly scaleWeight: Parameter;
  readonly features: Sequential;
  readonly extra: ModuleList<Sequential>;

  constructor() {
    super();
    const layers = vgg16Layers();
    for (const layer of layers)
      if (layer instanceof Conv2d) {
        kaimingNormal_(layer.weight, { mode: 'fanOut', nonlinearity: 'relu' });
        if (layer.bias) zeros_(layer.bias);
      }
    const poolings = [...layers.keys()].filter((i) => layers[i] instanceof MaxPool2d);
    // The paper's sizes (38, 19, ...) need the third pooling to round up.
    layers[poolings[2]] = new MaxPool2d(2, 2, { ceilMode: true });
    this.scaleWeight = new Parameter(full([512], 20));
    this.features = new Sequential(...layers.slice(0, poolings[3]));
    const levels = [
      smaller(1024, 256, 512, { padding: 1, stride: 2 }),
      smaller(512, 128, 256, { padding: 1, stride: 2 }),
      smaller(256, 128, 256, {}),
      smaller(256, 128, 256, {}),
    ];
    const atrous = new Sequential(
      new MaxPool2d(3, 1, { padding: 1 }),
      ...active(512, 1024, 3, { padding: 6, dilation: 6 }),
      ...active(1024, 1024, 1),
    );
    for (const added of [...levels, atrous]) xavier(added);
    this.extra = new ModuleList([new Sequential(...layers.slice(poolings[3], -1), atrous), ...levels]);
  }

  forward(images: Tensor): Tensor[] {
    let x = this.features(images);
    // conv4_3 has much larger values than the rest: each pixel is scaled to one length, which is learnt.
    const maps = [mul(normalize(x), reshape(this.scaleWeight, [1, -1, 1, 1]))];
    for (const level of this.extra) {
      x = level(x);
      maps.push(x);
    }
    return maps;
  }
}

/**
 * SSD for images of 300 x 300: a VGG16, six levels, 8732 default boxes, 35,641,826 parameters with 91 classes.
 *
 * Shapes: images `(N, 3, 300, 300)`; class 0 is the background. Parameter names are torchvision's.
 *
 * @example
 * const { classification, bboxRegression } = detector.loss(images, targets);
 * const [{ boxes, labels, scores }] = detector.eval().detect(images);
 *
 * Source: Liu et al. 2016; `torchvision.models.detection.ssd300_vgg16`.
 */
export class SSD300 extends SSD {
  constructor({ numClasses = 91 } = {}) {
    const anchors = new DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]], {
      scales: [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
      steps: [8, 16, 32, 64, 100, 300],
    });
    const backbone = new SSD300Backbone();
    const head = new SSDHead([512, 1024, 512, 256, 256, 256], anchors.numAnchorsPerLocation(), numClasses);
    super(backbone, head, anchors);
  }
}
