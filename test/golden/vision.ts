import { type Tensor, vision } from '../../src/index.ts';
import { type GoldenTensor, isGoldenTensor } from './cases.ts';
import {
  convert,
  difference,
  type GoldenOptions,
  type Making,
  tolerances,
  type Values,
  type Verdict,
  valuesOf,
} from './operators.ts';

/** One call of a detection operator of torchvision, and what came of it. */
export interface VisionCase {
  op: string;
  inputs: unknown[];
  kwargs: Record<string, unknown>;
  out: GoldenTensor | GoldenTensor[];
}

type Options = Record<string, never>;

const operators: Record<string, (inputs: never[], k: Options, options: Making) => Tensor | Tensor[]> = {
  nms: ([boxes, scores], k) => vision.nms(boxes, scores, k.iouThreshold),
  batchedNms: ([boxes, scores, classes], k) => vision.batchedNms(boxes, scores, classes, k.iouThreshold),
  boxIou: ([a, b]) => vision.boxIou(a, b),
  generalizedBoxIou: ([a, b]) => vision.generalizedBoxIou(a, b),
  distanceBoxIou: ([a, b]) => vision.distanceBoxIou(a, b),
  completeBoxIou: ([a, b]) => vision.completeBoxIou(a, b),
  generalizedBoxIouLoss: ([a, b], k) => vision.generalizedBoxIouLoss(a, b, k),
  distanceBoxIouLoss: ([a, b], k) => vision.distanceBoxIouLoss(a, b, k),
  completeBoxIouLoss: ([a, b], k) => vision.completeBoxIouLoss(a, b, k),
  boxArea: ([a]) => vision.boxArea(a),
  clipBoxesToImage: ([a], k) => vision.clipBoxesToImage(a, k.size),
  sigmoidFocalLoss: ([x, t], k) => vision.sigmoidFocalLoss(x, t, k),
  removeSmallBoxes: ([a], k) => vision.removeSmallBoxes(a, k.minSize),
  boxConvert: ([a], k) => vision.boxConvert(a, k.inFmt, k.outFmt),
  roiAlign: ([x, rois], k) => vision.roiAlign(x, rois, k.outputSize, k),
  'BoxCoder.encode': ([a, b], k) => new vision.BoxCoder(k.weights).encode(a, b),
  'BoxCoder.decode': ([a, b], k) => new vision.BoxCoder(k.weights).decode(a, b),
  Matcher: ([quality], k) =>
    new vision.Matcher(k as unknown as ConstructorParameters<typeof vision.Matcher>[0]).match(quality),
  AnchorGenerator: (inputs, k) =>
    new vision.AnchorGenerator(k.sizes, k.aspectRatios).generate(k.imageSize, inputs),
  DefaultBoxGenerator: (inputs, k) =>
    new vision.DefaultBoxGenerator(k.aspectRatios).generate(k.imageSize, inputs),
  FeaturePyramidNetwork: ([maps], k, options) => {
    const extra = k.lastLevelMaxPool ? new vision.LastLevelMaxPool() : null;
    const pyramid = new vision.FeaturePyramidNetwork(k.inChannels, k.outChannels, extra).to(options.dtype);
    pyramid.loadStateDict(
      Object.fromEntries(
        Object.entries(k.state).map(([name, value]) => [
          name,
          convert(value, { ...options, noncontiguous: false }, []) as Tensor,
        ]),
      ),
    );
    const names: readonly string[] = k.names;
    const results = pyramid(Object.fromEntries((maps as Tensor[]).map((map, i) => [names[i], map])));
    if (Object.keys(results).join() !== names.join())
      throw new Error(`levels ${Object.keys(results)} instead of ${names}`);
    return Object.values(results);
  },
};

/** What torchvision computes in float32, whatever its inputs are. */
const single = new Set(['AnchorGenerator', 'DefaultBoxGenerator']);

/** Sums of products over channels and windows, which engines add in their own order: four times the tolerance in float32. */
const longReduction = new Set(['FeaturePyramidNetwork', 'roiAlign']);

/** Runs one case of a detection operator and compares what comes out. */
export function runVision(golden: VisionCase, options: GoldenOptions): Verdict {
  const run = operators[golden.op];
  if (!run) return { status: 'skipped', reason: `${golden.op} is not an operation here` };
  const evaluate = (making: Making): Values[] =>
    [
      run(
        golden.inputs.map((input) => convert(input, making, [])) as never[],
        golden.kwargs as Options,
        making,
      ),
    ]
      .flat()
      .map(valuesOf);
  let ours: Values[];
  let rounded: Values[] | null = null;
  try {
    ours = evaluate(options);
    if (options.dtype === 'float32') rounded = evaluate({ ...options, dtype: 'float64', rounded: true });
  } catch (error) {
    return { status: 'failed', reason: (error as Error).message };
  }
  const [relative, absolute] = tolerances[single.has(golden.op) ? 'float32' : options.dtype];
  const factor = options.dtype === 'float32' && longReduction.has(golden.op) ? 4 : 1;
  const wanted = [golden.out].flat().filter(isGoldenTensor);
  if (ours.length !== wanted.length)
    return { status: 'failed', reason: `${ours.length} outputs instead of ${wanted.length}` };
  for (const [i, output] of ours.entries()) {
    const wrong = difference(output, wanted[i], [relative * factor, absolute * factor], rounded?.[i] ?? null);
    if (wrong) return { status: 'failed', reason: `output ${i}: ${wrong}` };
  }
  return { status: 'passed' };
}
