import { describe, expect, test } from 'vitest';
import { gradbookCommand, TestKernel } from './client.ts';

/** A kernel that has nothing to do, or one whose cell never ends. */
async function started(code?: string): Promise<TestKernel> {
  const kernel = await TestKernel.start();
  if (code === undefined) return kernel;
  const id = await kernel.send('execute_request', { code });
  await kernel.until(() => kernel.of(id).some(({ header }) => header.msg_type === 'stream'));
  return kernel;
}

/** Milliseconds from `end` to the end of the process. */
async function timeToEnd(kernel: TestKernel, end: () => unknown): Promise<number> {
  const ended = new Promise((resolve) => kernel.process.on('exit', resolve));
  const start = performance.now();
  await end();
  await ended;
  const time = performance.now() - start;
  await kernel.stop();
  return time;
}

// Tried again, because a busy machine is slower than a second.
describe('the kernel ends within a second', { retry: 2 }, () => {
  const states: [string, string | undefined][] = [
    ['when it is idle', undefined],
    ['in an endless loop', 'console.log("on"); await new Promise((r) => setTimeout(r, 100)); while (true);'],
    ['while it waits', 'console.log("on"); await new Promise(() => {});'],
    ['while a child of it runs', 'console.log("on"); require("node:child_process").execSync("sleep 60")'],
  ];

  test.each(states)('by SIGTERM %s', async (_, code) => {
    const kernel = await started(code);
    expect(await timeToEnd(kernel, () => kernel.process.kill('SIGTERM'))).toBeLessThan(1000);
    expect(kernel.stderr).toBe('');
  });

  test.each(states)('by a shutdown request %s', async (_, code) => {
    const kernel = await started(code);
    const shutdown = (): unknown => kernel.request('shutdown_request', { restart: false }, 'control');
    expect(await timeToEnd(kernel, shutdown)).toBeLessThan(1000);
  });
});

test('the kernel ends when the process that started it has gone', async () => {
  // A shell stays between the two; a kill of it leaves the kernel without its parent.
  const kernel = await TestKernel.start({
    command: (file) => ['sh', '-c', '"$@" & wait', 'sh', ...gradbookCommand(file)],
  });
  const { outputs } = await kernel.execute('process.pid');
  const id = Number((outputs[0].content.data as Record<string, string>)['text/plain']);
  kernel.process.kill('SIGKILL');
  await kernel.until(() => {
    try {
      process.kill(id, 0);
      return false;
    } catch {
      return true;
    }
  }, 5000);
});
