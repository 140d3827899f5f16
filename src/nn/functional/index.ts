export { linear } from '../../ops/matmul.ts';
export * from './activation.ts';
export * from './convolution.ts';
export * from './loss.ts';
export * from './maxUnpool.ts';
export * from './norm.ts';
export * from './pad.ts';
export * from './pooling.ts';
