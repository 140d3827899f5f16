import { type Mapping, mapping } from '../mapping.ts';

const product: Mapping = mapping((g, { inputs }) => g.node('MatMul', inputs));

export const products: Record<string, Mapping> = {
  mm: product,
  bmm: product,
  linear: mapping((g, { inputs }) => g.node('Gemm', inputs[2] ? inputs : inputs.slice(0, 2), { transB: 1 })),
};
