import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { call } from './labServer.ts';

const token = 'secret';
const authorization = `token ${token}`;
const base = mkdtempSync(join(tmpdir(), 'gradbook-scale-'));

let url = '';
let stop: () => Promise<void>;
/** Of the server's process, in MB. */
let memory: () => number;

/** The server in a process of its own, whose memory can be read, with a kernelspec for the flooding kernel. */
beforeAll(async () => {
  const spec = join(base, 'kernels', 'flood');
  mkdirSync(spec, { recursive: true });
  const kernel = fileURLToPath(new URL('../../dist/test/lab/floodKernel.js', import.meta.url));
  const argv = [process.execPath, kernel, '{connection_file}'];
  writeFileSync(join(spec, 'kernel.json'), JSON.stringify({ argv, display_name: 'Flood', language: 'none' }));
  const script = `const { startServer } = await import(${JSON.stringify(new URL('../../dist/lab/server/server.js', import.meta.url).href)});
const server = await startServer({ folder: ${JSON.stringify(base)}, token: '${token}' });
console.log(server.url);
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, JUPYTER_DATA_DIR: base, JUPYTER_CONFIG_DIR: base },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())),
  );
  memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024;
  stop = () =>
    new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
}, 60_000);
afterAll(() => stop());

const startKernel = async (): Promise<string> =>
  (await call(`${url}api/kernels`, 'POST', { name: 'flood' }, { authorization })).json.id;

interface Socket {
  socket: WebSocket;
  bytes(): number;
  run(code: object): Promise<void>;
}

/** A front end: what it asks the kernel to flood, and how much came. */
async function connect(kernel: string): Promise<Socket> {
  const session = randomUUID();
  const address = `${url.replace('http', 'ws')}api/kernels/${kernel}/channels?session_id=${session}&token=${token}`;
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let bytes = 0;
  const waiting = new Map<string, () => void>();
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
    if (data.length > 10_000) return;
    const message = JSON.parse(data.toString());
    if (message.channel === 'iopub' && message.content.execution_state === 'idle')
      waiting.get(message.parent_header.msg_id)?.();
  });
  return {
    socket,
    bytes: () => bytes,
    run: (code) => {
      const id = randomUUID();
      const header = {
        msg_id: id,
        msg_type: 'execute_request',
        session,
        username: '',
        date: '',
        version: '5.5',
      };
      const content = { code: JSON.stringify(code) };
      socket.send(
        JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: [] }),
      );
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
}

test('20 kernels and 50 sockets at once', async () => {
  const kernels = await Promise.all(Array.from({ length: 20 }, startKernel));
  const sockets = await Promise.all(Array.from({ length: 50 }, (_, i) => connect(kernels[i % 20])));
  await Promise.all(sockets.map((socket) => socket.run({ megabytes: 1 / 16 })));
  const { json } = await call(`${url}api/status`, 'GET', undefined, { authorization });
  expect(json).toMatchObject({ kernels: 20, connections: 50 });
  expect(sockets.every((socket) => socket.bytes() > 60_000)).toBe(true);
  for (const { socket } of sockets) socket.close();
  await Promise.all(
    kernels.map((id) => call(`${url}api/kernels/${id}`, 'DELETE', undefined, { authorization })),
  );
}, 180_000);

test.skipIf(process.platform !== 'linux')(
  '10 MB of output a second through one socket keeps the server below 300 MB (skipped where memory cannot be read)',
  async () => {
    const front = await connect(await startKernel());
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, memory())), 50);
    await front.run({ megabytes: 60, seconds: 6 });
    clearInterval(watch);
    expect(front.bytes()).toBeGreaterThan(60 * 2 ** 20);
    expect(peak).toBeLessThan(300);
    front.socket.close();
  },
  120_000,
);

test.skipIf(process.platform !== 'linux')(
  'a browser that does not read holds the kernel up instead of filling the server, and loses nothing when it reads again (skipped where memory cannot be read)',
  async () => {
    const front = await connect(await startKernel());
    const done = front.run({ megabytes: 20 });
    front.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(memory()).toBeLessThan(300);
    front.socket.resume();
    await done;
    expect(front.bytes()).toBeGreaterThan(19 * 2 ** 20);
    front.socket.close();
  },
  120_000,
);
