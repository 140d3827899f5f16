import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Jupyter, jupyterPython, startJupyter } from './jupyter.ts';
import { call, type Lab, notebook, openLab } from './labServer.ts';

const program = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));
const binaryProtocol = 'v1.kernel.websocket.jupyter.org';
const parts = ['header', 'parent_header', 'metadata', 'content'] as const;

/** A message as one frame of `v1.kernel.websocket.jupyter.org`: count, offsets, channel, four parts. */
function writeBinary(message: Record<string, unknown>): Buffer {
  const pieces = [String(message.channel), ...parts.map((part) => JSON.stringify(message[part]))].map(
    (text) => Buffer.from(text),
  );
  const head = new BigUint64Array(pieces.length + 2);
  head[0] = BigInt(pieces.length + 1);
  head[1] = BigInt(head.byteLength);
  pieces.forEach((piece, i) => {
    head[i + 2] = head[i + 1] + BigInt(piece.length);
  });
  return Buffer.concat([Buffer.from(head.buffer), ...pieces]);
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks at what came
function readBinary(data: Buffer): any {
  const offset = (i: number): number => Number(data.readBigUInt64LE(8 * (i + 1)));
  const piece = (i: number): string => data.subarray(offset(i), offset(i + 1)).toString();
  return Object.fromEntries([
    ['channel', piece(0)],
    ...parts.map((part, i) => [part, JSON.parse(piece(i + 1))]),
  ]);
}

type Step = [method: string, path: string, body?: unknown];

/** As IPython 2 wrote them. */
const ofFormat3 = {
  nbformat: 3,
  nbformat_minor: 0,
  metadata: { name: 'old', signature: '' },
  worksheets: [
    {
      metadata: {},
      cells: [
        { cell_type: 'heading', level: 2, metadata: {}, source: ['Two\n', 'lines'] },
        { cell_type: 'markdown', metadata: {}, source: ['a\n', 'b'] },
        { cell_type: 'raw', metadata: {}, source: 'r' },
        {
          cell_type: 'code',
          language: 'python',
          collapsed: false,
          metadata: {},
          input: ['1 + 1\n', '2'],
          prompt_number: 3,
          outputs: [
            { output_type: 'pyout', prompt_number: 3, metadata: {}, text: ['2'], png: 'AAAA' },
            { output_type: 'stream', stream: 'stdout', text: ['x\n'] },
            { output_type: 'stream', stream: 'stderr', text: 'y' },
            { output_type: 'pyerr', ename: 'E', evalue: 'v', traceback: ['t'] },
            {
              output_type: 'display_data',
              metadata: {},
              html: ['<b>'],
              text: 'b',
              latex: '$',
              json: '{"a": 1}',
            },
          ],
        },
      ],
    },
    { metadata: {}, cells: [{ cell_type: 'markdown', metadata: {}, source: 'second sheet' }] },
  ],
};

/** A user's day, call by call. */
const steps: Step[] = [
  ['GET', 'api/contents'],
  ['GET', 'api/contents?content=0'],
  ['POST', 'api/contents', { type: 'notebook' }],
  ['POST', 'api/contents', { type: 'notebook' }],
  ['POST', 'api/contents', { type: 'directory' }],
  ['POST', 'api/contents', { type: 'directory' }],
  ['POST', 'api/contents', { type: 'file' }],
  ['POST', 'api/contents', { type: 'file', ext: '.md' }],
  ['POST', 'api/contents', { ext: '.py' }],
  ['POST', 'api/contents/Untitled Folder', { type: 'notebook' }],
  ['POST', 'api/contents/Untitled.ipynb', { type: 'notebook' }],
  ['POST', 'api/contents/none', { type: 'notebook' }],
  ['POST', 'api/contents', { copy_from: 'Untitled.ipynb' }],
  ['POST', 'api/contents', { copy_from: 'Untitled.ipynb' }],
  ['POST', 'api/contents', { copy_from: 'Untitled-Copy1.ipynb' }],
  ['POST', 'api/contents/Untitled Folder', { copy_from: 'Untitled.ipynb' }],
  ['POST', 'api/contents', { copy_from: 'none.ipynb' }],
  ['PUT', 'api/contents/a.txt', { type: 'file', format: 'text', content: 'one\ntwo' }],
  ['PUT', 'api/contents/a.txt', { type: 'file', format: 'text', content: 'three' }],
  ['PUT', 'api/contents/b.bin', { type: 'file', format: 'base64', content: 'AP8B' }],
  ['PUT', 'api/contents/sub', { type: 'directory' }],
  ['PUT', 'api/contents/sub', { type: 'directory' }],
  ['PUT', 'api/contents/sub/n.ipynb', { type: 'notebook', format: 'json', content: notebook('1 + 1', 'x') }],
  ['PUT', 'api/contents/sub/n.ipynb', { type: 'notebook', format: 'json', content: notebook('2') }],
  ['PUT', 'api/contents/no/such/a.txt', { type: 'file', format: 'text', content: '' }],
  ['PUT', 'api/contents/c.txt', { type: 'file' }],
  ['GET', 'api/contents/a.txt'],
  ['GET', 'api/contents/a.txt?content=0'],
  ['GET', 'api/contents/a.txt?hash=1'],
  ['GET', 'api/contents/a.txt?content=0&hash=1'],
  ['GET', 'api/contents/a.txt?format=base64'],
  ['GET', 'api/contents/a.txt?type=notebook'],
  ['GET', 'api/contents/a.txt?type=directory'],
  ['GET', 'api/contents/b.bin'],
  ['GET', 'api/contents/b.bin?format=text'],
  ['GET', 'api/contents/sub'],
  ['GET', 'api/contents/sub?type=file'],
  ['GET', 'api/contents/sub/n.ipynb'],
  ['GET', 'api/contents/sub/n.ipynb?content=0'],
  ['GET', 'api/contents/sub/n.ipynb?type=file'],
  ['GET', 'api/contents/none'],
  ['GET', 'api/contents/a.txt?content=7'],
  ['GET', 'api/contents/a.txt?format=xml'],
  ['POST', 'api/contents/sub/n.ipynb/checkpoints'],
  ['GET', 'api/contents/sub/n.ipynb/checkpoints'],
  ['PUT', 'api/contents/sub/n.ipynb', { type: 'notebook', format: 'json', content: notebook('changed') }],
  ['POST', 'api/contents/sub/n.ipynb/checkpoints/checkpoint'],
  ['GET', 'api/contents/sub/n.ipynb'],
  ['PATCH', 'api/contents/sub/n.ipynb', { path: 'sub/m.ipynb' }],
  ['GET', 'api/contents/sub/m.ipynb/checkpoints'],
  ['DELETE', 'api/contents/sub/m.ipynb/checkpoints/checkpoint'],
  ['GET', 'api/contents/sub/m.ipynb/checkpoints'],
  ['PATCH', 'api/contents/a.txt', { path: 'b.bin' }],
  ['PATCH', 'api/contents/a.txt', { path: 'sub/a.txt' }],
  ['PATCH', 'api/contents/none', { path: 'x' }],
  ['DELETE', 'api/contents/sub/a.txt'],
  ['DELETE', 'api/contents/none'],
  ['DELETE', 'api/contents/sub'],
  ['GET', 'files/b.bin'],
  ['GET', 'files/none'],
  ['GET', 'api/kernels'],
  ['GET', 'api/kernels/none'],
  ['DELETE', 'api/kernels/none'],
  ['POST', 'api/kernels/none/interrupt'],
  ['POST', 'api/kernels/none/restart'],
  ['GET', 'api/sessions'],
  ['GET', 'api/sessions/none'],
  ['DELETE', 'api/sessions/none'],
  ['GET', 'api/kernelspecs/none'],
  ['GET', 'api/terminals'],
  ['GET', 'api/terminals/none'],
  ['DELETE', 'api/terminals/none'],
  ['GET', 'api/me'],
  ['GET', 'api/status'],
  ['GET', 'api'],
  ['GET', 'api/config/notebook'],
  ['GET', 'api/nothing'],
  ['PUT', 'api/kernels'],
  // Hidden files, where they are allowed.
  ['PUT', 'api/contents/.hidden', { type: 'file', format: 'text', content: 'h' }],
  ['GET', 'api/contents/.hidden'],
  ['PUT', 'api/contents/.folder', { type: 'directory' }],
  ['POST', 'api/contents/.folder', { type: 'notebook' }],
  ['GET', 'api/contents/.folder'],
  ['PATCH', 'api/contents/.hidden', { path: '.folder/.moved' }],
  ['GET', 'api/contents/.none'],
  ['DELETE', 'api/contents/.folder/.moved'],
  ['DELETE', 'api/contents/.folder'],
  // Uploads in pieces.
  ['PUT', 'api/contents/pieces.txt', { type: 'file', format: 'text', content: 'one ', chunk: 1 }],
  ['PUT', 'api/contents/pieces.txt', { type: 'file', format: 'text', content: 'two ', chunk: 2 }],
  ['PUT', 'api/contents/pieces.txt', { type: 'file', format: 'text', content: 'three', chunk: -1 }],
  ['GET', 'api/contents/pieces.txt?hash=1'],
  ['PUT', 'api/contents/pieces.bin', { type: 'file', format: 'base64', content: 'AP8B', chunk: 1 }],
  ['PUT', 'api/contents/pieces.bin', { type: 'file', format: 'base64', content: 'Av8=', chunk: -1 }],
  ['GET', 'api/contents/pieces.bin'],
  ['PUT', 'api/contents/pieces.txt', { type: 'file', chunk: 1 }],
  ['PUT', 'api/contents/pieces.txt', { type: 'file', content: 'x', chunk: 1 }],
  ['PUT', 'api/contents/pieces.ipynb', { type: 'notebook', content: notebook('1'), chunk: 1 }],
  // What is not well said.
  ['PUT', 'api/contents/bad.txt', { type: 'file', format: 'xml', content: 'x' }],
  ['PUT', 'api/contents/bad.txt', { type: 'file', content: 'x' }],
  ['PUT', 'api/contents/bad.txt', {}],
  ['PUT', 'api/contents/bad.txt', '{'],
  ['PUT', 'api/contents/empty.txt'],
  ['PUT', 'api/contents/empty.txt', { type: 'directory' }],
  ['PUT', 'api/contents/copied.txt', { copy_from: 'b.bin' }],
  ['PUT', 'api/contents/w%C3%B6rter%20und%20mehr.txt', { type: 'file', format: 'text', content: 'ü' }],
  ['GET', 'api/contents/w%C3%B6rter%20und%20mehr.txt?hash=1'],
  ['PATCH', 'api/contents/empty.txt', {}],
  ['PATCH', 'api/contents/empty.txt'],
  ['PATCH', 'api/contents/empty.txt', { path: 'empty.txt' }],
  ['PATCH', 'api/contents/empty.txt', { path: '../out.txt' }],
  ['GET', 'api/contents/b.bin?hash=2'],
  ['DELETE', 'api/contents'],
  // Checkpoints of files, and of what is not there.
  ['POST', 'api/contents/b.bin/checkpoints'],
  ['GET', 'api/contents/b.bin/checkpoints'],
  ['DELETE', 'api/contents/b.bin/checkpoints/other'],
  ['POST', 'api/contents/b.bin/checkpoints/checkpoint'],
  ['DELETE', 'api/contents/b.bin/checkpoints/checkpoint'],
  ['GET', 'api/contents/none/checkpoints'],
  ['POST', 'api/contents/none/checkpoints'],
  ['POST', 'api/contents/b.bin/checkpoints/none'],
  // Notebooks of other formats, and what is none.
  ['PUT', 'api/contents/3.ipynb', { type: 'file', format: 'text', content: JSON.stringify(ofFormat3) }],
  ['GET', 'api/contents/3.ipynb?type=notebook'],
  ['GET', 'api/contents/3.ipynb?type=file'],
  ['PUT', 'api/contents/5.ipynb', { type: 'file', format: 'text', content: '{"nbformat": 5, "cells": []}' }],
  ['GET', 'api/contents/5.ipynb'],
  ['PUT', 'api/contents/list.ipynb', { type: 'file', format: 'text', content: '[]' }],
  ['GET', 'api/contents/list.ipynb'],
  ['POST', 'api/contents/3.ipynb/trust'],
  ['POST', 'api/contents/none.ipynb/trust'],
  // Sections of settings.
  ['PUT', 'api/config/lab', { a: { b: 1, c: null }, d: [1] }],
  ['GET', 'api/config/lab'],
  ['PATCH', 'api/config/lab', { a: { b: null, e: 2 }, d: null }],
  ['GET', 'api/config/lab'],
  ['PATCH', 'api/config/lab', { a: { e: null } }],
  ['GET', 'api/config/lab'],
  ['PUT', 'api/config/lab', '[]'],
  // Sessions and kernels that are not there or not well said.
  ['POST', 'api/kernels', { name: 'none' }],
  ['POST', 'api/kernels', '{'],
  ['POST', 'api/sessions', {}],
  ['POST', 'api/sessions', { path: 'n.ipynb' }],
  ['POST', 'api/sessions', { type: 'notebook' }],
  ['PATCH', 'api/sessions/none', { path: 'x' }],
  ['POST', 'api/terminals', { name: 'mine' }],
  ['GET', 'api/terminals/mine'],
  ['DELETE', 'api/terminals/mine'],
  ['GET', 'api/me?permissions={"contents":["read"]}'],
  ['GET', 'api/me?permissions=x'],
  ['POST', 'api/events', {}],
  ['POST', 'api/events', { schema_id: 'unknown', version: '1', data: {} }],
  ['PUT', 'api/contents/b.bin', {}],
  ['PUT', 'api/contents/b.bin', { type: 'file', format: 'text', content: 'x', chunk: 'a' }],
  ['PUT', 'api/contents/b.bin', { type: 'file', format: 'base64', content: '????' }],
  ['GET', 'kernelspecs/none/logo-64x64.png'],
];

/** Where Jupyter Server says that it failed (500), or lies about what it did, we say what was wrong with the request. */
const deliberate: Record<string, number> = {
  'PUT api/contents/no/such/a.txt': 404,
  'POST api/contents/none/checkpoints': 404,
  'POST api/contents/b.bin/checkpoints/none': 404,
  'PUT api/config/lab "[]"': 400,
  'POST api/kernels {"name":"none"}': 404,
  'PUT api/contents/b.bin {"type":"file","format":"text","content":"x","chunk":"a"}': 400,
  'PUT api/contents/b.bin {"type":"file","format":"base64","content":"????"}': 400,
};

/** What differs from machine to machine, or is wording, is not compared: times, names of people, messages, MIME guesses of names. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(comparable);
    return items.every((item) => typeof item === 'object' && item !== null && 'path' in item)
      ? items.sort((a, b) => ((a as { path: string }).path < (b as { path: string }).path ? -1 : 1))
      : items;
  }
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'object' || value === null) return value;
  const wording =
    /^(created|last_modified|last_activity|started|message|reason|traceback|short_message|identity|version|kernels|connections|sockets|terminals|permissions)$/;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !wording.test(key) && key !== 'id')
      .map(([key, inner]) => [key, comparable(inner)]),
  );
}

describe.skipIf(!jupyterPython)('call by call like Jupyter Server (skipped where no Python has it)', () => {
  let lab: Lab;
  let jupyter: Jupyter;
  let prefix: string;
  beforeAll(async () => {
    prefix = mkdtempSync(join(tmpdir(), 'gradbook-prefix-'));
    execFileSync(process.execPath, [program, 'install', '--prefix', prefix]);
    const environment = { JUPYTER_PATH: join(prefix, 'share', 'jupyter'), GRADBOOK_HISTORY: ':memory:' };
    [lab, jupyter] = await Promise.all([openLab(), startJupyter('server', environment)]);
  }, 120_000);
  afterAll(async () => {
    await lab?.close();
    await jupyter?.close();
    rmSync(prefix, { recursive: true, force: true });
  });

  test('a user’s day has the same answers', async () => {
    for (const [method, path, body] of steps) {
      const title = `${method} ${path} ${body === undefined ? '' : JSON.stringify(body).slice(0, 80)}`;
      const ours = await lab.request(method, path, body);
      const theirs = await call(`${jupyter.url}${path}`, method, body, { authorization: 'token secret' });
      const said = `${method} ${path}`;
      const expected = deliberate[said] ?? deliberate[`${said} ${JSON.stringify(body)}`] ?? theirs.status;
      expect.soft([title, ours.status], title).toEqual([title, expected]);
      if (expected < 400 && theirs.status < 400 && theirs.json !== null)
        expect.soft([title, comparable(ours.json)], title).toEqual([title, comparable(theirs.json)]);
    }
  }, 240_000);

  /** Every message of a kernel to one front end, as `channel type`, until a request was answered and the kernel is idle again. */
  async function conversation(
    server: { url: string; token: string },
    kernel: string,
    protocol: string[],
    code: string,
  ): Promise<string[]> {
    const address = `${server.url.replace('http', 'ws')}api/kernels/${kernel}/channels?session_id=${randomUUID()}&token=${server.token}`;
    const socket = new WebSocket(address, protocol);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const id = randomUUID();
    const header = {
      msg_id: id,
      msg_type: 'execute_request',
      session: 'one',
      username: '',
      date: '',
      version: '5.3',
    };
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    const message = { header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: [] };
    const heard: string[] = [];
    const done = new Promise<void>((resolve) => {
      const ends = new Set<string>();
      socket.on('message', (data: Buffer) => {
        const { channel, header, parent_header, content } = socket.protocol
          ? readBinary(data)
          : JSON.parse(data.toString());
        if (parent_header.msg_id !== id) return;
        const detail = content.name ?? content.execution_state ?? content.status ?? '';
        heard.push(`${channel} ${header.msg_type} ${detail}`);
        if (header.msg_type === 'execute_reply') ends.add('reply');
        if (content.execution_state === 'idle') ends.add('idle');
        if (ends.size === 2) resolve();
      });
    });
    socket.send(socket.protocol ? writeBinary(message) : JSON.stringify(message));
    await done;
    const agreed = socket.protocol;
    socket.close();
    // Jupyter Server says some states twice.
    return [agreed, ...new Set(heard)].sort();
  }

  test('kernels and sessions have the same lives, and say the same through both protocols', async () => {
    const servers = [
      { url: lab.server.url, token: lab.server.token },
      { url: jupyter.url, token: jupyter.token },
    ];
    const lives = await Promise.all(
      servers.map(async (server) => {
        const log: unknown[] = [];
        const headers = { authorization: `token ${server.token}` };
        const ask = async (method: string, path: string, body?: unknown) => {
          const { status, json } = await call(`${server.url}${path}`, method, body, headers);
          // How far the start has come is chance.
          const state = /"execution_state":"(starting|idle|busy)"/g;
          log.push([method, path.replace(/[0-9a-f-]{36}/g, 'ID'), status]);
          log.push(comparable(JSON.parse(JSON.stringify(json).replace(state, '"execution_state":"alive"'))));
          return json;
        };
        const { id } = await ask('POST', 'api/kernels', { name: 'gradbook' });
        await ask('GET', `api/kernels/${id}`);
        const code = "console.log('out'); console.error('err'); 6 * 7";
        for (const protocol of [[], [binaryProtocol]])
          log.push(await conversation(server, id, protocol, code));
        log.push(await conversation(server, id, [binaryProtocol], "throw new Error('no')"));
        await ask('POST', `api/kernels/${id}/interrupt`);
        await ask('POST', `api/kernels/${id}/restart`);
        const request = { path: 'a/n.ipynb', type: 'notebook', name: '', kernel: { id } };
        const session = await ask('POST', 'api/sessions', request);
        await ask('GET', `api/sessions/${session.id}`);
        await ask('POST', 'api/sessions', { ...request, kernel: { name: 'gradbook' } });
        await ask('PATCH', `api/sessions/${session.id}`, { path: 'b.ipynb', name: 'b.ipynb' });
        await ask('PATCH', `api/sessions/${session.id}`, { kernel: { id: 'none' } });
        const other = await ask('PATCH', `api/sessions/${session.id}`, { kernel: { name: 'gradbook' } });
        log.push(other.kernel.id !== id);
        await ask('GET', 'api/sessions');
        await ask('DELETE', `api/sessions/${session.id}`);
        await ask('GET', `api/kernels/${other.kernel.id}`);
        await ask('GET', `api/sessions/${session.id}`);
        return log;
      }),
    );
    expect(lives[0]).toEqual(lives[1]);
  }, 240_000);

  test('events tell of contents and kernels in the same words', async () => {
    const servers = [
      { url: lab.server.url, token: lab.server.token },
      { url: jupyter.url, token: jupyter.token },
    ];
    const told = await Promise.all(
      servers.map(async (server) => {
        const socket = new WebSocket(
          `${server.url.replace('http', 'ws')}api/events/subscribe?token=${server.token}`,
        );
        await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
        const events: Record<string, unknown>[] = [];
        socket.on('message', (data: Buffer) => events.push(JSON.parse(data.toString())));
        const headers = { authorization: `token ${server.token}` };
        const ask = async (method: string, path: string, body?: unknown) =>
          (await call(`${server.url}${path}`, method, body, headers)).json;
        await ask('PUT', 'api/contents/event.txt', { type: 'file', format: 'text', content: '1' });
        await ask('GET', 'api/contents/event.txt');
        await ask('POST', 'api/contents', { copy_from: 'event.txt' });
        await ask('PATCH', 'api/contents/event.txt', { path: 'event2.txt' });
        await ask('DELETE', 'api/contents/event2.txt');
        const { id } = await ask('POST', 'api/kernels', { name: 'gradbook' });
        await ask('POST', `api/kernels/${id}/interrupt`);
        await ask('DELETE', `api/kernels/${id}`);
        await expect
          .poll(() => events.some(({ action }) => action === 'shutdown'), { timeout: 30_000 })
          .toBe(true);
        socket.close();
        // Jupyter Server writes a copy's path with a slash before it, and tells that it saved it as well.
        const known = JSON.stringify(events).replaceAll(id, 'ID').replaceAll('"/event', '"event');
        return (JSON.parse(known) as typeof events).filter(
          ({ action, path }) => action !== 'save' || path === 'event.txt',
        );
      }),
    );
    // How often a file is looked at on the way to a change is the server's own affair.
    const changes = (events: Record<string, unknown>[]) => events.filter(({ action }) => action !== 'get');
    expect(changes(told[0])).toEqual(changes(told[1]));
    for (const events of told) expect(events.map(({ action }) => action)).toContain('get');
  }, 120_000);
});
