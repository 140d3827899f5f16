export { linear } from '../../ops/matmul.ts';
export * from './activation.ts';
export * from './loss.ts';
