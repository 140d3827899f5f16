import type { Tensor } from '../../src/index.ts';
import { escapeHtml } from '../html.ts';
import { imageSize } from '../plot/fields.ts';
import { inkOn, palette } from '../values/colors.ts';
import { formatNumber, statistics, valuesOf } from '../values/numbers.ts';
import { dataUri, encodePng, heatRaster, imageRaster, type Raster, svgImage } from '../values/png.ts';
import { pixelRange } from '../values/tensor.ts';
import { Picture } from './picture.ts';

export interface ImagesOptions {
  /** Images in a row; default: as many as fit. */
  cols?: number;
  titles?: readonly (string | number)[];
  /** Pixels of the longer side on the page. Default: at least 96, at most 256. */
  size?: number;
  /** Images shown at most. Default 64. */
  limit?: number;
  /** What normalised the images, a number for each channel, to be undone: `x * std + mean`. */
  mean?: readonly number[];
  std?: readonly number[];
}

const shapeText = (shape: readonly number[]): string => `(${shape.join(', ')})`;

/** One picture on the page, enlarged to whole multiples. */
function imageTag(raster: Raster, size: number): string {
  const longer = Math.max(raster.width, raster.height);
  const scale = longer >= size ? size / longer : Math.max(1, Math.floor(size / longer));
  return `<img src="${dataUri(encodePng(raster))}" width="${Math.round(raster.width * scale)}" height="${Math.round(raster.height * scale)}" alt="">`;
}

function grid(
  items: readonly { image: string; title?: string }[],
  cols: number | undefined,
  hidden: number,
): string {
  const cells = items
    .map(
      ({ image, title }) =>
        `<figure>${image}${title === undefined ? '' : `<figcaption>${escapeHtml(title)}</figcaption>`}</figure>`,
    )
    .join('');
  const style = cols ? `display:grid;grid-template-columns:repeat(${cols},max-content);gap:.6em` : '';
  return `<div class="row" style="${style}">${cells}</div>${hidden > 0 ? `<div class="dim">and ${hidden} more</div>` : ''}`;
}

/** Undoes a normalisation by channel. */
function denormalized(
  values: ArrayLike<number>,
  channels: number,
  plane: number,
  mean: readonly number[] | undefined,
  std: readonly number[] | undefined,
): ArrayLike<number> {
  if (!mean && !std) return values;
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const c = Math.floor(i / plane) % channels;
    out[i] = values[i] * (std?.[c] ?? 1) + (mean?.[c] ?? 0);
  }
  return out;
}

/**
 * Images side by side.
 *
 * @param input `(N, C, H, W)` with C = 1, 3 or 4, `(C, H, W)`, `(N, H, W)`, `(H, W)`, or a list of images; bytes, or numbers in [0, 1]; other
 * ranges are stretched over the whole batch.
 * @example show.images(batch, { cols: 8, titles: labels.toArray() })
 * Error: a tensor that is no image.
 */
export function images(input: Tensor | readonly Tensor[], options: ImagesOptions = {}): Picture {
  const { cols, titles, limit = 64, mean, std } = options;
  const batches = Array.isArray(input) ? (input as readonly Tensor[]) : [input as Tensor];
  const items: { image: string; title?: string }[] = [];
  let count = 0;
  for (const batch of batches) {
    const { shape } = batch;
    const isBatch = shape.length === 4 || (shape.length === 3 && ![1, 3, 4].includes(shape[0]));
    const dims: readonly [number, number, number] = isBatch
      ? shape.length === 4
        ? [shape[1], shape[2], shape[3]]
        : [1, shape[1], shape[2]]
      : imageSize('show.images', batch);
    if (![1, 3, 4].includes(dims[0]))
      throw new RangeError(
        `show.images: ${shapeText(shape)} has ${dims[0]} channels, images have 1, 3 or 4: use show.featureMaps for more`,
      );
    const [c, h, w] = dims;
    const values = denormalized(valuesOf(batch), c, h * w, mean, std);
    const range = pixelRange(batch.dtype, statistics(values));
    const size = options.size ?? Math.max(96, Math.min(256, Math.max(h, w)));
    const step = Math.max(1, Math.floor(Math.max(h, w) / (size * 2)));
    for (let i = 0; i < (isBatch ? shape[0] : 1); i++, count++) {
      if (count >= limit) continue;
      const title = titles?.[count];
      items.push({
        image: imageTag(imageRaster(values, i * c * h * w, dims, range, step), size),
        title: title === undefined ? undefined : String(title),
      });
    }
  }
  return new Picture(
    grid(items, cols, count - items.length),
    `${count} ${count === 1 ? 'image' : 'images'} ${batches.map(({ shape }) => shapeText(shape)).join(' ')}`,
  );
}

export interface MapsOptions {
  cols?: number;
  size?: number;
  limit?: number;
  titles?: readonly (string | number)[];
  /** One colour scale for all maps instead of one each. */
  shared?: boolean;
}

/**
 * What each channel of a layer's output sees.
 *
 * @param maps `(C, H, W)`, or `(1, C, H, W)`
 * @example show.featureMaps(conv1(x))
 */
export function featureMaps(
  maps: Tensor,
  { cols, size = 96, limit = 64, titles, shared = false }: MapsOptions = {},
): Picture {
  const shape = maps.ndim === 4 && maps.shape[0] === 1 ? maps.shape.slice(1) : maps.shape;
  if (shape.length !== 3)
    throw new RangeError(
      `show.featureMaps: expected (C, H, W), got ${shapeText(maps.shape)}: choose one image of the batch`,
    );
  const [channels, h, w] = shape;
  const values = valuesOf(maps) as Float32Array;
  const all = statistics(values);
  const items = Array.from({ length: Math.min(channels, limit) }, (_, c) => ({
    image: imageTag(
      heatRaster(
        values.subarray(c * h * w, (c + 1) * h * w),
        h,
        w,
        shared ? { min: all.min, max: all.max } : {},
      ),
      size,
    ),
    title: String(titles?.[c] ?? c),
  }));
  return new Picture(grid(items, cols, channels - items.length), `${channels} feature maps ${h} × ${w}`);
}

/**
 * The filters of a convolution. With 1 or 3 input channels each is one picture; else a row shows one filter, a column an input channel.
 *
 * @param weight `(O, I, kH, kW)`
 * @example show.filters(model.conv1.weight)
 */
export function filters(weight: Tensor, { cols, size = 56, limit = 64 }: MapsOptions = {}): Picture {
  if (weight.ndim !== 4)
    throw new RangeError(`show.filters: expected a weight (O, I, kH, kW), got ${shapeText(weight.shape)}`);
  const [outputs, inputs, h, w] = weight.shape;
  const values = valuesOf(weight) as Float32Array;
  const { min, max } = statistics(values);
  const bound = Math.max(Math.abs(min), Math.abs(max)) || 1;
  const plane = h * w;
  const text = `${outputs} filters ${inputs} × ${h} × ${w}, between ${formatNumber(min)} and ${formatNumber(max)}`;
  if (inputs === 3) {
    const items = Array.from({ length: Math.min(outputs, limit) }, (_, o) => ({
      image: imageTag(imageRaster(values, o * 3 * plane, [3, h, w], { low: -bound, high: bound }), size),
    }));
    return new Picture(grid(items, cols, outputs - items.length), text);
  }
  const columns = Math.min(inputs, 16);
  const rows = Math.min(outputs, Math.max(1, Math.floor((limit * (inputs === 1 ? 1 : 2)) / columns)));
  const items = Array.from({ length: rows * columns }, (_, i) => {
    const start = (Math.floor(i / columns) * inputs + (i % columns)) * plane;
    return {
      image: imageTag(
        heatRaster(values.subarray(start, start + plane), h, w, {
          map: 'diverging',
          min: -bound,
          max: bound,
        }),
        inputs === 1 ? size : 36,
      ),
    };
  });
  const hidden = outputs * inputs - items.length;
  return new Picture(grid(items, cols ?? (inputs === 1 ? undefined : columns), hidden), text);
}

export interface BoxesOptions {
  labels?: readonly (string | number)[];
  scores?: Tensor | readonly number[];
  /** One colour for each label, in order of appearance. */
  colors?: readonly string[];
  /** Pixels of the longer side on the page. Default 480. */
  size?: number;
  /** Boxes below this score are left out. Default 0. */
  threshold?: number;
}

/** An image under shapes drawn in its own pixel coordinates. */
export function overlay(image: Tensor, size: number, shapes: (scale: number) => string): string {
  const dims = imageSize('show', image);
  const values = valuesOf(image);
  const [, h, w] = dims;
  const raster = imageRaster(values, 0, dims, pixelRange(image.dtype, statistics(values)));
  const scale = size / Math.max(h, w);
  const width = Math.round(w * scale);
  const height = Math.round(h * scale);
  return svgImage(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${w} ${h}"><image href="${dataUri(encodePng(raster))}" width="${w}" height="${h}" style="image-rendering:${scale > 1.5 ? 'pixelated' : 'auto'}"/>${shapes(scale)}</svg>`,
    width,
    height,
  );
}

/**
 * Boxes over an image, with labels and scores.
 *
 * @param boxes `(N, 4)` as `[x1, y1, x2, y2]` in pixels
 * @example show.boxes(image, detections.boxes, { labels: names, scores: detections.scores, threshold: 0.5 })
 */
export function boxes(
  image: Tensor,
  boxes: Tensor | readonly (readonly number[])[],
  options: BoxesOptions = {},
): Picture {
  const { labels, scores, colors = palette, size = 480, threshold = 0 } = options;
  const flat = Array.isArray(boxes) ? (boxes as number[][]).flat() : Array.from(valuesOf(boxes as Tensor));
  const count = flat.length / 4;
  if (!Number.isInteger(count) || (!Array.isArray(boxes) && (boxes as Tensor).shape.at(-1) !== 4))
    throw new RangeError('show.boxes: boxes are rows [x1, y1, x2, y2]: a tensor (N, 4)');
  const scoreOf =
    scores === undefined
      ? null
      : Array.isArray(scores)
        ? (scores as number[])
        : Array.from(valuesOf(scores as Tensor));
  const kinds = [...new Set(labels ?? [])];
  let drawn = 0;
  const html = overlay(image, size, (scale) =>
    Array.from({ length: count }, (_, i) => {
      const score = scoreOf?.[i];
      if (score !== undefined && score < threshold) return '';
      drawn++;
      const [x1, y1, x2, y2] = flat.slice(i * 4, i * 4 + 4);
      const label = labels?.[i];
      const color = colors[(label === undefined ? 0 : kinds.indexOf(label)) % colors.length];
      const text = [label, score === undefined ? undefined : score.toFixed(2)]
        .filter((t) => t !== undefined)
        .join(' ');
      const font = 12 / scale;
      const tag =
        text === ''
          ? ''
          : `<rect x="${x1}" y="${Math.max(0, y1 - font * 1.3)}" width="${text.length * font * 0.6 + font * 0.5}" height="${font * 1.3}" fill="${escapeHtml(color)}"/><text x="${x1 + font * 0.25}" y="${Math.max(0, y1 - font * 1.3) + font}" font-size="${font}" font-family="monospace" fill="${inkOn(color)}">${escapeHtml(text)}</text>`;
      return `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="${escapeHtml(color)}" stroke-width="${2 / scale}"/>${tag}`;
    }).join(''),
  );
  return new Picture(html, `image ${shapeText(image.shape)} with ${drawn} boxes`);
}
