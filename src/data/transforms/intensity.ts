import {
  between,
  checkProbability,
  generatorOf,
  type ImageTransform,
  imageSize,
  type RandomTransformOptions,
  redraw,
} from './transform.ts';

/** (image - mean) / std, channel by channel. Error: another number of channels. Source: `torchvision.transforms.Normalize`. */
export function normalize(mean: number | readonly number[], std: number | readonly number[]): ImageTransform {
  return (image) => {
    const [channels, h, w] = imageSize('normalize', image);
    const values = (given: number | readonly number[], name: string): readonly number[] => {
      const list = typeof given === 'number' ? new Array<number>(channels).fill(given) : given;
      if (list.length !== channels)
        throw new RangeError(`normalize: ${list.length} values of ${name} for ${channels} channels`);
      return list;
    };
    const [means, stds] = [values(mean, 'mean'), values(std, 'std')];
    return redraw(image, image.shape, (target, source) => {
      for (let i = 0; i < target.length; i++) {
        const c = Math.floor(i / (h * w));
        target[i] = (source[i] - means[c]) / stds[c];
      }
    });
  };
}

/** Adds normal noise of the given standard deviation (default 0.1). */
export function gaussianNoise(std = 0.1, options: RandomTransformOptions = {}): ImageTransform {
  if (!(std >= 0)) throw new RangeError(`gaussianNoise: std is ${std}: it must be at least 0`);
  return (image) => {
    imageSize('gaussianNoise', image);
    const generator = generatorOf(options);
    return redraw(image, image.shape, (target, source) => {
      for (let i = 0; i < target.length; i++) target[i] = source[i] + std * generator.normal();
    });
  };
}

export interface ColorJitterOptions extends RandomTransformOptions {
  /** The image is multiplied by a factor within 1 ± this. Default 0. */
  brightness?: number;
  /** Its distance from the mean grey is multiplied by a factor within 1 ± this. Default 0. */
  contrast?: number;
  /** Its distance from its own grey image is multiplied by a factor within 1 ± this; three channels. Default 0. */
  saturation?: number;
}

/** Changes brightness, contrast and saturation of an image in [0, 1] at random; the result stays in [0, 1]. */
export function colorJitter(options: ColorJitterOptions): ImageTransform {
  const { brightness = 0, contrast = 0, saturation = 0 } = options;
  return (image) => {
    const [channels, h, w] = imageSize('colorJitter', image);
    if (saturation > 0 && channels !== 3)
      throw new RangeError(`colorJitter: saturation needs 3 channels, got ${channels}`);
    const generator = generatorOf(options);
    const factor = (range: number): number => Math.max(0, between(generator, 1 - range, 1 + range));
    const [light, spread, colour] = [factor(brightness), factor(contrast), factor(saturation)];
    const plane = h * w;
    return redraw(image, image.shape, (target, source) => {
      const grey = (i: number): number =>
        channels === 3
          ? 0.2989 * target[i] + 0.587 * target[i + plane] + 0.114 * target[i + 2 * plane]
          : target[i];
      for (let i = 0; i < target.length; i++) target[i] = source[i] * light;
      let mean = 0;
      for (let i = 0; i < plane; i++) mean += grey(i) / plane;
      for (let i = 0; i < target.length; i++) target[i] = mean + (target[i] - mean) * spread;
      if (channels === 3)
        for (let i = 0; i < plane; i++) {
          const level = grey(i);
          for (let c = 0; c < 3; c++)
            target[i + c * plane] = level + (target[i + c * plane] - level) * colour;
        }
      for (let i = 0; i < target.length; i++) target[i] = Math.min(1, Math.max(0, target[i]));
    });
  };
}

export interface CutoutOptions extends RandomTransformOptions {
  /** How many squares. Default 1. */
  holes?: number;
  /** What they hold. Default 0. */
  fill?: number;
  /** How often it happens at all. Default 1. */
  p?: number;
}

/** Blanks squares of the given side around random centres, which may stick out. Source: DeVries and Taylor 2017. */
export function cutout(side: number, options: CutoutOptions = {}): ImageTransform {
  const { holes = 1, fill = 0, p = 1 } = options;
  checkProbability('cutout', p);
  return (image) => {
    const [channels, h, w] = imageSize('cutout', image);
    const generator = generatorOf(options);
    if (generator.uniform53() >= p) return image;
    return redraw(image, image.shape, (target, source) => {
      for (let i = 0; i < target.length; i++) target[i] = source[i];
      for (let n = 0; n < holes; n++) {
        const top = generator.below(h) - Math.floor(side / 2);
        const left = generator.below(w) - Math.floor(side / 2);
        for (let c = 0; c < channels; c++)
          for (let y = Math.max(0, top); y < Math.min(h, top + side); y++)
            for (let x = Math.max(0, left); x < Math.min(w, left + side); x++)
              target[(c * h + y) * w + x] = fill;
      }
    });
  };
}
