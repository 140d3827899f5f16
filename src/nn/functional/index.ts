export { linear } from '../../ops/matmul.ts';
export * from './activation.ts';
export { type AttentionOptions, scaledDotProductAttention } from './attention.ts';
export * from './bilinear.ts';
export * from './binaryCrossEntropy.ts';
export * from './convolution.ts';
export * from './crossEntropy.ts';
export * from './distance.ts';
export * from './dropout.ts';
export * from './embedding.ts';
export * from './fold.ts';
export * from './gridSample.ts';
export * from './interpolate.ts';
export * from './loss.ts';
export * from './marginLoss.ts';
export * from './maxUnpool.ts';
export * from './norm.ts';
export * from './pad.ts';
export * from './pixelShuffle.ts';
export {
  type AdaptiveSize,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type DivisorOverride,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Stride,
  type WithStride,
} from './pooling.ts';
export { gruCell, lstmCell, rnnReluCell, rnnTanhCell } from './recurrent.ts';
