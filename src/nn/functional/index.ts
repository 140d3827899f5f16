export { linear } from '../../ops/matmul.ts';
export * from './activation.ts';
export * from './convolution.ts';
export * from './loss.ts';
export * from './pad.ts';
