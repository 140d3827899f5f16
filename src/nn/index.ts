export {
  type Layer,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  Sequential,
} from './containers.ts';
export {
  AnyModule,
  type BackwardHook,
  type BackwardPreHook,
  type ForwardHook,
  type ForwardPreHook,
  type HookHandle,
  Module,
  type StateDict,
} from './module.ts';
export { Buffer, Parameter } from './parameter.ts';
