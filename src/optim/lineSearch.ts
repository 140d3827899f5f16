/** A point on the line: how far along, the loss there, its gradient, and the slope along the line. */
interface Point {
  step: number;
  loss: number;
  gradient: Float64Array;
  slope: number;
}

interface WolfeOptions {
  /** The bracket is not made smaller than this, in the largest element of the parameters. */
  toleranceChange: number;
  /** Sufficient decrease. Default 1e-4. */
  c1?: number;
  /** Curvature. Default 0.9. */
  c2?: number;
  /** Trials. Default 25. */
  maxTrials?: number;
}

/** The minimum of the cubic through two points with their slopes, kept within bounds. */
function cubicMinimum(a: Point, b: Point, bounds?: readonly [number, number]): number {
  const [low, high] = bounds ?? (a.step <= b.step ? [a.step, b.step] : [b.step, a.step]);
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.step - b.step);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const minimum =
    a.step <= b.step
      ? b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
      : a.step - (a.step - b.step) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return Math.min(Math.max(minimum, low), high);
}

/**
 * Finds a step that satisfies the strong Wolfe conditions: brackets one by growing steps, then shrinks the bracket by cubic
 * interpolation. Source: Nocedal and Wright, algorithms 3.5 and 3.6; the safeguards are those of `torch.optim.LBFGS`.
 *
 * @param start the first trial step, and loss, gradient and slope at step 0.
 */
export function strongWolfe(
  evaluate: (step: number) => { loss: number; gradient: Float64Array },
  direction: Float64Array,
  start: Point,
  { toleranceChange, c1 = 1e-4, c2 = 0.9, maxTrials = 25 }: WolfeOptions,
): Point {
  const scale = direction.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const at = (step: number): Point => {
    const { loss, gradient } = evaluate(step);
    let slope = 0;
    for (let i = 0; i < gradient.length; i++) slope += gradient[i] * direction[i];
    return { step, loss, gradient, slope };
  };
  const decreases = (p: Point): boolean => p.loss <= start.loss + c1 * p.step * start.slope;
  const isFlat = (p: Point): boolean => Math.abs(p.slope) <= -c2 * start.slope;

  const origin: Point = { ...start, step: 0 };
  let previous = origin;
  let current = at(start.step);
  let bracket: Point[] = [];
  let trials = 0;
  for (; trials < maxTrials; trials++) {
    if (!decreases(current) || (trials > 1 && current.loss >= previous.loss)) {
      bracket = [previous, current];
      break;
    }
    if (isFlat(current)) return current;
    if (current.slope >= 0) {
      bracket = [previous, current];
      break;
    }
    const low = current.step + 0.01 * (current.step - previous.step);
    const next = at(cubicMinimum(previous, current, [low, current.step * 10]));
    previous = current;
    current = next;
  }
  if (bracket.length === 0) bracket = [origin, current];

  let [low, high] = bracket[0].loss <= bracket[1].loss ? bracket : [bracket[1], bracket[0]];
  let stalled = false;
  for (; trials < maxTrials; trials++) {
    const width = Math.abs(high.step - low.step);
    if (width * scale < toleranceChange) break;
    const [left, right] = low.step < high.step ? [low.step, high.step] : [high.step, low.step];
    let step = cubicMinimum(low, high);
    const margin = 0.1 * (right - left);
    if (Math.min(right - step, step - left) < margin) {
      if (stalled || step >= right || step <= left) {
        step = Math.abs(step - right) < Math.abs(step - left) ? right - margin : left + margin;
        stalled = false;
      } else stalled = true;
    } else stalled = false;
    const trial = at(step);
    if (!decreases(trial) || trial.loss >= low.loss) {
      high = trial;
      if (high.loss < low.loss) [low, high] = [high, low];
    } else {
      if (isFlat(trial)) return trial;
      if (trial.slope * (high.step - low.step) >= 0) high = low;
      low = trial;
    }
  }
  return low;
}
