export { type Collated, defaultCollate } from './collate.ts';
export { DataLoader, type DataLoaderOptions } from './dataLoader.ts';
export {
  ArrayDataset,
  ConcatDataset,
  type Dataset,
  MapDataset,
  randomSplit,
  Subset,
  TensorDataset,
} from './dataset.ts';
export * from './datasets/index.ts';
export {
  BatchSampler,
  PKSampler,
  type PKSamplerOptions,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from './sampler.ts';
export { MinMaxScaler, StandardScaler } from './scaler.ts';
export * as transforms from './transforms/index.ts';
