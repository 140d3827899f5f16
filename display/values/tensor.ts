import { Tensor } from '../../src/index.ts';
import type { MimeBundle } from '../host.ts';
import { escapeHtml, page } from '../html.ts';
import { register } from '../registry.ts';
import { palette } from './colors.ts';
import { formatBytes, formatNumber, type Statistics, statistics, valuesOf } from './numbers.ts';
import { dataUri, encodePng, heatRaster, imageRaster, svgImage } from './png.ts';

const shapeText = (shape: readonly number[]): string =>
  `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;

/** Characters of a tensor's text, which goes twice: as text and in the HTML. */
const longest = 12_000;

/** What a tensor prints, or, where even that would be long, its first characters. */
function printed(input: Tensor): string {
  const text = String(input);
  return text.length > longest ? `${text.slice(0, longest)}\n...` : text;
}

/** At most `points` pairs of least and greatest values: a curve that looks as the whole one. */
function envelope(values: ArrayLike<number>, points: number): { x: number; y: number }[] {
  if (values.length <= points * 2) return Array.from(values, (y, x) => ({ x, y }));
  const size = values.length / points;
  return Array.from({ length: points }, (_, i) => {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let j = Math.floor(i * size); j < Math.floor((i + 1) * size); j++) {
      if (values[j] < low) low = values[j];
      if (values[j] > high) high = values[j];
    }
    return [
      { x: i * size, y: low },
      { x: (i + 0.5) * size, y: high },
    ];
  }).flat();
}

/** A small curve, in a colour that reads on white and on black: an image, because pages that do not trust a notebook drop SVG elements. */
export function sparkline(values: ArrayLike<number>, width = 320, height = 48): string {
  const points = envelope(values, width).filter(({ y }) => Number.isFinite(y));
  if (points.length < 2) return '';
  const low = points.reduce((m, { y }) => Math.min(m, y), Number.POSITIVE_INFINITY);
  const high = points.reduce((m, { y }) => Math.max(m, y), Number.NEGATIVE_INFINITY);
  const sx = (width - 4) / Math.max(1, values.length - 1);
  const sy = high > low ? (height - 4) / (high - low) : 0;
  const path = points
    .map(
      ({ x, y }) =>
        `${(2 + x * sx).toFixed(1)},${(high > low ? 2 + (high - y) * sy : height / 2).toFixed(1)}`,
    )
    .join(' ');
  const zero =
    low < 0 && high > 0
      ? `<line x1="0" x2="${width}" y1="${(2 + high * sy).toFixed(1)}" y2="${(2 + high * sy).toFixed(1)}" stroke="#808080" stroke-dasharray="3 3" stroke-width=".7"/>`
      : '';
  return svgImage(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${zero}<polyline points="${path}" fill="none" stroke="${palette[0]}" stroke-width="1.4" stroke-linejoin="round"/></svg>`,
    width,
    height,
  );
}

/** The range that pixel values are meant in: bytes, [0, 1], or their own. */
export function pixelRange(
  dtype: string,
  { min, max }: Pick<Statistics, 'min' | 'max'>,
): { low: number; high: number } {
  if (dtype === 'uint8') return { low: 0, high: 255 };
  if (min >= 0 && max <= 1) return { low: 0, high: 1 };
  return { low: min, high: max };
}

/** `(C, H, W)` or `(N, C, H, W)` with one, three or four channels and sides that make a picture. */
function asImages({ shape }: Tensor): { count: number; size: readonly [number, number, number] } | null {
  if (shape.length !== 3 && shape.length !== 4) return null;
  const [c, h, w] = shape.slice(-3);
  if (![1, 3, 4].includes(c) || h < 8 || w < 8 || h > w * 20 || w > h * 20) return null;
  return { count: shape.length === 4 ? shape[0] : 1, size: [c, h, w] };
}

/** Characters that the thumbnails of a tensor may take together. */
const heaviest = 70_000;

const imageTag = (png: Uint8Array, width: number, height: number, scale: number): string =>
  `<img src="${dataUri(png)}" width="${width * scale}" height="${height * scale}" alt="">`;

function pictureOf(input: Tensor, values: ArrayLike<number>, stats: Statistics): string {
  const { shape, size } = input;
  if (size < 2) return '';
  if (shape.length === 1) return sparkline(values);
  if (shape.length === 2) {
    const [rows, columns] = shape;
    if (rows < 2 || columns < 2) return sparkline(values);
    const signed = stats.min < 0 && stats.max > 0;
    const bound = Math.max(-stats.min, stats.max);
    const raster = heatRaster(
      values,
      rows,
      columns,
      signed ? { map: 'diverging', min: -bound, max: bound, limit: 120 } : { limit: 120 },
    );
    const scale = Math.max(1, Math.min(16, Math.floor(240 / Math.max(raster.width, raster.height))));
    return imageTag(encodePng(raster), raster.width, raster.height, scale);
  }
  const images = asImages(input);
  if (!images) return '';
  const [c, h, w] = images.size;
  const shown = Math.min(images.count, 8);
  const step = Math.max(1, Math.ceil(Math.max(h, w) / 96));
  const range = pixelRange(input.dtype, stats);
  const tags: string[] = [];
  let weight = 0;
  for (let i = 0; i < shown && (i === 0 || weight < heaviest); i++) {
    const raster = imageRaster(values, i * c * h * w, images.size, range, step);
    const scale = Math.max(1, Math.floor(96 / Math.max(raster.width, raster.height)));
    const tag = imageTag(encodePng(raster), raster.width, raster.height, scale);
    weight += tag.length;
    if (i === 0 || weight < heaviest) tags.push(tag);
  }
  if (images.count > tags.length)
    tags.push(`<span class="dim">and ${images.count - tags.length} more</span>`);
  return tags.join('');
}

/** `min -1.2, max 3.4, mean 0.1, std 1` */
export function statisticsText({ min, max, mean, std, nan, infinite, sampled }: Statistics): string {
  const about = sampled ? '≈' : '';
  const parts = [
    `min ${about}${formatNumber(min)}`,
    `max ${about}${formatNumber(max)}`,
    `mean ${about}${formatNumber(mean)}`,
    `std ${about}${formatNumber(std)}`,
  ];
  if (nan > 0) parts.push(`${about}${nan} nan`);
  if (infinite > 0) parts.push(`${about}${infinite} inf`);
  return parts.join(', ');
}

function tensorBundle(input: Tensor): MimeBundle {
  if (input.storage.isReleased)
    return { 'text/plain': `Tensor ${shapeText(input.shape)} ${input.dtype}, disposed` };
  const text = printed(input);
  if (input.ndim === 0 || input.size === 0) return { 'text/plain': text };
  const values = valuesOf(input);
  const stats = statistics(values);
  const history = input.gradFn ? input.gradFn.name : input.requiresGrad ? 'requires grad' : '';
  const picture = pictureOf(input, values, stats);
  const head = [
    `<span class="tag">${shapeText(input.shape)}</span>`,
    `<span class="tag">${input.dtype}</span>`,
    ...(history ? [`<span class="tag">${escapeHtml(history)}</span>`] : []),
    `<span class="dim">${formatBytes(input.size * input.elements.BYTES_PER_ELEMENT)}</span>`,
  ].join(' ');
  const facts =
    input.dtype === 'bool' ? `${Math.round(stats.mean * 1000) / 10} % true` : statisticsText(stats);
  const open = text.length < 1500 ? ' open' : '';
  return {
    'text/html': page(
      `<div>${head}</div><div class="dim">${escapeHtml(facts)}</div>${picture ? `<div class="row">${picture}</div>` : ''}<details${open}><summary class="dim">values</summary><pre>${escapeHtml(text)}</pre></details>`,
    ),
    'text/plain': text,
  };
}

register(Tensor, tensorBundle);
