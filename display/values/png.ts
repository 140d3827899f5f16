import { createRequire } from 'node:module';
import { type Colormap, colorTable } from './colors.ts';

/** Pixels, row by row, `channels` bytes each: 1 gray, 3 RGB, 4 RGBA. */
export interface Raster {
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  data: Uint8Array;
}

/** The package is loaded with the first picture, not with everything else at the start. */
const fastPng = () => createRequire(import.meta.url)('fast-png') as typeof import('fast-png');

export const encodePng = ({ width, height, channels, data }: Raster): Uint8Array =>
  fastPng().encode({ width, height, channels, depth: 8, data }, { zlib: { level: 6 } });

export const dataUri = (bytes: Uint8Array, mime = 'image/png'): string =>
  `data:${mime};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`;

/** An SVG document as an image element. */
export const svgImage = (svg: string, width: number, height: number): string =>
  `<img src="${dataUri(Buffer.from(svg), 'image/svg+xml')}" width="${width}" height="${height}" alt="">`;

export interface HeatOptions {
  /** The values of the first and last colour. Default: the least and the greatest value. */
  min?: number;
  max?: number;
  map?: Colormap;
  /** At most so many pixels a side; larger ones are averaged in blocks. Default 256. */
  limit?: number;
}

/** A picture of a matrix, one pixel an element; not-a-number is transparent. */
export function heatRaster(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  { min, max, map = 'viridis', limit = 256 }: HeatOptions = {},
): Raster {
  const block = Math.max(1, Math.ceil(rows / limit), Math.ceil(columns / limit));
  const height = Math.ceil(rows / block);
  const width = Math.ceil(columns / block);
  const means = new Float64Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      let count = 0;
      for (let i = y * block; i < Math.min(rows, (y + 1) * block); i++)
        for (let j = x * block; j < Math.min(columns, (x + 1) * block); j++) {
          sum += values[i * columns + j];
          count++;
        }
      means[y * width + x] = sum / count;
    }
  let low = min ?? Number.POSITIVE_INFINITY;
  let high = max ?? Number.NEGATIVE_INFINITY;
  if (min === undefined) for (const m of means) if (m < low) low = m;
  if (max === undefined) for (const m of means) if (m > high) high = m;
  const scale = high > low ? 255 / (high - low) : 0;
  const table = colorTable(map);
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < means.length; i++) {
    const m = means[i];
    if (Number.isNaN(m)) continue;
    const color = Math.max(0, Math.min(255, Math.round((m - low) * scale))) * 3;
    data[i * 4] = table[color];
    data[i * 4 + 1] = table[color + 1];
    data[i * 4 + 2] = table[color + 2];
    data[i * 4 + 3] = 255;
  }
  return { width, height, channels: 4, data };
}

/** How `(C, H, W)` numbers become pixel bytes: those within [0, 1] as they are, bytes as they are, others stretched to their range. */
export interface Range {
  low: number;
  high: number;
}

/**
 * Pixels of one image of shape `(C, H, W)` with C = 1, 3 or 4, beginning at `start` of `values`; every `step`-th pixel.
 */
export function imageRaster(
  values: ArrayLike<number>,
  start: number,
  [channels, rows, columns]: readonly [number, number, number],
  { low, high }: Range,
  step = 1,
): Raster {
  const height = Math.ceil(rows / step);
  const width = Math.ceil(columns / step);
  const data = new Uint8Array(height * width * channels);
  const scale = high > low ? 255 / (high - low) : 255;
  const plane = rows * columns;
  let place = 0;
  for (let y = 0; y < rows; y += step)
    for (let x = 0; x < columns; x += step)
      for (let c = 0; c < channels; c++) {
        const value = (values[start + c * plane + y * columns + x] - low) * scale;
        data[place++] = Number.isNaN(value) ? 0 : Math.max(0, Math.min(255, Math.round(value)));
      }
  return { width, height, channels: channels as 1 | 3 | 4, data };
}
