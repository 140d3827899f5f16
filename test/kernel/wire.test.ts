import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Received, TestKernel } from './client.ts';
import { result } from './outputs.ts';

let kernel: TestKernel;
beforeAll(async () => {
  kernel = await TestKernel.start();
});
afterAll(() => kernel.stop());

type Json = Record<string, unknown>;
const types = (messages: Received[]): string[] => messages.map(({ header }) => header.msg_type);
const states = (messages: Received[]): unknown[] =>
  messages.filter(({ header }) => header.msg_type === 'status').map((m) => m.content.execution_state);

describe('connections', () => {
  test.each([
    ['ipc, ip and port joined by a hyphen', { transport: 'ipc' as const }],
    ['an empty key, which signs nothing', { key: '' }],
    ['CurveZMQ with the keys of the connection file', { curve: true }],
  ])('%s', async (_, options) => {
    const other = await TestKernel.start(options);
    expect(result((await other.execute('1 + 1')).outputs)).toBe('2');
    await other.sockets.hb.send('beat');
    expect((await other.sockets.hb.receive()).map(String)).toEqual(['beat']);
    expect((await other.request('kernel_info_request', {}, 'control')).content.status).toBe('ok');
    expect(await other.stop()).toBe(0);
  });
});

describe('the envelope', () => {
  test('a parent header is an exact copy, fields that nobody knows included; the kernel has a session and ids of its own', async () => {
    const extra = { subshell_id: null, flavour: { of: ['lime'] } };
    const { reply } = await kernel.execute('2', {}, extra);
    const published = kernel.of(reply.parent.msg_id!);
    for (const message of [reply, ...published]) {
      expect(message.parent).toMatchObject({ ...extra, session: kernel.session, username: 'tester' });
      expect(message.header.session).not.toBe(kernel.session);
      expect(message.header.version).toBe('5.5');
      expect(String(message.header.date)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/);
    }
    const ids = [reply, ...published].map(({ header }) => header.msg_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(published.map(({ header }) => header.session)).size).toBe(1);
  });

  test('a published message has one topic frame, which ends with its type', async () => {
    const { reply } = await kernel.execute('3');
    for (const { topics, header } of kernel.of(reply.parent.msg_id!)) {
      expect(topics).toHaveLength(1);
      expect(topics[0]).toMatch(new RegExp(`^kernel\\..+\\.${header.msg_type}$`));
    }
  });

  test('an execute_reply says when it started and how it ended', async () => {
    const { reply } = await kernel.execute('4');
    expect(reply.metadata).toMatchObject({ status: 'ok', dependencies_met: true, engine: kernel.session });
    expect(Date.parse(String(reply.metadata.started))).toBeGreaterThan(Date.now() - 60_000);
  });

  test('a header without fields that it needs, and one that is no object, are dropped', async () => {
    const { shell } = kernel.sockets;
    await shell.send(kernel.encode('kernel_info_request', {}, { msg_id: 7 }));
    await shell.send(kernel.encode('kernel_info_request', []));
    await shell.send(kernel.encode('nothing_request', {}));
    expect((await kernel.request('kernel_info_request', {})).content.status).toBe('ok');
    await kernel.until(() => /msg_id[\s\S]*not a JSON object[\s\S]*nothing_request/.test(kernel.stderr));
  });
});

describe('requests', () => {
  test.each<[string, Json, 'shell' | 'control']>([
    ['kernel_info_request', {}, 'shell'],
    ['kernel_info_request', {}, 'control'],
    ['complete_request', { code: 'Math.ma', cursor_pos: 7 }, 'shell'],
    ['inspect_request', { code: 'Math', cursor_pos: 2, detail_level: 1 }, 'shell'],
    ['is_complete_request', { code: '1' }, 'control'],
    ['history_request', { hist_access_type: 'tail', n: 1 }, 'shell'],
    ['connect_request', {}, 'shell'],
    ['comm_info_request', {}, 'shell'],
    ['usage_request', {}, 'control'],
    ['debug_request', { type: 'request', seq: 1, command: 'attach' }, 'control'],
    ['interrupt_request', {}, 'control'],
    ['list_subshell_request', {}, 'control'],
    ['delete_subshell_request', { subshell_id: 'nobody' }, 'control'],
  ])('%s %j on %s has its reply between busy and idle', async (type, content, channel) => {
    const reply = await kernel.request(type, content, channel);
    expect(reply.header.msg_type).toBe(type.replace(/_request$/, '_reply'));
    const id = reply.parent.msg_id!;
    await kernel.until(() => states(kernel.of(id)).includes('idle'));
    expect(states(kernel.of(id))).toEqual(['busy', 'idle']);
    expect(kernel.of(id).every(({ parent }) => parent.msg_type === type)).toBe(true);
  });

  test('is_complete: the four answers, and how the next line is indented', async () => {
    const ask = async (code: string): Promise<Json> =>
      (await kernel.request('is_complete_request', { code })).content;
    expect(await ask('const x = 1')).toEqual({ status: 'complete' });
    expect(await ask('function f() {')).toEqual({ status: 'incomplete', indent: '  ' });
    expect(await ask('  if (x) {\n    y(')).toEqual({ status: 'incomplete', indent: '      ' });
    expect(await ask('const const')).toEqual({ status: 'invalid' });
  });

  test('inspect: what is not there is not found; detail 1 tells at least as much as detail 0', async () => {
    const ask = async (code: string, detail_level: number): Promise<Json> =>
      (await kernel.request('inspect_request', { code, cursor_pos: code.length, detail_level })).content;
    expect(await ask('nothingOfThisName', 0)).toEqual({ status: 'ok', found: false, data: {}, metadata: {} });
    const [brief, full] = [await ask('Math.max', 0), await ask('Math.max', 1)] as {
      data: Record<string, string>;
    }[];
    expect(brief).toMatchObject({ status: 'ok', found: true, metadata: {} });
    expect(full.data['text/plain'].startsWith(brief.data['text/plain'])).toBe(true);
  });

  test('complete: the experimental types stand in the order of the matches', async () => {
    const { content } = await kernel.request('complete_request', { code: 'Math.', cursor_pos: 5 });
    const { matches, metadata } = content as unknown as {
      matches: string[];
      metadata: { _jupyter_types_experimental: Json[] };
    };
    expect(content).toMatchObject({ status: 'ok', cursor_start: 5, cursor_end: 5 });
    expect(metadata._jupyter_types_experimental.map(({ text }) => text)).toEqual(matches);
    expect(metadata._jupyter_types_experimental[0]).toMatchObject({
      start: 5,
      end: 5,
      type: expect.any(String),
    });
  });

  test('an interrupt that nothing waits for harms nothing', async () => {
    expect((await kernel.request('interrupt_request', {}, 'control')).content).toEqual({ status: 'ok' });
    expect(result((await kernel.execute('5')).outputs)).toBe('5');
  });

  test('store_history false counts nothing and keeps nothing; silent too', async () => {
    const { reply: before } = await kernel.execute('6');
    await kernel.execute('"unkept"', { store_history: false });
    const { reply: after } = await kernel.execute('7');
    expect(Number(after.content.execution_count)).toBe(Number(before.content.execution_count) + 1);
    const { history } = (
      await kernel.request('history_request', { hist_access_type: 'search', pattern: '*unkept*' })
    ).content as unknown as { history: unknown[] };
    expect(history).toEqual([]);
  });

  test('payload: page and set_next_input', async () => {
    const page = (await kernel.execute('?Math')).reply.content.payload as unknown as Json[];
    expect(page[0]).toMatchObject({ source: 'page', data: { 'text/plain': expect.stringMatching(/Math/) } });
    await kernel.execute("import { writeFileSync as put } from 'node:fs'; put('next.ts', '1 + 1')");
    const next = (await kernel.execute('%load next.ts')).reply.content.payload as unknown as Json[];
    expect(next[0]).toMatchObject({ source: 'set_next_input', text: '1 + 1' });
  });

  test('without stop_on_error what is queued runs', async () => {
    const ids = await Promise.all(
      ['throw new Error("first")', '8'].map((code) =>
        kernel.send('execute_request', { code, stop_on_error: false }),
      ),
    );
    const replies = await Promise.all(ids.map((id) => kernel.reply(id)));
    expect(replies.map((reply) => reply.content.status)).toEqual(['error', 'ok']);
  });

  test('input_request goes to who asked, with the cell as its parent, and says what is a password', async () => {
    const id = await kernel.send('execute_request', {
      code: "input('word? ', { password: true })",
      allow_stdin: true,
    });
    const answered = kernel.reply(id);
    const frames = (await kernel.sockets.stdin.receive()).map(String);
    const [, , header, parent, , content] = frames.slice(frames.indexOf('<IDS|MSG>'));
    expect(JSON.parse(header)).toMatchObject({ msg_type: 'input_request' });
    expect(JSON.parse(parent)).toMatchObject({ msg_id: id, msg_type: 'execute_request' });
    expect(JSON.parse(content)).toEqual({ prompt: 'word? ', password: true });
    await kernel.send('input_reply', { value: 'grün' }, 'stdin');
    await answered;
    await kernel.until(() => types(kernel.of(id)).includes('execute_result'));
    expect(result(kernel.of(id))).toBe("'grün'");
  });
});

describe('comms', () => {
  test('the front-end opens one, both sides send data and buffers, comm_info lists it, and closing ends it', async () => {
    await kernel.execute(
      `const got: unknown[] = [];
(globalThis as any).__comms.register('echo', (comm: any, { data }: any) => {
  got.push(data);
  comm.onMessage = ({ data, buffers }: any) => comm.send({ back: data }, buffers.map((b: Uint8Array) => b.toReversed()));
  comm.onClose = () => got.push('closed');
});`,
    );
    await kernel.request('kernel_info_request', {});
    await kernel.send('comm_open', { comm_id: 'e1', target_name: 'echo', data: { hello: 1 } });
    const info = async (content: Json): Promise<unknown> =>
      (await kernel.request('comm_info_request', content)).content;
    expect(await info({ target_name: 'echo' })).toEqual({
      status: 'ok',
      comms: { e1: { target_name: 'echo' } },
    });
    expect(await info({ target_name: 'other' })).toEqual({ status: 'ok', comms: {} });
    const id = await kernel.send('comm_msg', { comm_id: 'e1', data: { n: 2 } }, 'shell', {}, [
      Buffer.from([1, 2, 3]),
    ]);
    await kernel.until(() => states(kernel.of(id)).includes('idle'));
    expect(types(kernel.of(id))).toEqual(['status', 'comm_msg', 'status']);
    const [, back] = kernel.of(id);
    expect(back.content).toEqual({ comm_id: 'e1', data: { back: { n: 2 } } });
    expect(back.buffers.map((buffer) => [...buffer])).toEqual([[3, 2, 1]]);
    await kernel.send('comm_close', { comm_id: 'e1', data: {} });
    expect(await info({})).toEqual({ status: 'ok', comms: {} });
    expect(result((await kernel.execute('got')).outputs)).toBe("[ { hello: 1 }, 'closed' ]");
  });

  test('a cell opens one, with metadata and buffers', async () => {
    const { outputs } = await kernel.execute(
      "const opened = (globalThis as any).__comms.open('page', { a: 1 }, { version: '2' }, [new Uint8Array([9])], 'k1'); opened.send({ b: 2 }); opened.close()",
    );
    expect(types(outputs)).toEqual(['comm_open', 'comm_msg', 'comm_close']);
    expect(outputs[0].content).toEqual({ comm_id: 'k1', target_name: 'page', data: { a: 1 } });
    expect(outputs[0].metadata).toEqual({ version: '2' });
    expect(outputs[0].buffers.map((buffer) => [...buffer])).toEqual([[9]]);
    expect(outputs[1].content).toEqual({ comm_id: 'k1', data: { b: 2 } });
  });
});

describe('history', () => {
  test('is kept across sessions, with outputs, and of each subshell for itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gradbook-history-'));
    const history = join(folder, 'history.sqlite');
    const first = await TestKernel.start({ history });
    await first.execute("'first session'");
    await first.stop();
    const second = await TestKernel.start({ history });
    await second.execute("'second session'");
    const { subshell_id: shell } = (await second.request('create_subshell_request', {}, 'control'))
      .content as unknown as { subshell_id: string };
    await second.execute("'in the subshell'", {}, { subshell_id: shell });
    const ask = async (content: Json, header: Json = {}): Promise<unknown[][]> =>
      (await second.request('history_request', content, 'shell', header)).content
        .history as unknown as unknown[][];
    const range = { hist_access_type: 'range', start: 1, stop: 2 };
    expect((await ask({ ...range, session: -1 })).map((row) => row[2])).toEqual(["'first session'"]);
    expect((await ask({ ...range, session: 0 })).map((row) => row[2])).toEqual(["'second session'"]);
    expect((await ask({ ...range, session: 0 }, { subshell_id: shell })).map((row) => row[2])).toEqual([
      "'in the subshell'",
    ]);
    expect(await ask({ ...range, session: 0, output: true })).toEqual([
      [expect.any(Number), 1, ["'second session'", "'second session'"]],
    ]);
    await second.execute("'second session'");
    const unique = { hist_access_type: 'search', pattern: "'second*", unique: true };
    expect(await ask(unique)).toHaveLength(1);
    expect(await ask({ ...unique, unique: false })).toHaveLength(2);
    await second.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});

test('shutdown is answered on control and told on iopub, with restart as it was asked for', async () => {
  const other = await TestKernel.start();
  const reply = await other.request('shutdown_request', { restart: true }, 'control');
  expect(reply.content).toEqual({ status: 'ok', restart: true });
  await other.until(() => types(other.iopub).includes('shutdown_reply'));
  const told = other.iopub.find(({ header }) => header.msg_type === 'shutdown_reply')!;
  expect(told).toMatchObject({ parent: {}, content: { status: 'ok', restart: true } });
  await other.until(() => other.hasEnded);
  expect(await other.stop()).toBe(0);
});
