import { decode, encode } from 'fast-png';

/** A box of the colour cube: which colours it holds, and how many pixels they have. */
interface Box {
  colors: number[];
  pixels: number;
}

const channels = [16, 8, 0] as const;

/** The channel in which the colours of a box lie furthest apart, and how far. */
function widest(colors: readonly number[]): { shift: number; extent: number } {
  let best = { shift: 0, extent: -1 };
  for (const shift of channels) {
    let low = 255;
    let high = 0;
    for (const color of colors) {
      const level = (color >> shift) & 255;
      if (level < low) low = level;
      if (level > high) high = level;
    }
    if (high - low > best.extent) best = { shift, extent: high - low };
  }
  return best;
}

/** Halves a box where half of its pixels lie on either side. */
function halves({ colors, pixels }: Box, counts: ReadonlyMap<number, number>): [Box, Box] {
  const { shift } = widest(colors);
  colors.sort((a, b) => ((a >> shift) & 255) - ((b >> shift) & 255));
  let cut = 0;
  let sum = 0;
  do sum += counts.get(colors[cut++])!;
  while (cut < colors.length - 1 && sum + counts.get(colors[cut])! <= pixels / 2);
  return [
    { colors: colors.slice(0, cut), pixels: sum },
    { colors: colors.slice(cut), pixels: pixels - sum },
  ];
}

/** At most 256 colours that stand for all, and which one stands for each (median cut). */
function paletteOf(counts: ReadonlyMap<number, number>): {
  palette: number[][];
  indexOf: Map<number, number>;
} {
  let total = 0;
  for (const count of counts.values()) total += count;
  const boxes: Box[] = [{ colors: [...counts.keys()], pixels: total }];
  // Wide boxes first, whatever their pixels: a thin line's colour counts as much as the paper's.
  const weight = ({ colors, pixels }: Box): number =>
    colors.length < 2 ? -1 : widest(colors).extent * Math.sqrt(pixels);
  const weights = [weight(boxes[0])];
  while (boxes.length < 256) {
    const at = weights.indexOf(Math.max(...weights));
    if (weights[at] < 0) break;
    const [first, second] = halves(boxes[at], counts);
    boxes[at] = first;
    weights[at] = weight(first);
    boxes.push(second);
    weights.push(weight(second));
  }
  const indexOf = new Map<number, number>();
  const palette = boxes.map(({ colors, pixels }, index) => {
    for (const color of colors) indexOf.set(color, index);
    return channels.map((shift) =>
      Math.round(
        colors.reduce((sum, color) => sum + ((color >> shift) & 255) * counts.get(color)!, 0) / pixels,
      ),
    );
  });
  return { palette, indexOf };
}

/** The picture of a PNG with at most 256 colours, which is a third of the size; exactly the same where it has no more. */
export function smallPng(png: Uint8Array): Uint8Array {
  const { data, width, height, channels: depth } = decode(png);
  const colors = new Int32Array(width * height);
  const counts = new Map<number, number>();
  for (let i = 0; i < colors.length; i++) {
    const at = i * depth;
    const color = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    colors[i] = color;
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const { palette, indexOf } = paletteOf(counts);
  const indices = Uint8Array.from(colors, (color) => indexOf.get(color)!);
  return encode({ width, height, data: indices, channels: 1, depth: 8, palette }, { zlib: { level: 9 } });
}
