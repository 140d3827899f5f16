export { Adadelta, type AdadeltaOptions, Adagrad, type AdagradOptions } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export {
  Adamax,
  type AdamaxOptions,
  NAdam,
  type NAdamOptions,
  RAdam,
  type RAdamOptions,
} from './adamVariants.ts';
export { ASGD, type ASGDOptions } from './asgd.ts';
export { EarlyStopping, type EarlyStoppingOptions } from './earlyStopping.ts';
export { EMA, type EMAOptions } from './ema.ts';
export { LBFGS, type LBFGSOptions } from './lbfgs.ts';
export { Lion, type LionOptions } from './lion.ts';
export * as lrScheduler from './lrScheduler/index.ts';
export {
  Optimizer,
  type OptimizerStateDict,
  type ParamGroup,
  type ParamGroupInput,
  type Params,
} from './optimizer.ts';
export { RMSprop, type RMSpropOptions } from './rmsprop.ts';
export { Rprop, type RpropOptions } from './rprop.ts';
export { SGD, type SGDOptions } from './sgd.ts';
