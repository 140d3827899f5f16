export { ChainedScheduler, SequentialLR } from './combine.ts';
export { CosineAnnealingLR, CosineAnnealingWarmRestarts } from './cosine.ts';
export { CyclicLR, type CyclicOptions, OneCycleLR, type OneCycleOptions } from './cycle.ts';
export {
  ConstantLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  PolynomialLR,
  StepLR,
} from './decay.ts';
export { type PlateauOptions, ReduceLROnPlateau } from './plateau.ts';
export { LRScheduler, type SchedulerOptions, type SchedulerStateDict } from './scheduler.ts';
