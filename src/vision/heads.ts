import { ReLU } from '../nn/activations.ts';
import { ModuleList, Sequential } from '../nn/containers.ts';
import { Conv2d } from '../nn/convolution.ts';
import { constant_, normal_, xavierUniform_, zeros_ } from '../nn/init.ts';
import { type AnyModule, Module } from '../nn/module.ts';
import { cat } from '../ops/join.ts';
import { permute } from '../ops/shape.ts';
import { reshape } from '../ops/views.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What a head says of every anchor, level by level, row by row. */
export interface HeadOutput {
  /** `(N, A, classes)`. */
  clsLogits: Tensor;
  /** `(N, A, 4)`: offsets, as `BoxCoder` reads them. */
  bboxRegression: Tensor;
}

/** A head of a single-stage detector: feature maps `(N, C, H, W)`, the finest first. */
export abstract class DenseHead extends Module<[readonly Tensor[]], HeadOutput> {}

/** `(N, anchors * columns, H, W)` as one row an anchor: `(N, H W anchors, columns)`. */
function byAnchor(map: Tensor, columns: number): Tensor {
  const [batch, channels, height, width] = map.shape;
  const split = reshape(map, [batch, channels / columns, columns, height, width]);
  return reshape(permute(split, [0, 3, 4, 1, 2]), [batch, (height * width * channels) / columns, columns]);
}

/** A 3x3 convolution for each level. */
class LevelConvolutions extends Module<[readonly Tensor[]]> {
  readonly moduleList: ModuleList<Conv2d>;
  readonly #columns: number;

  constructor(inChannels: readonly number[], numAnchors: readonly number[], columns: number) {
    super();
    this.#columns = columns;
    this.moduleList = new ModuleList(
      inChannels.map((channels, i) => new Conv2d(channels, columns * numAnchors[i], 3, { padding: 1 })),
    );
    for (const conv of this.moduleList) {
      xavierUniform_(conv.weight);
      if (conv.bias) zeros_(conv.bias);
    }
  }

  forward(features: readonly Tensor[]): Tensor {
    if (features.length !== this.moduleList.length)
      throw new RangeError(`SSDHead: ${features.length} feature maps for ${this.moduleList.length} levels`);
    return cat(
      features.map((map, i) => byAnchor(this.moduleList.at(i)(map), this.#columns)),
      1,
    );
  }
}

/**
 * SSD's head: at each level a 3x3 convolution for the classes (0 is the background) and one for the boxes.
 *
 * @param inChannels of each level. @param numAnchors boxes a cell, for each level. @param numClasses with the background.
 * Source: Liu et al. 2016; `torchvision.models.detection.ssd.SSDHead`, whose parameter names it has.
 */
export class SSDHead extends DenseHead {
  readonly classificationHead: LevelConvolutions;
  readonly regressionHead: LevelConvolutions;

  constructor(inChannels: readonly number[], numAnchors: readonly number[], numClasses: number) {
    super();
    if (inChannels.length !== numAnchors.length)
      throw new RangeError(
        `SSDHead: ${inChannels.length} levels of channels, ${numAnchors.length} of anchors: give one of each a level`,
      );
    this.classificationHead = new LevelConvolutions(inChannels, numAnchors, numClasses);
    this.regressionHead = new LevelConvolutions(inChannels, numAnchors, 4);
  }

  forward(features: readonly Tensor[]): HeadOutput {
    return {
      clsLogits: this.classificationHead(features),
      bboxRegression: this.regressionHead(features),
    };
  }
}

/** Four 3x3 convolutions with ReLU, as both of RetinaNet's branches begin. */
const tower = (channels: number): Sequential =>
  new Sequential(
    ...Array.from(
      { length: 4 },
      () => new Sequential(new Conv2d(channels, channels, 3, { padding: 1 }), new ReLU()),
    ),
  );

/** Small normal weights, no bias. */
function startSmall(module: AnyModule): void {
  for (const part of module.modules())
    if (part instanceof Conv2d) {
      normal_(part.weight, 0, 0.01);
      if (part.bias) zeros_(part.bias);
    }
}

class RetinaNetClassificationHead extends Module<[readonly Tensor[]]> {
  readonly conv: Sequential;
  readonly clsLogits: Conv2d;
  readonly #classes: number;

  constructor(channels: number, numAnchors: number, numClasses: number, prior: number) {
    super();
    this.#classes = numClasses;
    this.conv = tower(channels);
    this.clsLogits = new Conv2d(channels, numAnchors * numClasses, 3, { padding: 1 });
    startSmall(this);
    // Every anchor starts as background: else the many easy negatives swamp the first steps.
    if (this.clsLogits.bias) constant_(this.clsLogits.bias, -Math.log((1 - prior) / prior));
  }

  forward(features: readonly Tensor[]): Tensor {
    return cat(
      features.map((map) => byAnchor(this.clsLogits(this.conv(map)), this.#classes)),
      1,
    );
  }
}

class RetinaNetRegressionHead extends Module<[readonly Tensor[]]> {
  readonly conv: Sequential;
  readonly bboxReg: Conv2d;

  constructor(channels: number, numAnchors: number) {
    super();
    this.conv = tower(channels);
    this.bboxReg = new Conv2d(channels, numAnchors * 4, 3, { padding: 1 });
    startSmall(this);
  }

  forward(features: readonly Tensor[]): Tensor {
    return cat(
      features.map((map) => byAnchor(this.bboxReg(this.conv(map)), 4)),
      1,
    );
  }
}

/**
 * RetinaNet's head: four convolutions and a last one, for the classes and for the boxes, shared by all levels.
 *
 * @param channels of every level. @param numAnchors boxes a cell. @param numClasses each with a sigmoid of its own.
 * @param priorProbability what every class starts with. Default 0.01.
 * Source: Lin et al. 2017; `torchvision.models.detection.retinanet.RetinaNetHead`, whose parameter names it has.
 */
export class RetinaNetHead extends DenseHead {
  readonly classificationHead: RetinaNetClassificationHead;
  readonly regressionHead: RetinaNetRegressionHead;

  constructor(channels: number, numAnchors: number, numClasses: number, priorProbability = 0.01) {
    super();
    this.classificationHead = new RetinaNetClassificationHead(
      channels,
      numAnchors,
      numClasses,
      priorProbability,
    );
    this.regressionHead = new RetinaNetRegressionHead(channels, numAnchors);
  }

  forward(features: readonly Tensor[]): HeadOutput {
    return {
      clsLogits: this.classificationHead(features),
      bboxRegression: this.regressionHead(features),
    };
  }
}
