export { LeNet } from './lenet.ts';
export { PyramidDetector, type PyramidDetectorOptions, RetinaNetResNet50 } from './pyramidDetector.ts';
export {
  type NormLayer,
  ResNet,
  ResNet18,
  ResNet50,
  ResNet50Stages,
  type ResNetOptions,
} from './resnet.ts';
export { SSD300 } from './ssd300.ts';
export { VGG16 } from './vgg.ts';
