export type { Distance } from './distances.ts';
export {
  type ContrastiveOptions,
  contrastiveLoss,
  ntXentLoss,
  type TripletOptions,
  tripletLoss,
} from './losses.ts';
export { type Mining, type MiningOptions, mineTriplets, type Triplets } from './miners.ts';
export { recallAtK } from './recall.ts';
