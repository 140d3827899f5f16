import { TestKernel } from '../../test/kernel/client.ts';
import { memoryOfTree } from './memory.ts';
import type { Peer } from './peers.ts';

export const metrics = [
  { name: 'start', title: 'start to kernel_info_reply', unit: 'ms' },
  { name: 'first', title: 'start to first result', unit: 'ms' },
  { name: 'execute', title: 'execute round trip, median', unit: 'ms' },
  { name: 'executeP95', title: 'execute round trip, 95 %', unit: 'ms' },
  { name: 'throughput', title: 'pipelined executes', unit: '1/s' },
  { name: 'complete', title: 'completion idle, median', unit: 'ms' },
  { name: 'completeBusy', title: 'completion during a 1 s loop', unit: 'ms' },
  { name: 'inspect', title: 'hover, median', unit: 'ms' },
  { name: 'lines', title: '20,000 printed lines', unit: 'ms' },
  { name: 'display', title: '5 MB display', unit: 'ms' },
  { name: 'interrupt', title: 'interrupt of a tight loop', unit: 'ms' },
  { name: 'memory', title: 'idle memory, all processes', unit: 'MB' },
  { name: 'shutdown', title: 'shutdown', unit: 'ms' },
] as const;

type Figures = Record<string, number | null>;

const median = (values: number[]): number => quantile(values, 0.5);
const quantile = (values: number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function timed(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return performance.now() - started;
}

async function repeated(count: number, body: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(await timed(body));
  return times;
}

/** What it gives, or null when there is no answer in time. */
function within<T>(milliseconds: number, body: Promise<T>): Promise<T | null> {
  return Promise.race([body.catch(() => null), pause(milliseconds).then(() => null)]);
}

const launch = (peer: Peer): Promise<TestKernel> =>
  TestKernel.start({ command: peer.command, reconnectInterval: 2, subscribed: false });

async function stop(kernel: TestKernel): Promise<void> {
  if ((await within(5000, kernel.stop())) === null) kernel.process.kill('SIGKILL');
}

/** Every figure of one kernel: `rounds` starts, then one kernel for the rest. The least of the starts counts. */
export async function measure(peer: Peer, rounds: number): Promise<Figures> {
  const figures: Figures = {};
  const starts: number[] = [];
  const firsts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    const kernel = await launch(peer);
    starts.push(performance.now() - started);
    const reply = await within(20_000, kernel.request('execute_request', { code: peer.first }));
    if (reply) firsts.push(performance.now() - started);
    await stop(kernel);
  }
  figures.start = Math.min(...starts);
  figures.first = firsts.length > 0 ? Math.min(...firsts) : null;

  const kernel = await launch(peer);
  // Subscribed as soon as a cell's end is heard of.
  while ((await within(1000, kernel.execute('0'))) === null);
  await kernel.execute(peer.first);
  await kernel.execute(peer.setup);
  await pause(1000);
  figures.memory = memoryOfTree(kernel.process.pid!);
  for (let i = 0; i < 20; i++) await kernel.execute('1');
  const executes = await repeated(200, () => kernel.execute('1'));
  figures.execute = median(executes);
  figures.executeP95 = quantile(executes, 0.95);
  const burst = 200;
  const all = await timed(async () => {
    await Promise.all(Array.from({ length: burst }, () => kernel.request('execute_request', { code: '1' })));
  });
  figures.throughput = (burst / all) * 1000;

  const complete = (): Promise<unknown> =>
    kernel.request('complete_request', { code: peer.complete, cursor_pos: peer.complete.length });
  figures.complete = (await within(5000, complete())) === null ? null : median(await repeated(50, complete));
  const inspect = (): Promise<unknown> =>
    kernel.request('inspect_request', {
      code: peer.inspect,
      cursor_pos: peer.inspect.length,
      detail_level: 0,
    });
  figures.inspect = (await within(5000, inspect())) === null ? null : median(await repeated(50, inspect));

  const running = kernel.execute(peer.busy(1));
  await pause(200);
  figures.completeBusy = await within(5000, timed(complete));
  await running;

  figures.lines = Math.min(...(await repeated(5, () => kernel.execute(peer.print(20_000)))));
  figures.display = Math.min(...(await repeated(5, () => kernel.execute(peer.display(5_000_000)))));

  const interrupts: number[] = [];
  for (let i = 0; i < 5; i++) {
    const id = await kernel.send('execute_request', { code: peer.forever });
    const ended = kernel.reply(id);
    await pause(300);
    const time = await within(
      5000,
      timed(async () => {
        if (peer.interrupt === 'signal') kernel.process.kill('SIGINT');
        else await kernel.send('interrupt_request', {}, 'control');
        await ended;
      }),
    );
    if (time === null) break;
    interrupts.push(time);
    await pause(100);
  }
  figures.interrupt = interrupts.length > 0 ? median(interrupts) : null;
  figures.shutdown = await within(
    10_000,
    timed(() => kernel.stop()),
  );
  if (figures.shutdown === null) kernel.process.kill('SIGKILL');
  return figures;
}
