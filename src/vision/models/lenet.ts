import { Conv2d } from '../../nn/convolution.ts';
import { Linear } from '../../nn/linear.ts';
import { Module } from '../../nn/module.ts';
import { MaxPool2d } from '../../nn/pooling.ts';
import { relu } from '../../ops/pointwise.ts';
import { flatten } from '../../ops/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/**
 * LeNet-5 as it is taught today (ReLU, max pooling): two convolutions, three linear layers, 61,706 parameters.
 *
 * Shapes: input `(N, 1, 28, 28)`, output logits `(N, numClasses)`.
 *
 * @example
 * const logits = new vision.models.LeNet()(digits);
 *
 * Source: LeCun et al. 1998.
 */
export class LeNet extends Module {
  readonly conv1: Conv2d;
  readonly conv2: Conv2d;
  readonly pool: MaxPool2d;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly fc3: Linear;

  constructor({ inChannels = 1, numClasses = 10 } = {}) {
    super();
    this.conv1 = new Conv2d(inChannels, 6, 5, { padding: 2 });
    this.conv2 = new Conv2d(6, 16, 5);
    this.pool = new MaxPool2d(2);
    this.fc1 = new Linear(16 * 5 * 5, 120);
    this.fc2 = new Linear(120, 84);
    this.fc3 = new Linear(84, numClasses);
  }

  forward(images: Tensor): Tensor {
    const first = this.pool(relu(this.conv1(images)));
    const second = this.pool(relu(this.conv2(first)));
    return this.fc3(relu(this.fc2(relu(this.fc1(flatten(second, 1))))));
  }
}
