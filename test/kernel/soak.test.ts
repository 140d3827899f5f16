import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryOfTree } from '../../bench/kernel/memory.ts';
import { TestKernel } from './client.ts';

let kernel: TestKernel;
beforeAll(async () => {
  kernel = await TestKernel.start();
});
afterAll(async () => {
  await kernel.stop();
});

/** What users do, over and over: declare again, use what is there, print, compute, wait, fail. */
const forms = [
  (i: number) => `const value = ${i}; value + 1`,
  (i: number) => `function doubled(x: number) { return x * 2 + ${i} }`,
  () => 'console.log(doubled(value))',
  (i: number) => `tensor([${i}, 2]).sum().item()`,
  () => 'await new Promise((resolve) => setTimeout(resolve, 0))',
  (i: number) => `throw new RangeError('${i}')`,
  (i: number) => `const wrong${i % 7}: string = ${i}`,
  (i: number) => `class Point { x = ${i} }; new Point()`,
  () => 'for (let i = 0; i < 100; i++) value * i',
  (i: number) => `display('${i}')`,
];

/** What the user thread holds: bytes on its heap after a collection, and listeners of the process. */
const held = `{
  const v8 = require('node:v8'); v8.setFlagsFromString('--expose-gc');
  require('node:vm').runInNewContext('gc')();
}
JSON.stringify([process.memoryUsage().heapUsed, process.eventNames().reduce((n, name) => n + process.listenerCount(name), 0),
  (process as unknown as { getActiveResourcesInfo(): string[] }).getActiveResourcesInfo().length])`;

test('5,000 cells leave memory flat and no listener behind', { timeout: 600_000 }, async () => {
  const run = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 10) {
      await Promise.all(
        forms.map((form, i) =>
          kernel.request('execute_request', { code: form(at + i), stop_on_error: false }),
        ),
      );
      kernel.iopub.length = 0;
    }
  };
  const measure = async (): Promise<{ heap: number; listeners: number; resources: number; tree: number }> => {
    const { outputs } = await kernel.execute(held);
    const text = (outputs[0].content.data as Record<string, string>)['text/plain'];
    const [heap, listeners, resources] = JSON.parse(text.slice(1, -1)) as number[];
    return { heap: heap / 2 ** 20, listeners, resources, tree: memoryOfTree(kernel.process.pid!) ?? 0 };
  };
  await run(0, 1000);
  const warm = await measure();
  await run(1000, 5000);
  const after = await measure();
  expect(after.listeners).toBe(warm.listeners);
  expect(after.resources).toBeLessThanOrEqual(warm.resources + 2);
  // In and tracebacks keep the text of every cell: some hundred bytes each.
  expect(after.heap - warm.heap).toBeLessThan(30);
  expect(after.tree - warm.tree).toBeLessThan(120);
});
