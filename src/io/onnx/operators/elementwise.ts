import type { DType } from '../../../tensor/dtype.ts';
import { isFloating } from '../../../tensor/dtype.ts';
import type { Graph } from '../graph.ts';
import { type Mapping, mapping, type Operation } from '../mapping.ts';
import { elementTypes } from '../model.ts';

/** Primitives that are one operator of ONNX. */
const direct: Record<string, string> = {
  ...{ abs: 'Abs', sign: 'Sign', sgn: 'Sign', exp: 'Exp', log: 'Log', sqrt: 'Sqrt', neg: 'Neg' },
  ...{ sin: 'Sin', cos: 'Cos', tan: 'Tan', asin: 'Asin', acos: 'Acos', atan: 'Atan' },
  ...{ sinh: 'Sinh', cosh: 'Cosh', tanh: 'Tanh', asinh: 'Asinh', acosh: 'Acosh', atanh: 'Atanh' },
  ...{ sigmoid: 'Sigmoid', relu: 'Relu', erf: 'Erf', reciprocal: 'Reciprocal' },
  ...{ floor: 'Floor', ceil: 'Ceil', isnan: 'IsNaN', isinf: 'IsInf' },
  ...{ sub: 'Sub', div: 'Div', pow: 'Pow', maximum: 'Max', minimum: 'Min' },
  ...{ eq: 'Equal', lt: 'Less', le: 'LessOrEqual', gt: 'Greater', ge: 'GreaterOrEqual' },
  where: 'Where',
};

/** Formulas; `c` makes a number of the input's dtype. */
type Formula = (g: Graph, x: string, c: (value: number) => string) => string;

const formulas: Record<string, Formula> = {
  rsqrt: (g, x) => g.node('Reciprocal', [g.node('Sqrt', [x])]),
  square: (g, x) => g.node('Mul', [x, x]),
  exp2: (g, x, c) => g.node('Pow', [c(2), x]),
  expm1: (g, x, c) => g.node('Sub', [g.node('Exp', [x]), c(1)]),
  log1p: (g, x, c) => g.node('Log', [g.node('Add', [x, c(1)])]),
  log2: (g, x, c) => g.node('Mul', [g.node('Log', [x]), c(Math.LOG2E)]),
  log10: (g, x, c) => g.node('Mul', [g.node('Log', [x]), c(Math.LOG10E)]),
  erfc: (g, x, c) => g.node('Sub', [c(1), g.node('Erf', [x])]),
  deg2rad: (g, x, c) => g.node('Mul', [x, c(Math.PI / 180)]),
  rad2deg: (g, x, c) => g.node('Mul', [x, c(180 / Math.PI)]),
  trunc: (g, x) => truncated(g, x),
  frac: (g, x) => g.node('Sub', [x, truncated(g, x)]),
  plainLogit: (g, x, c) => g.node('Log', [g.node('Div', [x, g.node('Sub', [c(1), x])])]),
  gelu: (g, x, c) => {
    const erf = g.node('Erf', [g.node('Mul', [x, c(Math.SQRT1_2)])]);
    return g.node('Mul', [g.node('Mul', [x, c(0.5)]), g.node('Add', [erf, c(1)])]);
  },
};

const truncated = (g: Graph, x: string): string =>
  g.node('Mul', [g.node('Sign', [x]), g.node('Floor', [g.node('Abs', [x])])]);

export const castTo = (g: Graph, x: string, type: keyof typeof elementTypes): string =>
  g.node('Cast', [x], { to: elementTypes[type] });

const truth = (g: Graph, x: string, dtype: DType): string => (dtype === 'bool' ? x : castTo(g, x, 'bool'));

const logical =
  (operator: string): Mapping =>
  (g, { inputs, tensors }: Operation) =>
    g.node(
      operator,
      inputs.map((input, i) => truth(g, input, tensors[i].dtype)),
    );

const arithmetic = (operator: string, ofTruth: string): Mapping =>
  mapping((g, { inputs, tensors: [{ dtype }] }) => g.node(dtype === 'bool' ? ofTruth : operator, inputs));

/** x - floor(x / y) y for floating numbers: the sign of the divisor. */
const remainder = mapping((g, { inputs: [x, y], tensors: [{ dtype }] }) => {
  if (!isFloating(dtype)) return g.node('Mod', [x, y]);
  return g.node('Sub', [x, g.node('Mul', [g.node('Floor', [g.node('Div', [x, y])]), y])]);
});

const quotient = (round: (g: Graph, x: string) => string): Mapping =>
  mapping((g, { inputs, tensors: [{ dtype }] }) => {
    if (isFloating(dtype)) return round(g, g.node('Div', inputs));
    const [x, y] = inputs.map((input) => castTo(g, input, 'float64'));
    return castTo(g, round(g, g.node('Div', [x, y])), dtype);
  });

/** ONNX compares no booleans but for equality, and knows no arithmetic of them. */
const comparable = (operator: string): Mapping =>
  mapping((g, { inputs, tensors: [{ dtype }] }) =>
    g.node(
      operator,
      dtype === 'bool' && operator !== 'Equal' ? inputs.map((x) => castTo(g, x, 'int32')) : inputs,
    ),
  );

export const elementwise: Record<string, Mapping> = {
  ...Object.fromEntries(
    Object.entries(direct).map(([name, operator]): [string, Mapping] => [
      name,
      operator.match(/Less|Greater|Equal/)
        ? comparable(operator)
        : (g, { inputs }) => g.node(operator, inputs),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(formulas).map(([name, formula]): [string, Mapping] => [
      name,
      mapping((g, { inputs: [x], outputs: [out] }) => formula(g, x, (value) => g.scalar(value, out.dtype))),
    ]),
  ),
  ne: mapping((g, { inputs }) => g.node('Not', [g.node('Equal', inputs)])),
  logicalNot: mapping((g, { inputs: [x], tensors: [{ dtype }] }) => g.node('Not', [truth(g, x, dtype)])),
  logicalAnd: logical('And'),
  logicalOr: logical('Or'),
  logicalXor: logical('Xor'),
  isfinite: mapping((g, { inputs: [x] }) =>
    g.node('Not', [g.node('Or', [g.node('IsNaN', [x]), g.node('IsInf', [x])])]),
  ),
  // Sums and products of truth values.
  add: arithmetic('Add', 'Or'),
  mul: arithmetic('Mul', 'And'),
  remainder,
  fmod: mapping((g, { inputs }) => g.node('Mod', inputs, { fmod: 1 })),
  floorDivide: quotient((g, x) => g.node('Floor', [x])),
  truncDivide: quotient(truncated),
  round: mapping<{ decimals: number }>((g, { inputs: [x], attrs: { decimals }, outputs: [{ dtype }] }) => {
    if (decimals === 0) return g.node('Round', [x]);
    const scale = g.scalar(10 ** decimals, dtype);
    return g.node('Div', [g.node('Round', [g.node('Mul', [x, scale])]), scale]);
  }),
  to: mapping<{ to: DType }>((g, { inputs: [x], attrs: { to } }) => castTo(g, x, to)),
  clone: mapping((_g, { inputs: [x] }) => x),
  identity: mapping((_g, { inputs: [x] }) => x),
};
