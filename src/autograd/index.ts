export { type BackwardOptions, backward, type GradOptions, grad } from './backward.ts';
export { type CheckpointOptions, checkpoint, checkpointWith } from './checkpoint.ts';
export { Function, FunctionContext } from './function.ts';
export {
  type FunctionalOptions,
  hessian,
  hvp,
  jacobian,
  jvp,
  type VmapOptions,
  vhp,
  vjp,
  vmap,
} from './functional.ts';
export { type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts';
export { type AutogradGraph, autogradGraph, type GraphEdge, type GraphNode } from './graph.ts';
export {
  detectAnomaly,
  enableGrad,
  inferenceMode,
  isGradEnabled,
  noGrad,
  setGradEnabled,
} from './mode.ts';
