import { decode, encode } from 'fast-png';
import { expect, test } from 'vitest';
import { smallPng } from './smallPng.ts';

/** Pixels of a PNG as RGB, whether it has a palette or not. */
function pixelsOf(png: Uint8Array): number[][] {
  const { data, palette, channels, width, height } = decode(png);
  return Array.from({ length: width * height }, (_, i) =>
    palette ? palette[data[i]].slice(0, 3) : [...data.subarray(i * channels, i * channels + 3)],
  );
}

test('a picture with few colours stays exactly as it is', () => {
  const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => ((i * 7) % 5) * 50);
  const png = encode({ width: 64, height: 64, channels: 3, data });
  expect(pixelsOf(smallPng(png))).toEqual(pixelsOf(png));
});

test('a picture with many colours is smaller, and no pixel is far off', () => {
  const side = 200;
  const data = new Uint8Array(side * side * 4);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) data.set([x, y, (x + y) >> 1, 255], (y * side + x) * 4);
  const png = encode({ width: side, height: side, channels: 4, data });
  const small = smallPng(png);
  const [before, after] = [pixelsOf(png), pixelsOf(small)];
  const gaps = before.map((pixel, i) => Math.max(...pixel.map((level, c) => Math.abs(level - after[i][c]))));
  expect(Math.max(...gaps)).toBeLessThan(16);
  expect(new Set(after.map(String)).size).toBeLessThanOrEqual(256);
});
