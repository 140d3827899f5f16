import { setTimeout as pause } from 'node:timers/promises';
import { type Received, TestKernel } from '../../test/kernel/client.ts';
import { memoryOfTree } from './memory.ts';
import type { Peer } from './peers.ts';

type Summary = (values: number[]) => number;
const quantile =
  (q: number): Summary =>
  (values) =>
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];
const median = quantile(0.5);
const least: Summary = (values) => Math.min(...values);

/** Samples of one figure by one running kernel, in milliseconds where the unit says nothing else. */
type Sample = (kernel: TestKernel, peer: Peer, serial: () => number) => Promise<number[]>;

interface Metric {
  name: string;
  title: string;
  unit: 'ms' | '1/s' | 'MB';
  pick: Summary;
}

/** What fresh processes tell: each start gives one sample of each. */
const startMetrics = [
  { name: 'start', title: 'start to kernel_info_reply', unit: 'ms', pick: least },
  { name: 'first', title: 'start to first result, library loaded', unit: 'ms', pick: least },
  { name: 'memory', title: 'idle memory, all processes', unit: 'MB', pick: median },
  { name: 'shutdown', title: 'shutdown', unit: 'ms', pick: median },
] as const satisfies Metric[];

/** What one process of each kernel tells, the kernels taking turns. */
const runningMetrics: (Metric & { sample: Sample; rounds: number })[] = [
  {
    name: 'trivial',
    title: 'execute round trip of `1`, median',
    unit: 'ms',
    pick: median,
    rounds: 5,
    sample: (kernel) => repeated(40, () => cell(kernel, '1', isIdle)),
  },
  {
    name: 'execute',
    title: 'execute round trip of ten lines, median',
    unit: 'ms',
    pick: median,
    rounds: 5,
    sample: (kernel, peer, serial) => repeated(40, () => cell(kernel, peer.cell(serial()), isIdle)),
  },
  {
    name: 'throughput',
    title: 'pipelined executes',
    unit: '1/s',
    pick: (values) => Math.max(...values),
    rounds: 5,
    sample: async (kernel, peer, serial) => {
      const times = await within(5000, () =>
        Promise.all(
          Array.from({ length: 40 }, () => kernel.request('execute_request', { code: peer.cell(serial()) })),
        ),
      );
      return times.map((time) => (40 / time) * 1000);
    },
  },
  {
    name: 'complete',
    title: 'completion idle, median',
    unit: 'ms',
    pick: median,
    rounds: 5,
    sample: (kernel, peer, serial) => repeated(20, () => ask(kernel, 'complete', peer.complete(serial()))),
  },
  {
    name: 'completeTyped',
    title: 'completion at each letter of a name, median',
    unit: 'ms',
    pick: median,
    rounds: 5,
    sample: async (kernel, peer, serial) => {
      const times: number[] = [];
      for (let i = 0; i < 3; i++) {
        const code = peer.complete(serial());
        for (let end = code.lastIndexOf('.') - 4; end <= code.length; end++)
          times.push(...(await repeated(1, () => ask(kernel, 'complete', code.slice(0, end)))));
      }
      return times;
    },
  },
  {
    name: 'completeBusy',
    title: 'completion while a cell computes 1 s',
    unit: 'ms',
    pick: least,
    rounds: 2,
    sample: async (kernel, peer, serial) => {
      const running = cell(kernel, peer.busy(1), isIdle);
      await pause(200);
      const time = await within(5000, () => ask(kernel, 'complete', peer.complete(serial())));
      await running;
      return time;
    },
  },
  {
    name: 'inspect',
    title: 'hover, median',
    unit: 'ms',
    pick: median,
    rounds: 5,
    sample: (kernel, peer, serial) => repeated(20, () => ask(kernel, 'inspect', peer.inspect(serial()))),
  },
  {
    name: 'lines',
    title: '20,000 printed lines',
    unit: 'ms',
    pick: least,
    rounds: 4,
    sample: (kernel, peer) =>
      repeated(1, () => cell(kernel, peer.print(20_000), printed(lengthOfLines(20_000)))),
  },
  {
    name: 'display',
    title: '5 MB display',
    unit: 'ms',
    pick: least,
    rounds: 4,
    sample: (kernel, peer) =>
      repeated(1, () =>
        cell(kernel, peer.display(5_000_000), (messages) =>
          messages.some(({ header }) => header.msg_type === 'display_data'),
        ),
      ),
  },
  {
    name: 'interrupt',
    title: 'interrupt of a tight loop, median',
    unit: 'ms',
    pick: median,
    rounds: 5,
    sample: async (kernel, peer) => {
      const id = await kernel.send('execute_request', { code: peer.forever });
      const ended = kernel.reply(id);
      await pause(200);
      const time = await within(5000, async () => {
        if (peer.interrupt === 'signal') kernel.process.kill('SIGINT');
        else await kernel.send('interrupt_request', {}, 'control');
        await ended;
      });
      await pause(100);
      return time;
    },
  },
];

/** Every figure, in the order of the table. */
export const metrics: readonly Metric[] = [...startMetrics, ...runningMetrics];

const isIdle = (messages: Received[]): boolean =>
  messages.some(
    ({ header, content }) => header.msg_type === 'status' && (content.execution_state as unknown) === 'idle',
  );

/** Whether that much text has come on the streams; looks at each message once, for some kernels send one a line. */
function printed(length: number): (messages: Received[]) => boolean {
  let [seen, sum] = [0, 0];
  return (messages) => {
    for (; seen < messages.length; seen++)
      if (messages[seen].header.msg_type === 'stream') sum += String(messages[seen].content.text).length;
    return sum >= length;
  };
}

const lengthOfLines = (count: number): number =>
  Array.from({ length: count }, (_, i) => `${i}\n`).join('').length;

async function timed(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return performance.now() - started;
}

/** One sample, or none when there is no answer in time. */
async function within(milliseconds: number, body: () => Promise<unknown>): Promise<number[]> {
  const late = new AbortController();
  const time = await Promise.race([
    timed(body).catch(() => null),
    pause(milliseconds, null, { signal: late.signal }).catch(() => null),
  ]);
  late.abort();
  return time === null ? [] : [time];
}

/** How long a kernel may take for one step that is no sample: to start, or to run the first cell. */
const stepLimit = 30_000;

/** `body`'s value. Error: it took too long, in words that say what. */
async function step<T>(what: string, body: () => Promise<T>): Promise<T> {
  const late = new AbortController();
  try {
    return await Promise.race([
      body(),
      pause(stepLimit, null, { signal: late.signal }).then(() => {
        throw new Error(`${what} took more than ${stepLimit / 1000} s`);
      }),
    ]);
  } finally {
    late.abort();
  }
}

async function repeated(count: number, body: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const [time] = await within(10_000, body);
    if (time === undefined) break;
    times.push(time);
  }
  return times;
}

/** Runs a cell; settles when its reply is there and `done` says that what was published since is. */
async function cell(
  kernel: TestKernel,
  code: string,
  done: (messages: Received[]) => boolean,
): Promise<void> {
  kernel.iopub.length = 0;
  const id = await kernel.send('execute_request', { code, allow_stdin: false });
  await kernel.reply(id);
  await kernel.until(() => done(kernel.iopub));
}

const ask = (kernel: TestKernel, what: 'complete' | 'inspect', code: string): Promise<unknown> =>
  kernel.request(`${what}_request`, { code, cursor_pos: code.length, detail_level: 0 });

const launch = (peer: Peer): Promise<TestKernel> =>
  TestKernel.start({
    command: peer.command,
    reconnectInterval: 2,
    subscribed: false,
    limit: stepLimit,
  });

async function stop(kernel: TestKernel): Promise<number[]> {
  const time = await within(5000, () => kernel.stop());
  if (time.length === 0) kernel.process.kill('SIGKILL');
  return time;
}

/** One start of a kernel, from its process's beginning to its end. */
async function startOnce(peer: Peer, add: (name: string, values: number[]) => void): Promise<void> {
  const started = performance.now();
  const kernel = await launch(peer);
  add('start', [performance.now() - started]);
  const answered = await within(20_000, () => kernel.request('execute_request', { code: peer.first }));
  if (answered.length > 0) add('first', [performance.now() - started]);
  await pause(1500);
  const memory = memoryOfTree(kernel.process.pid!);
  if (memory !== null) add('memory', [memory]);
  const stopped = await stop(kernel);
  add('shutdown', stopped);
  if (answered.length === 0) throw new Error('no first result in time');
  if (stopped.length === 0) throw new Error('did not shut down in time');
}

/** What was measured: figures by kernel and name (null where a kernel has none), and what went wrong meanwhile. */
export interface Measured {
  results: Record<string, Record<string, number | null>>;
  failures: string[];
}

/**
 * The figures of all kernels. They take turns in everything, so that other load on the machine meets them alike. A kernel that does
 * not start or does not answer costs its own figures only. `wanted` says which figures.
 */
export async function measure(
  peers: readonly Peer[],
  starts: number,
  wanted: (name: string) => boolean,
): Promise<Measured> {
  const failures: string[] = [];
  const attempt = async (peer: Peer, what: string, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      failures.push(`${peer.name}, ${what}: ${(error as Error).message}`);
    }
  };
  const samples = new Map<string, number[]>();
  const add = (peer: Peer, name: string, values: number[]): void => {
    const key = `${peer.name} ${name}`;
    samples.set(key, [...(samples.get(key) ?? []), ...values]);
  };
  const say = (text: string): unknown => process.stderr.write(`${text} ...\n`);

  if (startMetrics.some(({ name }) => wanted(name)))
    for (let round = 0; round < starts; round++)
      for (const peer of peers) {
        say(`start ${round + 1} of ${peer.name}`);
        await attempt(peer, `start ${round + 1}`, () =>
          startOnce(peer, (name, values) => add(peer, name, values)),
        );
      }

  const running = runningMetrics.filter(({ name }) => wanted(name));
  const kernels = new Map<Peer, TestKernel>();
  if (running.length > 0)
    for (const peer of peers)
      await attempt(peer, 'start for what follows', async () => {
        const kernel = await launch(peer);
        try {
          for (const code of [peer.first, peer.cell(0)])
            await step('a first cell', () => kernel.request('execute_request', { code }));
          kernels.set(peer, kernel);
        } catch (error) {
          await stop(kernel);
          throw error;
        }
      });
  /** What a kernel does not answer is not asked again. */
  const silent = new Set<string>();
  let count = 0;
  for (const { name, rounds, sample } of running) {
    say(name);
    // The first round warms up.
    for (let round = 0; round <= rounds; round++)
      for (const [peer, kernel] of kernels) {
        if (silent.has(`${peer.name} ${name}`)) continue;
        let values: number[] = [];
        await attempt(peer, name, async () => {
          values = await step(name, () => sample(kernel, peer, () => count++));
          if (values.length === 0) throw new Error('no answer in time');
        });
        if (values.length === 0) silent.add(`${peer.name} ${name}`);
        else if (round > 0) add(peer, name, values);
      }
  }
  for (const kernel of kernels.values()) await stop(kernel);

  const figure = (peer: Peer, { name, pick }: Metric): number | null => {
    const values = samples.get(`${peer.name} ${name}`) ?? [];
    return values.length > 0 ? pick(values) : null;
  };
  const results = Object.fromEntries(
    peers.map((peer) => [
      peer.name,
      Object.fromEntries(metrics.map((metric) => [metric.name, figure(peer, metric)])),
    ]),
  );
  return { results, failures };
}
