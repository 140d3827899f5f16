export {
  type AffineOptions,
  affine,
  centerCrop,
  type RandomAffineOptions,
  type RandomCropOptions,
  randomAffine,
  randomCrop,
  randomHorizontalFlip,
  randomVerticalFlip,
} from './geometry.ts';
export {
  type ColorJitterOptions,
  type CutoutOptions,
  colorJitter,
  cutout,
  gaussianNoise,
  normalize,
} from './intensity.ts';
export { cutmix, type MixOptions, mixup } from './mix.ts';
export { compose, type ImageTransform, type RandomTransformOptions } from './transform.ts';
