/** Contrast of two colours after WCAG 2.2, from 1 to 21. */
export function contrast(a: readonly number[], b: readonly number[]): number {
  const luminance = (color: readonly number[]): number =>
    color
      .map((level) => (level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4))
      .reduce((sum, level, i) => sum + level * [0.2126, 0.7152, 0.0722][i], 0);
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
