import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { hashPassword } from '../../lab/server/access/credentials.ts';
import { namesIn } from '../../lab/server/contents/root.ts';
import { call, type Lab, labForTest, openLab } from './labServer.ts';

/** Raw: no client may mend what an attacker sends. */
function raw(url: string, method: string, path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, method, path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

/** The status with which a socket is refused, or 101. */
function socketStatus(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace('http', 'ws'), { headers });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => resolve(0));
  });
}

let lab: Lab;
const secret = mkdtempSync(join(tmpdir(), 'gradbook-secret-'));
beforeAll(async () => {
  lab = await openLab({ passwordHash: hashPassword('correct horse') });
  writeFileSync(join(secret, 'key.txt'), 'the secret');
});
afterAll(() => lab.close());

/** Logs in as a browser does. @returns its cookies. */
async function browser(): Promise<{ cookie: string; xsrf: string }> {
  const page = await call(`${lab.server.url}lab?token=${lab.server.token}`, 'GET', undefined, {
    accept: 'text/html',
  });
  const cookies = page.headers.getSetCookie();
  const pairs = cookies.map((line) => line.split(';')[0]);
  return { cookie: pairs.join('; '), xsrf: pairs.find((pair) => pair.startsWith('_xsrf='))!.slice(6) };
}

describe('who is let in', () => {
  test('nothing is answered without a token, and a page is sent to the login', async () => {
    for (const path of [
      'api',
      'api/contents',
      'api/kernels',
      'files/a',
      'lab/api/settings',
      'static/lab/main.js',
    ])
      expect((await call(`${lab.server.url}${path}`, 'GET')).status).toBe(403);
    const page = await call(`${lab.server.url}lab/tree/a?token=wrong&reset`, 'GET', undefined, {
      accept: 'text/html',
    });
    expect([page.status, page.headers.get('location')]).toEqual([
      302,
      '/login?next=%2Flab%2Ftree%2Fa%3Freset%3D',
    ]);
  });

  test('the token is traded for a cookie that scripts cannot read and other sites do not send', async () => {
    const page = await call(`${lab.server.url}lab?token=${lab.server.token}`, 'GET', undefined, {
      accept: 'text/html',
    });
    const session = page.headers.getSetCookie().find((line) => line.startsWith('gradbook-'))!;
    expect(session).toMatch(/; HttpOnly/);
    expect(session).toMatch(/; SameSite=Strict/);
    expect(session).not.toContain(lab.server.token);
    expect(page.text).not.toContain(lab.server.token);
    const { cookie } = await browser();
    expect((await call(`${lab.server.url}api/kernels`, 'GET', undefined, { cookie })).status).toBe(200);
  });

  test('a change under a cookie needs the XSRF token, one under a token does not', async () => {
    const { cookie, xsrf } = await browser();
    const post = (headers: Record<string, string>) =>
      call(`${lab.server.url}api/contents`, 'POST', { type: 'file' }, headers).then(({ status }) => status);
    expect(await post({ cookie })).toBe(403);
    expect(await post({ cookie, 'x-xsrftoken': 'wrong' })).toBe(403);
    expect(await post({ cookie, 'x-xsrftoken': xsrf, origin: 'http://evil.example' })).toBe(403);
    expect(await post({ cookie, 'x-xsrftoken': xsrf, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post({ cookie, 'x-xsrftoken': xsrf, origin: lab.server.url.slice(0, -1) })).toBe(201);
    expect(await post({ authorization: `token ${lab.server.token}` })).toBe(201);
    expect(await post({ authorization: `Bearer ${lab.server.token}` })).toBe(201);
  });

  test('a password opens the login page, and a wrong one does not', async () => {
    const page = await call(`${lab.server.url}login`, 'GET');
    const xsrf = /name="_xsrf" value="(\w+)"/.exec(page.text)![1];
    const log = (fields: Record<string, string>, next = '/lab') =>
      fetch(`${lab.server.url}login?next=${encodeURIComponent(next)}`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(fields),
      });
    expect((await log({ _xsrf: xsrf, password: 'wrong' })).status).toBe(401);
    expect((await log({ _xsrf: 'wrong', password: 'correct horse' })).status).toBe(403);
    const good = await log({ _xsrf: xsrf, password: 'correct horse' });
    expect([good.status, good.headers.get('location')]).toEqual([302, '/lab']);
    for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)'])
      expect((await log({ _xsrf: xsrf, password: 'correct horse' }, next)).headers.get('location')).toBe(
        '/lab',
      );
  });

  test('guesses are slow and few: a hundred at once are not all looked at, and the right one waits with them', async () => {
    const guarded = await labForTest({ passwordHash: hashPassword('correct horse') });
    const page = await call(`${guarded.server.url}login`, 'GET');
    const xsrf = /name="_xsrf" value="(\w+)"/.exec(page.text)![1];
    const guess = async (password: string) =>
      fetch(`${guarded.server.url}login`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ _xsrf: xsrf, password }),
      });
    const began = performance.now();
    const replies = await Promise.all(Array.from({ length: 100 }, (_, i) => guess(`guess ${i}`)));
    expect(performance.now() - began).toBeGreaterThan(490);
    const count = (status: number) => replies.filter((reply) => reply.status === status).length;
    expect([count(401), count(429)]).toEqual([10, 90]);
    const late = await guess('correct horse');
    expect(late.status).toBe(429);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    // The token opens the door all the same.
    expect((await guarded.request('GET', 'api/contents')).status).toBe(200);
  });

  test('every answer carries the headers that keep other sites out', async () => {
    const { headers } = await lab.request('GET', 'api/contents');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toMatch(/frame-ancestors 'self'/);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a port in use moves on to the next', async () => {
    const port = Number(new URL(lab.server.url).port);
    const other = await labForTest({ port, portRetries: 20 });
    expect(Number(new URL(other.server.url).port)).toBeGreaterThan(port);
    await expect(openLab({ port })).rejects.toThrow(/EADDRINUSE/);
  });

  test('a request that is too large is refused before it is read', async () => {
    const { port } = new URL(lab.server.url);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `PUT /api/contents/big HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: token ${lab.server.token}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`,
        );
      });
      socket.once('data', (data) => {
        socket.destroy();
        resolve(data.toString());
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413/);
  });
});

describe('names', () => {
  test('what Windows would take for a device or change is refused there', () => {
    for (const name of [
      'con',
      'NUL.txt',
      'aux.ipynb',
      'COM1',
      'lpt9.log',
      'a:b',
      'trailing.',
      'trailing ',
      'a\\..\\b',
      'a|b',
    ])
      expect(() => namesIn(`folder/${name}`, 'win32'), name).toThrow();
    for (const name of ['console', 'auxiliary.ipynb', 'com', 'a b.txt'])
      expect(namesIn(name, 'win32')).toEqual([name]);
  });
});

/** A small generator whose stream is the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('1,000 attacks', () => {
  const next = random(20_240_601);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)];

  test('400 paths that would leave the root are refused, and show nothing', async () => {
    const ups = [
      '..',
      '%2e%2e',
      '%2E.',
      '.%2e',
      '..%2f..',
      '..%5c',
      '%252e%252e',
      '..;',
      '..%00',
      '%c0%ae%c0%ae',
      '..%ef%bc%8f',
      '....//',
    ];
    const endpoints = [
      'api/contents',
      'files',
      'nbconvert/html',
      'nbconvert/script',
      'static/lab',
      'lab/extensions/@gradbook/plotly',
      'lab/api/themes',
      'kernelspecs/gradbook',
      'static/favicons',
    ];
    const targets = [
      'etc/passwd',
      'etc%2fpasswd',
      `${secret.slice(1)}/key.txt`,
      'proc/self/environ',
      'key.txt',
      'etc/passwd%00.ipynb',
    ];
    for (let i = 0; i < 400; i++) {
      const depth = 1 + Math.floor(next() * 12);
      const up = Array.from({ length: depth }, () => pick(ups)).join(pick(['/', '%2f', '//', '/./']));
      const path = `/${pick(endpoints)}/${up}/${pick(targets)}`;
      const method = pick(['GET', 'GET', 'GET', 'PUT', 'PATCH', 'DELETE', 'POST']);
      const status = await raw(lab.server.url, method, path, { authorization: `token ${lab.server.token}` });
      expect(status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
      expect(status, `${method} ${path}`).toBeLessThan(500);
    }
    expect(readFileSync(join(secret, 'key.txt'), 'utf8')).toBe('the secret');
    expect(readdirSync(secret)).toEqual(['key.txt']);
  });

  test('200 tokens that are near the right one are refused', async () => {
    const right = lab.server.token;
    for (let i = 0; i < 200; i++) {
      const at = Math.floor(next() * right.length);
      const wrong = pick([
        right.slice(0, at),
        right.slice(0, at) + pick([...'ghxyz']) + right.slice(at + 1),
        `${right}0`,
        right.toUpperCase() === right ? `${right}A` : right.toUpperCase(),
        ` ${right.slice(1)}`,
        '',
        'undefined',
        'null',
        `${right}\0`.replace('\0', '%00'),
      ]);
      const authorization = pick(['token ', 'Bearer ', 'TOKEN ', 'Basic ']) + wrong;
      const byHeader = next() < 0.5;
      const path = byHeader ? '/api/contents' : `/api/contents?token=${encodeURIComponent(wrong)}`;
      expect(await raw(lab.server.url, 'GET', path, byHeader ? { authorization } : {}), authorization).toBe(
        403,
      );
    }
  });

  test('200 hosts and origins of others are refused, with the right token', async () => {
    const { port } = new URL(lab.server.url);
    const { cookie, xsrf } = await browser();
    const names = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '127.0.0.2',
      '0.0.0.0',
      '[::]',
      'evil.example:80@127.0.0.1',
      '2130706433',
      '127.1',
    ];
    for (let i = 0; i < 100; i++) {
      const host = `${pick(names)}${pick(['', `:${port}`, ':80'])}`;
      const status = await raw(lab.server.url, 'GET', '/api/contents', {
        host,
        authorization: `token ${lab.server.token}`,
      });
      expect([400, 403], host).toContain(status);
    }
    for (let i = 0; i < 100; i++) {
      const origin = pick([
        'null',
        `http://${pick(names)}:${port}`,
        `https://127.0.0.1:${port}0`,
        'file://',
        `http://127.0.0.1:${Number(port) + 1}`,
      ]);
      const headers = { origin, cookie, 'x-xsrftoken': xsrf, host: `127.0.0.1:${port}` };
      expect(
        await raw(lab.server.url, pick(['POST', 'PUT', 'DELETE', 'PATCH']), '/api/contents/x', headers),
        origin,
      ).toBe(403);
    }
  });

  test('150 sockets without the right token, origin or destination are refused', async () => {
    const { cookie } = await browser();
    const own = lab.server.url.slice(0, -1);
    const places = ['api/events/subscribe', 'api/kernels/none/channels', 'terminals/websocket/1'];
    for (let i = 0; i < 150; i++) {
      const place = `${lab.server.url}${pick(places)}`;
      const status = await pick([
        () => socketStatus(place, {}),
        () => socketStatus(place, { cookie: cookie.replace(/=./, '=x'), origin: own }),
        () => socketStatus(place, { cookie, origin: 'http://evil.example' }),
        () => socketStatus(`${place}?token=wrong`, { origin: own }),
        () => socketStatus(`${place}?token=${lab.server.token}`, { origin: 'http://evil.example' }),
        () => socketStatus(place, { cookie, host: 'evil.example', origin: 'http://evil.example' }),
      ])();
      expect([403, 400], place).toContain(status);
    }
    expect(await socketStatus(`${lab.server.url}api/kernels/none/channels`, { cookie, origin: own })).toBe(
      404,
    );
    expect(await socketStatus(`${lab.server.url}api/events/subscribe`, { cookie, origin: own })).toBe(101);
  });

  test('50 bodies and 50 requests that are no HTTP are answered or cut off, and the server goes on', async () => {
    const { port } = new URL(lab.server.url);
    const bodies = [
      '',
      '[',
      '[]',
      '{"type":',
      'null',
      '"x"',
      '7',
      '{"__proto__":{"type":"file"}}',
      '{"type":{"a":1}}',
      '\0\0',
    ];
    for (let i = 0; i < 50; i++) {
      const path = pick([
        'api/contents/x',
        'api/sessions',
        'api/terminals',
        'api/events',
        'lab/api/workspaces/x',
        'lab/api/settings/x:y',
      ]);
      const { status } = await lab.request(pick(['PUT', 'POST', 'PATCH']), path, pick(bodies));
      expect(status, path).not.toBe(500);
    }
    for (let i = 0; i < 50; i++)
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => {
          const noise = Array.from({ length: 40 }, () => String.fromCharCode(Math.floor(next() * 256))).join(
            '',
          );
          socket.end(
            `${pick(['GET', 'XX', ''])} ${noise} HTTP/${pick(['1.1', '9', ''])}\r\n${noise}\r\n\r\n`,
          );
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
        setTimeout(() => socket.destroy(), 200);
      });
    expect((await lab.request('GET', 'api/status')).status).toBe(200);
  });
});
