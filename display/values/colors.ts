type Rgb = readonly [number, number, number];

/** Viridis as polynomials of degree six in each channel, fitted by Matt Zucker (public domain). */
const viridisTerms: readonly Rgb[] = [
  [0.2777273272234177, 0.005407344544966578, 0.3340998053353061],
  [0.1050930431085774, 1.404613529898575, 1.384590162594685],
  [-0.3308618287255563, 0.214847559468213, 0.09509516302823659],
  [-4.634230498983486, -5.799100973351585, -19.33244095627987],
  [6.228269936347081, 14.17993336680509, 56.69055260068105],
  [4.776384997670288, -13.74514537774601, -65.35303263337234],
  [-5.435455855934631, 4.645852612178535, 26.3124352495832],
];

/** ColorBrewer's RdBu, from blue to red. */
const blueToRed: readonly Rgb[] = [
  [33, 102, 172],
  [103, 169, 207],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [239, 138, 98],
  [178, 24, 43],
];

/** The same for plotly.js. */
export const divergingScale: readonly (readonly [place: number, color: string])[] = blueToRed.map(
  (color, i) => [i / (blueToRed.length - 1), `rgb(${color})`],
);

/** For thin lines, which have to be seen on white and on black: no end is as dark or as pale as the page. */
export const lineScale: readonly (readonly [place: number, color: string])[] = [
  [0, '#5a7fd0'],
  [0.5, '#2aa889'],
  [1, '#e39a24'],
];

const clampByte = (x: number): number => Math.max(0, Math.min(255, Math.round(x)));

/** From dark blue (0) over green to yellow (1): for quantities. */
export function viridis(t: number): Rgb {
  const channel = (c: number): number =>
    clampByte(255 * viridisTerms.reduceRight((sum, term) => sum * t + term[c], 0));
  return [channel(0), channel(1), channel(2)];
}

/** From blue (0) over white (0.5) to red (1): for signed quantities. */
export function diverging(t: number): Rgb {
  const at = Math.max(0, Math.min(1, t)) * (blueToRed.length - 1);
  const low = Math.min(Math.floor(at), blueToRed.length - 2);
  const mix = (c: number): number =>
    clampByte(blueToRed[low][c] + (at - low) * (blueToRed[low + 1][c] - blueToRed[low][c]));
  return [mix(0), mix(1), mix(2)];
}

export const gray = (t: number): Rgb => {
  const level = clampByte(255 * t);
  return [level, level, level];
};

export type Colormap = 'viridis' | 'diverging' | 'gray';
const maps: Record<Colormap, (t: number) => Rgb> = { viridis, diverging, gray };

const tables = new Map<Colormap, Uint8Array>();

/** 256 colours, three bytes each. */
export function colorTable(name: Colormap): Uint8Array {
  const known = tables.get(name);
  if (known) return known;
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) table.set(maps[name](i / 255), i * 3);
  tables.set(name, table);
  return table;
}

/** Colours that tell categories apart on white and on black. */
export const palette = [
  '#4c8dd6',
  '#ee854a',
  '#4fae5b',
  '#d65f5f',
  '#9b7fd1',
  '#b08968',
  '#dc7ec0',
  '#8c8c8c',
  '#c4b13a',
  '#4fb8c9',
] as const;

/** Black or white, whichever is easier to read on a colour: `[r, g, b]`, or `#rrggbb`; white on a colour in words. */
export function inkOn(color: Rgb | string): '#111' | '#fff' {
  const levels =
    typeof color !== 'string'
      ? color
      : /^#[0-9a-f]{6}$/i.test(color)
        ? [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
        : [0, 0, 0];
  const [red, green, blue] = levels.map((level) => (level / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? '#111' : '#fff';
}
