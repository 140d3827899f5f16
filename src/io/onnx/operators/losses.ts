import type { Tensor } from '../../../tensor/tensor.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping } from '../mapping.ts';
import { castTo } from './elementwise.ts';
import { reduced } from './reduction.ts';

interface Indexed {
  target: Tensor;
  weight: Tensor | null;
  ignoreIndex: number;
  smoothing?: number;
}

/** log(1 + e^-x), which overflows nowhere. */
function softplusOfNegative(g: Graph, x: string, one: string): string {
  const small = g.node('Exp', [g.node('Neg', [g.node('Abs', [x])])]);
  return g.node('Add', [g.node('Log', [g.node('Add', [small, one])]), g.node('Relu', [g.node('Neg', [x])])]);
}

/** -Σ over the classes (dimension 1) of shares * log(softmax). */
const crossEntropyOf = (g: Graph, x: string, shares: string): string => {
  const terms = g.node('Mul', [g.node('LogSoftmax', [x], { axis: 1 }), shares]);
  return g.node('Neg', [reduced(g, 'ReduceSum', terms, [1], false)]);
};

/** The operator of ONNX for a loss of class indices; each class's share of smoothed targets is added. */
const ofIndices = (operator: string): Mapping =>
  mapping<Indexed>((g, { inputs: [x], tensors: [input], attrs, held }) => {
    const { target, weight, ignoreIndex, smoothing = 0 } = attrs;
    const labels = held(target);
    const given = weight ? [held(weight)] : [];
    const hard = g.node(operator, [x, labels, ...given], { reduction: 'none', ignore_index: ignoreIndex });
    if (smoothing === 0) return hard;
    const scalar = (value: number): string => g.scalar(value, input.dtype);
    const share = scalar(smoothing / input.shape[1]);
    const shares = weight
      ? g.node('Mul', [g.reshape(given[0], weight.shape, [weight.size, 1]), share])
      : share;
    const counts = g.node('Not', [g.node('Equal', [labels, g.scalar(ignoreIndex, 'int32')])]);
    const soft = g.node('Mul', [crossEntropyOf(g, x, shares), castTo(g, counts, input.dtype)]);
    return g.node('Add', [g.node('Mul', [hard, scalar(1 - smoothing)]), soft]);
  });

const classIndices = ofIndices('SoftmaxCrossEntropyLoss');

const classShares = mapping<{ weight: Tensor | null; smoothing: number }>(
  (g, { inputs: [x, target], tensors: [input], attrs: { weight, smoothing }, held }) => {
    const scalar = (value: number): string => g.scalar(value, input.dtype);
    let shares = target;
    if (smoothing !== 0)
      shares = g.node('Add', [
        g.node('Mul', [target, scalar(1 - smoothing)]),
        scalar(smoothing / input.shape[1]),
      ]);
    if (weight) shares = g.node('Mul', [shares, g.reshape(held(weight), weight.shape, [weight.size, 1])]);
    return crossEntropyOf(g, x, shares);
  },
);

export const losses: Record<string, Mapping> = {
  crossEntropy: (g, operation) => (operation.inputs[1] ? classShares : classIndices)(g, operation),
  nllLoss: ofIndices('NegativeLogLikelihoodLoss'),
  binaryCrossEntropy: mapping((g, { inputs: [x, t], tensors: [{ dtype }] }) => {
    const one = g.scalar(1, dtype);
    const logarithm = (of: string): string => g.node('Max', [g.node('Log', [of]), g.scalar(-100, dtype)]);
    const yes = g.node('Mul', [t, logarithm(x)]);
    const no = g.node('Mul', [g.node('Sub', [one, t]), logarithm(g.node('Sub', [one, x]))]);
    return g.node('Neg', [g.node('Add', [yes, no])]);
  }),
  binaryCrossEntropyWithLogits: mapping((g, { inputs: [x, t, posWeight], tensors: [{ dtype }] }) => {
    const one = g.scalar(1, dtype);
    let positive = softplusOfNegative(g, x, one);
    if (posWeight) {
      const factor = g.node('Add', [g.node('Mul', [g.node('Sub', [posWeight, one]), t]), one]);
      positive = g.node('Mul', [positive, factor]);
    }
    return g.node('Add', [g.node('Mul', [g.node('Sub', [one, t]), x]), positive]);
  }),
};
