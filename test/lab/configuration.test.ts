import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Lab, openLab } from './labServer.ts';

const program = fileURLToPath(new URL('../../dist/kernel/cli/main.js', import.meta.url));

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

describe('/api/config', () => {
  const section = 'api/config/notebook';

  test('a section is empty, replaced, merged, and null removes', async () => {
    expect((await lab.request('GET', section)).json).toEqual({});
    expect((await lab.request('PUT', section, { a: { b: 1, c: 2 }, d: [1] })).status).toBe(204);
    const change = { a: { b: null, e: 'new' }, d: [2], f: { g: null } };
    const patched = await lab.request('PATCH', section, change);
    expect([patched.status, patched.json]).toEqual([200, { a: { c: 2, e: 'new' }, d: [2] }]);
    await lab.request('PATCH', section, { a: { c: null, e: null } });
    expect((await lab.request('GET', section)).json).toEqual({ d: [2] });
  });

  test('what packages put into section.d lies below what the user wrote', async () => {
    const folder = join(process.env.JUPYTER_CONFIG_DIR!, 'serverconfig', 'tree.d');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'a.json'), '{"x": 1, "y": 1, "z": 1}');
    writeFileSync(join(folder, 'b.json'), '{"y": 2}');
    await lab.request('PUT', 'api/config/tree', { z: 3 });
    expect((await lab.request('GET', 'api/config/tree')).json).toEqual({ x: 1, y: 2, z: 3 });
  });

  test('changes at the same time all arrive', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => lab.request('PATCH', 'api/config/many', { [`key${i}`]: i })),
    );
    expect(Object.keys((await lab.request('GET', 'api/config/many')).json)).toHaveLength(20);
  });

  test('a name that is a path and a body that is no object are refused', async () => {
    expect((await lab.request('PUT', 'api/config/..%2Fescape', {})).status).toBe(404);
    expect((await lab.request('PUT', section, '[1]')).status).toBe(400);
    expect((await lab.request('PATCH', section, '')).status).toBe(400);
    expect((await lab.request('PUT', section, '{"__proto__": {"polluted": true}}')).status).toBe(204);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

test('the description names every call of the API, and what it does', async () => {
  const { headers, text } = await lab.request('GET', 'api/spec.yaml');
  expect(headers.get('content-type')).toBe('text/x-yaml');
  const { openapi, paths } = JSON.parse(text) as {
    openapi: string;
    paths: Record<string, Record<string, { summary: string }>>;
  };
  expect(openapi).toBe('3.1.0');
  // Those of Jupyter Server's own description that concern more than itself.
  for (const path of [
    '/api/contents/{path}',
    '/api/kernels/{id}/restart',
    '/api/sessions/{id}',
    '/api/config/{section}',
    '/api/terminals/{name}',
    '/api/kernelspecs',
    '/api/status',
    '/api/me',
    '/api/spec.yaml',
  ])
    expect(Object.keys(paths)).toContain(path);
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => ({ call: `${method} ${path}`, summary })),
  );
  expect(calls.length).toBeGreaterThan(30);
  expect(calls.filter(({ summary }) => summary === '')).toEqual([]);
});

test('the metrics count the kernels in', async () => {
  const before = (await lab.request('GET', 'api/metrics/v1')).json;
  expect(before.rss).toBeGreaterThan(20 * 2 ** 20);
  expect(before.limits.memory.rss).toBeGreaterThan(before.rss);
  const { id } = (await lab.request('POST', 'api/kernels', { name: 'gradbook' })).json;
  const usage = (await lab.request('GET', `api/metrics/v1/kernel_usage/get_usage/${id}`)).json.content;
  if (process.platform !== 'win32') {
    expect(usage.pid).toBe(lab.server.kernels.get(id)!.pid);
    expect(usage.kernel_memory).toBeGreaterThan(0);
    expect((await lab.request('GET', 'api/metrics/v1')).json.rss).toBeGreaterThan(before.rss);
  }
  await lab.request('DELETE', `api/kernels/${id}`);
  expect((await lab.request('GET', `api/metrics/v1/kernel_usage/get_usage/${id}`)).status).toBe(404);
});

describe('gradbook password', () => {
  const run = async (input: string, args: string[], config: string) => {
    const child = spawn(process.execPath, [program, 'password', ...args], {
      env: { ...process.env, JUPYTER_CONFIG_DIR: config },
    });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    child.stdin.end(input);
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, text };
  };

  test('keeps a hash that only the user can read, and refuses a slip or a short one', async () => {
    const config = mkdtempSync(join(tmpdir(), 'gradbook-password-'));
    onTestFinished(() => rmSync(config, { recursive: true, force: true }));
    const file = join(config, 'gradbook-password');
    expect(await run('correct horse\ncorrect house\n', [], config)).toMatchObject({
      code: 1,
      text: expect.stringContaining('the two differ'),
    });
    expect((await run('short\nshort\n', [], config)).text).toContain('at least 8');
    expect((await run('', [], config)).text).toContain('no password was given');
    expect((await run('correct horse\ncorrect horse\n', [], config)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^scrypt:[0-9a-f]{32}:[0-9a-f]{64}\n$/);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await run('', ['--remove'], config)).text).toContain('removed the password');
    expect((await run('', ['--remove'], config)).text).toContain('there was no password');
  });
});
