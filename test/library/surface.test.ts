import { expect, test } from 'vitest';
import * as gradbook from '../../src/index.ts';

/** What `gradbook` exports besides recorded operations, by kind. */
const rest = {
  parts: ['F', 'autograd', 'data', 'io', 'linalg', 'metric', 'nn', 'optim', 'vision'],
  classes: ['Generator', 'Profile', 'Slice', 'Summary', 'Tensor'],
  tensors: ['allclose', 'contiguous', 'equal', 'fromArray', 'tensor'],
  'linear algebra, recorded as linalg': ['det', 'slogdet'],
  gradients: [
    'autogradGraph',
    'backward',
    'checkpoint',
    'checkpointWith',
    'grad',
    'gradcheck',
    'gradgradcheck',
  ],
  'modes of recording': [
    'detectAnomaly',
    'enableGrad',
    'inferenceMode',
    'isGradEnabled',
    'noGrad',
    'setGradEnabled',
  ],
  transforms: ['hessian', 'hvp', 'jacobian', 'jvp', 'vjp', 'vmap'],
  dtypes: ['getDefaultDtype', 'promoteTypes', 'resultType', 'setDefaultDtype'],
  'random streams': ['getRngState', 'initialSeed', 'manualSeed', 'seed', 'setRngState'],
  memory: ['keep', 'memory', 'scope'],
  printing: ['getPrintOptions', 'setPrintOptions'],
  engine: [
    'engineStatus',
    'getNumThreads',
    'setInterruptWords',
    'setNumThreads',
    'useNativeEngine',
    'useReferenceEngine',
  ],
  tools: ['countMacs', 'measureReceptiveField', 'operations', 'profile', 'receptiveField', 'summary'],
};

test('gradbook exports operations, and what is listed here', () => {
  const recorded = gradbook.operations();
  const others = Object.keys(gradbook).filter((name) => !recorded.has(name));
  expect(others.sort()).toEqual(Object.values(rest).flat().sort());
});

test('F exports operations alone', () => {
  const recorded = gradbook.operations();
  expect(Object.keys(gradbook.F).filter((name) => !recorded.has(name) && !recorded.has(`F.${name}`))).toEqual(
    [],
  );
});

test('no kernel is a method', () => {
  const names = [
    gradbook.Tensor.prototype,
    Object.getPrototypeOf(gradbook.Tensor.prototype) as object,
  ].flatMap(Object.getOwnPropertyNames);
  expect(names).toContain('matmul');
  expect(names.filter((name) => /kernel|primitive/i.test(name))).toEqual([]);
});
