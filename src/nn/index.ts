export * from './activations.ts';
export * from './attention.ts';
export {
  type Layer,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  Sequential,
} from './containers.ts';
export * from './convolution.ts';
export * from './dropout.ts';
export * from './embedding.ts';
export * as functional from './functional/index.ts';
export * as utils from './gradients.ts';
export type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardPreHook,
  HookHandle,
} from './hooks.ts';
export * as init from './init.ts';
export { Bilinear, Flatten, Identity, Linear, type LinearOptions, Unflatten } from './linear.ts';
export * from './losses.ts';
export { AnyModule, Module, type StateDict } from './module.ts';
export * from './normalization.ts';
export * from './padding.ts';
export { Buffer, Parameter } from './parameter.ts';
export * from './pooling.ts';
export * from './recurrent.ts';
export * from './resampling.ts';
export * from './transformer.ts';
