import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,display,kernel,lab,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    reporters: ['default', './test/summary.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
