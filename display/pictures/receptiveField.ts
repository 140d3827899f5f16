import { enableGrad, grad, type Tensor, tensor } from '../../src/index.ts';
import { imageSize } from '../plot/fields.ts';
import { statistics, valuesOf } from '../values/numbers.ts';
import { dataUri, encodePng, heatRaster } from '../values/png.ts';
import { overlay } from './images.ts';
import { Picture } from './picture.ts';
import { generator, normal } from './projections.ts';

/** Random inputs that are tried beside the image. */
const noises = 6;

export interface ReceptiveFieldOptions {
  /** Row and column of the output; default its middle. */
  at?: readonly [number, number];
  size?: number;
}

/**
 * Which pixels one place of a network's output depends on: the gradient's size for this image as colour, and the box around everything that
 * reaches it for this or some random input.
 *
 * @param image `(C, H, W)`
 * @param forward from `(1, C, H, W)` to `(1, C', H', W')`, such as the first layers of a model
 * @example show.receptiveField(image, (x) => model.features(x), { at: [3, 3] })
 */
export function receptiveField(
  image: Tensor,
  forward: (input: Tensor) => Tensor,
  { at, size = 420 }: ReceptiveFieldOptions = {},
): Picture {
  const [channels, height, width] = imageSize('show.receptiveField', image);
  let place: { row: number; column: number; rows: number; columns: number } | null = null;
  /** The sizes of the gradient at each pixel, summed over the channels. */
  const strengthFor = (input: Tensor): Float32Array => {
    input.requiresGrad = true;
    const output = enableGrad(() => forward(input));
    if (output.ndim !== 4)
      throw new RangeError(
        `show.receptiveField: forward must give (1, C, H, W), got (${output.shape.join(', ')}): leave out the layers behind the convolutions`,
      );
    const [, , rows, columns] = output.shape;
    const [row, column] = at ?? [Math.floor(rows / 2), Math.floor(columns / 2)];
    if (row < 0 || row >= rows || column < 0 || column >= columns)
      throw new RangeError(
        `show.receptiveField: (${row}, ${column}) is outside of the output ${rows} × ${columns}`,
      );
    place = { row, column, rows, columns };
    // Not backward(): the parameters' own gradients are the user's.
    const [given] = enableGrad(() => grad([output.narrow(2, row, 1).narrow(3, column, 1).sum()], [input]));
    const gradient = valuesOf(given!);
    const sizes = new Float32Array(height * width);
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < sizes.length; i++) sizes[i] += Math.abs(gradient[c * sizes.length + i]);
    return sizes;
  };
  const shape = [1, channels, height, width];
  const strength = strengthFor(image.detach().clone().reshape(shape).to('float32'));
  // Rectifiers and pooling let a part of the field through for any one input: noise shows the rest.
  const random = generator(1);
  const reached = strength.map((size) => (size === 0 ? 0 : 1));
  for (let i = 0; i < noises; i++) {
    const noise = Float32Array.from({ length: channels * height * width }, () => normal(random));
    strengthFor(tensor(noise).reshape(shape)).forEach((size, j) => {
      if (size !== 0) reached[j] = 1;
    });
  }
  let [top, left, bottom, right] = [height, width, -1, -1];
  reached.forEach((value, i) => {
    if (value === 0) return;
    const y = Math.floor(i / width);
    const x = i % width;
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
    left = Math.min(left, x);
    right = Math.max(right, x);
  });
  const { max } = statistics(strength);
  const heat = heatRaster(strength, height, width, { min: 0, max: max || 1, limit: Math.max(height, width) });
  for (let i = 0; i < strength.length; i++)
    heat.data[i * 4 + 3] = Math.round(200 * Math.sqrt(strength[i] / (max || 1)));
  const boxWidth = Math.max(0, right - left + 1);
  const boxHeight = Math.max(0, bottom - top + 1);
  const html = overlay(
    image,
    size,
    (scale) =>
      `<image href="${dataUri(encodePng(heat))}" width="${width}" height="${height}" style="image-rendering:pixelated"/><rect x="${left}" y="${top}" width="${boxWidth}" height="${boxHeight}" fill="none" stroke="#ff4d6d" stroke-width="${2 / scale}"/>`,
  );
  const { row, column, rows, columns } = place!;
  const text = `output (${row}, ${column}) of ${rows} × ${columns} sees ${boxHeight} × ${boxWidth} pixels from (${top}, ${left})`;
  return new Picture(`${html}<div class="dim">${text}</div>`, text);
}
