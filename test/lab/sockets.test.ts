import type { AddressInfo } from 'node:net';
import type { KernelMessage } from '@jupyterlab/services';
import { deserialize, serialize } from '@jupyterlab/services/lib/kernel/serialize.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { binaryProtocol, relay } from '../../lab/server/channels.ts';
import type { Relayed } from '../../lab/server/connection.ts';
import type { KernelProcess, Listener } from '../../lab/server/kernelProcess.ts';
import { labForTest } from './labServer.ts';

const opened = (socket: WebSocket): Promise<WebSocket> =>
  new Promise((resolve, reject) => socket.once('open', () => resolve(socket)).once('error', reject));

/** A socket to a kernel that remembers what it was sent, and says what it is told to. */
async function kernelSocket(protocol: string) {
  const sent: Relayed[] = [];
  const listeners: Listener[] = [];
  const kernel = {
    listen: (listener: Listener) => {
      listeners.push(listener);
      return () => {};
    },
    send: async (channel: Relayed['channel'], parts: Buffer[], buffers: Buffer[]) => {
      sent.push({ channel, parts, buffers });
    },
  } as unknown as KernelProcess;
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: (offered) => (offered.has(binaryProtocol) ? binaryProtocol : false),
  });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', (socket) =>
    relay(socket, kernel, 'one', { return: () => [], leave: () => {} } as never),
  );
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = await opened(new WebSocket(`ws://127.0.0.1:${port}`, protocol ? [protocol] : []));
  expect(socket.protocol).toBe(protocol);
  socket.binaryType = 'arraybuffer';
  return { sent, say: (message: Relayed) => listeners.map((listener) => listener(message)), socket };
}

const message = {
  header: { msg_id: '1', msg_type: 'comm_msg', session: 'one', username: '', date: '', version: '5.3' },
  parent_header: {},
  metadata: { key: 'ü' },
  content: { comm_id: 'c', data: { text: '日本' } },
  channel: 'shell',
  buffers: [Uint8Array.of(0, 255, 1), new Uint8Array(0), Uint8Array.from({ length: 70_000 }, (_, i) => i)],
};
const bytes = message.buffers.map((buffer) => Buffer.from(buffer));
const base64 = (buffers: Buffer[]): string[] => buffers.map((buffer) => buffer.toString('base64'));
const parts = (['header', 'parent_header', 'metadata', 'content'] as const).map((part) => message[part]);

describe.each(['', binaryProtocol])('the protocol %j, as JupyterLab reads and writes it', (protocol) => {
  test('buffers arrive whole in both directions, and a message without any', async () => {
    const { sent, say, socket } = await kernelSocket(protocol);
    // The client takes the buffers out of what it is given.
    socket.send(serialize({ ...message } as unknown as KernelMessage.IMessage, protocol));
    await expect.poll(() => sent.length).toBe(1);
    expect(sent[0].channel).toBe('shell');
    expect(sent[0].parts.map((part) => JSON.parse(part.toString()))).toEqual(parts);
    expect(base64(sent[0].buffers)).toEqual(base64(bytes));

    const heard: KernelMessage.IMessage[] = [];
    socket.on('message', (data: ArrayBuffer, isBinary) =>
      heard.push(deserialize(isBinary ? data : (Buffer.from(data).toString() as never), protocol)),
    );
    const encoded = parts.map((part) => Buffer.from(JSON.stringify(part)));
    say({ channel: 'iopub', parts: encoded, buffers: bytes });
    say({ channel: 'iopub', parts: encoded, buffers: [] });
    await expect.poll(() => heard.length).toBe(2);
    for (const { channel, header, metadata, content } of heard)
      expect({ channel, header, metadata, content }).toEqual({
        channel: 'iopub',
        header: message.header,
        metadata: message.metadata,
        content: message.content,
      });
    const raw = heard.map(({ buffers = [] }) =>
      buffers.map((view) => {
        const { buffer, byteOffset, byteLength } = view as DataView<ArrayBuffer>;
        return Buffer.from(buffer, byteOffset ?? 0, byteLength);
      }),
    );
    expect(raw.map(base64)).toEqual([base64(bytes), []]);
  });

  test('what is no message closes the socket, and says why', async () => {
    const { socket } = await kernelSocket(protocol);
    const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    socket.send(Buffer.from([1, 2, 3]));
    expect(await closed).toBe(1003);
  });
});

/** A browser's view of a terminal. */
async function terminalSocket(address: string) {
  const socket = new WebSocket(address);
  const heard: [string, ...unknown[]][] = [];
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString())));
  await opened(socket);
  return {
    socket,
    say: (...words: unknown[]) => socket.send(JSON.stringify(words)),
    words: () => heard.map(([word]) => word),
    text: () => heard.flatMap(([word, text]) => (word === 'stdout' ? [String(text)] : [])).join(''),
  };
}

test.skipIf(process.platform === 'win32')(
  'terminals: several at once, resized, seen by two, shown again on return, and ended (skipped on Windows, whose shell has no stty)',
  async () => {
    const lab = await labForTest();
    const names = await Promise.all(
      Array.from({ length: 5 }, async () => (await lab.request('POST', 'api/terminals')).json.name as string),
    );
    expect(new Set(names).size).toBe(5);
    expect((await lab.request('GET', 'api/terminals')).json).toHaveLength(5);
    const open = (name: string) =>
      terminalSocket(
        `${lab.server.url.replace('http', 'ws')}terminals/websocket/${name}?token=${lab.server.token}`,
      );
    const [one, two] = await Promise.all([open(names[0]), open(names[0])]);
    one.say('set_size', 37, 111);
    one.say('stdin', 'echo "<$(stty size)>"\r');
    for (const view of [one, two])
      await expect.poll(() => view.text(), { timeout: 30_000 }).toContain('<37 111>');
    one.socket.send('no JSON');
    one.say('set_size', -1, 'wide');
    one.socket.close();
    two.socket.close();
    const back = await open(names[0]);
    await expect.poll(() => back.text(), { timeout: 30_000 }).toContain('<37 111>');
    back.say('stdin', 'cd / && echo "<$(stty size)-$PWD>"\r');
    await expect.poll(() => back.text(), { timeout: 30_000 }).toContain('<37 111-/>');
    const closed = new Promise((resolve) => back.socket.once('close', resolve));
    expect((await lab.request('DELETE', `api/terminals/${names[0]}`)).status).toBe(204);
    await closed;
    expect(back.words().at(-1)).toBe('disconnect');
    expect((await lab.request('GET', 'api/terminals')).json).toHaveLength(4);
  },
  120_000,
);
