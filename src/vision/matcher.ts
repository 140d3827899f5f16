import { tensor } from '../tensor/creation.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface MatcherOptions {
  /** A candidate with at least this quality is matched. */
  highThreshold: number;
  /** A candidate below it is background; between the two it is ignored. */
  lowThreshold: number;
  /** Gives every ground truth its best candidates, whatever their quality. Default false. */
  allowLowQualityMatches?: boolean;
}

/**
 * Assigns ground truths to candidates (anchors) by quality (IoU).
 *
 * Source: `torchvision.models.detection._utils.Matcher`.
 */
export class Matcher {
  /** What stands for background in the result. */
  static readonly belowLowThreshold = -1;
  /** What stands for "ignore" in the result. */
  static readonly betweenThresholds = -2;
  readonly highThreshold: number;
  readonly lowThreshold: number;
  readonly allowLowQualityMatches: boolean;

  constructor({ highThreshold, lowThreshold, allowLowQualityMatches = false }: MatcherOptions) {
    if (lowThreshold > highThreshold)
      throw new RangeError(`Matcher: lowThreshold ${lowThreshold} is above highThreshold ${highThreshold}`);
    this.highThreshold = highThreshold;
    this.lowThreshold = lowThreshold;
    this.allowLowQualityMatches = allowLowQualityMatches;
  }

  /**
   * @param quality `(M, N)`: of each ground truth with each candidate.
   * @returns `(N,)` int32: the ground truth of each candidate, -1 for background, -2 for ignored.
   */
  match(quality: Tensor): Tensor {
    if (quality.ndim !== 2 || quality.size === 0)
      throw new RangeError(
        `Matcher: the quality matrix ${formatShape(quality.shape)} must be (M, N) with at least one of each`,
      );
    const rows = quality.toArray() as number[][];
    const [truths, candidates] = quality.shape;
    const best = new Int32Array(candidates);
    for (let n = 0; n < candidates; n++)
      for (let m = 1; m < truths; m++) if (rows[m][n] > rows[best[n]][n]) best[n] = m;
    const matches = best.map((m, n) =>
      rows[m][n] < this.lowThreshold
        ? Matcher.belowLowThreshold
        : rows[m][n] < this.highThreshold
          ? Matcher.betweenThresholds
          : m,
    );
    if (this.allowLowQualityMatches)
      for (const row of rows) {
        const top = row.reduce((a, b) => Math.max(a, b));
        for (let n = 0; n < candidates; n++) if (row[n] === top) matches[n] = best[n];
      }
    return tensor(matches);
  }
}
