import { defineConfig } from 'vitest/config';
import { machineIsas } from './src/engine/build.ts';

/** Tests with processes, browsers and time limits: they run one file at a time, when nothing else does. */
const alone = ['test/{kernel,cli,lab,notebooks}/**/*.test.ts', 'test/display/{browser,jupyterlab,looks,notebook,page,training}.test.ts'];

const shared = {
  exclude: ['**/node_modules/**', 'dist/**'],
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
} as const;

export default defineConfig({
  test: {
    reporters: ['default', './test/summary.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'together',
          include: ['{src,display,kernel,lab,test}/**/*.test.ts'],
          exclude: [...shared.exclude, ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      // Gradients, metamorphic relations and layers on the other instruction sets of the machine.
      ...machineIsas()
        .slice(1)
        .map((isa, i) => ({
          test: {
            ...shared,
            name: isa,
            include: ['src/autograd/gradcheck.test.ts', 'src/{ops,nn,optim,vision}/**/*.test.ts'],
            env: { GRADBOOK_ISA: isa },
            isolate: false,
            maxWorkers: 2,
            sequence: { groupOrder: 1 + i },
          },
        })),
      {
        test: {
          ...shared,
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          // Latencies are those of the whole machine: one slow moment is no failure.
          retry: 2,
          sequence: { groupOrder: 9 },
        },
      },
    ],
  },
});
